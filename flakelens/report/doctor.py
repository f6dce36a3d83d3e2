"""What keeps flakelens from seeing flakes."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something that keeps flakelens from seeing what it should, with the mend."""

    code: str
    where: str
    message: str
    mend: str
    serious: bool  # the gate cannot be trusted, or cannot be met, until it is mended


@dataclass(frozen=True, slots=True, kw_only=True)
class DoctorReport:
    """All findings, serious ones first."""

    findings: tuple[Finding, ...]
    runs: int
    counting: int
    branch: str
