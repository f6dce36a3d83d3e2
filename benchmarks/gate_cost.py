"""What a verdict costs: CPU of `flakelens gate` over that of a Python that does nothing, and over a longer history.

Whole processes that take turns, default output, the verdict recorded as always. The suite is written through the store,
one run at a time; older runs are copies of its runs further back in time, facts and packed outcomes alike, because
writing 30 million results one by one would take minutes and change nothing in what the gate finds. The two histories of
the second section both fill the window of 300 runs: what differs is what the gate must not look at.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import sys
import tempfile
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import numpy as np

from benchmarks.table import Row, Section, judged
from benchmarks.timing import PASS, Ratio, Spent, paired, run
from flakelens.model import (
    Attempt,
    CaseResult,
    Event,
    ParsedReport,
    ReportInfo,
    RetryEvidence,
    RunInfo,
    RunReports,
    Status,
    TestId,
)
from flakelens.store import Store, open_store

SEED = 30
TIMES_PASS, MOONSHOT = 30.0, 20.0
LONGER = 1.10
HELP = 6.0
VERDICTS = (0, 10, 11)
START = datetime(2026, 1, 5, 8, tzinfo=UTC)
BETWEEN = timedelta(hours=2)
KINDS = (
    ("unit", "jest", "src/{}/__tests__/app/{}.test.tsx", 0.45),
    ("unit", "jest", "src/{}/api/ai/{}.test.ts", 0.15),
    ("unit", "jest", "src/{}/lib/{}.test.ts", 0.2),
    ("e2e", "playwright", "e2e/{}/{}.spec.ts", 0.2),
)
FLAKY, RATE = 0.05, 0.02  # tests that flake, and how often


def sections(small: bool) -> list[Section]:
    """`small` is a tenth of the suite and is not judged: how fast a machine is, is no fault of the code."""
    suite, runs = (1_000, 60) if small else (10_000, 300)
    narrow, window, times = (100, 300, 3) if small else (3_000, 350, 29)
    rounds = 3 if small else 15
    with tempfile.TemporaryDirectory() as folder:
        here = Path(folder)
        wide = _history(here / "wide.db", suite, runs)
        short = _history(here / "short.db", narrow, window)
        long = Path(shutil.copyfile(short, here / "long.db"))
        _lengthen(long, times)
        pass_ = _Command(PASS, here)
        over_pass = paired(_gate(wide, here), pass_, rounds, codes=VERDICTS)
        help_ = paired(_Command((sys.executable, "-m", "flakelens", "--help"), here), pass_, rounds)
        longer = paired(_gate(long, here), _gate(short, here), rounds, codes=VERDICTS)
        peak = _gate(wide, here)().peak_mb
    of_long = f"{narrow:,} tests: {narrow * window * (times + 1):,} results over {narrow * window:,}"
    return [
        Section(
            f"{suite:,} tests x {runs:,} runs, CPU over `python -c pass`, median of {rounds} pairs",
            (
                Row("gate", str(over_pass), *_verdict(over_pass, TIMES_PASS, small)),
                Row("the same, hoped for", str(over_pass), *_verdict(over_pass, MOONSHOT, small, moonshot=True)),
                Row("gate, CPU and peak memory", f"{over_pass.left_median:.3f} s, {peak:.0f} MB"),
                Row("python -c pass, CPU", f"{over_pass.right_median:.4f} s"),
                Row("--help", str(help_), *_verdict(help_, HELP, small)),
            ),
        ),
        Section(
            f"{of_long}, CPU of gate over gate, median of {rounds} pairs",
            (Row("gate, the longer history", str(longer), *_verdict(longer, LONGER, small)),),
        ),
    ]


def _verdict(ratio: Ratio, limit: float, small: bool, *, moonshot: bool = False) -> tuple[str, str]:
    return ("", "") if small else (f"<= {limit:g} x", judged(ratio.median, limit, 0.0, moonshot=moonshot))


def _gate(db: Path, folder: Path) -> _Command:
    return _Command((sys.executable, "-m", "flakelens", "--db", str(db), "gate"), folder)


class _Command:
    """A command in a folder without a repository, under an environment that is no CI's."""

    def __init__(self, argv: Sequence[str], folder: Path) -> None:
        self._argv = argv
        self._folder = folder
        # Compiled modules are kept, as those of an installed package are.
        self._env = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}

    def __call__(self) -> Spent:
        return run(self._argv, env=self._env, cwd=self._folder)


