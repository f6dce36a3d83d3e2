"""`flakelens run -- COMMAND`: the test command as it is, then what its reports mean.

Standard output belongs to the command: whatever flakelens says goes to standard error. Nothing that goes wrong here may
hide how the command ended.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING, Any, TypeVar

import click

from flakelens.cli.app import App
from flakelens.cli.exit_codes import DONE, NOT_MET
from flakelens.cli.metadata_options import metadata_options
from flakelens.errors import FlakelensError, PolicyError

if TYPE_CHECKING:
    from flakelens.cli.explain import Explained
    from flakelens.model import RunInfo
    from flakelens.policy import RedactPolicy
    from flakelens.run_metadata import RunOptions
    from flakelens.running import Found, Preparation
    from flakelens.store import IngestedRun

_MOST_OLD = 3  # old reports that are named

_Result = TypeVar("_Result")


@click.command("run", context_settings={"allow_interspersed_args": False}, short_help="run a test command, then triage")
@click.argument("words", nargs=-1, required=True, metavar="[--] COMMAND...", type=click.UNPROCESSED)
@click.option("--reports", multiple=True, metavar="GLOB", help="Where the command writes reports, besides this folder.")
@click.option("--add-reporter", is_flag=True, help="Add the JUnit reporter's flags to COMMAND where it lacks them.")
@click.option(
    "--exit-from",
    type=click.Choice(["command", "triage"]),
    default="command",
    show_default=True,
    help="triage: 0 when every failure is explained, else 10.",
)
@click.option("--whole", is_flag=True, help="COMMAND runs all that belongs to this job, though it names files.")
@metadata_options
@click.pass_obj
def command(
    app: App,
    /,
    words: tuple[str, ...],
    reports: tuple[str, ...],
    add_reporter: bool,
    exit_from: str,
    whole: bool,
    partial: bool,
    **said: Any,
) -> int:
    """Run COMMAND with its output untouched, store the reports that it writes, and triage its failures.

    Jest's and Playwright's reporters are switched on by environment variables where they allow it. The exit code is
    COMMAND's own (128 + n after signal n), or with --exit-from triage 0 or 10. Signals are passed on to COMMAND.
    What flakelens says goes to standard error.
    """
    from msgspec.structs import replace

    from flakelens.ci import GitFolder, detect
    from flakelens.run_metadata import options
    from flakelens.running import Places, look, prepare, run_child

    given = options(**said, partial=partial)
    detected = detect(app.environ, GitFolder(app.folder))  # before: what the tests write is no change of the code
    own = _own_folder(app.folder)
    try:
        prepared = prepare(words, app.environ, app.folder, own, add_reporter=add_reporter)
        places = Places(folder=app.folder, named=(*prepared.named, *reports))
        before = look(places)
        _say_prepared(app, prepared)
        ended = run_child(prepared.command, {**app.environ, **prepared.variables})
        if ended.problem:
            _say(ended.problem)
            return ended.code
        after = look(places)
        written = after.written_since(before)
        if not written:
            _say_nothing(app.folder, before, after, prepared)
            return ended.code
        selected = ended.interrupted or (prepared.partial and not whole)
        given = replace(given, shard=given.shard or prepared.shard or None, partial=given.partial or selected)
        explained = _after(app, written, given, detected, prepared)
    finally:
        shutil.rmtree(own, ignore_errors=True)
    if explained is None or exit_from == "command" or ended.interrupted:
        return ended.code
    if ended.code and not explained.failures:
        _say("the command failed although no test did: its own exit code holds.")
        return ended.code
    return NOT_MET if explained.unexplained else DONE


def _own_folder(folder: Path) -> Path:
    """A folder for reports that nobody else has directed; of this call alone."""
    top = folder / ".flakelens"
    try:
        top.mkdir(exist_ok=True)
        return Path(mkdtemp(prefix="run-", dir=top))
    except OSError:
        return Path(mkdtemp(prefix="flakelens-run-"))


def _after(
    app: App, written: Sequence[str], given: RunOptions, detected: RunInfo, prepared: Preparation
) -> Explained | None:
    """Store the reports and say what they mean; None where that did not work, which is said."""
    from flakelens.cli.explain import explain, stored_text

    runs = _harmless(app, "the reports were not stored", lambda: _ingest(app, written, given, detected, prepared))
    if runs is None:
        _keep(app.folder, written)
        return None
    width, colour = _width(app), _colour(app)
    click.echo(stored_text(app, runs, width=width, colour=colour), nl=False, err=True)
    explained = _harmless(app, "the failures were not triaged", lambda: explain(app, runs, width=width, colour=colour))
    if explained is not None:
        click.echo("\n" + explained.text, nl=False, err=True)
    return explained


def _harmless(app: App, what_not: str, work: Callable[[], _Result]) -> _Result | None:
    """The result of `work`, None where it fails: the command's own result must reach the caller, whatever happens."""
    try:
        return work()
    except FlakelensError as error:
        _say(f"{what_not}: {error}")
        if error.mend:
            _say(error.mend)
    except KeyboardInterrupt:
        _say(f"{what_not}: stopped.")
    except Exception as error:
        if app.verbose:
            raise
        _say(f"{what_not}: unexpected {type(error).__name__}: {error} (-v shows more)")
    return None


