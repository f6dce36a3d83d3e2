"""Bringing reports into a store, and what stands there afterwards: for the tests of ingest."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from flakelens.facts import RunFacts
from flakelens.ingest import ingest
from flakelens.model import Event, ProblemCode, RunInfo
from flakelens.store import IngestedRun, Store

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
SHA = "a" * 40
CI = RunInfo(
    provider="github", run="77", attempt=2, commit=SHA, branch="main", event=Event.PUSH, job="unit", url="https://ci/77"
)
LAPTOP = RunInfo(provider="local", run="", commit="b" * 40, branch="main", event=Event.MANUAL, dirty=True, local=True)


def bring(store: Store, *paths: Path | str, **more: Any) -> list[IngestedRun]:
    return ingest([str(path) for path in paths], store=store, ingested_at=more.pop("ingested_at", NOW), **more)


def stored(store: Store) -> tuple[RunFacts, ...]:
    runs = tuple(run for key in store.run_keys() for run in store.read(branch="-", run=key).runs)
    return tuple(sorted(runs, key=lambda run: run.key))


def only(store: Store) -> RunFacts:
    (run,) = stored(store)
    return run


def codes(runs: Sequence[IngestedRun]) -> set[ProblemCode]:
    return {problem.code for run in runs for problem in run.problems}


def run_json(folder: Path, **fields: Any) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "run.json").write_text(json.dumps(fields), encoding="utf-8")
    return folder
