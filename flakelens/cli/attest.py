"""`flakelens attest`: a person signs off what no test can show."""

from __future__ import annotations

import click

from flakelens.cli.app import App


@click.command("attest")
@click.argument("gate")
@click.option("--criterion", required=True, metavar="ID", help="The criterion of kind attested, as the gate names it.")
@click.option("--by", required=True, metavar="NAME", help="Who signs off; the policy may say who can.")
@click.option("--evidence", required=True, metavar="TEXT", help="Where it can be looked up: an address, a protocol.")
@click.option("--expires", required=True, metavar="WHEN", help="30d, 24h, or a date; the policy says how long at most.")
@click.option("--failed", is_flag=True, help="Refuse it: the criterion is NOT_MET until a newer sign-off.")
@click.pass_obj
def command(app: App, gate: str, criterion: str, by: str, evidence: str, expires: str, failed: bool) -> int:
    """Sign off a criterion of GATE that no test can show: a security audit, a rollback rehearsal.

    Every verdict shows who, when, the evidence and until when. Writes to flakelens-decisions.toml, which must be
    committed. The newest entry of a criterion speaks for it.
    """
    from flakelens.decide_gate import attest
    from flakelens.render.decisions import written_text

    path = app.decisions_path()
    written = attest(
        path,
        app.policy(),
        gate=gate,
        criterion=criterion,
        by=by,
        evidence=evidence,
        expires=expires,
        now=app.now(),
        failed=failed,
    )
    click.echo(written_text(written.entry, app.shown(path), (), quiet=app.quiet), nl=False)
    return 0
