"""Store.durations: passing attempts with a known duration, and nothing else."""

from __future__ import annotations

from pathlib import Path

from msgspec.structs import replace

from flakelens.model import Attempt, Status
from flakelens.store import open_store
from tests.builders import a_case, a_report, a_run, started_at

P, F, S = Status.PASSED, Status.FAILED, Status.SKIPPED


def test_failing_and_skipped_attempts_and_unknown_durations_are_left_out(tmp_path: Path) -> None:
    attempts = {
        "passes": [(P, 1.5)],
        "retried": [(F, 30.0), (P, 2.0)],
        "fails": [(F, 30.0)],
        "skipped": [(S, 0.0)],
        "untimed": [(P, None)],
    }
    cases = tuple(
        a_case(name)._replace(attempts=tuple(Attempt(status, seconds, "", "") for status, seconds in tries))
        for name, tries in attempts.items()
    )
    info, report = a_report(1, {"x": "P"})
    with open_store(tmp_path / "flakelens.db", create=True) as store:
        store.write_run(a_run(1, reports=[(info, replace(report, cases=cases))]), ingested_at=started_at(1))
        store.write_run(a_run(2, outcomes={"passes": "P"}), ingested_at=started_at(2))
        facts = store.read()
        names = {test.key: test.id.name for test in facts.tests}
        runs = {report.key: run.key.run for run in facts.runs for report in run.reports}

        def said(reports, tests=None):
            found = store.durations(reports, tests)
            return sorted(
                (runs[report], names[test], ms)
                for report, test, ms in zip(*(column.tolist() for column in found), strict=True)
            )

        assert said(runs) == [("1001", "passes", 1500), ("1001", "retried", 2000), ("1002", "passes", 100)]
        passes = [key for key, name in names.items() if name == "passes"]
        assert said(runs, passes) == [("1001", "passes", 1500), ("1002", "passes", 100)]
        newest = [key for key, run in runs.items() if run == "1002"]
        assert said(newest) == [("1002", "passes", 100)]
        assert said([]) == said(runs, []) == said([10**6]) == []
