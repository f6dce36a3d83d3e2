"""Real reports, cut and changed at random: read in bounded time, nothing raised, nothing counted that is not there."""

from __future__ import annotations

import gzip
import os
import random
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from flakelens.junit import read_bytes
from flakelens.model import ParsedReport

ROOT = Path(__file__).parents[2]
SHARED = Path(os.environ.get("FLAKELENS_SHARED") or ROOT.parent / "shared")
CORPUS = SHARED / "corpus"
SLOWEST = 5.0  # seconds of the processor for one file


def corpus() -> list[Path]:
    """The real reports of many projects, beside the checkout; none where they are not there."""
    return sorted(path for path in CORPUS.rglob("*.xml*") if path.is_file())


def own() -> list[Path]:
    """The reports in this repository: recorded runs and the fixtures of the dialects."""
    places = ("fixtures/recorded/runs", "tests/junit/fixtures")
    return sorted(path for place in places for path in (ROOT / place).rglob("*.xml*"))


def content(path: Path) -> bytes:
    """The bytes of a report, decompressed."""
    data = path.read_bytes()
    return gzip.decompress(data) if data.startswith(b"\x1f\x8b") else data


def cut(data: bytes, rng: random.Random) -> bytes:
    """The beginning of `data`, as an interrupted writer or upload leaves it."""
    return data[: rng.randrange(len(data))] if data else data


def changed(data: bytes, rng: random.Random) -> bytes:
    """`data` with one byte another."""
    place = rng.randrange(len(data)) if data else 0
    return data[:place] + bytes([rng.randrange(256)]) + data[place + 1 :]


def noisy(data: bytes, rng: random.Random) -> bytes:
    """`data` with up to 50 bytes others."""
    copy = bytearray(data)
    for _ in range(rng.randint(2, 50) if data else 0):
        copy[rng.randrange(len(copy))] = rng.randrange(256)
    return bytes(copy)


def shuffled(data: bytes, rng: random.Random) -> bytes:
    """`data` with a piece of it twice, or somewhere else: what two writers of one file leave."""
    if not data:
        return data
    start, end, to = (rng.randrange(len(data)) for _ in range(3))
    return data[:to] + data[start : max(start, end)][:5000] + data[to:]


MUTATIONS: tuple[Callable[[bytes, random.Random], bytes], ...] = (cut, changed, noisy, shuffled)


def sane(report: ParsedReport, data: bytes) -> str:
    """What is wrong with a reading of `data`, "" for nothing."""
    if any(problem.code == "unreadable" for problem in report.problems):
        return f"raised: {report.problems}"
    cases = len(report.cases) + len(report.load_failure_cases)
    # In UTF-16 and UTF-32 a zero stands between letters; forbidden characters inside a tag are taken out of it.
    there = data.translate(None, bytes(range(32))).count(b"testcase")
    if cases > there:
        return f"{cases} cases of {there} elements"
    if any(not case.attempts for case in report.cases):
        return "a case without attempts"
    if not report.cases and not report.problems:
        return "nothing read and nothing said"
    return ""


def mutated(paths: list[Path], each: int, seed: int, seconds: float = 1e9) -> Counter[str]:
    """Read `each` mutations of each kind of every file, for `seconds` at most. AssertionError for what is not sane."""
    rng = random.Random(seed)
    counts: Counter[str] = Counter()
    started = time.monotonic()
    for path in paths:
        whole = content(path)
        assert not (wrong := sane(read_bytes(path.name, whole), whole)), f"{path}: {wrong}"
        for mutation in MUTATIONS:
            for turn in range(each):
                data = mutation(whole, rng)
                before = time.process_time()
                report = read_bytes(path.name, data)
                took = time.process_time() - before
                wrong = sane(report, data) or (f"took {took:.1f} s" if took > SLOWEST else "")
                if mutation is cut and len(report.cases) > whole.translate(None, b"\0").count(b"<testcase"):
                    wrong = "more cases than the whole file has"
                assert not wrong, f"{path}, {mutation.__name__} {turn} of seed {seed}: {wrong}"
                counts[f"reports {mutation.__name__}"] += 1
        counts["files"] += 1
        if time.monotonic() - started > seconds:
            break
    return counts
