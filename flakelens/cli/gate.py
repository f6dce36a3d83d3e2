"""`flakelens gate`: the verdict, on record; replayed; or held against its own history."""

from __future__ import annotations

import re
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING

import click

from flakelens.cli.app import App, format_option
from flakelens.cli.database import ON_LAKE, if_there, scheduler_option
from flakelens.cli.exit_codes import DONE, OF_STATE, UNEXPECTED
from flakelens.errors import DatabaseError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from flakelens.analyze.dispatch import Startable
    from flakelens.analyze.gate import Judged
    from flakelens.cli.base_policy import Rules
    from flakelens.report import GateReport
    from flakelens.report.forecast import GatePlan
    from flakelens.store import Store

FIRST_GATE = "gate1"
_COMMIT = re.compile(r"[0-9a-fA-F]{7,40}")


@click.command("gate")
@click.argument("name", required=False)
@format_option("text", "json", "markdown", "junit", "github")
@click.option("--commit", metavar="SHA", default="", help="Ask besides for a whole run of this commit.")
@click.option("--as-of", metavar="TIME", help="Judge as at this moment.  [default: now]")
@click.option("--replay", "number", type=int, metavar="ID", help="Judge a recorded verdict again and compare.")
@click.option("--backtest", is_flag=True, help="How often would this gate have been wrong so far?")
@click.option("--plan", "with_plan", is_flag=True, help="Say besides when it can be met, and how to get there sooner.")
@click.option("--no-record", is_flag=True, help="Do not keep the verdict in the database.")
@scheduler_option(ON_LAKE)
@click.pass_obj
def command(
    app: App,
    name: str | None,
    format_: str,
    commit: str,
    as_of: str | None,
    number: int | None,
    backtest: bool,
    with_plan: bool,
    no_record: bool,
    scheduler: str,
) -> int:
    """Is the gate NAME met? MET, NOT_MET or INCONCLUSIVE, why, and what is missing.

    NAME is gate1 if it is not given. Exit code 0 when the gate may be passed, 10 NOT_MET,
    11 INCONCLUSIVE; always 0 in the modes advise and observe.
    """
    if commit and not _COMMIT.fullmatch(commit):
        raise UsageError(f"--commit {commit!r} is not a commit.", mend="Write 7 to 40 hexadecimal digits.")
    if with_plan and (number is not None or backtest or format_ not in ("text", "json")):
        raise UsageError("--plan goes with a verdict of now, as text or json.", mend="Leave that option out.")
    if number is not None and (name or commit or as_of or backtest):
        raise UsageError("--replay takes everything from the record.", mend="Leave out NAME and the other options.")
    if backtest and (commit or format_ not in ("text", "json", "markdown")):
        raise UsageError(
            "--backtest goes without --commit, and as text, json or markdown.", mend="Leave that option out."
        )
    if number is not None:
        return _replay(app, number, format_)
    from flakelens.cli.base_policy import rules_in_force

    rules = rules_in_force(app)
    # gate1 ships with flakelens and so is always there; another gate must not take its place by its name.
    chosen = name or (FIRST_GATE if FIRST_GATE in rules.policy.gates else next(iter(rules.policy.gates)))
    moment = app.moment(as_of)
    if backtest:
        return _backtest(app, rules, chosen, moment, format_, scheduler)
    judged, plan = _judge(
        app, rules, chosen, moment, commit.lower(), record=not no_record, with_plan=with_plan, scheduler=scheduler
    )
    click.echo(_rendered(app, judged.report, format_, plan), nl=False)
    _tell_github(app, judged.report)
    return _exit_code(judged.report)


def _judge(
    app: App,
    rules: Rules,
    name: str,
    as_of: datetime,
    commit: str,
    *,
    record: bool,
    with_plan: bool,
    scheduler: str,
) -> tuple[Judged, GatePlan | None]:
    """The judged gate, recorded if asked for and possible; what a reader must know besides is in its notices.

    With a plan if that is asked for: it is no part of the record.
    """
    from msgspec.structs import replace

    from flakelens.analyze.gate import judge_gate

    read_at = app.now()  # before the data is read: a replay must not know more
    with if_there(app.db, scheduler) as store:
        judged = judge_gate(store, rules.policy, rules.decisions, name, as_of=as_of, commit=commit)
        missing = store is None
        plan = _plan(app, rules, judged, store) if with_plan else None
    report = judged.report
    if record and not missing:
        report = replace(report, number=_record(app, judged, commit, read_at))
    notices = list(rules.notices)
    if missing:
        notices.append(f"There is no database {app.db} yet, so the history is empty. Next: flakelens ingest PATH")
    # These are about this call, not about the verdict: the record does not hold them, or it could not be replayed.
    return replace(judged, report=replace(report, notices=(*notices, *report.notices))), plan


