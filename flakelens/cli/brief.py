"""`flakelens brief`: all that a person or a coding agent needs to repair one test, or what several tests share."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from flakelens.cli.app import App, as_of_option, format_option
from flakelens.cli.database import if_there
from flakelens.cli.exit_codes import DONE
from flakelens.errors import UsageError

if TYPE_CHECKING:
    from flakelens.report.brief import BriefReport, CauseBrief
    from flakelens.store import Store

_STANDARD_OUTPUT = "-"
_CAUSE = re.compile(r"c[0-9a-f]{6}")


@click.command("brief")
@click.argument("asked", metavar="TEST|CAUSE")
@format_option("markdown", "json")
@click.option(
    "--bisect",
    "script",
    metavar="FILE",
    is_flag=False,
    flag_value=_STANDARD_OUTPUT,
    help="Write a script for git bisect run to FILE instead (- or nothing after TEST: show it).",
)
@as_of_option
@click.pass_obj
def command(app: App, asked: str, format_: str, script: str | None, as_of: str | None) -> int:
    """All that a person or a coding agent needs to repair a TEST, or the CAUSE that several tests share.

    Since when and in which commits, how it fails and on which lines, how often, and the command that shows it failing.
    TEST is named as for show, CAUSE by its id as causes prints it. The script of a cause bisects its most telling test.
    """
    with if_there(app.db) as store:
        if script is not None:
            return _script(app, store, asked, script, as_of)
        report = _report(app, store, asked, as_of)
    click.echo(_written(report, format_), nl=False)
    return DONE


def _report(app: App, store: Store | None, asked: str, as_of: str | None) -> BriefReport | CauseBrief:
    from flakelens.analyze.brief import brief_report
    from flakelens.analyze.brief_cause import cause_brief, unknown_cause
    from flakelens.analyze.causes import causes_of_tests

    policy, decisions, moment, owners = app.policy(), app.decisions(), app.moment(as_of), app.owners()
    if _CAUSE.fullmatch(asked):
        found = cause_brief(store, policy, decisions, as_of=moment, cause=asked, owners=owners)
        if found is not None:
            return found
    with _neither(asked, unknown_cause):
        return brief_report(
            store, policy, decisions, as_of=moment, test=asked, owners=owners, causes_of=causes_of_tests
        )


@contextmanager
def _neither(asked: str, unknown_cause: Callable[[str], UsageError]) -> Iterator[None]:
    """What looks like the id of a cause, is none, and is no test's name either."""
    try:
        yield
    except UsageError:
        if _CAUSE.fullmatch(asked):
            raise unknown_cause(asked) from None
        raise


def _script(app: App, store: Store | None, asked: str, script: str, as_of: str | None) -> int:
    from flakelens.analyze.brief import brief_report
    from flakelens.analyze.brief_cause import telling_test, unknown_cause
    from flakelens.render.bisect import bisect_script

    policy, decisions, moment = app.policy(), app.decisions(), app.moment(as_of)
    report = telling_test(store, policy, decisions, as_of=moment, cause=asked) if _CAUSE.fullmatch(asked) else None
    cause = asked if report is not None else ""
    if report is None:
        with _neither(asked, unknown_cause):
            report = brief_report(store, policy, decisions, as_of=moment, test=asked)
    try:
        text = bisect_script(report, called="bisect.sh" if script == _STANDARD_OUTPUT else script, cause=cause)
    except UsageError as error:
        if not cause:
            raise
        said = f"No test of cause {cause} can be bisected now. {error}"
        raise UsageError(said, mend=f"flakelens brief {cause} says what is known.") from None
    if script == _STANDARD_OUTPUT:
        click.echo(text, nl=False)
        return DONE
    _write(Path(script), text)
    if not app.quiet:
        click.echo(f"Written to {app.shown(Path(script))}; its first lines say how to start it.")
    return DONE


def _written(report: BriefReport | CauseBrief, format_: str) -> str:
    from flakelens.report.brief import BriefReport

    if isinstance(report, BriefReport):
        if format_ == "json":
            from flakelens.render.json.brief import brief_json

            return brief_json(report)
        from flakelens.render.markdown.brief import brief_markdown

        return brief_markdown(report)
    if format_ == "json":
        from flakelens.render.json.brief_cause import cause_brief_json

        return cause_brief_json(report)
    from flakelens.render.markdown.brief_cause import cause_markdown

    return cause_markdown(report)


def _write(path: Path, text: str) -> None:
    """The script, executable. Only a script of ours is replaced."""
    from flakelens.render.bisect import MARK

    try:
        if path.exists() and MARK not in path.read_text(encoding="utf-8", errors="replace"):
            raise UsageError(f"{path} exists and is not a script of flakelens.", mend="Choose another name.")
        path.write_text(text, encoding="utf-8", newline="\n")
        path.chmod(0o755)
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}.", mend="Choose another place.") from None
