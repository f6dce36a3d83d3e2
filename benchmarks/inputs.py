"""What the speed benchmarks read: long simulated histories, one large report, and the reports of real test tools."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from flakelens.demo import recorded_runs
from flakelens.junit.write import jest_bytes
from flakelens.model import Attempt, CaseResult, Status, TestId
from flakelens.run_shares import natural
from flakelens.simulate import BETWEEN, Plan, simulate

FLAKELENS = (sys.executable, "-m", "flakelens")
END = datetime(2026, 6, 1, tzinfo=UTC)  # newest run of every history: past, however long the history is
_TESTED = ("Button", "Table", "Form", "Dialog", "Calendar", "Upload", "Search", "Invoice", "Referral", "Chat")
_STACK = 24  # lines, some 2 KB
_FIRST = datetime(2026, 9, 1, tzinfo=UTC)  # of reports that say nothing of their run, before those that were recorded


def history(folder: Path, *, tests: int, runs: int) -> list[Path]:
    """Simulate `runs` runs, one every two hours until END, below `folder`; the folder of each run, oldest first."""
    simulate(Plan(tests=tests, runs=runs), folder)
    places = sorted((folder / "runs").iterdir(), key=lambda place: natural(place.name))
    for back, place in enumerate(reversed(places)):
        file = place / "run.json"
        said = json.loads(file.read_text(encoding="utf-8"))
        said["started_at"] = (END - back * BETWEEN).isoformat()
        file.write_text(json.dumps(said), encoding="utf-8")
    return places


def large_report(file: Path, cases: int, *, failing: float = 0.03, seed: int = 1) -> int:
    """One report of jest-junit with so many cases; those that fail bring a stack of some 2 KB each. Its bytes."""
    made = []
    for number in range(cases):
        subject = _TESTED[number % len(_TESTED)]
        test = TestId(
            f"src/components/{subject.lower()}-{number // 100}.test.tsx",
            f"{subject} {number // 100} shows the right thing in case {number} when the list is not empty",
            "",
        )
        drawn = int.from_bytes(hashlib.blake2b(f"{seed} {number}".encode(), digest_size=4).digest(), "big") / 2**32
        seconds = round(0.002 + drawn / 20, 3)
        if drawn >= failing:
            attempt = Attempt(Status.PASSED, seconds, "", "")
        else:
            attempt = Attempt(Status.FAILED, seconds, "", _message(number, seed))
        made.append(CaseResult(test, 1, (attempt,)))
    data = jest_bytes(made, started_at=END)
    file.write_bytes(data)
    return len(data)


def _message(number: int, seed: int) -> str:
    stack = "".join(
        f"    at render{line} (/app/src/components/shared/layout-{(number + line) % 37}.tsx:{line * 7 + seed}:{line})\n"
        for line in range(_STACK)
    )
    return f"Error: expect(received).toBe(expected)\n\nExpected: {number}\nReceived: {number + seed}\n{stack}"


def shared() -> Path:
    """Where real reports and histories of other projects lie, if they do."""
    return Path(os.environ.get("FLAKELENS_SHARED") or Path(__file__).parents[2] / "shared")


def real_reports(folder: Path, count: int, corpus: Path | None) -> dict[str, int]:
    """Lay out `count` reports of real tools below `folder`, a sub-folder per run; how many are from where.

    The recorded runs of this project come first; then reports below `corpus`, each a run of its own; without a corpus
    the recorded ones again as earlier runs. A run's folder holds its reports, uncompressed, and what is known of the
    run in the words of each tool: run.json for flakelens, meta.json for flakemap.
    """
    made = {"recorded": 0, "corpus": 0, "recorded again": 0}
    if not (recorded := _recorded()):
        raise FileNotFoundError("no recorded run holds a report")

    def lay(kind: str, runs: Sequence[tuple[str, dict[str, Any], dict[str, bytes]]]) -> None:
        for name, said, reports in runs:
            wanted = dict(list(reports.items())[: count - sum(made.values())])
            if wanted:
                _lay(folder / name, said, wanted)
                made[kind] += len(wanted)

    lay("recorded", recorded)
    if corpus is not None:
        lay("corpus", list(_foreign(corpus, count - sum(made.values()))))
    again = 1
    while sum(made.values()) < count:
        lay("recorded again", [_earlier(run, again) for run in recorded])
        again += 1
    return made


def _recorded() -> list[tuple[str, dict[str, Any], dict[str, bytes]]]:
    """Name, run.json and reports of every recorded run."""
    found = []
    for place in sorted((recorded_runs() / "runs").iterdir(), key=lambda place: natural(place.name)):
        said = json.loads((place / "run.json").read_text(encoding="utf-8"))
        said["reports"] = {name.removesuffix(".gz"): told for name, told in said.get("reports", {}).items()}
        reports = {}
        for file in sorted(place.glob("*.xml*")):
            data = file.read_bytes()
            reports[file.name.removesuffix(".gz")] = gzip.decompress(data) if file.suffix == ".gz" else data
        found.append((place.name, said, reports))
    return found


def _foreign(corpus: Path, count: int) -> Iterator[tuple[str, dict[str, Any], dict[str, bytes]]]:
    for number, file in enumerate(sorted(corpus.rglob("*.xml"))[: max(0, count)]):
        commit = hashlib.sha1(f"corpus {number}".encode(), usedforsecurity=False).hexdigest()
        started = (_FIRST + number * timedelta(minutes=5)).isoformat()
        said = {"run": f"corpus-{number}", "commit": commit, "branch": "main", "event": "push", "started_at": started}
        yield f"corpus-{number:03}", said, {"report.xml": file.read_bytes()}


def _earlier(
    run: tuple[str, dict[str, Any], dict[str, bytes]], again: int
) -> tuple[str, dict[str, Any], dict[str, bytes]]:
    """The same run as another one, a hundred days earlier; its bytes differ, or it would be a file left over."""
    name, said, reports = run
    started = datetime.fromisoformat(said["started_at"]) - again * timedelta(days=100)
    told = {**said, "run": f"{said['run']}-{again}", "started_at": started.isoformat()}
    mark = f"\n<!-- once more: {again} -->\n".encode()
    return f"again-{again}-{name}", told, {report: data + mark for report, data in reports.items()}


def _lay(place: Path, said: dict[str, Any], reports: dict[str, bytes]) -> None:
    place.mkdir(parents=True)
    for name, data in reports.items():
        (place / name).write_bytes(data)
    if "reports" in said:
        said = {**said, "reports": {name: told for name, told in said["reports"].items() if name in reports}}
    (place / "run.json").write_text(json.dumps(said), encoding="utf-8")
    meta = {"run_id": place.name, "commit": said["commit"], "branch": said["branch"], "timestamp": said["started_at"]}
    (place / "meta.json").write_text(json.dumps(meta), encoding="utf-8")
