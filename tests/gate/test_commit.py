"""`gate --commit`: which areas a commit needs, and what is said of those that it lacks."""

from __future__ import annotations

import pytest

from flakelens.model import GateState, RunReports
from tests.builders import a_commit, a_run, a_suite_run
from tests.gate.conftest import Judge, the

MET, INCONCLUSIVE = GateState.MET, GateState.INCONCLUSIVE


def without(area: str, run: RunReports) -> RunReports:
    return a_run(int(run.info.run) - 1000, reports=[one for one in run.reports if not one[1].name.startswith(area)])


@pytest.mark.parametrize(
    ("nights", "needed"),
    [
        (range(0), False),
        (range(31), False),  # but none of the newest ten: 31 to 39, and the commit itself
        (range(36, 40), False),  # four of them
        (range(35, 40), True),
        (range(31, 40), True),
        (range(30, 35), False),  # run 30 is the eleventh
    ],
)
def test_an_area_is_needed_if_half_of_the_newest_ten_commits_ran_it(judge: Judge, nights: range, needed: bool) -> None:
    """E2E runs in some of 40 runs only; the commit asked for has run the rest."""
    runs = [a_suite_run(n) if n in nights else without("E2E", a_suite_run(n)) for n in range(40)]
    asked = without("E2E", a_suite_run(40))
    finding = the(judge([*runs, asked], commit=a_commit(40), needs=False), "commit")
    assert ("E2E" in finding.area) is needed


def test_what_is_lacking_is_counted_and_named(judge: Judge) -> None:
    runs = [a_suite_run(n) for n in range(40)]
    met = the(judge(runs, commit=a_commit(39), needs=False), "commit")
    assert (met.kind, met.state, met.needs_runs, met.next_steps) == ("commit", MET, 0, ())
    assert met.observed is not None
    assert (met.observed.value, met.observed.count, met.observed.n) == (1.0, (3, 3), 1)
    assert met.why == f"Commit {a_commit(39)[:12]} has complete, outage-free runs of {met.area}."

    part = the(judge([*runs, without("E2E", a_suite_run(40))], commit=a_commit(40), needs=False), "commit")
    assert (part.state, part.needs_runs) == (INCONCLUSIVE, None)
    assert part.observed is not None
    assert (part.observed.count, part.observed.n) == ((2, 3), 1)
    assert part.next_steps == (f"run E2E on {a_commit(40)[:12]} and ingest the reports",)
    assert part.why == f"Commit {a_commit(40)[:12]}: E2E: run 1040 ({a_commit(40)[:7]}) has no results of it."

    none = the(judge(runs, commit="f" * 40, needs=False), "commit")
    assert none.observed is not None
    assert none.observed.count == (0, 3)
    assert none.next_steps == (f"run {none.area} on ffffffffffff and ingest the reports",)


def test_tests_without_an_area_are_not_asked_for(judge: Judge) -> None:
    stray = [
        a_run(n, outcomes={"stray": "P"}, file="src/lib.test.ts", reports=a_suite_run(n).reports) for n in range(40)
    ]
    finding = the(judge([*stray, a_suite_run(40)], commit=a_commit(40), needs=False), "commit")
    assert "unassigned" not in finding.area
    assert finding.state is MET


def test_uncommitted_changes_are_not_the_commit(judge: Judge) -> None:
    runs = [a_suite_run(n) for n in range(40)]
    finding = the(judge([*runs, a_suite_run(40, dirty=True)], commit=a_commit(40), needs=False), "commit")
    assert "no run of" in finding.why


def test_a_run_of_the_commit_that_is_not_whole_says_what_is_missing(judge: Judge) -> None:
    gone = {f"components {number}": "." for number in range(1, 11)}
    runs = [*(a_suite_run(n) for n in range(40)), a_suite_run(40, gone)]
    finding = the(judge(runs, commit=a_commit(40), needs=False), "commit")
    assert finding.state is INCONCLUSIVE
    assert "components: run 1040" in finding.why
    assert "is not complete (10 expected tests have no result)" in finding.why
