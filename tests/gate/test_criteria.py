"""Each criterion's three values, as a table: what the runs were, what it says, how many clean runs it asks for."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from flakelens.model import GateState, RetryEvidence, RunReports
from tests.builders import a_report, a_run, a_suite_run
from tests.gate.conftest import Judge, the

MET, NOT_MET, INCONCLUSIVE = GateState.MET, GateState.NOT_MET, GateState.INCONCLUSIVE


def clean(count: int, start: int = 0) -> list[RunReports]:
    return [a_suite_run(n) for n in range(start, start + count)]


THREE = {f"components {number}": "F" for number in (1, 2, 3)}


def with_bad(count: int, bad: dict[int, dict[str, str]]) -> list[RunReports]:
    """`count` runs, clean but for the runs named: negative numbers count from the newest."""
    at = {number % count: titles for number, titles in bad.items()}
    return [a_suite_run(n, at.get(n)) for n in range(count)]


def test_a_long_clean_history_meets_the_gate(judge: Judge) -> None:
    found = judge(clean(40))
    assert [(finding.id, finding.state) for finding in found.criteria] == [
        ("pass-rate", MET),
        ("all-passing", MET),
        ("stable", MET),
        ("reliable", MET),
        ("complete", MET),
        ("no-laundering", MET),
    ]
    assert found.state is MET
    assert found.decision == "PROCEED"
    assert all(finding.needs_runs == 0 for finding in found.criteria)


@pytest.mark.parametrize(
    ("runs", "state", "needs"),
    [
        pytest.param(clean(1), INCONCLUSIVE, 28, id="one clean run is not evidence for 98 %"),
        pytest.param(clean(20), INCONCLUSIVE, 9, id="20 clean runs prove the rate but not that no run is lost"),
        pytest.param(clean(28), INCONCLUSIVE, 1, id="28 clean runs leave one to go"),
        pytest.param(clean(29), MET, 0, id="29 clean runs are the fewest that meet it"),
        pytest.param(with_bad(60, {n: {f"components {n + 1}": "F", f"AI {n + 1}": "F"} for n in range(20)}), MET, 0,
                     id="2 of 90 fail in the oldest third: proven by the newer runs"),
        pytest.param(with_bad(12, dict.fromkeys(range(12), THREE)), NOT_MET, None,
                     id="3 of 90 fail in all of 12 runs: observed below 98 %"),
        pytest.param(with_bad(9, dict.fromkeys(range(9), THREE)), INCONCLUSIVE, None,
                     id="the same over 9 runs: too few to say"),
    ],
)  # fmt: skip
def test_pass_rate(judge: Judge, runs: list[RunReports], state: GateState, needs: int | None) -> None:
    finding = the(judge(runs), "pass-rate")
    assert finding.state is state, finding.why
    if needs is not None:
        assert finding.needs_runs == needs


def test_the_clean_runs_asked_for_are_exactly_enough(judge: Judge) -> None:
    before = with_bad(25, {n: {f"AI {n + 1}": "F"} for n in range(0, 25, 6)})
    found = judge(before)
    for finding in found.criteria:
        assert finding.needs_runs is not None, finding
        needed = finding.needs_runs
        after = judge([*before, *clean(needed, start=25)], needs=False)
        assert the(after, finding.id).state is MET, finding
        if needed:
            short = judge([*before, *clean(needed - 1, start=25)], needs=False)
            assert the(short, finding.id).state is not MET, finding


def test_observed_evidence_compares_the_point_and_says_so(judge: Judge) -> None:
    policy = '[gates.gate1.criteria.pass-rate]\nevidence = "observed"'
    finding = the(judge(clean(10), policy=policy), "pass-rate")
    assert finding.state is MET
    assert "the point alone is compared" in finding.why
    assert the(judge(clean(9), policy=policy), "pass-rate").state is INCONCLUSIVE


def test_large_losses_stand_against_the_gate_even_when_the_rate_is_high(judge: Judge) -> None:
    outage = {f"{area} {k}": "F" for area in ("AI", "components", "E2E") for k in range(1, 8)}
    finding = the(judge(with_bad(60, dict.fromkeys((8, 20, 32, 44), outage))), "pass-rate")
    assert finding.state is not MET
    assert "large losses" in finding.why or "lost more" in finding.why


@pytest.mark.parametrize(
    ("bad", "state", "says"),
    [
        pytest.param({}, MET, "All 30 active tests passed", id="all pass"),
        pytest.param({-1: {"AI 3": "F"}}, NOT_MET, '"AI 3"', id="failed in the newest run"),
        pytest.param({-1: {"AI 3": "E"}}, NOT_MET, '"AI 3"', id="errored in the newest run"),
        pytest.param({-2: {"AI 3": "K"}}, NOT_MET, "failed or flaked", id="flaked in one of the three"),
        pytest.param({-1: {"AI 3": "S"}}, NOT_MET, "newly skipped", id="newly skipped"),
        pytest.param({-1: {"AI 3": "."}}, INCONCLUSIVE, "without a result", id="merely without a result"),
        pytest.param({-5: {"AI 3": "F"}}, MET, "All 30", id="one failure, four runs ago"),
        pytest.param({-20: {"AI 3": "F"}, -10: {"AI 3": "F"}}, NOT_MET, "flaky", id="flaky, and not yet healed"),
        pytest.param({-3: {"components 3": "F"}}, MET, "All 30", id="another area's failure"),
    ],
)
def test_all_passing(judge: Judge, bad: dict[int, dict[str, str]], state: GateState, says: str) -> None:
    finding = the(judge(with_bad(40, bad)), "all-passing")
    assert finding.state is state
    assert says in finding.why


@pytest.mark.parametrize("title", ["AI 1", "AI 3", "AI 9"])  # the first of the area by its id, one inside, the last
def test_one_unreliable_test_is_enough_wherever_it_stands(judge: Judge, title: str) -> None:
    finding = the(judge(with_bad(40, {-20: {title: "F"}, -10: {title: "F"}})), "all-passing")
    assert finding.state is NOT_MET
    assert f'"{title}"' in finding.why


def test_all_passing_says_what_so_many_clean_runs_can_hide(judge: Judge) -> None:
    (hidden,) = the(judge(clean(40)), "all-passing").evidence
    assert hidden == "40 clean runs in a row still allow that up to 7.2 % of runs fail somewhere in AI (95 %)."


def test_a_broken_ai_test_needs_a_repair_before_any_number_of_runs(judge: Judge) -> None:
    finding = the(judge(with_bad(40, {-1: {"AI 3": "F"}, -2: {"AI 3": "F"}})), "all-passing")
    assert finding.state is NOT_MET
    assert finding.needs_runs is None
    assert finding.repair_first == ('repair "AI 3", broken now',)


def test_an_ai_test_that_failed_once_asks_for_three_clean_runs(judge: Judge) -> None:
    finding = the(judge(with_bad(40, {-1: {"AI 3": "F"}})), "all-passing")
    assert finding.needs_runs == 3


def test_all_passing_is_inconclusive_below_three_complete_runs(judge: Judge) -> None:
    assert the(judge(clean(2)), "all-passing").state is INCONCLUSIVE
    assert the(judge(clean(3)), "all-passing").state is MET


def test_a_new_ai_test_is_judged_only_in_runs_since_its_first(judge: Judge) -> None:
    runs = [*clean(40), a_suite_run(40, {"AI 31": "P"})]
    assert the(judge(runs), "all-passing").state is MET


@pytest.mark.parametrize(
    ("bad", "state", "says"),
    [
        pytest.param({}, MET, "the runs prove it", id="clean"),
        pytest.param({-1: {"components 2": "F"}, -2: {"components 2": "F"}}, NOT_MET, "broken now", id="broken now"),
        pytest.param({-3: {"components 2": "F"}, -4: {"components 2": "F"}}, NOT_MET, "not verified", id="just mended"),
        pytest.param({-8: {"components 2": "F"}, -9: {"components 2": "F"}}, MET, "prove", id="repair verified"),
        pytest.param({-30: {"components 2": "F"}, -31: {"components 2": "F"}}, MET, "prove", id="long ago"),
        pytest.param({-1: {"components 2": "F"}}, MET, "prove", id="one failure may be a flake"),
        pytest.param({-1: {"AI 2": "F"}, -2: {"AI 2": "F"}}, MET, "prove", id="another area is broken"),
    ],
)
def test_stable(judge: Judge, bad: dict[int, dict[str, str]], state: GateState, says: str) -> None:
    finding = the(judge(with_bad(40, bad)), "stable")
    assert (finding.state, says in finding.why) == (state, True), finding.why


def test_stable_lists_earlier_regressions_and_the_chance_of_green(judge: Judge) -> None:
    found = the(judge(with_bad(40, {-30: {"components 2": "F"}, -31: {"components 2": "F"}})), "stable")
    green, earlier = found.evidence
    assert "all green with probability" in green
    assert earlier.startswith('"components 2" was broken for 2 runs from run 1009')


def test_a_flaky_component_test_does_not_make_the_area_unstable(judge: Judge) -> None:
    bad = {n: {"components 2": "K"} for n in range(0, 40, 5)}
    assert the(judge(with_bad(40, bad)), "stable").state is MET


E2E = {f"E2E {n}": "P" for n in range(1, 31)}


def e2e_runs(count: int, letters: Callable[[int], dict[str, str]], retries: RetryEvidence | None) -> list[RunReports]:
    return [
        a_run(n, reports=[a_report(n, E2E | letters(n), producer="playwright", file="e2e/a.spec.ts", retries=retries)])
        for n in range(count)
    ]


@pytest.mark.parametrize(
    ("retries", "letters", "state", "says"),
    [
        pytest.param(RetryEvidence.RECORDED, {}, MET, "900/900", id="retries recorded, none needed"),
        pytest.param(RetryEvidence.NONE, {}, MET, "900/900", id="no retries at all"),
        pytest.param(RetryEvidence.HIDDEN, {}, INCONCLUSIVE, "Only 0 of the newest 30", id="retries hidden"),
        pytest.param(None, {}, INCONCLUSIVE, "Only 0 of the newest 30", id="nobody knows"),
        pytest.param(RetryEvidence.RECORDED, {"E2E 1": "K"}, MET, "870/900", id="one test flakes in every run: 96.7 %"),
        pytest.param(RetryEvidence.RECORDED, {"E2E 1": "K", "E2E 2": "K"}, NOT_MET, "840/900", id="two do: 93.3 %"),
    ],
)
def test_reliable(
    judge: Judge, retries: RetryEvidence | None, letters: dict[str, str], state: GateState, says: str
) -> None:
    finding = the(judge(e2e_runs(40, lambda _: letters, retries)), "reliable")
    assert (finding.state, says in finding.why) == (state, True), finding.why


def test_hidden_retries_come_with_the_line_that_shows_them(judge: Judge) -> None:
    finding = the(judge(e2e_runs(40, lambda _: {}, RetryEvidence.HIDDEN)), "reliable")
    assert "includeRetries: true" in finding.next_steps[0]
    assert "--retries recorded" in finding.next_steps[1]
    assert finding.observed is None


def test_old_visible_runs_do_not_certify_runs_that_hide_their_retries(judge: Judge) -> None:
    shown = e2e_runs(40, lambda _: {}, RetryEvidence.RECORDED)
    hidden = [
        a_run(n, reports=[a_report(n, E2E, producer="playwright", file="e2e/a.spec.ts", retries=RetryEvidence.HIDDEN)])
        for n in range(40, 65)
    ]
    assert the(judge([*shown, *hidden]), "reliable").state is INCONCLUSIVE


def test_a_broken_e2e_test_is_not_reliable_however_good_the_rate(judge: Judge) -> None:
    found = judge(e2e_runs(40, lambda n: {"E2E 1": "F"} if n >= 38 else {}, RetryEvidence.RECORDED))
    assert the(found, "reliable").state is NOT_MET
    assert the(found, "reliable").repair_first
