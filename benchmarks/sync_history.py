"""How large a shared history becomes, and what a pull of it costs.

A team of 1,140 tests runs them 43 times a day, 15 of these on main, for two and a half years: 40,000 runs. Reports of
Jest (two) and Playwright; a test in 350 fails, with a message of its own in one failure of two; durations scatter by a
sixth; every month 2 % of the tests are replaced. The packs are made from such facts directly, day by day, added to a
branch of a bare repository and joined exactly as pushes join them. No test has a target but what the design asks for:
that a pull request pulls only what its gate needs.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from benchmarks.table import Row, Section
from flakelens.store import open_store
from flakelens.sync.build import joined
from flakelens.sync.columns import roster_bytes
from flakelens.sync.form import PLANES, CallRow, MessageRow, Pack, ReportRow, RunRow, TestRow, decode, encode, hash_of
from flakelens.sync.joining import groups, is_over
from flakelens.sync.names import HIGHEST, PackName, name_of
from flakelens.sync.pull import pull
from flakelens.sync.remote import Change, History, open_history

SEED = 40_000
RUNS, TESTS = 40_000, 1_140
SMALL_RUNS, SMALL_TESTS = 600, 200
A_DAY, OF_MAIN = 43, 15
START = datetime(2024, 6, 1, tzinfo=UTC)
WINDOW = 350
AT_ONCE = 32  # runs whose packs are joined as soon as they are there
SUITES = (("unit", "jest", 0.45), ("components", "jest", 0.35), ("e2e", "playwright", 0.2))
FAILING, OWN_MESSAGE = 1 / 350, 0.5
WORDS = ("submits", "renders", "rejects", "keeps", "sorts", "uploads", "shows", "filters", "saves", "restores")
THINGS = ("candidate", "invoice", "résumé", "referral", "payment", "draft", "avatar", "session", "search", "offer")


@dataclass
class Team:
    """Makes the facts of one run after the other."""

    tests: int
    rng: np.random.Generator = field(default_factory=lambda: np.random.default_rng(SEED))

    def __post_init__(self) -> None:
        self.made = 0
        self.suites = {job: [self._test(producer) for _ in range(round(self.tests * share))]
                       for job, producer, share in SUITES}  # fmt: skip
        self.means = {job: self.rng.lognormal(4.0, 1.2, len(rows)) for job, rows in self.suites.items()}

    def _test(self, producer: str) -> TestRow:
        self.made += 1
        word, thing = WORDS[self.made % 10], THINGS[self.made // 10 % 10]
        place = f"src/features/{thing}s/__tests__/{thing}-{self.made // 12}.test.tsx"
        if producer == "playwright":
            place = f"e2e/{thing}s/{thing}-{self.made // 12}.spec.ts"
        title = f"{thing} form {self.made // 12} {word} the {thing} number {self.made} when the list is not empty"
        return TestRow(place, title, "chromium" if producer == "playwright" else "", 1, producer)

    def new_month(self) -> None:
        """Two tests in a hundred are replaced."""
        for job, producer, _ in SUITES:
            for place in self.rng.choice(len(self.suites[job]), max(1, len(self.suites[job]) // 50), replace=False):
                self.suites[job][int(place)] = self._test(producer)

    def pack(self, number: int) -> Pack:
        """Run `number` as a pack of its own."""
        tests = sorted({row for rows in self.suites.values() for row in rows})
        at = {row: place for place, row in enumerate(tests)}
        start = int(START.timestamp() * 1000) + number * 86_400_000 // A_DAY
        messages: dict[MessageRow, int] = {}
        rosters: list[bytes] = []
        reports: list[ReportRow] = []
        for job, producer, _ in SUITES:
            order = np.argsort([at[row] for row in self.suites[job]])
            rosters.append(roster_bytes([at[self.suites[job][int(place)]] for place in order]))
            reports.append(self._report(job, producer, order, start, number, len(rosters) - 1, messages))
        ranked = sorted(messages)
        for place, report in enumerate(reports):
            said = [(test, ranked.index(list(messages)[message])) for test, message in report.said]
            reports[place] = _with(report, said=said)
        main = number % A_DAY < OF_MAIN
        call = CallRow(
            attempt=1, commit=hash_of(b"%d" % number)[:40], branch="main" if main else f"feature-{number % 97}",
            base_branch="" if main else "main", base_commit="", event="push" if main else "pull_request",
            environment="", started_at=start, url=f"https://github.com/team/app/actions/runs/{10**10 + number}",
            fork=False, dirty=False, local=False, ingested_at=start + 900_000, problems=[], reports=reports,
        )  # fmt: skip
        return Pack(
            made_of=[], tests=tests, files=[], messages=ranked, rosters=rosters,
            runs=[RunRow("github", str(10**10 + number), [call])], renames=[], texts=[], verdicts=[],
        )  # fmt: skip

    def _report(
        self, job: str, producer: str, order: np.ndarray, start: int, number: int, roster: int,
        messages: dict[MessageRow, int],
    ) -> ReportRow:  # fmt: skip
        size = len(order)
        failed = np.flatnonzero(self.rng.random(size) < FAILING)
        statuses = np.ones(size, np.uint8)
        statuses[failed] = 2
        ms = (self.means[job][order] * self.rng.normal(1.0, 1 / 6, size).clip(0.5, 3.0)).astype("<u8") + 1
        planes = ms.view(np.uint8).reshape(size, 8)
        said = []
        for test in failed.tolist():
            line = number if self.rng.random() < OWN_MESSAGE else test
            text = f"Error: expect(received).toBe(expected)\n\nExpected: {line}\nReceived: {line + 1}\n" + "".join(
                f"    at step{step} (src/features/shared/steps-{step}.ts:{line % 300 + step}:11)\n"
                for step in range(12)
            )
            said.append((test, messages.setdefault(MessageRow("Error", text), len(messages))))
        return ReportRow(
            sha256=bytes.fromhex(hash_of(f"{number} {job}".encode())), size=290 * size, name=f"{job}.xml", job=job,
            shard="", producer=producer, declared=None, shown="recorded" if producer == "playwright" else None,
            partial=False, damaged=False, load_failures=[], started_at=start + 1_000, seconds=float(ms.sum() // 1000),
            problems=[], roster=roster, retried=[], statuses=statuses.tobytes(),
            durations=b"".join(planes[:, plane].tobytes() for plane in range(PLANES)), said=said,
        )  # fmt: skip


def _with(report: ReportRow, **fields: object) -> ReportRow:
    from msgspec.structs import replace

    return replace(report, **fields)


@dataclass
class Grown:
    """What a history's growth has cost."""

    single: int = 0  # bytes of a run's own pack, on average
    pushed: int = 0  # bytes of all packs that ever were on the branch
    seconds: float = 0.0  # CPU of joining


