"""What happens to a team, and what the gate says to it: each story once, from reports to verdict."""

from __future__ import annotations

from datetime import timedelta

from flakelens.gate.verdict import Verdict
from flakelens.model import Event, GateState, RetryEvidence, RunReports, TestId
from tests.builders import a_commit, a_report, a_run, a_suite_run, started_at
from tests.gate.conftest import Judge, the

MET, NOT_MET, INCONCLUSIVE = GateState.MET, GateState.NOT_MET, GateState.INCONCLUSIVE
AREAS = ("AI", "components", "E2E")


def clean(count: int, start: int = 0) -> list[RunReports]:
    return [a_suite_run(n) for n in range(start, start + count)]


def gone(area: str, numbers: range) -> dict[str, str]:
    return {f"{area} {number}": "." for number in numbers}


def test_deleted_tests_count_as_failed_until_somebody_answers_for_them(judge: Judge) -> None:
    runs = [*clean(40), *(a_suite_run(n, gone("components", range(1, 5))) for n in range(40, 46))]
    finding = the(judge(runs), "no-laundering")
    assert finding.state is NOT_MET
    assert "86/90 = 95.56 %" in finding.why
    assert "4 tests now skipped or gone" in finding.why
    assert finding.needs_runs is None

    answered = "\n".join(
        f'[[acknowledged]]\nby = "ada"\nreason = "page removed"\ncreated = 2026-10-02T00:00:00Z\n'
        f'test = {{ name = "components {number}" }}\n'
        for number in range(1, 5)
    )
    finding = the(judge(runs, decisions=answered), "no-laundering")
    assert finding.state is MET
    assert finding.evidence == ("4 tests acknowledged or renamed.",)


def test_tests_skipped_to_get_green_do_not_get_the_gate_green(judge: Judge) -> None:
    skipped = {f"E2E {number}": "S" for number in range(1, 6)}
    found = judge([*clean(40), *(a_suite_run(n, skipped) for n in range(40, 44))])
    assert the(found, "pass-rate").state is MET
    assert the(found, "no-laundering").state is NOT_MET
    assert found.state is NOT_MET


def test_tests_moved_to_another_file_are_not_laundered(judge: Judge) -> None:
    def moved(n: int) -> RunReports:
        run = a_suite_run(n, gone("components", range(1, 11)))
        titles = {f"components {number}": "P" for number in range(1, 11)}
        report = a_report(n, titles, file="src/components/new.test.tsx", retries=RetryEvidence.NONE, name="new.xml")
        return a_run(n, reports=[*run.reports, report])

    for newest in (41, 43, 47, 60):
        found = judge([*clean(40), *(moved(n) for n in range(40, newest))])
        assert found.state is MET, [finding.why for finding in found.criteria]
    assert the(found, "no-laundering").evidence == ("10 tests acknowledged or renamed.",)
    assert judge([*clean(40), moved(40)], commit=a_commit(40)).state is MET


def test_tests_of_an_older_met_verdict_are_part_of_the_baseline(judge: Judge) -> None:
    before = frozenset(TestId("src/components/button.test.tsx", f"components {number}", "") for number in range(1, 31))
    runs = [*clean(10), *(a_suite_run(n, gone("components", range(1, 4))) for n in range(10, 60))]
    assert the(judge(runs), "no-laundering").state is MET  # 30 runs ago they were gone already
    finding = the(judge(runs, met_baseline=before), "no-laundering")
    assert finding.state is NOT_MET
    assert "87/90" in finding.why


def test_a_nightly_e2e_suite_is_judged_by_its_own_nights(judge: Judge) -> None:
    runs = []
    for n in range(24 * 35):
        nightly = n % 24 == 20
        if n % 6 and not nightly:
            continue
        run = a_suite_run(n)
        runs.append(a_run(n, reports=[r for r in run.reports if nightly or r[1].producer != "playwright"]))
    found = judge(runs)
    assert {finding.id: finding.state for finding in found.criteria} == {
        "pass-rate": MET,
        "all-passing": MET,
        "stable": MET,
        "reliable": MET,
        "complete": MET,
        "no-laundering": MET,
    }
    stale = judge(runs, as_of=started_at(24 * 34 + 20) + timedelta(hours=80))
    assert the(stale, "complete").state is INCONCLUSIVE
    assert "80 h old, 72 h at most" in the(stale, "complete").why
    assert the(stale, "complete").needs_runs == 1  # the next run starts now, not where the last one left off


