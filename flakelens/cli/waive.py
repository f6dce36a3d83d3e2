"""`flakelens waive`: go on in spite of a criterion, under a name, for a while."""

from __future__ import annotations

import click

from flakelens.cli.app import App


@click.command("waive")
@click.argument("gate")
@click.option("--criterion", required=True, metavar="ID", help="The criterion to go on without, as the gate names it.")
@click.option("--commit", required=True, metavar="SHA", help="The commit that goes on; a new failure after it ends it.")
@click.option("--by", required=True, metavar="NAME", help="Who takes the responsibility.")
@click.option("--reason", required=True, metavar="TEXT", help="Why; every report shows it.")
@click.option("--expires", required=True, metavar="WHEN", help="24h, 3d, or a time; 72 h at most.")
@click.pass_obj
def command(app: App, gate: str, criterion: str, commit: str, by: str, reason: str, expires: str) -> int:
    """Let GATE proceed in spite of one criterion, for a while.

    The state stays what it is and every report shows the waiver. Writes to flakelens-decisions.toml, which must be
    committed. What the policy lists in waivers.never (AI, payments) cannot be waived.
    """
    from flakelens.decide_gate import protected, waive
    from flakelens.render.decisions import written_text

    policy, path = app.policy(), app.decisions_path()
    written = waive(
        path,
        policy,
        gate=gate,
        criterion=criterion,
        commit=commit,
        by=by,
        reason=reason,
        expires=expires,
        now=app.now(),
    )
    notes = []
    if never := protected(policy, gate, criterion):
        notes.append(f"It does not hold while tests of {' or '.join(never)} speak against {criterion} (waivers.never).")
    click.echo(written_text(written.entry, app.shown(path), notes, quiet=app.quiet), nl=False)
    return 0
