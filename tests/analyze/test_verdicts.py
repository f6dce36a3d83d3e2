"""A recorded verdict is judged again from what it carries, to the same bytes, whatever has happened since."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from flakelens import decisions as decisions_room
from flakelens import policy_text as policy_room
from flakelens.analyze.gate import active_tests, judge_gate
from flakelens.analyze.verdicts import record, replay
from flakelens.errors import UsageError
from flakelens.model import GateState
from flakelens.render.json.gate import gate_json
from flakelens.store import Store
from tests.builders import a_commit, a_store, a_suite_run, started_at

POLICY = """\
[gates.smoke]
title = "Smoke"
[gates.smoke.criteria.z-first]
kind = "pass-rate"
areas = ["E2E"]
threshold = 95
[gates.smoke.criteria.a-second]
kind = "complete"
areas = ["E2E"]
"""


def recorded(
    store: Store, n: int, *, gate: str = "gate1", policy: str = "", decisions: str = "", commit: str = ""
) -> int:
    """Judge after run n - 1 and record it."""
    moment = started_at(n) + timedelta(microseconds=1234567)
    judged = judge_gate(
        store, policy_room.parse(policy), decisions_room.parse(decisions), gate, as_of=moment, commit=commit
    )
    return record(store, judged, commit=commit, recorded_at=moment)


@pytest.mark.parametrize("gate", ["gate1", "smoke"])
@pytest.mark.parametrize("commit", ["", a_commit(39), a_commit(3)[:8]])
def test_a_verdict_replays_to_its_bytes_after_runs_policy_and_decisions_have_changed(
    tmp_path: Path, gate: str, commit: str
) -> None:
    decisions = '[[acknowledged]]\ntest = { name = "E2E 1" }\nby = "A"\nreason = "b"\ncreated = 2026-10-01T00:00:00Z\n'
    with a_store(tmp_path, [a_suite_run(n, {"E2E 2": "K"} if n % 7 == 0 else {}) for n in range(40)]) as store:
        number = recorded(store, 40, gate=gate, policy=POLICY, decisions=decisions, commit=commit)
        for n in range(41, 45):
            store.write_run(a_suite_run(n, {"AI 1": "F"}), ingested_at=started_at(n))
        outcome = replay(store, number)
        assert outcome.exact
        assert outcome.differences == ()
        assert outcome.report is not None
        assert outcome.report.number == number
        assert outcome.report.provenance.window_runs == 40


def test_criteria_come_in_the_same_order_again(tmp_path: Path) -> None:
    with a_store(tmp_path, [a_suite_run(n) for n in range(12)]) as store:
        outcome = replay(store, recorded(store, 12, gate="smoke", policy=POLICY))
    assert [criterion["id"] for criterion in json.loads(outcome.again)["criteria"]] == ["z-first", "a-second"]
    assert outcome.exact


def test_the_record_does_not_hold_its_own_number(tmp_path: Path) -> None:
    with a_store(tmp_path, [a_suite_run(n) for n in range(12)]) as store:
        judged = judge_gate(store, policy_room.parse(), decisions_room.parse(), "gate1", as_of=started_at(12))
        assert gate_json(judged.report) == gate_json(replace(judged.report, number=7))


def test_a_met_verdict_keeps_the_tests_it_was_about_and_later_ones_are_held_to_them(tmp_path: Path) -> None:
    with a_store(tmp_path, [a_suite_run(n, size=12) for n in range(40)]) as store:
        first = recorded(store, 40)
        stored = store.verdict(first)
        assert stored is not None
        assert stored.state is GateState.MET
        assert len(stored.active) == 36
        # Ten tests are gone for 40 runs: the window of 30 runs has forgotten them, the verdict has not.
        for n in range(41, 82):
            store.write_run(a_suite_run(n, {f"E2E {k}": "." for k in range(3, 13)}, size=12), ingested_at=started_at(n))
        second = recorded(store, 82)
        washed = json.loads(replay(store, second).recorded)["criteria"][-1]
        assert (washed["kind"], washed["state"]) == ("no-laundering", "NOT_MET")
        assert len(washed["tests"]) == 10
        assert replay(store, second).exact
        assert replay(store, first).exact


def test_pruned_runs_are_named_as_the_reason_why_it_cannot_be_the_same(tmp_path: Path) -> None:
    with a_store(tmp_path, [a_suite_run(n) for n in range(40)]) as store:
        number = recorded(store, 40)
        store.prune(keep_runs=20)
        outcome = replay(store, number)
    assert not outcome.exact
    assert outcome.differences[0] == "the data differs: runs were pruned since"
    assert any(line.startswith("criteria[0].observed.n: 30 -> 20") for line in outcome.differences)


def test_a_verdict_of_another_version_says_so(tmp_path: Path) -> None:
    with a_store(tmp_path, [a_suite_run(n) for n in range(12)]) as store:
        stored = store.verdict(recorded(store, 12))
        assert stored is not None
        older = replace(
            stored, id=0, version="0.0.1", json=stored.json.replace(b'"version": "', b'"version": "0.0.1-was-')
        )
        outcome = replay(store, store.record_verdict(older))
    assert outcome.differences[0].startswith("it was made by flakelens 0.0.1, this is ")


def test_a_policy_that_this_version_cannot_read_is_a_difference_not_a_crash(tmp_path: Path) -> None:
    with a_store(tmp_path, [a_suite_run(n) for n in range(12)]) as store:
        stored = store.verdict(recorded(store, 12))
        assert stored is not None
        odd = replace(stored, id=0, policy_text='{"areas": [], "gates": {}, "later": 1}', json=stored.json + b" ")
        outcome = replay(store, store.record_verdict(odd))
    assert not outcome.exact
    assert outcome.report is None
    assert "cannot read its policy" in outcome.differences[0]


def test_an_unknown_number_names_the_newest(tmp_path: Path) -> None:
    with a_store(tmp_path, [a_suite_run(n) for n in range(12)]) as store:
        with pytest.raises(UsageError, match="no recorded verdict 5") as empty:
            replay(store, 5)
        assert "None is recorded yet" in empty.value.mend
        number = recorded(store, 12)
        with pytest.raises(UsageError) as one:
            replay(store, 5)
    assert one.value.mend == f"The newest is {number}."


def test_active_tests_are_sorted_canonical_ids(tmp_path: Path) -> None:
    with a_store(tmp_path, [a_suite_run(n, size=5) for n in range(3)]) as store:
        judged = judge_gate(store, policy_room.parse(), decisions_room.parse(), "gate1", as_of=started_at(3))
    tests = active_tests(judged.loaded.evidence)
    assert len(tests) == 15
    assert list(tests) == sorted(tests)
