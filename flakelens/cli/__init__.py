"""The command line: parses, calls one verb, renders, and is the only place that exits.

A command's module is imported when the command runs, so that `--help` and the quick commands stay quick.
"""

from __future__ import annotations

import gc
import sys
from importlib import import_module
from io import TextIOWrapper
from typing import Any, NamedTuple, NoReturn

import click

from flakelens import __version__
from flakelens.cli.app import App
from flakelens.cli.exit_codes import USAGE, code_of
from flakelens.errors import FlakelensError


class Entry(NamedTuple):
    """One command: its name, what it does in a line, whether it is listed first, and its file where that differs."""

    name: str
    does: str
    first: bool
    file: str = ""


# A new command is a file of the same name in this package with a function `command`, and a line here.
COMMANDS = (
    Entry("look", "what reports say by themselves: no database, no set-up", True),
    Entry("run", "run a test command as it is, store its reports, triage its failures", True, "run_command"),
    Entry("ingest", "read the reports of a run into the database", True),
    Entry("triage", "every failure of a run explained: new, already broken, flake, outage", True),
    Entry("gate", "is the gate met? the verdict, its evidence, what is missing", True),
    Entry("plan", "the fewest causes whose repair meets the gate's pass rate", True),
    Entry("report", "the nightly report: a page, Markdown, JSON and charts, and the overview of all nights", True),
    Entry("tests", "the tests with their states and rates, most urgent first", True),
    Entry("show", "the history of one test, and why it has its state", True),
    Entry("brief", "all that it takes to repair a test or a cause: since when, how often, how to see it fail", True),
    Entry("doctor", "what keeps flakelens from seeing flakes, with the mend", True),
    Entry("demo", "everything on recorded real runs", True),
    Entry("causes", "what makes tests fail: together, by what they say, where they strike", False),
    Entry("events", "what happened to the tests, run by run: regressed, fixed, flaky, new, gone", False),
    Entry("init", "write a flakelens.toml for this project", False),
    Entry("waive", "go on in spite of a criterion, under your name, for a while", False),
    Entry("attest", "sign off what a gate asks for and no test can show", False),
    Entry("acknowledge", "say that tests were removed or skipped on purpose", False),
    Entry("verify", "has the repair of a test held since a commit?", False),
    Entry("forecast", "what is to be expected: the next run, the trend, the day of the gate", False),
    Entry("slow", "the tests and suites that became slower, and since when", False),
    Entry("quarantine", "known bad tests that must not stop others: suggest, add, remove, list, check", False),
    Entry("alias", "say that a test was renamed, so that it keeps its history", False),
    Entry("sync", "pull and push the history that a team shares", False),
    Entry("backfill", "bring the runs of the past from GitHub's artifacts", False),
    Entry("db", "care for the database: info, check, merge, rebuild, prune, backup, export", False),
    Entry("simulate", "a history with known truth, as real report files", False),
)


class _Commands(click.Group):
    """Commands by name, imported when used; a path instead of a name means `look`."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click gives it
        return [entry.name for entry in COMMANDS]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        del ctx
        entry = next((entry for entry in COMMANDS if entry.name == cmd_name), None)
        if entry is None:
            return None
        command: click.Command = import_module(f"flakelens.cli.{entry.file or entry.name}").command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        first = args[0]
        looks_like_path = any(sign in first for sign in "./\\*") or first == "-"
        if first not in self.list_commands(ctx) and looks_like_path:
            return "look", self.get_command(ctx, "look"), args
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        for heading, first in (("Commands", True), ("More", False)):
            with formatter.section(heading):
                formatter.write_dl([(entry.name, entry.does) for entry in COMMANDS if entry.first is first])


@click.group(
    cls=_Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="flakelens FILE... is short for flakelens look FILE...",
)
@click.option("--db", metavar="FILE", help="The database.  [default: $FLAKELENS_DB or .flakelens/flakelens.db]")
@click.option(
    "--policy", metavar="FILE", help="The policy.  [default: flakelens.toml, or pyproject.toml's tool.flakelens]"
)
@click.option("-q", "--quiet", is_flag=True, help="Only the result.")
@click.option("-v", "--verbose", is_flag=True, help="More evidence, and a traceback for unexpected errors.")
@click.version_option(__version__, message="flakelens %(version)s")
@click.pass_context
def cli(ctx: click.Context, db: str | None, policy: str | None, quiet: bool, verbose: bool) -> None:
    """How far can these tests be trusted? Reads JUnit reports of many runs and answers with evidence."""
    if quiet and verbose:
        raise click.UsageError("-q and -v exclude each other.")
    ctx.obj = App.from_environment(db=db, policy=policy, quiet=quiet, verbose=verbose)


def main(arguments: list[str] | None = None) -> NoReturn:
    """Run the command line and exit with one of the codes of `exit_codes`."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            # A file or a pipe gets UTF-8, as our XML says of itself; a terminal what it can show, and "?" for the rest.
            stream.reconfigure(encoding=None if stream.isatty() else "utf-8", errors="replace")
    code = run(arguments)
    gc.freeze()  # the end of the process gives everything back: it need not be looked through for garbage before
    sys.exit(code)


def run(arguments: list[str] | None = None) -> int:
    """Run the command line and give the exit code instead of exiting."""
    try:
        result: Any = cli.main(args=arguments, prog_name="flakelens", standalone_mode=False)
    except click.exceptions.Exit as error:
        return error.exit_code
    except click.Abort:
        click.echo("Stopped.", err=True)
        return 130
    except click.ClickException as error:
        error.show()
        return USAGE
    except FlakelensError as error:
        _complain(error)
        return code_of(error)
    except BrokenPipeError:  # the reader of a pipe has seen enough
        sys.stderr.close()
        return 0
    return result if isinstance(result, int) else 0


def _complain(error: FlakelensError) -> None:
    """The error and its mend on standard error. Names in it may be anybody's, so that each line is made harmless."""
    from flakelens.render.escape import plain

    first, *more = str(error).split("\n")
    for line in (f"flakelens: {plain(first, 1_000)}", *(f"  {plain(line, 1_000)}" for line in more)):
        click.echo(line, err=True)
    if error.mend:
        click.echo(f"  {plain(error.mend, 1_000)}", err=True)
