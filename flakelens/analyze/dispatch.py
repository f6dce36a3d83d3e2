"""The commands that start runs by hand, for the CI system that the newest runs came from."""

from __future__ import annotations

import re
import shlex
from typing import NamedTuple

PLACEHOLDER = "WORKFLOW.yml"
_ADDRESS = re.compile(
    r"https?://(?P<host>[A-Za-z0-9.:-]+)/(?P<path>[A-Za-z0-9._-]+(?:/[A-Za-z0-9._-]+)+?)"
    r"/(?:actions/runs|-/pipelines)/[0-9]+"
)


class Startable(NamedTuple):
    """What is known of the workflow that runs the tests. `file` "": nothing."""

    file: str
    note: str  # how sure that is, or what is lacking; one sentence


class Start(NamedTuple):
    """Commands for a POSIX shell, and what the reader must know of them."""

    commands: tuple[str, ...]
    notes: tuple[str, ...]


def start_commands(provider: str, url: str, branch: str, runs: int, startable: Startable | None) -> Start:
    """What starts `runs` runs of `branch`; `url` is the page of one of the runs, "" for unknown.

    Sources: `gh workflow run` (a workflow_dispatch event) and `glab ci run` (a pipeline by the API). Other systems have
    no command that would not need ids which no report holds: they get a sentence.
    """
    ref = shlex.quote(branch)
    if provider == "github":
        known = startable.file if startable else ""
        command = f"gh workflow run {shlex.quote(known or PLACEHOLDER)}{_repository(url, 'github.com')} --ref {ref}"
        notes = [startable.note] if startable and startable.note else []
        if not known:
            notes.append(f"{PLACEHOLDER} stands for the workflow that runs your tests: the runs do not name it.")
        if runs > 1:
            notes.append("If the workflow's concurrency cancels runs in progress, start them one after the other.")
        return Start((_times(command, runs),), tuple(notes))
    if provider == "gitlab":
        return Start((_times(f"glab ci run --branch {ref}{_repository(url, 'gitlab.com')}", runs),), ())
    return Start((), (f"How to start a run is not known here: its CI is {provider or 'unknown'}.",))


def _times(command: str, runs: int) -> str:
    return command if runs == 1 else f"for i in $(seq {runs}); do {command}; done"


def _repository(url: str, usual: str) -> str:
    """The option that names the repository, so that the command works outside of its checkout too; "" for unknown."""
    found = _ADDRESS.fullmatch(url)
    if not found:
        return ""
    path, host = found["path"], found["host"]
    if usual == "gitlab.com":  # glab takes a path of its usual host, or a whole address
        return f" --repo {shlex.quote(path if host == usual else f'https://{host}/{path}')}"
    return f" --repo {shlex.quote(path if host == usual else f'{host}/{path}')}"
