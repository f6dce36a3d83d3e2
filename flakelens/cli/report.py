"""`flakelens report`: the nightly report as a folder of files, and the overview over all nights."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from flakelens.cli.app import App, as_of_option
from flakelens.cli.database import if_there
from flakelens.cli.exit_codes import DONE, OF_STATE
from flakelens.errors import DatabaseError

if TYPE_CHECKING:
    from datetime import datetime

    from flakelens.analyze.gate import Judged


@click.command("report")
@click.argument("gate", default="gate1", metavar="[GATE]")
@click.option("--out", metavar="FOLDER", default="reports", show_default=True, help="Where reports are kept.")
@click.option("--keep", type=click.IntRange(min=1), metavar="N", help="Take away all but the newest N reports.")
@click.option("--sheet", is_flag=True, help="Also sheet.html: one page to print, for a go/no-go meeting.")
@click.option(
    "--exit-from",
    "exit_from",
    type=click.Choice(["gate"]),
    help="Exit as flakelens gate does: 10 NOT_MET, 11 INCONCLUSIVE.",
)
@as_of_option
@click.pass_obj
def command(
    app: App, gate: str, out: str, keep: int | None, sheet: bool, exit_from: str | None, as_of: str | None
) -> int:
    """The nightly report on GATE (gate1 if it is not given): FOLDER/DATE/ and FOLDER/index.html over all nights.

    DATE is the day of the report, UTC. The folder holds index.html (one page without any request to elsewhere),
    report.md to paste into a chat, report.json for programs, and the charts as SVG and PNG. The verdict is recorded.
    Writing a night again with the same --as-of gives the same bytes. Exits with 0 whatever the verdict says, unless
    --exit-from gate is given.
    """
    from flakelens import report_files
    from flakelens.nightly import judge_night, nightly, nights

    policy, decisions, moment, folder = app.policy(), app.decisions(), app.moment(as_of), Path(out)
    read_at = app.now()  # before the data is read: a replay must not know more
    with if_there(app.db) as store:
        judged = judge_night(store, policy, decisions, gate, as_of=moment)
        missing = store is None
    number = None if missing else _record(app, judged, read_at)
    day = judged.report.provenance.as_of.strftime("%Y-%m-%d")
    since = report_files.last_report(folder, day, gate)
    with if_there(app.db) as store:
        report = nightly(store, policy, decisions, judged, owners=app.owners(), number=number, since=since)
        known = nights(store, gate, until=report.as_of)
    place = report_files.write_night(folder, day, report_files.files_of(report, sheet=sheet))
    gone = report_files.remove_older(folder, keep) if keep else ()
    overview = report_files.write_overview(folder, report_files.overview_of(folder, report, known))
    if not app.quiet:
        from flakelens.render.text.nightly import nightly_text

        text = nightly_text(
            report, page=app.shown(place / report_files.PAGE), overview=app.shown(overview), gone=gone, width=app.width,
            colour=app.colour,
        )  # fmt: skip
        click.echo(text, nl=False, color=app.colour)
    if missing:
        click.echo(f"flakelens: there is no database {app.db} yet, so the report is empty.", err=True)
    verdict = report.gate.verdict
    if exit_from and not verdict.proceed and verdict.mode == "enforce":
        return OF_STATE[verdict.state]
    return DONE


def _record(app: App, judged: Judged, read_at: datetime) -> int | None:
    from flakelens.analyze.verdicts import record
    from flakelens.store import open_store

    try:
        with open_store(app.db) as store:
            return record(store, judged, commit="", recorded_at=read_at)
    except DatabaseError as error:
        click.echo(f"flakelens: the verdict could not be recorded: {error}", err=True)
        return None
