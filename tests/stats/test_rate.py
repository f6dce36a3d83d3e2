"""stats.rate: MET only when every clause holds, NOT_MET only on evidence, and no data is never MET."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from flakelens.model import GateState
from flakelens.stats.evidence import mirror_log_e
from flakelens.stats.rate import (
    LargeLoss,
    RateFinding,
    RateRule,
    certifiable,
    clean_runs_needed,
    judge_rate,
    judge_state,
    limit_of,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

MET, NOT_MET, INCONCLUSIVE = GateState.MET, GateState.NOT_MET, GateState.INCONCLUSIVE
RULE = RateRule(limit=limit_of(0.98))
POINT = RateRule(limit=limit_of(0.98), evidence="observed")
SUITE = 500


def judge(failed: list[int], rule: RateRule = RULE, *, outages: set[int] | None = None) -> RateFinding:
    """Of runs of 500 tests; `outages` are places from the oldest."""
    runs = len(failed)
    outage = np.array([t in (outages or ()) for t in range(runs)], dtype=bool)
    return judge_rate(np.array(failed, dtype=int), np.full(runs, SUITE), outage, rule)


def needed(failed: list[int], rule: RateRule = RULE) -> int | None:
    runs = len(failed)
    return clean_runs_needed(np.array(failed, dtype=int), np.full(runs, SUITE), np.zeros(runs, dtype=bool), rule, SUITE)


def clause(finding: RateFinding, name: str) -> bool:
    return {c.name: c.holds for c in finding.clauses + finding.violations}[name]


@pytest.mark.parametrize(
    ("failed", "state"),
    [
        ([], INCONCLUSIVE),
        ([0] * 5, INCONCLUSIVE),
        ([0] * 28, INCONCLUSIVE),  # the e-value has its proof after 18, the large-loss bound not yet
        ([0] * 29, MET),
        ([2, 3] * 20, MET),  # 99.5 %
        ([0] * 45 + [150] * 15, NOT_MET),
        ([11] * 9, INCONCLUSIVE),  # below the threshold, but nine runs
        ([11] * 10, NOT_MET),
        ([500], INCONCLUSIVE),  # one run proves nothing, two lost runs of two are proof of large losses
        ([500] * 2, NOT_MET),
        ([10] * 100, INCONCLUSIVE),  # exactly 98.00 %: not below, and no proof
        ([9] * 100, INCONCLUSIVE),  # 98.2 % without any spread is still too near the limit
        ([0] * 88 + [60] + [0] * 11, MET),  # one large loss in 100 runs leaves the pooled evidence standing
        ([60] * 20 + [0] * 80, NOT_MET),  # clean for 80 runs, yet 20 % of the newest 100 lost more than 10 %
        ([0] * 90 + [12] * 10, INCONCLUSIVE),  # observed over 30 is good, the last 10 are not
    ],
)
def test_states(failed: list[int], state: GateState) -> None:
    finding = judge(failed)
    assert finding.state is state
    assert (finding.state is MET) == all(c.holds for c in finding.clauses)


@pytest.mark.parametrize(
    ("failed", "state"),
    [
        ([], INCONCLUSIVE),
        ([0] * 9, INCONCLUSIVE),
        ([0] * 10, MET),
        ([10] * 10, MET),  # exactly at the limit
        ([10] * 9 + [11], NOT_MET),
        ([400] * 30 + [0] * 30, MET),  # only the newest 30 count
    ],
)
def test_observed_evidence_compares_the_point(failed: list[int], state: GateState) -> None:
    finding = judge(failed, POINT)
    assert finding.state is state
    assert {c.name for c in finding.clauses + finding.violations} == {"observed", "minimum-runs", "below"}


@pytest.mark.parametrize(("losses", "first"), [(0, 29), (1, 46), (2, 61), (3, 76), (4, 89)])
def test_large_losses_set_the_minimum_of_runs(losses: int, first: int) -> None:
    """Large losses in the oldest runs, clean since: the bound holds after 29, 46, 61, 76 and 89 runs, not before."""
    for runs, holds in ((first - 1, False), (first, True)):
        assert clause(judge([400] * losses + [0] * (runs - losses)), "large-loss") is holds


def test_confirmed_outages_leave_the_observed_rate_and_the_mirror_but_not_the_evidence() -> None:
    failed = [0] * 100
    lost = {70, 80, 85}
    for t in lost:
        failed[t] = 500
    known, unknown = judge(failed, outages=lost), judge(failed)
    assert known.observed is not None
    assert known.observed.value == 1.0
    assert known.observed.n_runs == 30
    assert unknown.observed is not None
    assert unknown.observed.value == 0.9
    assert known.state is MET
    assert unknown.state is NOT_MET
    assert known.e_log == unknown.e_log
    assert known.large_loss == unknown.large_loss
    assert known.mirror_log < 0.0 < unknown.mirror_log
    assert known.last_rate == 1.0


def test_the_mirror_speaks_before_ten_runs() -> None:
    finding = judge([50] * 8 + [0] + [500])
    assert judge([50] * 9).state is INCONCLUSIVE
    assert finding.mirror_log == pytest.approx(mirror_log_e(np.array([0.1] * 8 + [0.0, 1.0]), RULE.limit))
    nine = judge([45] * 8 + [500])
    assert nine.state is NOT_MET
    assert [c.name for c in nine.violations if c.holds] == ["mirror"]


def test_only_outages_is_no_observed_rate() -> None:
    finding = judge([500] * 20, outages=set(range(20)))
    assert finding.observed is None
    assert finding.state is NOT_MET
    assert [c.name for c in finding.violations if c.holds] == ["large-losses"]


def test_findings_carry_figures() -> None:
    finding = judge([2, 3] * 20)
    assert finding.observed is not None
    assert (finding.observed.passed, finding.observed.executed, finding.observed.n_runs) == (14_925, 15_000, 30)
    assert finding.observed.value == 14_925 / 15_000
    assert finding.observed.low is not None
    assert finding.large_loss == LargeLoss(0, 40, pytest.approx(1 - 0.05 ** (1 / 40)), 0.0)
    assert judge([3] * 9).observed is not None
    assert judge([3] * 9).observed.low is None  # type: ignore[union-attr]


def test_a_share_exactly_at_the_limit_holds_whatever_the_decimals() -> None:
    for percent in range(51, 100):
        rule = RateRule(limit=limit_of(percent / 100), evidence="observed")
        at = judge_rate(np.full(12, 100 - percent), np.full(12, 100), np.zeros(12, dtype=bool), rule)
        above = judge_rate(np.array([100 - percent] * 11 + [101 - percent]), np.full(12, 100), np.zeros(12, bool), rule)
        assert (at.state, above.state) == (MET, NOT_MET), percent


@pytest.mark.parametrize(
    ("threshold", "can"), [(0.9, True), (0.98, True), (0.995, True), (0.996, False), (0.999, False)]
)
def test_what_hundred_clean_runs_can_certify(threshold: float, can: bool) -> None:
    assert certifiable(limit_of(threshold)) is can
    assert (needed([], RateRule(limit=limit_of(threshold))) is not None) is can
    assert not certifiable(limit_of(threshold), large_loss_limit=0.02)


@pytest.mark.parametrize(
    "wrong", [{"limit": 0.0}, {"limit": 0.5}, {"limit": 0.02, "window": 0}, {"limit": 0.02, "large_loss_limit": 1.0}]
)
def test_impossible_rules(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(reversed(wrong))):
        RateRule(**wrong)


def test_runs_without_results_or_with_missing_columns_are_refused() -> None:
    none, two = np.zeros(2, dtype=int), np.full(2, 5)
    with pytest.raises(ValueError, match="without results"):
        judge_rate(none, none, none.astype(bool), RULE)
    with pytest.raises(ValueError, match="one value per run"):
        judge_rate(none, two, np.zeros(3, dtype=bool), RULE)


@pytest.mark.parametrize(
    ("failed", "runs"),
    [([], 29), ([0] * 20, 9), ([0] * 29, 0), ([0] * 99 + [60], 0), ([18] * 100, 28), ([60] * 30, 96)],
)
def test_clean_runs_needed(failed: list[int], runs: int | None) -> None:
    assert needed(failed) == runs


@given(st.lists(st.integers(0, 40), max_size=60))
@settings(max_examples=25, deadline=None)
def test_clean_runs_needed_is_the_smallest(failed: list[int]) -> None:
    n = needed(failed)
    for extra in range(100 if n is None else n):
        assert judge(failed + [0] * extra).state is not MET
    if n is not None:
        assert judge(failed + [0] * n).state is MET


# Histories near the decision: mostly small counts, with stretches and large losses.
stretch = st.tuples(st.sampled_from([0, 0, 0, 1, 3, 9, 12, 60, 500]), st.integers(1, 40))
histories = st.lists(stretch, max_size=6).map(lambda parts: [count for count, length in parts for _ in range(length)])


@given(histories, st.data())
@settings(max_examples=500, deadline=None)
def test_one_more_failing_result_never_makes_a_rate_met(failed: list[int], data: st.DataObject) -> None:
    """Without exception: whether a passed test fails or one that was skipped runs and fails, in a suite of any size."""
    if not failed:
        return
    size = data.draw(st.sampled_from([5, 20, 60, 100, SUITE, 2000]))
    counts, sizes = np.minimum(failed, size), np.full(len(failed), size)
    at = data.draw(st.integers(0, len(failed) - 1))
    skipped = data.draw(st.booleans())
    more = data.draw(st.integers(1, size)) if skipped else data.draw(st.integers(0, size - int(counts[at])))
    worse, larger = counts.copy(), sizes.copy()
    worse[at] += more
    larger[at] += more if skipped else 0
    none = np.zeros(len(failed), dtype=np.bool_)
    for rule in (RULE, POINT):
        before = judge_state(counts, sizes, none, rule)
        assert before is MET or judge_state(worse, larger, none, rule) is not MET


@pytest.mark.parametrize("seed", range(5))
def test_no_single_failing_result_anywhere_makes_a_simulated_history_met(seed: int) -> None:
    """Histories near the decision, every run of them; a guard by the sample's own variance let 1 to 4 % through."""
    rng = np.random.default_rng(seed)
    none, sizes = np.zeros(50, dtype=np.bool_), np.full(50, SUITE)
    judged = 0
    for _ in range(20):
        broken = np.repeat(rng.binomial(8, 0.3, 10), 5)
        failed = np.minimum(rng.poisson(0.006 * SUITE, 50) + broken, SUITE)
        if judge_state(failed, sizes, none, RULE) is MET:
            continue
        judged += 1
        for one in np.eye(50, dtype=np.int64):
            assert judge_state(failed + one, sizes, none, RULE) is not MET
    assert judged