def test_split_workflows_are_runs_of_their_own_or_one_by_policy(judge: Judge) -> None:
    runs = []
    for n in range(45):
        whole = a_suite_run(n)
        for part, producer in enumerate(("jest", "playwright")):
            reports = [report for report in whole.reports if report[1].producer == producer]
            runs.append(
                a_run(
                    2 * n + part, reports=reports, commit=a_commit(n), started=started_at(n) + timedelta(minutes=part)
                )
            )
    for policy in ("", 'run_key = "commit"'):
        found = judge(runs, policy=policy)
        assert found.state is MET, [finding.why for finding in found.criteria]


def test_a_rerun_of_failed_jobs_makes_the_test_flaky_not_passed(judge: Judge) -> None:
    first = a_suite_run(40, {"AI 1": "F"})
    again = a_run(
        40,
        reports=[
            a_report(
                1040,
                {f"AI {number}": "P" for number in range(1, 31)},
                file="src/__tests__/api/ai/chat.test.ts",
                name="AI.xml",
                retries=RetryEvidence.NONE,
            )
        ],
        attempt=2,
    )
    found = judge([*clean(40), first, again])
    finding = the(found, "all-passing")
    assert finding.state is NOT_MET
    assert "failed or flaked" in finding.why
    assert the(found, "pass-rate").state is MET  # one run, not two


def outside(judge: Judge, run: RunReports) -> Verdict:
    """The verdict on a clean history followed by a run that must not count."""
    found = judge([*clean(40), run])
    assert found.state is MET
    return found


def test_runs_that_are_not_the_branchs_own_cannot_change_the_verdict(judge: Judge) -> None:
    bad = {f"{area} {number}": "F" for area in AREAS for number in range(1, 20)}
    outside(judge, a_suite_run(40, bad, fork=True))  # a fork whose branch is called main
    outside(judge, a_suite_run(40, bad, local=True, provider="local"))  # a laptop
    outside(judge, a_suite_run(40, bad, dirty=True))
    outside(judge, a_suite_run(40, bad, branch="feature"))
    outside(judge, a_suite_run(40, bad, branch=""))
    outside(judge, a_suite_run(40, bad, event=Event.OTHER))
    outside(judge, a_suite_run(40, bad, event=Event.PULL_REQUEST, base_branch="main"))
    outside(judge, a_suite_run(40, bad, environment="production"))


def test_nor_can_they_make_a_gate_met(judge: Judge) -> None:
    strangers = [a_suite_run(n, fork=True) for n in range(40)]
    assert judge(strangers).state is INCONCLUSIVE
    laptop = [a_suite_run(n, local=True, provider="local") for n in range(40)]
    assert judge(laptop).state is INCONCLUSIVE
    assert judge(laptop, policy="count_local = true").state is MET


def test_a_crashed_run_that_repeats_an_earlier_file_is_not_complete(judge: Judge) -> None:
    runs = clean(40)
    stale = next(report for report in runs[30].reports if report[1].producer == "playwright")
    crashed = a_suite_run(40)
    fresh = [report for report in crashed.reports if report[1].producer != "playwright"]
    found = judge([*runs, a_run(40, reports=[*fresh, stale])])
    finding = the(found, "complete")
    assert finding.state is INCONCLUSIVE
    assert "E2E: run 1040" in finding.why
    assert "is a copy of an earlier run's report" in finding.why


def test_a_truncated_report_makes_only_its_area_incomplete(judge: Judge) -> None:
    crashed = a_suite_run(40)
    whole = [report for report in crashed.reports if report[1].producer != "playwright"]
    half = a_report(
        40,
        {f"E2E {number}": "P" for number in range(1, 16)},
        file="e2e/checkout.spec.ts",
        producer="playwright",
        name="E2E.xml",
        variant="chromium",
        retries=RetryEvidence.NONE,
        damaged=True,
    )
    finding = the(judge([*clean(40), a_run(40, reports=[*whole, half])]), "complete")
    assert finding.state is INCONCLUSIVE
    assert finding.observed is not None
    assert finding.observed.count == (2, 3)
    assert "E2E.xml is empty or was cut off" in finding.why


