"""What a failing test costs: only what is known is counted, and only what is its fault."""

from __future__ import annotations

import tempfile
from datetime import timedelta
from pathlib import Path

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from flakelens import policy_text
from flakelens.history import History, build
from flakelens.model import Event, RunReports
from flakelens.stats.price import Losses, Price, Saving, price_of
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


def savings_of(history: History, *sets: tuple[str, ...], repaired: tuple[str, ...] = ()) -> tuple[Saving, ...]:
    place = {test.id.name: position for position, test in enumerate(history.tests)}
    losses = Losses(history, since=START, until=START + timedelta(days=30))
    return losses.savings(
        [[place[name] for name in names] for names in sets], repaired=[place[name] for name in repaired]
    )


def test_a_run_that_two_causes_hit_is_saved_once_by_the_later_repair(tmp_path):
    history = history_of(
        tmp_path,
        [
            a_run(1, outcomes={"a": "F", "b": "P", "c": "P"}),
            a_run(2, outcomes={"a": "F", "b": "F", "c": "P"}),
            a_run(3, outcomes={"a": "P", "b": "F", "c": "F"}),
            a_run(4, outcomes={"a": "P", "b": "F", "c": "P"}),
        ],
    )
    assert [saving.runs for saving in savings_of(history, ("a",), ("b",), ("c",))] == [1, 2, 1]
    assert [saving.runs for saving in savings_of(history, ("b",), ("a",), ("c",))] == [1, 2, 1]
    assert [saving.runs for saving in savings_of(history, ("c",), ("a", "b"))] == [0, 4]
    assert [saving.runs for saving in savings_of(history, ("a",))] == [1]
    # What is repaired already is no merit of the next repair, and no obstacle to it either.
    assert [saving.runs for saving in savings_of(history, ("b",), repaired=("a",))] == [2]


def test_re_runs_and_pull_requests_are_saved_with_their_run(tmp_path):
    def pull(n: int, branch: str, letters: str, attempt: int = 1) -> RunReports:
        return a_run(
            n,
            reports=[a_report(n, dict(zip("ab", letters, strict=True)), name=f"{attempt}.xml")],
            branch=branch,
            base_branch="main",
            event=Event.PULL_REQUEST,
            attempt=attempt,
        )

    history = history_of(
        tmp_path,
        [
            pull(1, "x", "FP"), pull(1, "x", "PP", 2),
            pull(2, "x", "FF"), pull(2, "x", "FP", 2), pull(2, "x", "PP", 3),
            pull(3, "y", "PF"), pull(3, "y", "PP", 2),
        ],
    )  # fmt: skip
    first, second = savings_of(history, ("a",), ("b",))
    assert (first.runs, first.reruns, first.pull_request_runs, first.pull_requests) == (1, 1, 1, 1)
    # The branch x is no news: it was counted when its first run was saved.
    assert (second.runs, second.reruns, second.pull_request_runs, second.pull_requests) == (2, 3, 2, 1)
    assert (first.minutes, second.minutes) == (2 / 60, 5 / 60)


def test_a_failure_that_only_a_re_run_showed_does_not_make_the_run_dearer(tmp_path):
    runs = [
        a_run(1, reports=[a_report(1, {"a": "F", "b": "P"}, name="1.xml")]),
        a_run(1, reports=[a_report(1, {"a": "P", "b": "F"}, name="2.xml")], attempt=2),
        a_run(1, reports=[a_report(1, {"a": "P", "b": "P"}, name="3.xml")], attempt=3),
    ]
    history = history_of(tmp_path, runs)
    # Without a's failure nobody would have run it again; without b's it was red already.
    assert [saving.reruns for saving in savings_of(history, ("a",), ("b",))] == [2, 0]
    assert [saving.reruns for saving in savings_of(history, ("b",), ("a",))] == [0, 2]


def test_a_suite_that_failed_to_load_is_saved_by_no_test(tmp_path):
    info, report = a_report(1, {"it": "F"})
    broken = replace(report, load_failures=("src/b.test.ts",))
    assert savings_of(history_of(tmp_path, [a_run(1, reports=[(info, broken)])]), ("it",))[0].runs == 0


@settings(deadline=None, max_examples=40)
@given(
    st.lists(st.text("PF", min_size=4, max_size=4), min_size=1, max_size=12),
    st.permutations("abcd"),
    st.integers(0, 4),
)
def test_savings_in_any_order_add_up_to_all_that_was_lost(letters, order, cut):
    with tempfile.TemporaryDirectory() as folder:
        history = history_of(
            Path(folder),
            [a_run(n, outcomes=dict(zip("abcd", row, strict=True))) for n, row in enumerate(letters)],
        )
    savings = savings_of(history, *[(name,) for name in order[cut:]], repaired=tuple(order[:cut]))
    failing = [{name for name, letter in zip("abcd", row, strict=True) if letter == "F"} for row in letters]
    already = sum(bool(failed) and failed <= set(order[:cut]) for failed in failing)
    assert sum(saving.runs for saving in savings) + already == sum("F" in row for row in letters)
