"""A gate that is met, and one fault after the other: never MET on what is missing, old, cut, copied or not ours."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import pytest
from msgspec.structs import replace

from flakelens.model import Event, GateState, ParsedReport, ReportInfo, RetryEvidence, RunReports
from tests.builders import a_commit, a_suite_run, started_at
from tests.gate.conftest import Judge

MET, NOT_MET, INCONCLUSIVE = GateState.MET, GateState.NOT_MET, GateState.INCONCLUSIVE
RUNS = 45
NOW = started_at(RUNS - 1) + timedelta(minutes=30)
Change = Callable[[list[RunReports]], Sequence[RunReports]]
Report = tuple[ReportInfo, ParsedReport]


def clean() -> list[RunReports]:
    return [a_suite_run(n) for n in range(RUNS)]


def every(**fields: object) -> Change:
    """Every run with these fields of its metadata."""
    return lambda runs: [replace(run, info=replace(run.info, **fields)) for run in runs]  # type: ignore[arg-type]


def newest(change: Callable[[RunReports], RunReports]) -> Change:
    return lambda runs: [*runs[:-1], change(runs[-1])]


def reports(change: Callable[[Report], Report | None]) -> Callable[[RunReports], RunReports]:
    def changed(run: RunReports) -> RunReports:
        return replace(run, reports=tuple(new for one in run.reports if (new := change(one)) is not None))

    return changed


def of(area: str, change: Callable[[ParsedReport], ParsedReport | None]) -> Callable[[RunReports], RunReports]:
    """The report of one area changed, or taken out."""

    def changed(report: Report) -> Report | None:
        if not report[1].name.startswith(area):
            return report
        new = change(report[1])
        return None if new is None else (report[0], new)

    return reports(changed)


def cut(report: ParsedReport) -> ParsedReport:
    return replace(report, cases=report.cases[: len(report.cases) // 2], damaged=True, sha256="11" * 32)


def emptied(report: ParsedReport) -> ParsedReport:
    return replace(report, cases=(), damaged=True, size=0, sha256="22" * 32)


def shortened(report: ParsedReport) -> ParsedReport:
    """Well-formed, but half of the tests are not in it."""
    return replace(report, cases=report.cases[: len(report.cases) // 2], sha256="33" * 32)


def unloaded(report: ParsedReport) -> ParsedReport:
    return replace(report, load_failures=("src/components/button.test.tsx",), cases=(), sha256="44" * 32)


def copies(runs: list[RunReports]) -> list[RunReports]:
    """Three runs, and their files left over in all the later ones."""
    return [replace(run, reports=runs[n % 3].reports) for n, run in enumerate(runs)]


def one_shard(runs: list[RunReports]) -> list[RunReports]:
    return [*runs[:-1], reports(lambda one: (replace(one[0], shard="1/2"), shortened(one[1])))(runs[-1])]


def all_skipped(runs: list[RunReports]) -> list[RunReports]:
    names = [f"{area} {number}" for area in ("AI", "components", "E2E") for number in range(1, 31)]
    return [*runs[:-1], a_suite_run(RUNS - 1, dict.fromkeys(names, "S"))]


def hidden(runs: list[RunReports]) -> list[RunReports]:
    """Playwright retries, and its reports do not show it."""
    return [reports(lambda one: (replace(one[0], retries=RetryEvidence.HIDDEN), one[1]))(run) for run in runs]


def ahead(runs: list[RunReports]) -> list[RunReports]:
    """The newest run failed, and the clock of its machine is a day ahead."""
    names = {f"AI {number}": "F" for number in range(1, 11)}
    return [*runs[:-1], a_suite_run(RUNS - 1, names, started=NOW + timedelta(days=1))]


def from_1970(n: int, run: RunReports) -> RunReports:
    """As a machine without a battery dates it."""
    return replace(run, info=replace(run.info, started_at=datetime.fromtimestamp(60 * n, tz=NOW.tzinfo)))


FAULTS: list[tuple[str, Change, GateState]] = [
    # empty, or too little
    ("no run", lambda _: [], INCONCLUSIVE),
    ("one run", lambda runs: runs[-1:], INCONCLUSIVE),
    ("nine runs", lambda runs: runs[-9:], INCONCLUSIVE),
    ("runs without reports", lambda runs: [replace(run, reports=()) for run in runs], INCONCLUSIVE),
    ("reports without tests", lambda runs: [*map(reports(lambda r: (r[0], emptied(r[1]))), runs)], INCONCLUSIVE),
    ("an area never ran", lambda runs: [of("E2E", lambda _: None)(run) for run in runs], INCONCLUSIVE),
    # partial, truncated
    ("filtered runs", every(partial=True), INCONCLUSIVE),
    ("cut off", newest(of("components", cut)), INCONCLUSIVE),
    ("cut off before its first test", newest(of("components", emptied)), INCONCLUSIVE),
    ("half of the tests missing", newest(of("components", shortened)), INCONCLUSIVE),
    ("a suite that did not load", newest(of("components", unloaded)), INCONCLUSIVE),
    ("half of the tests missing ever since", lambda r: [*r[:38], *map(of("AI", shortened), r[38:])], NOT_MET),
    ("one shard of two", one_shard, INCONCLUSIVE),
    ("everything skipped", all_skipped, NOT_MET),
    # copied
    ("files left over from three runs", copies, INCONCLUSIVE),
    ("one run brought many times", lambda runs: [runs[-1]] * RUNS, INCONCLUSIVE),
    # not ours
    ("forks", every(fork=True), INCONCLUSIVE),
    ("laptops", every(local=True), INCONCLUSIVE),
    ("uncommitted changes", every(dirty=True), INCONCLUSIVE),
    ("pull requests", every(event=Event.PULL_REQUEST), INCONCLUSIVE),
    ("another branch", every(branch="feature"), INCONCLUSIVE),
    ("an unknown branch", every(branch=""), INCONCLUSIVE),
    ("checks of production", every(environment="production"), INCONCLUSIVE),
    # retries nobody sees
    ("hidden retries", hidden, INCONCLUSIVE),
    # clocks
    ("all from 1970", lambda runs: [from_1970(n, run) for n, run in enumerate(runs)], INCONCLUSIVE),
    ("the failed run's clock is ahead", ahead, NOT_MET),
]  # fmt: skip


# What a history may be, and the faults above that show it. "stale" is besides a matter of the clock: see below.
WORDS = {
    "empty": ("no run", "runs without reports", "reports without tests", "an area never ran", "everything skipped"),
    "partial": ("filtered runs", "half of the tests missing", "a suite that did not load", "one shard of two"),
    "stale": ("files left over from three runs",),
    "truncated": ("cut off", "cut off before its first test"),
    "duplicated": ("one run brought many times", "files left over from three runs"),
    "forked": ("forks", "pull requests", "another branch", "an unknown branch"),
    "laptop-made": ("laptops", "uncommitted changes"),
    "clock-skewed": ("all from 1970", "the failed run's clock is ahead"),
}


@pytest.mark.parametrize("word", WORDS)
def test_no_such_history_is_met(judge: Judge, word: str) -> None:
    """The words of the promise, one by one."""
    changes = {name: change for name, change, _ in FAULTS}
    for name in WORDS[word]:
        assert judge(changes[name](clean()), as_of=NOW, latest=NOW, needs=False).state is not MET, name
    if word == "stale":
        assert judge(clean(), as_of=NOW + timedelta(hours=73), needs=False).state is not MET


def test_without_a_fault_it_is_met(judge: Judge) -> None:
    found = judge(clean(), as_of=NOW, needs=False)
    assert found.state is MET, [finding.why for finding in found.criteria]


@pytest.mark.parametrize(("change", "state"), [pytest.param(*row[1:], id=row[0]) for row in FAULTS])
def test_with_a_fault_it_is_not(judge: Judge, change: Change, state: GateState) -> None:
    found = judge(change(clean()), as_of=NOW, latest=NOW, needs=False)
    assert found.state is state, [f"{finding.id} {finding.state}: {finding.why}" for finding in found.criteria]


@pytest.mark.parametrize("hours", [73, 24 * 30, 24 * 365])
def test_it_is_not_met_once_the_history_is_old(judge: Judge, hours: int) -> None:
    assert judge(clean(), as_of=NOW + timedelta(hours=hours), needs=False).state is INCONCLUSIVE


def test_a_commit_that_never_ran_is_not_deployed(judge: Judge) -> None:
    assert judge(clean(), as_of=NOW, commit=a_commit(999), needs=False).state is INCONCLUSIVE


def test_runs_from_a_clock_ahead_are_judged_where_they_came(judge: Judge) -> None:
    """A year ahead and all clean: they stand where they came, one after the other, and so are as good as any."""
    ahead_by_a_year = every_start(clean(), timedelta(days=365))
    assert judge(ahead_by_a_year, as_of=NOW, latest=NOW, needs=False).state is not NOT_MET
    later = judge(ahead_by_a_year, as_of=NOW, needs=False)  # they came in a year: not known yet
    assert later.state is INCONCLUSIVE


def every_start(runs: list[RunReports], by: timedelta) -> list[RunReports]:
    return [replace(run, info=replace(run.info, started_at=started_at(n) + by)) for n, run in enumerate(runs)]
