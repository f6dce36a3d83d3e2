"""`flakelens show`: the history of one test."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import click

from flakelens.cli.app import App, as_of_option, format_option
from flakelens.cli.database import if_there
from flakelens.cli.exit_codes import DONE

if TYPE_CHECKING:
    from flakelens.gate.evidence import Evidence
    from flakelens.report import CauseOf


@click.command("show")
@click.argument("test")
@format_option("text", "json")
@click.option("--area", metavar="NAME", multiple=True, help="TEST is one of this area; may be repeated.")
@click.option("--focus", metavar="NAME", multiple=True, help="TEST is one of this focus; may be repeated.")
@click.option("--owner", metavar="NAME", multiple=True, help="TEST is one of this owner, or none; may be repeated.")
@as_of_option
@click.pass_obj
def command(
    app: App,
    test: str,
    format_: str,
    area: tuple[str, ...],
    focus: tuple[str, ...],
    owner: tuple[str, ...],
    as_of: str | None,
) -> int:
    """The history of one test, and why it has its state.

    TEST is its title, "FILE > TITLE", any form in which a report wrote it, or a part that no other test contains.
    """
    from flakelens.analyze.filters import Filter
    from flakelens.analyze.show import show_report

    def causes_of(evidence: Evidence) -> Mapping[int, CauseOf]:
        from flakelens.analyze.causes import causes_of_tests  # clusters need a library that loads slowly

        return causes_of_tests(evidence)

    with if_there(app.db) as store:
        report = show_report(
            store,
            app.policy(),
            app.decisions(),
            as_of=app.moment(as_of),
            test=test,
            asked=Filter(area=area, focus=focus, owner=owner),
            owners=app.owners(),
            causes_of=causes_of,
        )
    if format_ == "json":
        from flakelens.render.json.show import show_json

        click.echo(show_json(report), nl=False)
    else:
        from flakelens.render.text.show import show_text

        text = show_text(report, width=app.width, colour=app.colour, verbose=app.verbose)
        click.echo(text, nl=False, color=app.colour)
    return DONE
