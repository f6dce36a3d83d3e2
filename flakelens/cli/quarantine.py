"""`flakelens quarantine`: known bad tests that must not stop others while they are repaired."""

from __future__ import annotations

from datetime import timedelta
from typing import Literal

import click

from flakelens.cli.app import App, as_of_option, format_option
from flakelens.cli.database import everything, if_there
from flakelens.cli.exit_codes import DONE, NOT_MET

_LONG = timedelta(days=90)  # whoever needs longer has decided to live with the test


@click.group("quarantine")
def command() -> None:
    """Known bad tests that must not stop others while they are repaired.

    They still run and count in every rate. Entries stand in flakelens-decisions.toml, which must be committed.
    """


@command.command("add")
@click.argument("tests", nargs=-1, required=True, metavar="TEST...")
@click.option("--owner", default="", metavar="NAME", help="Who repairs it.  [default: who owns its file by CODEOWNERS]")
@click.option("--reason", required=True, metavar="TEXT", help="What is wrong with it, as far as is known.")
@click.option("--expires", required=True, metavar="WHEN", help="14d, 48h, or a date; 90 days at most are advised.")
@click.option("--issue", default="", metavar="URL", help="Where the repair is followed.")
@click.pass_obj
def add(app: App, tests: tuple[str, ...], owner: str, reason: str, expires: str, issue: str) -> int:
    """Put TESTs into quarantine until a day.

    A TEST is its title or "FILE > TITLE"; without " [PROJECT]" every project of it is meant. Tests of areas whose
    limit is none (AI by default) are refused.
    """
    from msgspec.structs import replace

    from flakelens.decide import quarantine
    from flakelens.render.decisions import written_text

    evidence, path, now = everything(app), app.decisions_path(), app.now()
    written = quarantine(path, evidence, tests, owner=owner, reason=reason, expires=expires, issue=issue, now=now)
    notes = [f"There is no database {app.db}, so the titles were not checked."] if evidence is None else []
    if written.decisions.quarantine[-1].expires > now + _LONG:
        notes.append("That is more than 90 days: a test that nobody repairs so long is better removed.")
    if evidence is not None:
        after = replace(evidence, decisions=written.decisions, as_of=now)
        faults = [fault for area in after.areas.names for fault in after.quarantine_faults(area)]
        notes += [f"complete is NOT_MET with it: {fault}." for fault in faults]
    click.echo(written_text(written.entry, app.shown(path), notes, quiet=app.quiet), nl=False)
    return DONE


@command.command("remove")
@click.argument("tests", nargs=-1, required=True, metavar="TEST...")
@click.pass_obj
def remove(app: App, tests: tuple[str, ...]) -> int:
    """Take TESTs out of quarantine, expired entries too."""
    from flakelens.decide import release
    from flakelens.render.decisions import removed_text

    path = app.decisions_path()
    click.echo(removed_text(release(path, tests).entry, app.shown(path), quiet=app.quiet), nl=False)
    return DONE


@command.command("list")
@format_option("text", "json")
@as_of_option
@click.pass_obj
def list_(app: App, format_: str, as_of: str | None) -> int:
    """The tests in quarantine, what became of them, and which may be released."""
    _show(app, format_, as_of)
    return DONE


@command.command("check")
@format_option("text", "json")
@as_of_option
@click.pass_obj
def check(app: App, format_: str, as_of: str | None) -> int:
    """Does the quarantine keep the policy's limits?

    Exits with 10 when an entry has expired, names no test that any run knows, or an area has more than its share.
    """
    return NOT_MET if _show(app, format_, as_of, faults_alone=True) else DONE


@command.command("suggest")
@format_option("text", "json")
@as_of_option
@click.pass_obj
def suggest(app: App, format_: str, as_of: str | None) -> int:
    """Flaky tests that might go into quarantine, the flakiest first.

    As many as the policy leaves room for. Never broken tests, which are to be repaired, and never those of an area
    whose limit is none (AI by default).
    """
    from flakelens.analyze.quarantine import suggestion

    with if_there(app.db) as store:
        found = suggestion(store, app.policy(), app.decisions(), as_of=app.moment(as_of), owners=app.owners())
    if format_ == "json":
        from flakelens.render.json.quarantine import suggestion_json

        click.echo(suggestion_json(found), nl=False)
    else:
        from flakelens.render.text.quarantine import suggestion_text

        click.echo(suggestion_text(found, width=app.width, colour=app.colour), nl=False, color=app.colour)
    return DONE


@command.command("export")
@click.option(
    "--format", "format_", type=click.Choice(["playwright", "jest"]), required=True, help="For which test runner."
)
@as_of_option
@click.pass_obj
def export(app: App, format_: Literal["playwright", "jest"], as_of: str | None) -> int:
    """Write what lets a test runner leave out or skip the tests in quarantine, for a job that stops others.

    playwright: a pattern, npx playwright test --grep-invert "$(cat FILE)". jest: a file for setupFilesAfterEnv. Run
    them in another job all the same: a test that never runs is never seen to heal.
    """
    from flakelens.analyze.quarantine_export import quarantine_export

    with if_there(app.db) as store:
        found = quarantine_export(store, app.policy(), app.decisions(), format_, as_of=app.moment(as_of))
    if format_ == "playwright":
        from flakelens.render.export_playwright import playwright_pattern

        text = playwright_pattern(found)
    else:
        from flakelens.render.export_jest import jest_setup

        text = jest_setup(found)
    click.echo(text, nl=False)
    if not app.quiet:
        from flakelens.gate.criterion import count_of
        from flakelens.render.escape import plain

        for note in (f"{count_of(len(found.held), 'test')} of {format_} in quarantine.", *found.notes):
            click.echo(f"flakelens: {plain(note)}", err=True)
    return DONE


def _show(app: App, format_: str, as_of: str | None, *, faults_alone: bool = False) -> bool:
    """Show the entries, or the faults alone; returns whether there are any."""
    from flakelens.analyze.quarantine import quarantine_report

    with if_there(app.db) as store:
        report = quarantine_report(store, app.policy(), app.decisions(), as_of=app.moment(as_of))
    if format_ == "json":
        from flakelens.render.json.quarantine import quarantine_json

        click.echo(quarantine_json(report), nl=False)
    else:
        from flakelens.render.text.quarantine import check_text, list_text

        text = (check_text if faults_alone else list_text)(report, width=app.width, colour=app.colour)
        click.echo(text, nl=False, color=app.colour)
    return bool(report.faults)
