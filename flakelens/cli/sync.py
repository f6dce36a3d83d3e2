"""`flakelens sync`: the history that a team shares, on a branch of its repository or in a folder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from flakelens.cli.app import App, format_option
from flakelens.cli.exit_codes import DONE, UNREADABLE
from flakelens.cli.progress import Bar
from flakelens.errors import DamagedError, UsageError

if TYPE_CHECKING:
    from flakelens.render.sync import SyncReport
    from flakelens.sync.outcome import Pulled
    from flakelens.sync.remote import History

# What a gate reads of a branch: 300 runs, and up to 50 more so that its parameters are fitted as on a whole history.
WINDOW: Final = 350

_Function = TypeVar("_Function", bound=Callable[..., Any])


def _remote_option(function: _Function) -> _Function:
    return click.option(
        "--remote",
        metavar="REMOTE",
        help="git:REMOTE/BRANCH or dir:PATH.  [default: $FLAKELENS_REMOTE or git:origin/flakelens-history]",
    )(function)


@click.group("sync")
def command() -> None:
    """Share the history: runs and verdicts as packs on a branch of your repository, or in a folder."""


@command.command("pull")
@_remote_option
@click.option(
    "--window",
    metavar="N|all",
    help=f"So many of the branch's newest runs and all beside them.  [default: {WINDOW} in CI, except in scheduled"
    " runs; else all]",
)
@format_option("text", "json")
@click.pass_obj
def pull(app: App, remote: str | None, window: str | None, format_: str) -> int:
    """Bring what the shared history has and this database lacks. Twice is once.

    A damaged database is renamed to FILE.damaged-N and made again from the history.
    """
    from flakelens.render.sync import SyncReport

    history, said = _history(app, remote)
    size = _window(app, window)
    branch = app.policy().branch if size is not None else None
    with Bar(shown=app.interactive) as bar:
        pulled, aside = _pulled(app, history, size, branch or None, bar)
    report = SyncReport(
        direction="pull",
        remote=said,
        there=pulled.there,
        packs=pulled.packs,
        bytes=pulled.bytes,
        runs=pulled.runs,
        reports=pulled.reports,
        verdicts=pulled.verdicts,
        renames=0,
        joined=0,
        left=pulled.left,
        window=size,
        skipped=pulled.skipped,
        local=0,
        damaged=None if aside is None else str(aside),
        refused=pulled.refused,
    )
    if aside is not None:
        _say_damaged(app, aside)
    return _show(app, report, format_)


def _pulled(app: App, history: History, window: int | None, branch: str | None, bar: Bar) -> tuple[Pulled, Path | None]:
    """Pull into a sound database; damage that shows only now puts the file aside as well, once."""
    from flakelens.sync.damage import open_sound, put_aside
    from flakelens.sync.pull import pull as bring

    store, aside = open_sound(app.db)
    try:
        with store:
            return bring(store, history, window=window, branch=branch, progress=bar), aside
    except DamagedError:
        if aside is not None:
            raise
        aside = put_aside(app.db)
    with open_sound(app.db)[0] as store:
        return bring(store, history, window=window, branch=branch, progress=bar), aside


@command.command("push")
@_remote_option
@click.option("--include-local", is_flag=True, help="Also the runs of this machine, where it is no CI.")
@format_option("text", "json")
@click.pass_obj
def push(app: App, remote: str | None, include_local: bool, format_: str) -> int:
    """Share what the history lacks: runs, verdicts, renamed files. Others may push at the same time."""
    from flakelens.render.sync import SyncReport
    from flakelens.store import open_store
    from flakelens.sync.push import push as share

    history, said = _history(app, remote)
    with Bar(shown=app.interactive) as bar, open_store(app.db) as store:
        pushed = share(store, history, include_local=include_local, progress=bar)
    report = SyncReport(
        direction="push",
        remote=said,
        there=0,
        packs=pushed.packs,
        bytes=pushed.bytes,
        runs=pushed.runs,
        reports=0,
        verdicts=pushed.verdicts,
        renames=pushed.renames,
        joined=pushed.joined,
        left=0,
        window=None,
        skipped=0,
        local=pushed.local,
        damaged=None,
        refused=pushed.refused,
    )
    return _show(app, report, format_)


def _history(app: App, remote: str | None) -> tuple[History, str]:
    from flakelens.sync.remote import DEFAULT, open_history

    said = remote or app.environ.get("FLAKELENS_REMOTE") or DEFAULT
    return open_history(said, app.folder, app.folder / ".flakelens" / "sync", app.environ), said


def _window(app: App, window: str | None) -> int | None:
    """How many runs of the branch are asked for, None for all. Raises UsageError."""
    if window is None:
        from flakelens.ci import GitFolder, detect
        from flakelens.model import Event

        info = detect(app.environ, GitFolder(app.folder))
        return None if info.local or info.event is Event.SCHEDULE else WINDOW
    if window == "all":
        return None
    if window.isascii() and window.isdigit() and 0 < int(window) < 1_000_000:
        return int(window)
    raise UsageError(f"--window {window!r} is no number of runs.", mend="Write a number such as 350, or all.")


def _say_damaged(app: App, aside: Path) -> None:
    from flakelens.render.escape import plain

    for line in (
        f"THE DATABASE {app.shown(app.db)} WAS DAMAGED. It is now {app.shown(aside)},",
        "and a new one was made from the shared history. What had not been pushed is in the damaged file only:",
        "ingest these reports again, and delete the file when nothing is missing.",
    ):
        click.echo(f"flakelens: {plain(line, 1_000)}", err=True)


def _show(app: App, report: SyncReport, format_: str) -> int:
    from flakelens.render.sync import sync_json, sync_text

    text = sync_json(report) if format_ == "json" else sync_text(report, width=app.width, colour=app.colour)
    click.echo(text, nl=False)
    return UNREADABLE if report.refused else DONE
