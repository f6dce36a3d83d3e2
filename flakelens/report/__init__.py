"""The documents that flakelens gives out, as frozen types. `analyze` fills them, `render` writes them.

They hold facts and judgements, never layout: what a terminal, a page and a program read is the same. Those that are
asked for most have their names here; the file of each is loaded when its type is used, because a command writes one
document and need not pay for the others.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from flakelens.report.backtest import BacktestReport as BacktestReport
    from flakelens.report.backtest import BacktestRule as BacktestRule
    from flakelens.report.commands import DemoReport as DemoReport
    from flakelens.report.commands import InitReport as InitReport
    from flakelens.report.commands import SimulateReport as SimulateReport
    from flakelens.report.doctor import DoctorReport as DoctorReport
    from flakelens.report.doctor import Finding as Finding
    from flakelens.report.gate import AreaLine as AreaLine
    from flakelens.report.gate import GateReport as GateReport
    from flakelens.report.gate import Provenance as Provenance
    from flakelens.report.gate import Rate as Rate
    from flakelens.report.look import BlindSpot as BlindSpot
    from flakelens.report.look import LookArea as LookArea
    from flakelens.report.look import LookCause as LookCause
    from flakelens.report.look import LookFlake as LookFlake
    from flakelens.report.look import LookReport as LookReport
    from flakelens.report.show import Chances as Chances
    from flakelens.report.show import DurationLine as DurationLine
    from flakelens.report.show import FailureGroup as FailureGroup
    from flakelens.report.show import RunCell as RunCell
    from flakelens.report.show import RunPoint as RunPoint
    from flakelens.report.show import ShowReport as ShowReport
    from flakelens.report.tests import CauseOf as CauseOf
    from flakelens.report.tests import TestLine as TestLine
    from flakelens.report.tests import TestsReport as TestsReport
    from flakelens.report.verify import VerifyReport as VerifyReport

_FILES = {
    "backtest": ("BacktestRule", "BacktestReport"),
    "commands": ("SimulateReport", "InitReport", "DemoReport"),
    "doctor": ("Finding", "DoctorReport"),
    "gate": ("Rate", "AreaLine", "Provenance", "GateReport"),
    "look": ("LookArea", "LookCause", "LookFlake", "BlindSpot", "LookReport"),
    "show": ("RunPoint", "Chances", "RunCell", "FailureGroup", "DurationLine", "ShowReport"),
    "tests": ("CauseOf", "TestLine", "TestsReport"),
    "verify": ("VerifyReport",),
}
_FILE_OF = {name: file for file, names in _FILES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name not in _FILE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"flakelens.report.{_FILE_OF[name]}"), name)
