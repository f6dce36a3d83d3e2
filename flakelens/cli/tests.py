"""`flakelens tests`: the tests with their states and rates."""

from __future__ import annotations

import click

from flakelens.cli.app import App, as_of_option, format_option
from flakelens.cli.database import ON_LAKE, if_there, scheduler_option
from flakelens.cli.exit_codes import DONE

_SCREEN = 30  # tests that the text shows without --limit


@click.command("tests")
@format_option("text", "json")
@click.option("--area", metavar="NAME", multiple=True, help="Only this area; may be repeated.")
@click.option("--focus", metavar="NAME", multiple=True, help="Only this focus; may be repeated.")
@click.option(
    "--state",
    metavar="STATE",
    multiple=True,
    help="Only this state: stable, flaky, broken, unsure, branch-only, gone or healing; may be repeated.",
)
@click.option(
    "--owner", metavar="NAME", multiple=True, help="Only tests of this owner by CODEOWNERS, or none; may be repeated."
)
@click.option("--cluster", metavar="ID", default="", help="Only the tests of this cause, as flakelens causes names it.")
@click.option("--sort", metavar="ORDER", default="urgency", help="urgency, name, rate, failures or flakes.")
@click.option("--limit", type=click.IntRange(min=0), metavar="N", help="At most N; 0: all.  [default: 30, JSON: all]")
@scheduler_option(ON_LAKE)
@as_of_option
@click.pass_obj
def command(
    app: App,
    format_: str,
    area: tuple[str, ...],
    focus: tuple[str, ...],
    state: tuple[str, ...],
    owner: tuple[str, ...],
    cluster: str,
    sort: str,
    limit: int | None,
    scheduler: str,
    as_of: str | None,
) -> int:
    """The tests with their states and rates, most urgent first.

    Rates are over the newest 300 runs that count for the gated branch, confirmed outages left out. A rate of first
    attempts is given where the reports show them. -v adds owners and causes.
    """
    from flakelens.analyze.tests import CausesOf, tests_report

    causes_of: CausesOf | None = None
    if format_ == "json" or cluster or app.verbose:  # finding clusters takes time that the table alone is worth
        from flakelens.analyze.causes import causes_of_tests as causes_of
    if limit is None and format_ == "text":
        limit = _SCREEN
    with if_there(app.db, scheduler) as store:
        report = tests_report(
            store,
            app.policy(),
            app.decisions(),
            as_of=app.moment(as_of),
            area=area,
            focus=focus,
            state=state,
            owner=owner,
            cluster=cluster,
            sort=sort,
            limit=limit or None,
            owners=app.owners(),
            causes_of=causes_of,
        )
    if format_ == "json":
        from flakelens.render.json.tests import tests_json

        click.echo(tests_json(report), nl=False)
    else:
        from flakelens.render.text.tests import tests_text

        text = tests_text(report, width=app.width, colour=app.colour, verbose=app.verbose)
        click.echo(text, nl=False, color=app.colour)
    return DONE
