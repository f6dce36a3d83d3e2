"""history: attempts, jobs and shards of one run; commits in order; which runs count; nothing depends on ingest."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from flakelens.history import History, build
from flakelens.identity import Alias
from flakelens.model import Event, RunInfo, TestId
from flakelens.policy_text import parse
from flakelens.runs import why_not_counting
from tests.letters import T0, Told, rows_of, shuffled

BY_COMMIT = "run_key = 'commit'"


def keys(history: History) -> str:
    return " ".join(run.key.run for run in history.runs)


# ---- one run


def test_a_failed_job_that_was_run_again_makes_its_failures_flaky() -> None:
    told = Told()
    told.run(told.report("PFF", job="unit"), attempt=1)
    told.run(told.report(".PF", job="unit", attempt=2), number=1, attempt=2)
    history = told.history()
    assert rows_of(history) == {"t0": "P", "t1": "K", "t2": "F"}
    assert [run.attempts for run in history.runs] == [2]


def test_only_the_failed_jobs_are_run_again_and_the_others_stay() -> None:
    told = Told()
    told.run(told.report("F.", job="a"), told.report(".P", job="b"), told.report("P.", job="a", attempt=2))
    assert rows_of(told.history()) == {"t0": "K", "t1": "P"}


def test_jobs_of_a_matrix_side_by_side_give_the_worst() -> None:
    told = Told()
    told.run(told.report("PPK", job="node-20"), told.report("PFP", job="node-22"))
    assert rows_of(told.history()) == {"t0": "P", "t1": "F", "t2": "K"}


def test_one_job_of_a_matrix_run_again_mends_only_itself() -> None:
    told = Told()
    told.run(told.report("F", job="a"), told.report("F", job="b"), told.report("P", job="a", attempt=2))
    assert rows_of(told.history()) == {"t0": "F"}


def test_shards_add_up() -> None:
    told = Told()
    told.run(told.report("PF..", job="e2e", shard="1/2"), told.report("..PS", job="e2e", shard="2/2"))
    assert rows_of(told.history()) == {"t0": "P", "t1": "F", "t2": "P", "t3": "S"}


def test_two_tests_that_an_alias_makes_one_give_the_worst_of_a_report() -> None:
    told = Told()
    told.run(told.report({"a.ts::old": "F", "a.ts::new": "P"}))
    alias = Alias(TestId("", "old", ""), TestId("", "new", ""))
    history = build(told.facts(), parse(), branch="main", aliases=[alias])
    assert rows_of(history) == {"new": "F"}


# ---- partial and stale reports


def test_partial_reports_are_seen_but_enter_no_criterion() -> None:
    told = Told()
    told.run(told.report("PP"))
    told.run(told.report("F.", partial=True))
    told.run(told.report(".P"), told.report("F.", partial=True))
    history = told.history()
    assert rows_of(history) == {"t0": "PFF", "t1": "P.P"}
    assert rows_of(history, whole=True) == {"t0": "P..", "t1": "P.P"}


@pytest.mark.parametrize(("stamped", "row"), [(True, "P."), (False, "PP")])
def test_the_bytes_of_an_earlier_run_are_left_over_if_they_bear_a_time(stamped: bool, row: str) -> None:
    told = Told()
    told.run(told.report("P", sha="same", stamped=stamped))
    told.run(told.report("P", sha="same", stamped=stamped, earlier_elsewhere=True))
    history = told.history()
    assert rows_of(history) == rows_of(history, whole=True) == {"t0": row}
    assert history.runs[1].reports[0].stale is stamped


def test_a_stale_copy_does_not_make_a_random_title_a_lasting_one() -> None:
    titles = [f"saves {letter * 8}-1111-4111-8111-111111111111" for letter in "abcd"]
    first, second = ({f"a.ts::{title}": "P" for title in pair} for pair in (titles[:2], titles[2:]))
    told = Told()
    told.run(told.report(first, sha="x"))
    told.run(told.report(first, sha="x", earlier_elsewhere=True))
    told.run(told.report(second))
    assert rows_of(told.history()) == {"saves <uuid>": "P.P", "saves <uuid> #2": "P.P"}


# ---- order


def test_commits_come_in_the_order_of_their_first_run_and_reruns_stand_with_them() -> None:
    told = Told()
    told.run(number=1, hours=1, commit="b" * 40)
    told.run(number=2, hours=2, commit="a" * 40)
    told.run(number=3, hours=3, commit="b" * 40)
    told.run(number=4, hours=4, commit="c" * 40)
    history = told.history()
    assert keys(history) == "1 3 2 4"
    assert history.commits.tolist() == [0, 0, 1, 2]


def test_a_commit_that_is_not_known_is_one_of_its_own() -> None:
    told = Told()
    for number in (1, 2, 3):
        told.run(number=number, commit="")
    assert told.history().commits.tolist() == [0, 1, 2]


def test_a_pull_requests_run_does_not_date_the_commit_on_the_branch() -> None:
    told = Told()
    told.run(number=1, hours=1, commit="b" * 40, event=Event.PULL_REQUEST, branch="feature")
    told.run(number=2, hours=2, commit="a" * 40)
    told.run(number=3, hours=3, commit="b" * 40)
    history = told.history()
    assert keys(history) == "1 2 3"
    assert len(set(history.commits.tolist())) == 3


def test_a_start_that_is_not_known_is_the_reports_own_time_or_else_that_of_ingest() -> None:
    told = Told()
    told.run(replace(told.report("P"), started_at=T0 + timedelta(hours=5)), number=1, started_at=None)
    told.run(told.report("P"), number=2, hours=4)
    told.run(told.report("P", stamped=False), number=3, started_at=None)
    assert keys(told.history()) == "2 1 3"


# ---- what counts


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({}, ""),
        ({"event": Event.SCHEDULE}, ""),
        ({"event": Event.MERGE_QUEUE}, ""),
        ({"event": Event.MANUAL}, ""),
        ({"event": Event.OTHER}, "event other"),
        ({"event": Event.PULL_REQUEST}, "pull request"),
        ({"branch": "feature"}, "branch feature"),
        ({"branch": ""}, "branch unknown"),
        ({"fork": True}, "from a fork"),  # whose branch is called main too
        ({"fork": True, "event": Event.PULL_REQUEST}, "from a fork"),
        ({"dirty": True}, "uncommitted changes"),
        ({"local": True}, "a laptop's run"),
        ({"local": True, "dirty": True}, "a laptop's run"),
        ({"environment": "production"}, "environment production"),
    ],
)
def test_what_counts_for_the_gated_branch(fields: dict[str, Any], why: str) -> None:
    info = RunInfo(**({"provider": "github", "run": "1", "branch": "main", "event": Event.PUSH} | fields))
    assert why_not_counting(info, "main", count_local=False) == why


def test_a_laptop_counts_only_where_the_policy_says_so_and_only_clean() -> None:
    told = Told()
    told.run(local=True, event=Event.MANUAL)
    told.run(local=True, event=Event.MANUAL, dirty=True)
    assert told.history().counting.tolist() == [False, False]
    assert told.history("count_local = true").counting.tolist() == [True, False]


def test_checks_of_an_environment_and_ci_history_never_mix() -> None:
    told = Told()
    told.run()
    told.run(environment="production")
    assert told.history().counting.tolist() == [True, False]
    assert told.history(environment="production").counting.tolist() == [False, True]


def test_one_bad_record_of_a_run_is_enough_and_gaps_are_filled_from_the_others() -> None:
    told = Told()
    told.run(number=1, commit="", branch="", event=Event.OTHER)
    told.run(number=1, attempt=2)
    told.run(number=2)
    told.run(number=2, attempt=2, dirty=True)
    history = told.history()
    assert [(run.branch, run.event, run.why_not) for run in history.runs] == [
        ("main", Event.PUSH, ""),
        ("main", Event.PUSH, "uncommitted changes"),
    ]


# ---- run_key = "commit"


def test_workflows_of_one_commit_are_one_run_where_the_policy_says_so() -> None:
    told = Told()
    told.run(told.report("P.", job="unit"), number=1, commit="a" * 40)
    told.run(told.report(".F", job="e2e"), number=2, commit="a" * 40)
    told.run(told.report("PP"), number=3, commit="b" * 40)
    assert keys(told.history()) == "1 2 3"
    history = told.history(BY_COMMIT)
    assert keys(history) == "1 3"
    assert rows_of(history) == {"t0": "PP", "t1": "FP"}


@pytest.mark.parametrize(
    "other",
    [
        {"fork": True},
        {"event": Event.PULL_REQUEST},
        {"branch": "x"},
        {"dirty": True},
        {"local": True},
        {"environment": "p"},
    ],
)
def test_runs_of_another_kind_never_join_a_commits_run(other: dict[str, Any]) -> None:
    told = Told()
    told.run(number=1, commit="a" * 40)
    told.run(number=2, commit="a" * 40, **other)
    assert sorted(told.history(BY_COMMIT).counting.tolist()) == [False, True]


def test_runs_without_a_commit_stay_apart() -> None:
    told = Told()
    told.run(commit="")
    told.run(commit="")
    assert keys(told.history(BY_COMMIT)) == "1 2"


def test_the_same_bytes_from_two_workflows_of_a_commit_are_one_report() -> None:
    told = Told()
    told.run(told.report("P", sha="x"), number=1, commit="a" * 40)
    told.run(told.report("P", sha="x", earlier_elsewhere=True), number=2, commit="a" * 40)
    (run,) = told.history(BY_COMMIT).runs
    assert [report.stale for report in run.reports] == [False]


# ---- tests


def test_a_test_knows_its_jobs_however_many_there_are() -> None:
    told = Told()
    told.run(*(told.report({f"a.ts::t{n}": "P", f"a.ts::t{n + 1}": "P"}, job=f"job-{n:03}") for n in range(150)))
    by_name = {test.id.name: test.jobs for test in told.history().tests}
    assert by_name["t0"] == ("job-000",)
    assert by_name["t150"] == ("job-149",)
    assert all(by_name[f"t{n}"] == (f"job-{n - 1:03}", f"job-{n:03}") for n in range(1, 150))


def test_a_test_knows_its_jobs_and_its_newest_reported_form() -> None:
    told = Told()
    told.run(told.report({"Cart > adds": "P"}, job="unit"))
    told.run(told.report({"a.ts::Cart › adds": "P"}, job="all"))
    (test,) = told.history().tests
    assert test.id.file == "a.ts"
    assert test.jobs == ("all", "unit")
    assert test.reported.name == "Cart › adds"


def test_no_facts_are_an_empty_history() -> None:
    history = Told().history()
    assert history.outcomes.shape == (0, 0)
    assert history.counting.tolist() == []


def test_a_selection_keeps_tests_and_drops_runs() -> None:
    told = Told()
    for letter in "PFP":
        told.run(told.report(letter))
    history = told.history()
    assert rows_of(history.select(np.array([False, True, True]))) == {"t0": "FP"}
    assert rows_of(history.select(np.array([2, 0], np.int32))) == {"t0": "PP"}
    assert history.position(history.tests[0].id) == 0
    assert history.position(history.tests[0].id._replace(name="none")) is None


# ---- any order of facts

REPORTS = st.builds(
    lambda letters, job, attempt, partial: {"letters": letters, "job": job, "attempt": attempt, "partial": partial},
    st.text("PKFS.", min_size=3, max_size=3),
    st.sampled_from(["", "a", "b"]),
    st.integers(1, 2),
    st.booleans(),
)
RUNS = st.lists(
    st.tuples(
        st.lists(REPORTS, max_size=3),
        st.sampled_from("abc"),
        st.integers(0, 5),
        st.sampled_from([Event.PUSH, Event.PULL_REQUEST, Event.OTHER]),
    ),
    max_size=5,
)


def told_by(runs: list[Any]) -> Told:
    told = Told()
    for number, (reports, commit, hours, event) in enumerate(runs, 1):
        made = []
        for report in reports:
            fields = dict(report)
            made.append(told.report(fields.pop("letters"), **fields))
        told.run(*made, number=number, hours=hours, commit=commit * 40, event=event)
    return told


@given(RUNS)
def test_reports_that_share_their_list_of_tests_are_read_as_others(runs: list[Any]) -> None:
    """A store gives all reports of the same tests one array, and what follows from it is worked out once."""
    facts = told_by(runs).facts()
    rosters: dict[bytes, Any] = {}
    shared = replace(
        facts,
        runs=tuple(
            replace(
                run,
                reports=tuple(
                    replace(report, tests=rosters.setdefault(report.tests.tobytes(), report.tests))
                    for report in run.reports
                ),
            )
            for run in facts.runs
        ),
    )
    apart, together = (build(each, parse(""), branch="main") for each in (facts, shared))
    assert np.array_equal(apart.outcomes, together.outcomes)
    assert np.array_equal(apart.whole, together.whole)
    assert apart.tests == together.tests


@given(RUNS, st.randoms(use_true_random=False), st.sampled_from(["", BY_COMMIT]))
def test_the_order_of_facts_cannot_matter(runs: list[Any], order: random.Random, policy: str) -> None:
    facts = told_by(runs).facts()
    places = list(range(len(facts.runs)))
    order.shuffle(places)
    one, other = (build(some, parse(policy), branch="main") for some in (facts, shuffled(facts, places)))
    assert one.tests == other.tests
    assert keys(one) == keys(other)
    assert [run.why_not for run in one.runs] == [run.why_not for run in other.runs]
    assert (one.outcomes == other.outcomes).all()
    assert (one.whole == other.whole).all()
    assert one.commits.tolist() == other.commits.tolist()
    assert np.all(np.diff(one.commits) >= 0)
    assert one.names == other.names