def _plan(app: App, rules: Rules, judged: Judged, store: Store | None) -> GatePlan:
    from flakelens.analyze.missing import gate_plan

    verdict = judged.report.verdict
    policy = rules.policy.gates[verdict.gate]
    return gate_plan(store, judged.loaded.evidence, verdict, policy, startable(app))


def startable(app: App) -> Startable | None:
    """The workflow that starts the tests, where the checkout or the job's environment tells."""
    from flakelens.analyze.dispatch import Startable
    from flakelens.workflows import find_workflow

    found = find_workflow(app.upwards(), app.environ)
    return Startable(*found) if found else None


def _record(app: App, judged: Judged, commit: str, read_at: datetime) -> int | None:
    from flakelens.analyze.verdicts import record
    from flakelens.store import open_store

    try:
        if app.db.is_dir():
            from flakelens.lake import open_lake

            with open_lake(app.db) as lake:
                record(lake, judged, commit=commit, recorded_at=read_at)
            return None  # there are no numbers in a lake
        with open_store(app.db) as store:
            return record(store, judged, commit=commit, recorded_at=read_at)
    except DatabaseError as error:
        click.echo(f"flakelens: the verdict could not be recorded: {error}", err=True)
        return None


def _rendered(app: App, report: GateReport, format_: str, plan: GatePlan | None = None) -> str:
    if format_ == "json":
        from flakelens.render.json.gate import gate_json

        return gate_json(report, plan)
    if format_ == "markdown":
        from flakelens.render.markdown.gate import gate_markdown

        return gate_markdown(report)
    if format_ == "junit":
        from flakelens.render.junit_gate import gate_junit

        return gate_junit(report)
    if format_ == "github":
        from flakelens.render.github.gate import gate_github

        return gate_github(report)
    from flakelens.render.text.gate import gate_text

    return gate_text(report, width=app.width, colour=app.colour, quiet=app.quiet, verbose=app.verbose, plan=plan)


def _exit_code(report: GateReport) -> int:
    verdict = report.verdict
    if verdict.proceed:
        return DONE
    if verdict.mode == "enforce":
        return OF_STATE[verdict.state]
    if verdict.mode == "advise":
        click.echo(
            f"flakelens: warning: gate {verdict.gate} is {verdict.state}; its mode is advise, so nothing is stopped.",
            err=True,
        )
    return DONE


def _tell_github(app: App, report: GateReport) -> None:
    if not {"GITHUB_STEP_SUMMARY", "GITHUB_OUTPUT"} & app.environ.keys():
        return
    from flakelens.cli.github_files import tell_github
    from flakelens.render.github.gate import outputs
    from flakelens.render.markdown.gate import gate_markdown

    tell_github(app, summary=gate_markdown(report), outputs=outputs(report))


def _replay(app: App, number: int, format_: str) -> int:
    from flakelens.analyze.verdicts import replay
    from flakelens.store import open_store

    with open_store(app.db, read_only=True) as store:
        outcome = replay(store, number)
    if outcome.exact and outcome.report is not None:
        click.echo(_rendered(app, outcome.report, format_), nl=False)
        click.echo(f"Verdict {number} replays exactly: {len(outcome.again):,} bytes, the same.", err=True)
        return DONE
    click.echo(f"flakelens: verdict {number} does not replay to the same bytes:", err=True)
    for line in outcome.differences:
        from flakelens.render.escape import plain

        click.echo(f"  {plain(line)}", err=True)
    return UNEXPECTED


def _backtest(app: App, rules: Rules, name: str, as_of: datetime, format_: str, scheduler: str) -> int:
    from flakelens.analyze.backtest import backtest
    from flakelens.render.backtest import backtest_json, backtest_markdown, backtest_text

    with if_there(app.db, scheduler) as store, _progress(app, "Replaying the gate") as progress:
        report = backtest(store, rules.policy, rules.decisions, name, as_of=as_of, progress=progress)
    for notice in rules.notices:
        click.echo(f"flakelens: {notice}", err=True)
    if format_ == "json":
        click.echo(backtest_json(report), nl=False)
    elif format_ == "markdown":
        click.echo(backtest_markdown(report), nl=False)
    else:
        click.echo(backtest_text(report, width=app.width, colour=app.colour), nl=False)
    return DONE


@contextmanager
def _progress(app: App, what: str) -> Iterator[Callable[[int, int], None] | None]:
    """A progress bar on standard error where somebody watches."""
    if not app.interactive:
        yield None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
