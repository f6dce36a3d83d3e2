"""What a failing test costs: only what is known is counted, and only what is its fault."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np

from flakelens import policy_text
from flakelens.history import History, build
from flakelens.model import Event, RunReports
from flakelens.stats.price import Price, price_of
from tests.builders import START, a_report, a_run, a_store, started_at


def history_of(folder, runs: list[RunReports]) -> History:
    with a_store(folder, runs) as store:
        return build(store.read(), policy_text.parse(), branch="main")


def priced(history: History, *names: str, left_out=None) -> Price:
    tests = [place for place, test in enumerate(history.tests) if test.id.name in names]
    assert len(tests) == len(names)
    return price_of(history, tests, since=START, until=START + timedelta(days=30), left_out=left_out)


def test_a_run_that_failed_with_it_alone_is_told_from_one_that_failed_anyway(tmp_path):
    history = history_of(
        tmp_path,
        [
            a_run(1, outcomes={"it": "F", "other": "P"}),
            a_run(2, outcomes={"it": "F", "other": "F"}),
            a_run(3, outcomes={"it": "P", "other": "F"}),
            a_run(4, outcomes={"it": "S", "other": "P"}),
        ],
    )
    price = priced(history, "it")
    assert (price.runs, price.failed, price.alone) == (3, 2, 1)
    both = priced(history, "it", "other")
    assert (both.runs, both.failed, both.alone) == (4, 3, 3)


def test_a_retry_within_a_report_costs_nobody_a_run(tmp_path):
    price = priced(history_of(tmp_path, [a_run(1, outcomes={"it": "K"})]), "it")
    assert (price.failed, price.reruns, price.minutes, price.timed) == (0, 0, None, 0)


def test_attempts_after_a_failure_are_re_runs_and_their_time_counts(tmp_path):
    runs = [
        a_run(1, reports=[a_report(1, {"it": "F"}, name="1.xml")]),
        a_run(1, reports=[a_report(1, {"it": "F", "other": "P"}, name="2.xml")], attempt=2),
        a_run(1, reports=[a_report(1, {"it": "P"}, name="3.xml")], attempt=3),
    ]
    price = priced(history_of(tmp_path, runs), "it")
    assert (price.runs, price.failed, price.alone, price.reruns) == (1, 1, 1, 2)
    assert price.minutes == 3 / 60


def test_minutes_that_no_report_tells_are_not_invented(tmp_path):
    info, report = a_report(1, {"it": "F"})
    untimed = replace(report, seconds=None)
    known = a_run(2, outcomes={"it": "F"})
    price = priced(history_of(tmp_path, [a_run(1, reports=[(info, untimed)]), known]), "it")
    assert (price.failed, price.timed, price.minutes) == (2, 1, 1 / 60)
    alone = priced(history_of(tmp_path / "alone", [a_run(1, reports=[(info, untimed)])]), "it")
    assert (alone.failed, alone.timed, alone.minutes) == (1, 0, None)


def test_blocked_pull_requests_are_counted_once_each(tmp_path):
    pulls = [
        a_run(n, outcomes={"it": "F"}, branch=branch, base_branch="main", event=Event.PULL_REQUEST)
        for n, branch in enumerate(["a", "a", "b"])
    ]
    price = priced(history_of(tmp_path, [*pulls, a_run(9, outcomes={"it": "F"})]), "it")
    assert (price.failed, price.pull_request_runs, price.pull_requests) == (4, 3, 2)


def test_laptops_outages_and_older_runs_are_left_out(tmp_path):
    runs = [
        a_run(1, outcomes={"it": "F"}, local=True),
        a_run(2, outcomes={"it": "F"}),
        a_run(3, outcomes={"it": "F"}, started=START - timedelta(seconds=1)),
        a_run(4, outcomes={"it": "F"}),
    ]
    history = history_of(tmp_path, runs)
    outage = np.fromiter((run.started_at == started_at(2) for run in history.runs), np.bool_, len(history.runs))
    price = priced(history, "it", left_out=outage)
    assert (price.runs, price.failed) == (1, 1)


def test_a_report_that_could_not_load_a_suite_is_a_second_reason(tmp_path):
    info, report = a_report(1, {"it": "F"})
    broken = replace(report, load_failures=("src/b.test.ts",))
    price = priced(history_of(tmp_path, [a_run(1, reports=[(info, broken)])]), "it")
    assert (price.failed, price.alone) == (1, 0)