def _ingest(
    app: App, written: Sequence[str], given: RunOptions, detected: RunInfo, prepared: Preparation
) -> list[IngestedRun]:
    from flakelens.checkout import Checkout
    from flakelens.ingest import ingest
    from flakelens.store import open_store

    environ = dict(app.environ)
    if prepared.records_retries:  # only then does it do what we asked for by setting it
        environ |= {name: value for name, value in prepared.variables.items() if name.endswith("INCLUDE_RETRIES")}
    with open_store(app.db, create=True) as store:
        return ingest(
            [_shown(app.folder, path) for path in written],
            store=store,
            options=given,
            detected=detected,
            ingested_at=app.now(),
            environ=environ,
            redact=_redaction(app),
            checkout=Checkout.find(app.folder),
        )


def _redaction(app: App) -> RedactPolicy:
    """What the policy says of secrets; what is shipped where the policy cannot be read, which triage will say.

    `ingest` stops there instead: it can be called again, the command that ran here cannot.
    """
    from flakelens.policy import RedactPolicy

    try:
        return app.policy().redact
    except PolicyError:
        return RedactPolicy()


def _shown(folder: Path, path: str) -> str:
    return str(Path(path).relative_to(folder)) if Path(path).is_relative_to(folder) else path


def _keep(folder: Path, written: Sequence[str]) -> None:
    """Reports that lie in our own folder only must outlive it when they could not be stored."""
    for path in map(Path, written):
        if path.parent.name.startswith(("run-", "flakelens-run-")) and path.is_file():
            kept = folder / ".flakelens" / "not-stored" / path.parent.name / path.name
            try:
                kept.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(path, kept)
            except OSError as error:
                _say(f"{path.name} could not be kept: {error.strerror}")
            else:
                _say(f"kept: {_shown(folder, str(kept))}   Next: flakelens ingest {_shown(folder, str(kept))}")


def _say_prepared(app: App, prepared: Preparation) -> None:
    if prepared.added:
        _say(f"added to the command: {prepared.added}")
    if app.verbose:
        for name, value in sorted(prepared.variables.items()):
            _say(f"set {name}={value}")


def _say_nothing(folder: Path, before: Found, after: Found, prepared: Preparation) -> None:
    """No report was written: say so, what lies around, and what would mend it."""
    _say("the command wrote no JUnit report, so there is nothing to store.")
    old = after.old_since(before)
    for path in old[:_MOST_OLD]:
        _say(f"older than this command and left out: {_shown(folder, path)}")
    if len(old) > _MOST_OLD:
        _say(f"and {len(old) - _MOST_OLD} more")
    for line in prepared.advice:
        _say(f"{line}")
    if not prepared.advice:
        what = "its report lies elsewhere" if prepared.tools else "it runs tests and writes a report elsewhere"
        _say(f"If {what}, name the place: flakelens run --reports GLOB -- COMMAND")
    if after.bounded:
        _say("This folder is too large to be searched whole: name the place with --reports GLOB.")


def _say(line: str) -> None:
    from flakelens.render.escape import plain

    click.echo(f"flakelens: {plain(line, 1_000)}", err=True)


def _width(app: App) -> int:
    """Columns of the terminal behind standard error, or as the app says where there is none."""
    return max(40, min(140, shutil.get_terminal_size().columns)) if sys.stderr.isatty() else app.width


def _colour(app: App) -> bool:
    return sys.stderr.isatty() and not app.environ.get("NO_COLOR") and app.environ.get("TERM") != "dumb"
