"""The price looks 30 days back, however many runs these are."""

from __future__ import annotations

from flakelens import policy_text
from flakelens.analyze.evidence import load
from flakelens.analyze.price import price
from flakelens.decisions import Decisions
from flakelens.model import TestId
from flakelens.stats.fitting import WINDOW_RUNS
from tests.builders import a_run, a_store, started_at

IT = TestId("src/a.test.ts", "it", "")


def test_runs_of_a_busy_month_that_the_window_does_not_hold_are_counted_too(tmp_path):
    runs = [a_run(n, outcomes={"it": "F" if n == 1 else "P"}) for n in range(WINDOW_RUNS + 50)]
    with a_store(tmp_path, runs) as store:
        loaded = load(store, policy_text.parse(), Decisions(), as_of=started_at(len(runs)))
        assert len(loaded.evidence.counting) == WINDOW_RUNS
        found = price(store, loaded.evidence, [IT])
    assert (found.runs, found.failed) == (len(runs), 1)


def test_older_runs_in_the_window_are_not(tmp_path):
    with a_store(tmp_path, [a_run(1, outcomes={"it": "F"}), a_run(24 * 31, outcomes={"it": "F"})]) as store:
        loaded = load(store, policy_text.parse(), Decisions(), as_of=started_at(24 * 31 + 1))
        found = price(store, loaded.evidence, [IT])
    assert (found.runs, found.failed) == (1, 1)


def test_without_a_database_nothing_was_paid():
    loaded = load(None, policy_text.parse(), Decisions(), as_of=started_at(1))
    assert price(None, loaded.evidence, [IT]).failed == 0
