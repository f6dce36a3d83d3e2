"""Everything on recorded runs of real Jest and Playwright tests: ingest, states, the Gate 1 verdict."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from flakelens.errors import NothingReadError
from flakelens.report import DemoReport

if TYPE_CHECKING:
    from flakelens.store import IngestedRun, Store

GATE = "gate1"
ATTENTION = 8  # tests that are shown
Progress = Callable[[int, int | None, str], None]  # done, of how many (None: unknown), what is being read

_LATER = timedelta(hours=1)  # from the start of the newest run to the moment of the verdict


def recorded_runs() -> Path:
    """The folder of what was recorded: in an installed package, or in a checkout. Raises NothingReadError."""
    package = Path(__file__).parent
    for folder in (package / "recorded", package.parent / "fixtures" / "recorded"):
        if (folder / "runs").is_dir():
            return folder
    raise NothingReadError(
        "The recorded runs are not there.", mend="Install flakelens from a checkout or its wheel; both carry them."
    )


def ingest_recorded(
    folder: Path, store: Store, *, ingested_at: datetime, progress: Progress | None = None
) -> list[IngestedRun]:
    """Bring the recorded runs, each a folder below `folder`/runs; one entry per folder.

    Raises NothingReadError, DatabaseError.
    """
    from flakelens.ingest import ingest

    return ingest([str(folder / "runs")], store=store, run_per_dir=True, ingested_at=ingested_at, progress=progress)


def demo(*, folder: Path | None = None, keep: Path | None = None, progress: Progress | None = None) -> DemoReport:
    """Ingest what was recorded in `folder` (None: what flakelens carries) and judge it by the shipped policy.

    The moment of the verdict is an hour after the newest run's start, so that the demo says the same on every day.
    `keep`: where the database stays; without it, it is thrown away. Raises NothingReadError, DatabaseError.
    """
    folder = folder or recorded_runs()
    if keep is not None:
        return _demo(folder, keep, str(keep), progress)
    with TemporaryDirectory(prefix="flakelens-demo-") as temporary:
        return _demo(folder, Path(temporary) / "demo.db", "", progress)


def _demo(folder: Path, database: Path, kept: str, progress: Progress | None) -> DemoReport:
    from flakelens.analyze.gate import judge_gate
    from flakelens.analyze.tests import tests_report
    from flakelens.decisions import Decisions
    from flakelens.policy_text import parse
    from flakelens.store import open_store

    moment = _newest_start(folder) + _LATER
    policy, decisions = parse(), Decisions()
    with open_store(database, create=True) as store:
        done = ingest_recorded(folder, store, ingested_at=moment, progress=progress)
        tests = tests_report(store, policy, decisions, as_of=moment, limit=ATTENTION)
        gate = judge_gate(store, policy, decisions, GATE, as_of=moment).report
    return DemoReport(
        runs=len({(run.provider, run.run) for run in done}),
        reports=sum(run.reports for run in done),
        results=sum(run.tests for run in done),
        problems=_problems(done),
        database=kept,
        tests=tests,
        gate=gate,
    )


def _problems(done: list[IngestedRun]) -> dict[str, int]:
    counts = Counter(str(problem.code) for run in done for problem in run.problems)
    return dict(counts.most_common())


def _newest_start(folder: Path) -> datetime:
    """The newest `started_at` in the run.json files. Raises NothingReadError without any."""
    starts = []
    for path in sorted(folder.glob("runs/*/run.json")):
        try:
            start = datetime.fromisoformat(json.loads(path.read_text(encoding="utf-8"))["started_at"])
        except (ValueError, KeyError, TypeError, OSError):
            continue  # ingest says what is wrong with it
        starts.append(start if start.tzinfo else start.replace(tzinfo=UTC))
    if not starts:
        raise NothingReadError(f"No run with a start is below {folder}.", mend="Install flakelens again.")
    return max(starts)
