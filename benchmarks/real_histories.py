"""How good is the forecast on real histories of other projects? Skipped, and said so, where they are not at hand.

`sequences/*.csv` below $FLAKELENS_SHARED/histories, or ../shared/histories beside the checkout: ";"-separated, with the
columns Name, Cycle and Verdict (1 = failed). Dune-common's GitLab CI (from jacksonpradolima/coleman4hcs) and ABB
Robotics (Spieker et al., ISSTA 2017). Every cycle counts as a commit; nothing is known of retries.
"""

from __future__ import annotations

import csv
import os
from pathlib import Path

import numpy as np

from benchmarks.table import Row, Section, judged
from flakelens.facts import Bools
from flakelens.model import Outcome
from flakelens.stats.fitting import fit
from flakelens.stats.forecast import EXPERTS, mix, predictions
from flakelens.stats.markov import Floats, Series, series

# The histories that the target names; others are printed beside them.
JUDGED = ("abb_iofrol", "dune_debian11")
WITHIN = 1.05


def read(path: Path) -> Series:
    """One file as outcomes of tests in cycles; a test that failed at all in a cycle failed."""
    with path.open(newline="") as file:
        rows = [(row["Name"], int(row["Cycle"]), row["Verdict"] == "1") for row in csv.DictReader(file, delimiter=";")]
    names = {name: place for place, name in enumerate(sorted({name for name, _, _ in rows}))}
    cycles = {cycle: place for place, cycle in enumerate(sorted({cycle for _, cycle, _ in rows}))}
    outcomes = np.full((len(names), len(cycles)), Outcome.NONE, np.int8)
    for name, cycle, failed in rows:
        cell = names[name], cycles[cycle]
        outcomes[cell] = max(outcomes[cell], Outcome.FAILED if failed else Outcome.PASSED)
    return series(outcomes, np.arange(len(cycles), dtype=np.int32))


def log_loss(p: Floats, seen: Series, first: int, *, after_failure: bool = False) -> float:
    """Mean -ln P(what happened) over the results from run `first` on; of tests that failed last, if asked.

    Only of tests that ever failed: the others are easy, and would hide the difference between the forecasters.
    """
    chosen: Bools = seen.ran & (seen.failed.sum(axis=1) > 0)[:, None]
    chosen[:, :first] = False
    if after_failure:
        place = np.maximum.accumulate(np.where(seen.ran, np.arange(seen.ran.shape[1]), -1), axis=1)
        before = np.concatenate([np.full((len(place), 1), -1), place[:, :-1]], axis=1)
        chosen &= (before >= 0) & np.take_along_axis(seen.failed, np.maximum(before, 0), axis=1)
    said = p[:, :-1][chosen]
    return float(-np.log(np.where(seen.failed[chosen], said, 1 - said)).mean())


def measure(path: Path) -> list[Row]:
    """Trains on the first half of one history and scores the second."""
    seen = read(path)
    half = seen.outcomes.shape[1] // 2
    parameters = fit(series(seen.outcomes[:, :half], seen.commits[:half]))
    single = predictions(seen, parameters, train=half)
    mixed, _ = mix(single, seen)
    losses = {name: log_loss(p, seen, half) for name, p in zip(EXPERTS, single, strict=True)}
    best = min(losses, key=lambda name: losses[name])
    ratio = log_loss(mixed, seen, half) / losses[best]
    rows = [Row(f"{path.stem}: {name}", f"{loss:.4f}") for name, loss in losses.items()]
    judging = path.stem in JUDGED
    figure = f"{ratio * losses[best]:.4f}, {100 * (ratio - 1):+.1f} % of {best}"
    target = f"<= {100 * (WITHIN - 1):+.0f} % of the best" if judging else ""
    rows.append(Row(f"{path.stem}: mixture", figure, target, judged(ratio, WITHIN, 0.0) if judging else ""))
    later = {name: log_loss(p, seen, half, after_failure=True) for name, p in zip(EXPERTS, single, strict=True)}
    text = ", ".join(f"{name} {loss:.3f}" for name, loss in later.items())
    rows.append(
        Row(f"{path.stem}: after a failure", f"{text}, mixture {log_loss(mixed, seen, half, after_failure=True):.3f}")
    )
    return rows


def folder() -> Path:
    """Where the histories would be."""
    shared = os.environ.get("FLAKELENS_SHARED")
    beside = Path(__file__).resolve().parents[2] / "shared"
    return (Path(shared) if shared else beside) / "histories" / "sequences"


def sections(small: bool) -> list[Section]:
    """One section over all files; `small` leaves out the largest."""
    files = sorted(folder().glob("*.csv")) if folder().is_dir() else []
    if small:
        files = [path for path in files if path.stem != "abb_iofrol"]
    if not files:
        row = Row("SKIPPED: no sequences/*.csv below $FLAKELENS_SHARED/histories", "nothing measured")
        return [Section("Log loss of the forecast on real histories", (row,))]
    rows = tuple(row for path in files for row in measure(path))
    return [
        Section(
            "Log loss of the next result of tests with failures, trained on the first half, scored on the second", rows
        )
    ]