def _history(path: Path, tests: int, runs: int) -> Path:
    """A database of one suite: some tests flake, one breaks for a while, every 40th run is an outage."""
    rng = np.random.default_rng(SEED)
    suite = list(_suite(tests))
    flaky = rng.random(tests) < FLAKY
    with open_store(path, create=True) as store:
        for number in range(runs):
            failing = flaky & (rng.random(tests) < RATE)
            failing |= rng.random(tests) < (0.3 if number % 40 == 39 else 0.0)
            failing[tests // 3] |= runs // 2 <= number < runs // 2 + 3
            _write(store, suite, number, failing)
    return path


def _suite(tests: int) -> list[tuple[str, str, TestId]]:
    """(job, producer, test) of each test."""
    found = []
    for job, producer, pattern, share in KINDS:
        for number in range(round(tests * share)):
            file = pattern.format(f"part{number // 400}", f"form-{number // 20}")
            variant = "chromium" if producer == "playwright" else ""
            found.append((job, producer, TestId(file, f"form {number // 20} keeps field {number % 20} valid", variant)))
    return found


def _write(store: Store, suite: Sequence[tuple[str, str, TestId]], number: int, failing: np.ndarray) -> None:
    started = START + number * BETWEEN
    passed = (Attempt(Status.PASSED, 0.05, "", ""),)
    failed = (Attempt(Status.FAILED, 0.05, "Error", "expected 1, received 2"),)
    reports = []
    for job, producer in dict.fromkeys((job, producer) for job, producer, _ in suite):
        again = (*failed, *passed) if producer == "playwright" else failed
        cases = tuple(
            CaseResult(test, 1, again if fails else passed)
            for (own, _, test), fails in zip(suite, failing.tolist(), strict=True)
            if own == job
        )
        parsed = ParsedReport(
            name=f"{job}.xml",
            sha256=sha256(f"{number} {job}".encode()).hexdigest(),
            size=100 * len(cases),
            producer=producer,
            cases=cases,
            started_at=started,
            retry_evidence=RetryEvidence.RECORDED if producer == "playwright" else None,
        )
        none = RetryEvidence.NONE if producer == "jest" else None
        reports.append((ReportInfo(job=job, retries=none), parsed))
    info = RunInfo(
        provider="given",
        run=str(number),
        commit=sha256(str(number).encode()).hexdigest()[:40],
        branch="main",
        event=Event.PUSH,
        started_at=started,
    )
    store.write_run(RunReports(info=info, reports=tuple(reports)), ingested_at=started + timedelta(minutes=20))


# Copies `?1`, each as long ago as the whole history lasts: every key and hash of a copy is its own.
_OLDER = (
    """
    INSERT INTO run SELECT id + ?1 * ?2, provider, run || 'c' || ?1, branch,
      substr(commit_sha, 3) || printf('%02x', ?1), event, environment, counted, local,
      started_at - ?1 * ?5 FROM run WHERE id <= ?2
    """,
    """
    INSERT INTO attempt SELECT id + ?1 * ?3, run + ?1 * ?2, hash, number, substr(commit_sha, 3) || printf('%02x', ?1),
      branch, base_branch, base_commit, event, environment, started_at - ?1 * ?5, url, fork, dirty, local,
      known_since - ?1 * ?5 FROM attempt WHERE id <= ?3
    """,
    """
    INSERT INTO report SELECT id + ?1 * ?4, run + ?1 * ?2, attempt + ?1 * ?3,
      CAST(substr(sha256, 1, 31) || char(?1) AS BLOB), size, name, job, shard, producer, declared, shown, partial,
      damaged, load_failures, started_at - ?1 * ?5, seconds, ingested_at - ?1 * ?5 FROM report WHERE id <= ?4
    """,
    "INSERT INTO result SELECT report + ?1 * ?4, test, try, status, ms, message FROM result WHERE report <= ?4",
    "INSERT INTO packed SELECT report + ?1 * ?4, roster, outcomes FROM packed WHERE report <= ?4",
)


def _lengthen(path: Path, times: int) -> None:
    """Put `times` copies of all runs before them."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA synchronous = OFF")
        (runs,), (attempts,), (reports,) = (
            connection.execute(f"SELECT max(id) FROM {table}").fetchone() for table in ("run", "attempt", "report")
        )
        (span,) = connection.execute("SELECT max(started_at) - min(started_at) FROM run").fetchone()
        span += BETWEEN // timedelta(milliseconds=1)
        for copy in range(1, times + 1):
            with connection:
                for statement in _OLDER:
                    connection.execute(statement, (copy, runs, attempts, reports, span)[: _parameters(statement)])
        # The sums per test follow from the results: a copy adds once more what there was.
        with connection:
            connection.execute(
                "UPDATE test_sum SET (passed, flaky, failed, skipped, timed, ms) = "
                "(passed * ?1, flaky * ?1, failed * ?1, skipped * ?1, timed * ?1, ms * ?1)",
                (times + 1,),
            )


def _parameters(statement: str) -> int:
    return max(number for number in range(1, 6) if f"?{number}" in statement)
