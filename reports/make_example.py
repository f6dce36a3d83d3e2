"""reports/example: every night of the recorded month, of which the newest report is kept. `make example`."""

from __future__ import annotations

import shutil
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from flakelens.cli import run
from flakelens.demo import ingest_recorded, recorded_runs
from flakelens.store import open_store

EXAMPLE = Path(__file__).parent / "example"
NIGHTS = 24
NEWEST = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)


def make(out: Path) -> None:
    """Write the example into the empty folder `out`: the newest night, the overview over all of them."""
    with TemporaryDirectory(prefix="flakelens-example-") as temporary:
        database = Path(temporary) / "example.db"
        with open_store(database, create=True) as store:
            ingest_recorded(recorded_runs(), store, ingested_at=NEWEST)
        # The shipped policy judges, whatever lies around.
        policy = Path(temporary) / "flakelens.toml"
        policy.write_text("")
        for night in range(NIGHTS - 1, -1, -1):
            moment = (NEWEST - timedelta(days=night)).isoformat()
            arguments = ["report", "--as-of", moment, "--out", str(out), "--keep", "1", "--sheet"]
            code = run(["-q", "--db", str(database), "--policy", str(policy), *arguments])
            if code:
                sys.exit(code)


if __name__ == "__main__":
    shutil.rmtree(EXAMPLE, ignore_errors=True)
    make(EXAMPLE)
