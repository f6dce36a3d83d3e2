"""What the hidden chain costs on a large suite: processor seconds and memory, in a process of its own."""

from __future__ import annotations

import os
import resource
import time
from collections.abc import Sequence
from multiprocessing import get_context
from statistics import median

import numpy as np

from benchmarks.table import Row, Section, judged
from flakelens.facts import Int8s, Int32s
from flakelens.model import Outcome
from flakelens.stats.markov import Parameters
from flakelens.stats.outages import find_outages
from flakelens.stats.probabilities import find_posterior, fit_input, fit_to

SECONDS, SECONDS_MORE, GIGABYTES = 10.0, 1.0, 1.5
WINDOW = 349  # runs that a gate reads at most: 300, and down to the last multiple of 50


def measure(size: tuple[int, int]) -> dict[str, float]:
    """CPU seconds of each part and the peak memory in GB; a tenth of the tests fail outside outages."""
    tests, runs = size
    rng = np.random.default_rng(50_000)
    outcomes = np.full((tests, runs), Outcome.PASSED, np.int8)
    for start in range(0, tests // 10, 500):
        part = slice(start, min(start + 500, tests // 10))
        rate = np.exp(rng.uniform(np.log(0.001), np.log(0.3), part.stop - part.start))[:, None]
        failed = rng.random((part.stop - part.start, runs)) < rate
        again = rng.random(failed.shape) < 0.4
        outcomes[part] = np.where(failed, np.where(again, Outcome.FAILED, Outcome.FLAKY), Outcome.PASSED)
    for run in range(20, runs, 33):
        outcomes[rng.random(tests) < 0.3, run] = Outcome.FAILED
    for start in range(0, tests, 5000):
        part = slice(start, min(start + 5000, tests))
        outcomes[part][rng.random((part.stop - start, runs)) < 0.05] = Outcome.NONE
    commits = np.cumsum(rng.random(runs) < 0.85).astype(np.int32)
    shown, nobody = np.ones(runs, np.bool_), np.zeros(tests, np.bool_)
    times = [time.process_time()]
    outage = find_outages(outcomes).confirmed
    times.append(time.process_time())
    parameters = fit_to(fit_input(outcomes, commits, outage=outage, retries_shown=shown))
    times.append(time.process_time())
    find_posterior(outcomes, commits, outage=outage, disagreed=nobody, retries_shown=shown, parameters=parameters)
    times.append(time.process_time())
    parts = dict(zip(("outages", "parameters by EM", "probabilities"), np.diff(times).tolist(), strict=True))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
    return {**parts, "all": times[-1] - times[0], "peak": peak, "one more": _one_more(outcomes, commits, parameters)}


def _one_more(outcomes: Int8s, commits: Int32s, parameters: Parameters) -> float:
    """CPU seconds for all states once a run has come: the window at its longest, with parameters that are kept."""
    outcomes, commits = outcomes[:, -WINDOW:], commits[-WINDOW:]
    shown, nobody = np.ones(len(commits), np.bool_), np.zeros(len(outcomes), np.bool_)
    begin = time.process_time()
    outage = find_outages(outcomes).confirmed
    find_posterior(outcomes, commits, outage=outage, disagreed=nobody, retries_shown=shown, parameters=parameters)
    return time.process_time() - begin


def sections(small: bool) -> list[Section]:
    """One suite; `small` is a tenth as large and not judged, for a slow machine is no fault of the code."""
    tests, runs, rounds = (5_000, 300, 1) if small else (50_000, 1_000, 3)
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # as the command line has it
    with get_context("spawn").Pool(1, maxtasksperchild=1) as pool:
        found = pool.map(measure, [(tests, runs)] * rounds, chunksize=1)
    rows = [Row(name, _told(found, name, "s of CPU")) for name in ("outages", "parameters by EM", "probabilities")]
    for name, key, unit, limit in (
        ("all, cold", "all", "s of CPU", SECONDS),
        ("after one more run, the window, kept parameters", "one more", "s of CPU", SECONDS_MORE),
        ("peak memory of the process", "peak", "GB", GIGABYTES),
    ):
        figure = median(one[key] for one in found)
        target, verdict = ("", "") if small else (f"<= {limit:g} {unit}", judged(figure, limit, 0.0))
        rows.append(Row(name, _told(found, key, unit), target, verdict))
    title = f"{tests:,} tests x {runs:,} runs, a tenth of the tests with failures; {rounds} times"
    return [Section(title, tuple(rows))]


def _told(found: Sequence[dict[str, float]], key: str, unit: str) -> str:
    """Median of the rounds, with the least and the most of them."""
    seen = [one[key] for one in found]
    spread = f" ({min(seen):.2f} to {max(seen):.2f})" if len(seen) > 1 else ""
    return f"{median(seen):.2f} {unit}{spread}"
