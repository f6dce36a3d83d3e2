from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from store_inputs import T0, E, F, P, S, canonical, case, hours, report, run, simple

from flakelens.facts import RunKey
from flakelens.model import Event, Problem, ProblemCode, Rename, Status
from flakelens.store import Store, open_store

if TYPE_CHECKING:
    from flakelens.facts import Facts


def names(facts: Facts) -> list[str]:
    return [one.key.run for one in facts.runs]


@pytest.fixture
def mixed(store: Store) -> Store:
    """Ten pushes to main, and between the last of them runs of every other kind."""
    for number in range(10):
        store.write_run(simple(number), ingested_at=hours(number))
    others: dict[str, dict[str, object]] = {
        "early-pr": {"branch": "topic", "event": Event.PULL_REQUEST, "started_at": hours(1.5)},
        "pr": {"branch": "topic", "event": Event.PULL_REQUEST, "commit": "c-pr", "started_at": hours(8.5)},
        "fork": {"fork": True, "started_at": hours(8.6)},
        "dirty": {"dirty": True, "started_at": hours(8.7)},
        "laptop": {"local": True, "event": Event.MANUAL, "started_at": hours(8.8)},
        "check": {"environment": "production", "started_at": hours(8.9)},
    }
    for name, more in others.items():
        store.write_run(run(name, report(f"{name}.xml", case("one")), **more), ingested_at=hours(10))
    return store


def test_the_newest_runs_of_a_branch(mixed: Store) -> None:
    assert names(mixed.read(branch="main", last=3)) == ["7", "8", "9"]
    assert len(mixed.read(branch="main").runs) == 10
    assert names(mixed.read(branch="main", last=3, count_local=True)) == ["8", "laptop", "9"]
    assert names(mixed.read(branch="nobody", last=3, alongside=True)) == []
    assert mixed.read(branch="main", last=0).runs == ()


def test_what_can_be_added(mixed: Store) -> None:
    assert names(mixed.read(branch="main", last=2, alongside=True)) == ["8", "pr", "fork", "dirty", "laptop", "9"]
    assert names(mixed.read(branch="main", last=1, commit="c-pr")) == ["pr", "9"]
    assert names(mixed.read(branch="main", last=1, run=RunKey("github", "early-pr"))) == ["early-pr", "9"]
    assert names(mixed.read(branch="main", last=1, run=RunKey("gitlab", "early-pr"))) == ["9"]


def test_all_runs_and_an_environments(mixed: Store) -> None:
    assert len(mixed.read().runs) == 15
    assert names(mixed.read(last=2)) == ["laptop", "9"]
    assert names(mixed.read(environment="production")) == ["check"]
    assert names(mixed.read(environment="production", run=RunKey("github", "9"))) == ["check", "9"]
    assert mixed.branches() == {"main": 13, "topic": 2}


def test_outcomes_stand_beside_their_tests(store: Store) -> None:
    cases = (case("z", F), case("y", F, P), case("x"), case("w", S), case("v", E))
    store.write_run(run(1, report("a.xml", *cases)), ingested_at=T0)
    store.write_run(run(2, report("b.xml", *cases[::-1])), ingested_at=T0)
    facts = store.read()
    by_key = {test.key: test.id.name for test in facts.tests}
    for one in facts.runs:
        (stored,) = one.reports
        assert stored.tests.dtype == np.int32
        assert stored.outcomes.dtype == np.int8
        assert not stored.tests.flags.writeable
        assert not stored.outcomes.flags.writeable
        found = dict(zip((by_key[key] for key in stored.tests.tolist()), stored.outcomes.tolist(), strict=True))
        assert found == {"z": 3, "y": 2, "x": 1, "w": 4, "v": 3}


def test_a_run_without_reports_is_a_run(store: Store) -> None:
    problem = Problem(ProblemCode.NO_SUCH_FILE, "reports/*.xml", "matches nothing")
    store.write_run(run(1, problems=(problem,)), ingested_at=T0)
    (facts,) = store.read(branch="main").runs
    assert facts.reports == ()
    assert store.problems() == {facts.key: (problem,)}


def test_the_past_can_be_read_again(store: Store) -> None:
    past: list[tuple[float, object]] = []
    calls = [
        (simple(1), 1),
        (simple(5, F), 5),
        (run(3, report("late.xml", case("one", file="late.ts", stack_file="x")), started_at=hours(3)), 6),
        (run(5, report("shard.xml", case("three"), at=hours(2)), branch="", attempt=2), 7),  # now it starts earlier
        (run(1, report("jest.xml", case("one"), case("two"), at=hours(1)), attempt=1, started_at=hours(20)), 8),
        (simple(9), 9),
    ]
    for share, at in calls:
        store.write_run(share, ingested_at=hours(at))
        store.add_renames([Rename(f"a{at}", f"b{at}", "c")], known_at=hours(at))
        past.append((at, [canonical(store.read()), canonical(store.read(branch="main", last=2, alongside=True))]))
    for at, expected in past:
        then = [
            canonical(store.read(known_at=hours(at))),
            canonical(store.read(branch="main", last=2, alongside=True, known_at=hours(at))),
        ]
        assert then == expected, at
    assert canonical(store.read(known_at=hours(0))) == ([], [], ())
    with open_store(store.path, read_only=True) as other:
        assert canonical(other.read(known_at=hours(6))) == past[2][1][0]  # type: ignore[index]


def test_messages(store: Store) -> None:
    store.write_run(simple(1, F, E, P), ingested_at=T0)
    store.write_run(simple(2), ingested_at=T0)
    store.write_run(simple(3, F), ingested_at=T0)
    facts = store.read()
    (one, two) = (test.key for test in facts.tests)
    first, _, third = (run_.reports[0].key for run_ in facts.runs)
    found = store.messages([(first, one), (first, two), (999, one)])
    assert list(found) == [(first, one)]
    assert [(m.attempt, m.status, m.type, m.text) for m in found[first, one]] == [
        (1, Status.FAILED, "Error", "one FAILED"),
        (2, Status.ERRORED, "Error", "one ERRORED"),
    ]
    assert [(m.report, m.attempt) for m in store.messages_of_test(one)] == [(third, 1), (first, 1), (first, 2)]
    assert len(store.messages_of_test(one, limit=1)) == 1
    assert store.messages_of_test(two) == ()
    assert store.info().rows["message"] == 2


def test_problems_are_kept_once_with_their_run(store: Store) -> None:
    a, b = (Problem(ProblemCode.BAD_TIME, where, "odd") for where in "ab")
    for _ in range(2):
        store.write_run(run(1, report("r.xml", case("x"), problems=(a,)), problems=(b, b)), ingested_at=T0)
    store.write_run(run(2, problems=(a,)), ingested_at=T0)
    keys = [RunKey("github", "1"), RunKey("github", "2")]
    assert store.problems() == {keys[0]: (a, b), keys[1]: (a,)}
    assert store.problems([keys[1], keys[1], RunKey("x", "y")]) == {keys[1]: (a,)}


def test_totals(store: Store) -> None:
    store.write_run(simple(1, F, P), ingested_at=T0)
    store.write_run(simple(2, E), ingested_at=T0)
    store.write_run(run(3, report("no-time.xml", case("one", S))), ingested_at=T0)
    one, two = store.totals().values()
    assert one[1:5] == (0, 1, 1, 1)
    assert (one.timed, one.seconds) == (4, pytest.approx(0.001 * 3 + 0.002))
    assert (one.first_at, one.last_at) == (hours(1), hours(2))
    assert two[1:5] == (2, 0, 0, 0)
    assert P is Status.PASSED
