"""`flakelens doctor --format json`: the frozen view `flakelens.doctor/1`."""

from __future__ import annotations

import msgspec

from flakelens.render.escape import json_text
from flakelens.report import DoctorReport

SCHEMA = "flakelens.doctor/1"


class FindingView(msgspec.Struct, frozen=True, kw_only=True):
    """One finding; `code` is a heading of docs/doctor.md."""

    code: str
    serious: bool
    where: str
    message: str
    mend: str


class DoctorView(msgspec.Struct, frozen=True, kw_only=True):
    """The document. `runs` were looked at, `counting` of them count for `branch`."""

    schema: str
    branch: str
    runs: int
    counting: int
    findings: list[FindingView]


def doctor_json(report: DoctorReport) -> str:
    """The document as JSON, indented, with a newline at its end."""
    document = DoctorView(
        schema=SCHEMA,
        branch=report.branch,
        runs=report.runs,
        counting=report.counting,
        findings=[
            FindingView(
                code=finding.code,
                serious=finding.serious,
                where=finding.where,
                message=finding.message,
                mend=finding.mend,
            )
            for finding in report.findings
        ],
    )
    return json_text(msgspec.json.format(msgspec.json.encode(document), indent=2).decode()) + "\n"
