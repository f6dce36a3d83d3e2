"""What keeps flakelens from seeing flakes."""

from __future__ import annotations

import msgspec


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """Something that keeps flakelens from seeing what it should, with the mend."""

    code: str
    where: str
    message: str
    mend: str
    serious: bool  # the gate cannot be trusted, or cannot be met, until it is mended


class DoctorReport(msgspec.Struct, frozen=True, kw_only=True):
    """All findings, serious ones first."""

    findings: tuple[Finding, ...]
    runs: int
    counting: int
    branch: str
