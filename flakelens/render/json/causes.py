"""`flakelens causes --format json`: the frozen view `flakelens.causes/1`; `plan` uses its causes."""

from __future__ import annotations

import msgspec

from flakelens.render.escape import json_text
from flakelens.render.json.price import PriceView, price_view
from flakelens.report.causes import CauseLine, CausesReport, FactorLine, SignatureLine

SCHEMA = "flakelens.causes/1"


class SignatureView(msgspec.Struct, frozen=True, kw_only=True):
    """What most failures of a cause said; `category` is a guess."""

    hash: str
    line: str
    example: str
    category: str
    failures: int
    of: int


class FactorView(msgspec.Struct, frozen=True, kw_only=True):
    """Where a cause strikes more often; `odds_ratio` is null where it never failed elsewhere."""

    factor: str
    level: str
    failed: int
    ran: int
    failed_elsewhere: int
    ran_elsewhere: int
    odds_ratio: float | None
    low: float | None
    high: float | None
    not_separable_from: list[str]


class CauseTestView(msgspec.Struct, frozen=True, kw_only=True):
    """One test of a cause, and the runs in which it failed or was flaky."""

    file: str
    name: str
    variant: str
    area: str
    state: str
    runs: int
    owner: str | None


class CauseView(msgspec.Struct, frozen=True, kw_only=True):
    """Tests that fail together, or one that fails alone."""

    id: str
    state: str
    tests: list[CauseTestView]
    areas: list[str]
    files: list[str]
    signature: SignatureView | None
    factors: list[FactorView]
    runs: int
    failures: int
    flaky: int
    first_run: str
    last_run: str
    owners: list[str]
    price: PriceView


class CausesView(msgspec.Struct, frozen=True, kw_only=True):
    """The document: clusters before single tests, those that say the same one after the other."""

    schema: str
    branch: str
    runs: int
    outages: int
    causes: list[CauseView]


def causes_json(report: CausesReport) -> str:
    """The document as JSON, indented, with a newline at its end."""
    lines = (*report.clusters, *(line for group in report.singles for line in group))
    document = CausesView(
        schema=SCHEMA,
        branch=report.branch,
        runs=report.runs,
        outages=report.left_out,
        causes=[cause_view(line) for line in lines],
    )
    return json_text(msgspec.json.format(msgspec.json.encode(document), indent=2).decode()) + "\n"


def cause_view(line: CauseLine) -> CauseView:
    """One cause as programs read it."""
    return CauseView(
        id=line.id,
        state=str(line.state),
        tests=[
            CauseTestView(
                file=test.id.file,
                name=test.id.name,
                variant=test.id.variant,
                area=test.area,
                state=test.state,
                runs=test.runs,
                owner=test.owner or None,
            )
            for test in line.tests
        ],
        areas=list(line.areas),
        files=list(line.files),
        signature=_signature(line.signature),
        factors=[_factor(factor) for factor in line.factors],
        runs=line.runs,
        failures=line.failures,
        flaky=line.flaky,
        first_run=line.first.run,
        last_run=line.last.run,
        owners=list(line.owners),
        price=price_view(line.price),
    )


def _signature(line: SignatureLine | None) -> SignatureView | None:
    if line is None:
        return None
    return SignatureView(
        hash=line.hash,
        line=line.line,
        example=line.example,
        category=str(line.category),
        failures=line.failures,
        of=line.of,
    )


def _factor(line: FactorLine) -> FactorView:
    return FactorView(
        factor=line.factor,
        level=line.level,
        failed=line.failed,
        ran=line.ran,
        failed_elsewhere=line.failed_elsewhere,
        ran_elsewhere=line.ran_elsewhere,
        odds_ratio=line.odds_ratio,
        low=line.low,
        high=line.high,
        not_separable_from=list(line.not_separable_from),
    )