@given(histories)
@example([0] * 29)
@settings(max_examples=300, deadline=None)
def test_a_clean_run_never_turns_met_into_not_met(failed: list[int]) -> None:
    if judge(failed).state is MET:
        assert judge([*failed, 0]).state is not NOT_MET


@given(histories, st.data())
@settings(max_examples=150, deadline=None)
def test_the_quick_state_is_the_state(failed: list[int], data: st.DataObject) -> None:
    outage: NDArray[np.bool_] = np.array(data.draw(st.lists(st.booleans(), min_size=len(failed), max_size=len(failed))))
    arguments = np.array(failed, dtype=int), np.full(len(failed), SUITE), outage.astype(bool)
    for rule in (RULE, POINT):
        finding = judge_rate(*arguments, rule)
        assert finding.state is judge_state(*arguments, rule)
        if all(c.holds for c in finding.clauses):
            assert finding.state is MET
        else:
            assert finding.state is (NOT_MET if any(c.holds for c in finding.violations) else INCONCLUSIVE)
        if finding.observed is not None and finding.observed.low is not None and finding.observed.high is not None:
            assert finding.observed.low <= finding.observed.value <= finding.observed.high


def test_the_gate_does_not_wait_for_scipy() -> None:
    code = (
        "import sys, flakelens.stats.rate; sys.exit(any(m.split('.')[0] in ('scipy', 'pandas') for m in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
