"""`flakelens brief`: all that a person or a coding agent needs to repair one test."""

from __future__ import annotations

from pathlib import Path

import click

from flakelens.cli.app import App, as_of_option, format_option
from flakelens.cli.database import if_there
from flakelens.cli.exit_codes import DONE
from flakelens.errors import UsageError

_STANDARD_OUTPUT = "-"


@click.command("brief")
@click.argument("test")
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
def command(app: App, test: str, format_: str, script: str | None, as_of: str | None) -> int:
    """All that a person or a coding agent needs to repair TEST.

    Since when and in which commits, how it fails and on which lines, how often, and the command that shows it failing.
    TEST is named as for show.
    """
    from flakelens.analyze.brief import brief_report

    with if_there(app.db) as store:
        report = brief_report(store, app.policy(), app.decisions(), as_of=app.moment(as_of), test=test)
    if script is not None:
        from flakelens.render.bisect import bisect_script

        if script == _STANDARD_OUTPUT:
            click.echo(bisect_script(report), nl=False)
        else:
            _write(Path(script), bisect_script(report, called=script))
            if not app.quiet:
                click.echo(f"Written to {app.shown(Path(script))}; its first lines say how to start it.")
    elif format_ == "json":
        from flakelens.render.json_brief import brief_json

        click.echo(brief_json(report), nl=False)
    else:
        from flakelens.render.markdown_brief import brief_markdown

        click.echo(brief_markdown(report), nl=False)
    return DONE


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
