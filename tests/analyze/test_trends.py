"""Trends: that charts and daily figures say what the gate says, leave out what it leaves out, and invent nothing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from flakelens.analyze import trends, trends_of_test
from flakelens.analyze.evidence import load
from flakelens.analyze.gate import area_line, judge_gate
from flakelens.analyze.tests import area_lines
from flakelens.analyze.verdict_trends import policy_changes, verdict_series, verdicts_of
from flakelens.analyze.verdicts import record
from flakelens.decisions import Decisions
from flakelens.demo import ingest_recorded
from flakelens.gate.evidence import Evidence
from flakelens.model import GateState, Outcome, RetryEvidence
from flakelens.policy_text import parse
from flakelens.report.trends import Limit
from flakelens.store import Store, open_store
from tests.builders import a_report, a_run, a_store, a_suite_run, started_at

RECORDED = Path(__file__).parents[2] / "fixtures" / "recorded"
LATER = datetime(2026, 12, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    with open_store(tmp_path_factory.mktemp("recorded") / "recorded.db", create=True) as opened:
        ingest_recorded(RECORDED, opened, ingested_at=LATER)
        yield opened


def evidence_of(store: Store, policy: str = "") -> Evidence:
    return load(store, parse(policy), Decisions(), as_of=LATER).evidence


@pytest.mark.parametrize("area", ["AI", "components", "E2E", "unassigned"])
def test_the_newest_buckets_are_what_the_gate_says_of_its_newest_runs(recorded, area):
    """Recorded runs are sparse: buckets of 10, so that three of them are the 30 runs of the gate's table of areas."""
    evidence = evidence_of(recorded)
    series = trends.rate_series(evidence, area=area)
    line = area_line(evidence.scope(area))
    newest = series.buckets[-3:]
    assert (series.per, [bucket.runs for bucket in newest], line.runs) == ("10 runs", [10, 10, 10], 30)
    assert sum(bucket.pass_rate.passed for bucket in newest) == line.pass_rate.passed
    assert sum(bucket.pass_rate.executed for bucket in newest) == line.pass_rate.executed
    assert sum(bucket.hidden for bucket in newest) == line.first_attempt_hidden
    if line.first_attempt_pass_rate is None:
        assert all(bucket.first_attempts is None for bucket in newest)
    else:
        assert sum(bucket.first_attempts.passed for bucket in newest) == line.first_attempt_pass_rate.passed


def test_every_run_is_a_point_and_only_outages_are_in_no_bucket(recorded):
    evidence = evidence_of(recorded)
    series = trends.rate_series(evidence)
    assert len(series.runs) == len(evidence.counting)
    assert sum(run.outage for run in series.runs) == int(evidence.outages.confirmed.sum()) == 1
    assert sum(bucket.runs for bucket in series.buckets) == len(series.runs) - 1


@pytest.mark.parametrize(
    ("runs", "hours", "per", "buckets"),
    [
        (1, 1, "run", 1),
        (5, 1, "run", 5),
        (19, 24, "run", 19),
        (25, 24, "10 runs", 3),  # 5 left over, the oldest
        (70, 1, "day", 4),  # 24 a day from 06:00 on
    ],
)
def test_a_bucket_holds_enough_runs_for_an_interval_where_it_can(tmp_path, runs, hours, per, buckets):
    made = [a_suite_run(n, started=started_at(0) + timedelta(hours=hours * n)) for n in range(runs)]
    with a_store(tmp_path, made) as store:
        series = trends.rate_series(evidence_of(store), area="AI")
    assert (series.per, len(series.buckets)) == (per, buckets)
    assert sum(bucket.runs for bucket in series.buckets) == runs
    assert all((bucket.pass_rate.low is not None) == (bucket.runs >= 10) for bucket in series.buckets)
    starts = [bucket.first for bucket in series.buckets]
    assert starts == sorted(starts)


def test_an_empty_history_is_an_empty_series():
    evidence = load(None, parse(), Decisions(), as_of=LATER).evidence
    series = trends.rate_series(evidence, area="AI", gate=evidence.policy.gates["gate1"])
    assert (series.buckets, series.runs) == ((), ())


def test_first_attempts_are_absent_where_they_are_hidden(tmp_path):
    def run(n: int):
        shown = RetryEvidence.RECORDED if n >= 20 else RetryEvidence.HIDDEN
        outcomes = {f"t{k}": "K" if (n + k) % 7 == 0 else "P" for k in range(6)}
        return a_run(n, reports=[a_report(n, outcomes, file="e2e/a.spec.ts", producer="playwright", retries=shown)],
                     started=started_at(0) + timedelta(days=n))  # fmt: skip

    with a_store(tmp_path, [run(n) for n in range(40)]) as store:
        series = trends.rate_series(evidence_of(store), area="E2E")
    hidden = [bucket for bucket in series.buckets if bucket.last < started_at(0) + timedelta(days=20)]
    assert [bucket.first_attempts for bucket in hidden] == [None, None]
    assert [bucket.hidden for bucket in series.buckets] == [10, 10, 0, 0]
    assert all(bucket.pass_rate.value == 1 for bucket in series.buckets)
    assert all(0.7 < bucket.first_attempts.value < 1 for bucket in series.buckets[2:])


def test_the_limits_are_those_of_the_area():
    evidence = load(None, parse(), Decisions(), as_of=LATER).evidence
    gate = evidence.policy.gates["gate1"]
    after, first = Limit(value=0.98, first_attempts=False), Limit(value=0.95, first_attempts=True)
    limits = {area: trends.rate_series(evidence, area=area, gate=gate).limits for area in ("", "AI", "E2E")}
    assert limits == {"": (after,), "AI": (after,), "E2E": (after, first)}


