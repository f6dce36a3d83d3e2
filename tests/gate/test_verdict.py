"""From criteria to a verdict: which state wins, what a waiver can and cannot do, what quarantine costs."""

from __future__ import annotations

from datetime import timedelta

import pytest

from flakelens.gate.verdict import together
from flakelens.model import GateState, RunReports
from tests.builders import a_commit, a_suite_run, started_at
from tests.gate.conftest import Judge, the

MET, NOT_MET, INCONCLUSIVE = GateState.MET, GateState.NOT_MET, GateState.INCONCLUSIVE


@pytest.mark.parametrize(
    ("states", "state"),
    [
        ([MET, MET], MET),
        ([MET, INCONCLUSIVE], INCONCLUSIVE),
        ([INCONCLUSIVE, NOT_MET, MET], NOT_MET),
        ([NOT_MET], NOT_MET),
        ([], INCONCLUSIVE),
    ],
)
def test_the_worst_criterion_decides_and_none_is_not_met(states: list[GateState], state: GateState) -> None:
    assert together(states) is state


def unstable(after: dict[int, dict[str, str]] | None = None) -> list[RunReports]:
    """40 runs; a component test broke in the newest two; `after` are later runs by number."""
    bad = {38: {"components 2": "F"}, 39: {"components 2": "F"}}
    return [a_suite_run(n, bad.get(n)) for n in range(40)] + [a_suite_run(n, bad_) for n, bad_ in (after or {}).items()]


def waiver(
    criterion: str = "stable", *, commit: str = "", hours: float = 24, created: int = 40, gate: str = "gate1"
) -> str:
    begin = started_at(created)
    end = begin + timedelta(hours=hours)
    return (
        f'[[waivers]]\ngate = "{gate}"\ncriterion = "{criterion}"\ncommit = "{commit or a_commit(39)}"\nby = "ada"\n'
        f'reason = "known, fix is in review"\ncreated = {begin.isoformat()}\nexpires = {end.isoformat()}\n'
    )


def test_a_waiver_changes_the_decision_and_never_the_state(judge: Judge) -> None:
    found = judge(unstable(), decisions=waiver(), as_of=started_at(41))
    assert (found.state, found.decision, found.proceed) == (NOT_MET, "WAIVED", True)
    assert the(found, "stable").state is NOT_MET


@pytest.mark.parametrize(
    ("text", "later", "hours", "why"),
    [
        (waiver(hours=1), {}, 42, "it has expired"),
        (waiver(hours=100), {}, 41, "longer than 72 h"),
        (waiver(created=50), {}, 41, "not yet given"),
        (waiver("stabel"), {}, 41, "no criterion stabel"),
        (waiver("pass-rate"), {}, 41, "met without it"),
        (waiver(commit="f" * 40), {}, 41, "no run on the gated branch"),
        (waiver(), {40: {"components 2": "F", "components 9": "F"}}, 41, '"components 9" failed newly'),
        (waiver(), {40: {"components 2": "F"}}, 41, ""),
    ],
)
def test_when_a_waiver_does_not_hold(
    judge: Judge, text: str, later: dict[int, dict[str, str]], hours: int, why: str
) -> None:
    found = judge(unstable(later), decisions=text, as_of=started_at(hours))
    (finding,) = found.waivers
    assert why in finding.why_not
    assert finding.holds is not bool(why)


def test_ai_cannot_be_waived(judge: Judge) -> None:
    runs = [a_suite_run(n, {"AI 1": "F"} if n == 39 else None) for n in range(40)]
    found = judge(runs, decisions=waiver("all-passing"), as_of=started_at(41))
    assert found.decision == "STOP"
    assert "AI cannot be waived" in found.waivers[0].why_not


def test_a_failing_payment_test_cannot_be_waived_in_any_area(judge: Judge) -> None:
    bad = {38: {"components payment form": "F"}, 39: {"components payment form": "F"}}
    runs = [a_suite_run(n, bad.get(n, {"components payment form": "P"})) for n in range(40)]
    found = judge(runs, decisions=waiver(), as_of=started_at(41))
    assert the(found, "stable").state is NOT_MET
    assert "payments" in found.waivers[0].why_not


def test_a_waiver_of_one_criterion_does_not_cover_another(judge: Judge) -> None:
    bad = {38: {"components 2": "F"}, 39: {"components 2": "F", "E2E 1": "S", "E2E 2": "S"}}
    runs = [a_suite_run(n, bad.get(n)) for n in range(40)]
    found = judge(runs, decisions=waiver(), as_of=started_at(41))
    assert the(found, "no-laundering").state is NOT_MET
    assert found.waivers[0].holds
    assert found.decision == "STOP"


def quarantine(*names: str, until: int = 200) -> str:
    return "\n".join(
        f'[[quarantine]]\nowner = "ada"\nreason = "race"\ncreated = {started_at(0).isoformat()}\n'
        f'expires = {started_at(until).isoformat()}\ntest = {{ name = "{name}" }}\n'
        for name in names
    )


ROOMY = "[quarantine]\nshare = 10.0"


def test_quarantine_takes_a_broken_test_out_of_stable_but_not_out_of_the_rate(judge: Judge) -> None:
    found = judge(unstable(), policy=ROOMY, decisions=quarantine("components 2"), as_of=started_at(40))
    finding = the(found, "stable")
    assert finding.state is MET
    assert finding.observed is not None
    assert finding.observed.count == (898, 900)


@pytest.mark.parametrize(
    ("decisions", "policy", "why"),
    [
        (quarantine("components 2"), "", "1 test of 30 in quarantine, 2 % at most"),
        (quarantine("AI 2"), ROOMY, "1 test of 30 in quarantine, 0 % at most"),
        (quarantine("components 2", until=30), ROOMY, 'the quarantine of "components 2" has expired'),
        (quarantine("no such test"), ROOMY, 'the quarantine names "no such test", which no run knows'),
    ],
)
def test_quarantine_beyond_its_limits_is_not_met(judge: Judge, decisions: str, policy: str, why: str) -> None:
    runs = [a_suite_run(n) for n in range(40)]
    finding = the(judge(runs, policy=policy, decisions=decisions, as_of=started_at(40)), "complete")
    assert finding.state is NOT_MET
    assert why in finding.why