def grow(history: History, runs: int, tests: int) -> Grown:
    """Push `runs` runs in groups of `AT_ONCE`, each group joined to one pack, and these further as pushes do."""
    team, grown = Team(tests), Grown()
    packs: dict[str, Pack] = {}
    month = ""
    singles = 0
    held: dict[PackName, bytes] = {}
    for number in range(runs):
        pack = team.pack(number)
        data = encode(pack)
        singles += len(data)
        name = name_of(pack, hash_of(data), 1)
        if month and name.month != month:
            team.new_month()
        month = name.month
        packs[name.sha256] = pack
        if len(packs) == AT_ONCE or number == runs - 1:
            start = time.process_time()
            one = joined(packs)
            data = encode(one)
            held[name_of(one, hash_of(data), 2)] = data
            grown.pushed += len(data)
            packs = {}
            grown.pushed += _join(held)
            grown.seconds += time.process_time() - start
            _land(history, held, month)
    _land(history, held, "")
    grown.single = singles // runs
    grown.pushed += singles
    return grown


def _join(held: dict[PackName, bytes]) -> int:
    """Join what is ripe among packs that are not on the branch yet; the bytes of the new ones."""
    written = 0
    for group in groups(held):
        one = joined({name.sha256: decode(held[name], name.sha256) for name in group})
        data = encode(one)
        level = min(HIGHEST, max(name.level for name in group) + 1)
        for name in group:
            del held[name]
        held[name_of(one, hash_of(data), level)] = data
        written += len(data)
    return written