def test_a_focus_is_its_tests_of_every_area(recorded):
    evidence = evidence_of(recorded, '[[focuses]]\nname = "uploads"\ntitles = ["upload"]\n')
    series = trends.rate_series(evidence, focus="uploads")
    scope = evidence.pooled(["*"], ["uploads"])
    assert series.name == "uploads"
    assert sum(run.executed for run in series.runs) == int(scope.view.executed.sum()) > 0
    assert max(run.executed for run in series.runs) < 20


def test_a_test_is_believed_flaky_after_it_disagreed_with_itself(tmp_path):
    made = [a_suite_run(n, {"AI 1": "F"} if n in (30, 33) else {}, commit=f"{n // 2:040x}") for n in range(40)]
    with a_store(tmp_path, made) as store:
        evidence = evidence_of(store)
        position = next(place for place, test in enumerate(evidence.history.tests) if test.id.name == "AI 1")
        series = trends_of_test.series_of_test(evidence, position)
        durations = trends_of_test.durations_of_test(store, evidence, position)
    assert [point.outcome for point in series.points].count(Outcome.FAILED) == 2
    assert series.points[29].p_flaky < 0.2
    assert series.points[31].p_flaky > 0.9  # failed and passed on commit 15
    assert series.points[-1].p_broken < 0.05
    assert (series.p_flaky, series.p_broken) == (series.points[-1].p_flaky, series.points[-1].p_broken)
    assert not series.disagreed
    assert series.hidden == 0
    assert (len(durations.points), len(durations.levels)) == (38, 1)
    assert durations.points[0].seconds == pytest.approx(0.1)


def test_pull_requests_enter_at_the_end_as_show_says_it(recorded):
    evidence = evidence_of(recorded)
    told = 0
    for position in map(int, evidence.disagreed.nonzero()[0]):
        series = trends_of_test.series_of_test(evidence, position)
        finding = area_lines(evidence, "AI").get(position)
        if finding:
            assert (series.p_flaky, series.p_broken) == (finding.finding.p_flaky, finding.finding.p_broken)
            told += series.p_flaky > series.points[-1].p_flaky + 0.01
    assert told >= 1


def test_nothing_is_believed_before_the_first_result(tmp_path):
    made = [a_run(n, outcomes={"old": "P", "new": "P" if n >= 3 else "."}) for n in range(6)]
    with a_store(tmp_path, made) as store:
        evidence = evidence_of(store)
        position = next(place for place, test in enumerate(evidence.history.tests) if test.id.name == "new")
        series = trends_of_test.series_of_test(evidence, position)
    assert [point.p_flaky is None for point in series.points] == [True] * 3 + [False] * 3
    assert series.hidden == 3  # jest hides retries unless it is said that there are none


POLICIES = [
    ("", "[gates.gate1.criteria.pass-rate]\nthreshold = 95", ["looser: pass-rate threshold 98 -> 95",
     "looser: no-laundering threshold 98 -> 95"]),
    ("[gates.gate1.criteria.stable]\nthreshold = 97.5", "", ["tighter: stable threshold 97.5 -> 98"]),
    ('[gates.gate1]\nmode = "observe"', "", ["tighter: mode observe -> enforce"]),
    ("", 'branch = "develop"', ["looser: branch by default -> develop"]),
    ("", "[gates.gate1.criteria.all-passing]\nareas = []", ["looser: all-passing is removed"]),
    ("[gates.gate1.criteria.all-passing]\nareas = []", "", ["tighter in other points"]),
    ("", 'title_separators = [" / "]',
     ["title_separators changed: which tests or first attempts are judged may differ"]),
]  # fmt: skip


@pytest.mark.parametrize(("before", "after", "said"), POLICIES)
def test_changes_of_policy_are_read_from_the_recorded_verdicts(tmp_path, before, after, said):
    with a_store(tmp_path, [a_suite_run(n) for n in range(3)]) as store:
        for hour, text in enumerate((before, before, after, after)):
            moment = started_at(3 + hour)
            judged = judge_gate(store, parse(text), Decisions(), "gate1", as_of=moment)
            record(store, judged, commit="", recorded_at=moment)
        verdicts = verdicts_of(store, "gate1")
    (change,) = policy_changes(verdicts)
    assert (change.at, list(change.said)) == (started_at(5), said)
    series = verdict_series("gate1", verdicts)
    assert [point.as_of for point in series.verdicts] == [started_at(hour) for hour in (3, 4, 5, 6)]
    assert {point.state for point in series.verdicts} == {GateState.INCONCLUSIVE}
    assert [point.required for point in series.verdicts][-1] in (0.98, 0.95)
    assert series.verdicts[0].observed == 1.0


def test_a_policy_of_another_version_does_not_stop_the_chart(tmp_path):
    with a_store(tmp_path, [a_suite_run(n) for n in range(3)]) as store:
        judged = judge_gate(store, parse(), Decisions(), "gate1", as_of=started_at(3))
        record(store, judged, commit="", recorded_at=started_at(3))
        (stored,) = verdicts_of(store, "gate1")
    from msgspec.structs import replace

    (change,) = policy_changes([replace(stored, policy_text='{"unknown": 1}'), stored])
    assert change.said == ("one of the two was made by another version of flakelens",)


def test_without_a_database_there_are_no_verdicts():
    assert verdicts_of(None, "gate1") == ()
