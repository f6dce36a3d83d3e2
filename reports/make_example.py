"""reports/example: the report of the newest recorded night, and the overview over the month before. `make example`."""

from __future__ import annotations

import shutil
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.recorded_truth import Score, score
from flakelens.analyze.verdicts import record
from flakelens.cli import run
from flakelens.decisions import Decisions
from flakelens.demo import ingest_recorded, recorded_runs
from flakelens.nightly import judge_night
from flakelens.policy_text import parse
from flakelens.store import open_store

EXAMPLE = Path(__file__).parent / "example"
NIGHTS = 24
NEWEST = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)


def make(out: Path) -> None:
    """Write the example into the empty folder `out`, by the shipped policy."""
    with TemporaryDirectory(prefix="flakelens-example-") as temporary:
        database, policy = Path(temporary) / "example.db", Path(temporary) / "flakelens.toml"
        policy.write_text("")
        with open_store(database, create=True) as store:
            ingest_recorded(recorded_runs(), store, ingested_at=NEWEST)
            for night in range(NIGHTS - 1, 0, -1):
                moment = NEWEST - timedelta(days=night)
                judged = judge_night(store, parse(), Decisions(), "gate1", as_of=moment)
                record(store, judged, commit="", recorded_at=moment)
        options = ["--as-of", NEWEST.isoformat(), "--out", str(out), "--sheet"]
        code = run(["-q", "--db", str(database), "--policy", str(policy), "report", *options])
        if code:
            sys.exit(code)
    (out / "accuracy.md").write_text(accuracy(score(recorded_runs())))


def accuracy(found: Score) -> str:
    """How right the words of the report are on these runs, whose truth is known: precision and recall as Markdown."""
    called = len(found.called_flaky)
    broken, twice = found.called_broken, 2  # failing runs after which a break is to be seen
    rows = (
        ("flaky", _share(called, called + len(found.wrongly_flaky)), "tests called so",
         _share(len(found.called_flaky & found.flaking), len(found.flaking)), "tests that flaked twice"),
        ("broken", _share(broken[True], broken.total()), "looks that said so",
         _share(found.seen_broken[twice], found.broken[twice]), "breaks after their second failing run"),
    )  # fmt: skip
    table = "\n".join(f"| {word} | {right} {of} | {seen} {there} |" for word, right, of, seen, there in rows)
    return f"""# How right is this report?

The tests of these runs were designed to flake and to break (`fixtures/recorded/truth.json`). Each test was judged after
every run of main, as if that run were the newest; tests that die with a shared service count as flaking.

| word | precision | recall |
|---|---|---|
{table}
"""


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.3f}: {part} of {whole}"


if __name__ == "__main__":
    shutil.rmtree(EXAMPLE, ignore_errors=True)
    make(EXAMPLE)
