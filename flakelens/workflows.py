"""Which GitHub workflow starts the tests, as far as a checkout and the environment of a job tell."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

_MOST_FILES = 200
_MOST_BYTES = 500_000
_NAME = re.compile(r"[A-Za-z0-9._-]+\.ya?ml")
# As a key of `on:`, as an entry of its list, or as its only value.
_BY_HAND = re.compile(r"^[^#\n]*\bworkflow_dispatch\b", re.MULTILINE)
_RUNS_TESTS = re.compile(r"jest|playwright|vitest|flakelens|\btest", re.IGNORECASE)


class Workflow(NamedTuple):
    """The file to start; "" for none. `note`: how sure that is, or what is lacking, in one sentence."""

    file: str
    note: str


def find_workflow(folders: Iterable[Path], environ: Mapping[str, str]) -> Workflow | None:
    """The workflow that can be started by hand, from the first of `folders` that has any; None where none has.

    Several that can be are told apart by their text: one that runs tests is taken if it is the only one, or that of the
    present job. Bounded in files and bytes; never raises for what cannot be read.
    """
    here = next((folder for folder in (place / ".github/workflows" for place in folders) if folder.is_dir()), None)
    running = _of_this_job(environ)
    if here is None:
        return Workflow(running, f"{running} is the workflow of this job.") if running else None
    texts = {
        path.name: _text(path)
        for path in sorted(here.iterdir())[:_MOST_FILES]
        if path.suffix in (".yml", ".yaml") and _NAME.fullmatch(path.name) and path.is_file()
    }
    by_hand = [name for name, text in texts.items() if _BY_HAND.search(text)]
    if not by_hand:
        note = (
            "No workflow of this checkout can be started by hand: add workflow_dispatch to the on: of the one you mean."
        )
        return Workflow("", note)
    testing = [name for name in by_hand if _RUNS_TESTS.search(texts[name])]
    if running in testing:
        return Workflow(running, f"{running} is the workflow of this job.")
    if len(testing) == 1:
        return Workflow(testing[0], f"{testing[0]} is the only workflow with tests that can be started by hand.")
    return Workflow("", f"Several workflows can be started by hand: {', '.join((testing or by_hand)[:5])}.")


def _of_this_job(environ: Mapping[str, str]) -> str:
    """The file in GITHUB_WORKFLOW_REF, as in acme/shop/.github/workflows/tests.yml@refs/heads/main."""
    path = environ.get("GITHUB_WORKFLOW_REF", "").partition("@")[0]
    name = path.rpartition("/")[2]
    return name if "/.github/workflows/" in path and _NAME.fullmatch(name) else ""


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file.read(_MOST_BYTES).decode("utf-8", "replace")
    except OSError:
        return ""
