"""reports/example: the report of the newest recorded night, and the overview over the month before. `make example`."""

from __future__ import annotations

import shutil
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

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


if __name__ == "__main__":
    shutil.rmtree(EXAMPLE, ignore_errors=True)
    make(EXAMPLE)