def test_a_missing_shard_is_named(judge: Judge) -> None:
    def sharded(n: int, shards: tuple[int, ...]) -> RunReports:
        reports = [
            a_report(
                n,
                {f"E2E {k}": "P" for k in range(1, 31) if k % 2 == shard % 2},
                file="a.spec.ts",
                producer="playwright",
                name=f"pw-{shard}.xml",
                job="e2e",
                shard=f"{shard}/2",
                retries=RetryEvidence.NONE,
            )
            for shard in shards
        ]
        unit = [report for report in a_suite_run(n).reports if report[1].producer != "playwright"]
        return a_run(n, reports=[*unit, *reports])

    runs = [sharded(n, (1, 2)) for n in range(40)]
    assert judge(runs).state is MET
    finding = the(judge([*runs, sharded(40, (1,))]), "complete")
    assert finding.state is INCONCLUSIVE
    assert "shard 2/2 of job e2e is missing" in finding.why


def test_an_outage_in_the_newest_run_is_not_judged_until_it_is_known(judge: Judge) -> None:
    down = {f"{area} {number}": "F" for area in AREAS for number in range(1, 21)}
    found = judge([*clean(40), a_suite_run(40, down)])
    assert "looks like an outage" in the(found, "complete").why
    again = judge([*clean(40), a_suite_run(40, down), a_suite_run(41)])
    assert the(again, "complete").state is MET
    assert any("1 confirmed outage" in line for line in the(again, "pass-rate").evidence)


def test_an_empty_history_is_never_met(judge: Judge) -> None:
    found = judge([a_run(1, outcomes={})])
    assert found.state is INCONCLUSIVE
    assert all(finding.state is INCONCLUSIVE for finding in found.criteria)


def test_an_area_without_tests_is_inconclusive_until_it_is_removed_openly(judge: Judge) -> None:
    runs = [a_run(n, reports=[r for r in a_suite_run(n).reports if r[1].producer == "jest"]) for n in range(40)]
    found = judge(runs)
    assert the(found, "reliable").state is INCONCLUSIVE
    assert "no data is never a pass" in the(found, "reliable").why
    policy = """
        [gates.gate1.criteria.reliable]
        areas = []
        [gates.gate1.criteria.complete]
        areas = ["AI", "components"]
    """
    found = judge(runs, policy=policy)
    assert found.state is MET
    assert found.removed == ("reliable",)


def test_a_deploy_asks_for_a_whole_run_of_its_own_commit(judge: Judge) -> None:
    runs = clean(40)
    assert judge(runs, commit=a_commit(39)).state is MET
    assert the(judge(runs, commit=a_commit(39)[:10]), "commit").state is MET
    unknown = judge(runs, commit="f" * 40)
    assert the(unknown, "commit").state is INCONCLUSIVE
    assert "no run of ffffffffffff" in the(unknown, "commit").why
    head = a_suite_run(40, event=Event.PULL_REQUEST, branch="feature", base_branch="main")
    assert the(judge([*runs, head], commit=a_commit(40)), "commit").state is MET
    unit_only = a_run(40, reports=[r for r in a_suite_run(40).reports if r[1].producer == "jest"])
    assert "E2E" in the(judge([*runs, unit_only], commit=a_commit(40)), "commit").why
    laptop = a_suite_run(40, local=True, provider="local")
    assert the(judge([*runs, laptop], commit=a_commit(40)), "commit").state is INCONCLUSIVE
    down = {f"{area} {number}": "F" for area in AREAS for number in range(1, 21)}
    outage = a_suite_run(40, down, event=Event.PULL_REQUEST, branch="feature", base_branch="main")
    assert "looks like an outage" in the(judge([*runs, outage], commit=a_commit(40)), "commit").why
