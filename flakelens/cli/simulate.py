"""`flakelens simulate`: histories with known truth."""

from __future__ import annotations

from pathlib import Path

import click

from flakelens.cli.app import App, format_option
from flakelens.cli.exit_codes import DONE


@click.command("simulate")
@click.argument("out", metavar="OUT", type=click.Path(path_type=Path))
@click.option("--tests", type=int, metavar="N", default=120, show_default=True, help="How many tests.")
@click.option("--runs", type=int, metavar="N", default=60, show_default=True, help="How many runs, one every 2 hours.")
@click.option("--seed", type=click.IntRange(min=0), metavar="N", default=0, show_default=True, help="Another history.")
@click.option("--flaky", type=float, metavar="SHARE", default=0.05, show_default=True, help="Tests that flake.")
@click.option(
    "--broken", type=float, metavar="SHARE", default=0.02, show_default=True, help="Tests broken for a while."
)
@click.option("--outages", type=float, metavar="SHARE", default=0.03, show_default=True, help="Runs with an outage.")
@click.option(
    "--retries",
    type=click.Choice(["recorded", "hidden", "none"]),
    default="recorded",
    show_default=True,
    help="E2E retried and shown; everything retried and hidden; no retries.",
)
@click.option(
    "--pull-requests",
    type=float,
    metavar="SHARE",
    default=0.0,
    show_default=True,
    help="Commits that are a pull request's.",
)
@click.option(
    "--pr-broken",
    type=float,
    metavar="SHARE",
    default=0.2,
    show_default=True,
    help="Pull requests that break tests.",
)
@click.option(
    "--shards", type=int, metavar="N", default=1, show_default=True, help="Parts of the E2E job, a report each."
)
@format_option("text", "json")
@click.pass_obj
def command(
    app: App,
    out: Path,
    tests: int,
    runs: int,
    seed: int,
    flaky: float,
    broken: float,
    outages: float,
    retries: str,
    pull_requests: float,
    pr_broken: float,
    shards: int,
    format_: str,
) -> int:
    """Write a history whose truth is known into the new folder OUT.

    OUT/runs has one folder per run with the reports of Jest and Playwright, for flakelens ingest --run-per-dir;
    OUT/truth.json says which tests flake, which were broken when, and why each first attempt failed. The same options
    give the same bytes.
    """
    from flakelens.model import RetryEvidence
    from flakelens.simulate import Plan, simulate

    plan = Plan(
        tests=tests,
        runs=runs,
        seed=seed,
        flaky=flaky,
        broken=broken,
        outages=outages,
        retries=RetryEvidence(retries),
        pull_requests=pull_requests,
        pr_broken=pr_broken,
        shards=shards,
    )
    done = simulate(plan, out)
    if format_ == "json":
        from flakelens.render.json.simulate import simulate_json

        click.echo(simulate_json(done), nl=False)
    else:
        from flakelens.render.text.simulate import simulate_text

        click.echo(simulate_text(done, width=app.width, colour=app.colour), nl=False, color=app.colour)
    return DONE