def _land(history: History, held: dict[PackName, bytes], month: str) -> None:
    """Add the packs of months that are over to the branch: joined to a few, they stay as they are; "" adds all."""
    over = {name: data for name, data in held.items() if not month or is_over(name.month, month)}
    if over:
        history.change(lambda _: Change(over))
    for name in over:
        del held[name]


def _blobs(repository: Path) -> Iterator[int]:
    said = subprocess.run(
        ["git", "ls-tree", "-r", "-l", "flakelens-history"], cwd=repository, capture_output=True, text=True, check=True
    )
    yield from (int(line.split()[3]) for line in said.stdout.splitlines())


def sections(small: bool) -> list[Section]:
    """Size of the branch, and of a full and of a pull request's pull."""
    runs, tests = (SMALL_RUNS, SMALL_TESTS) if small else (RUNS, TESTS)
    runs = int(os.environ.get("SYNC_RUNS", runs))
    with tempfile.TemporaryDirectory() as name:
        top = Path(name)
        bare, team = top / "remote.git", top / "team"
        for command in (
            ["git", "init", "--quiet", "--bare", str(bare)],
            ["git", "-C", str(bare), "config", "uploadpack.allowFilter", "true"],
            ["git", "-C", str(bare), "config", "uploadpack.allowAnySHA1InWant", "true"],
            ["git", "init", "--quiet", str(team)],
            ["git", "-C", str(team), "remote", "add", "origin", str(bare)],
        ):
            subprocess.run(command, check=True)

        def at(cache: str) -> History:
            return open_history("git:origin/flakelens-history", team, top / cache, dict(os.environ))

        start = time.process_time()
        grown = grow(at("cache"), runs, tests)
        made = time.process_time() - start
        sizes = list(_blobs(bare))
        rows = [
            Row("runs x results", f"{runs:,} x {tests:,}"),
            Row("a run's own pack", f"{grown.single / 1e3:,.1f} kB"),
            Row("branch: packs of its newest commit", f"{sum(sizes) / 1e6:,.1f} MB in {len(sizes):,} files"),
            Row("  per run", f"{sum(sizes) / runs:,.0f} B"),
            Row("branch: all packs that ever were on it", f"{grown.pushed / 1e6:,.1f} MB"),
            Row("joining, CPU of all runs", f"{grown.seconds:,.0f} s of {made:,.0f} s"),
        ]
        for what, window in (("pull request's pull", WINDOW if not small else 50), ("full pull", None)):
            if window is None and os.environ.get("SYNC_FULL") == "0":
                continue
            with open_store(top / f"{window}.db", create=True) as store:
                start, wall = time.process_time(), time.perf_counter()
                pulled = pull(store, at(f"cache-{window}"), window=window)
                cpu, wall = time.process_time() - start, time.perf_counter() - wall
            database = (top / f"{window}.db").stat().st_size
            rows += [
                Row(f"{what}: packs", f"{pulled.bytes / 1e6:,.2f} MB in {pulled.packs:,}"),
                Row(f"{what}: runs", f"{pulled.runs:,}"),
                Row(f"{what}: CPU, wall", f"{cpu:,.1f} s, {wall:,.1f} s"),
                Row(f"{what}: database", f"{database / 1e6:,.1f} MB"),
            ]
    return [Section("A shared history on a branch of a bare repository", tuple(rows))]
