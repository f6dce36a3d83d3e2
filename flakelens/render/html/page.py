"""The page of one night, the sheet for a go/no-go meeting, and the overview of all nights."""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import jinja2
from markupsafe import Markup

from flakelens.gate.criterion import percent
from flakelens.model import GateState
from flakelens.render.event_words import WORDS as CHANGED
from flakelens.render.figures import SYMBOLS, WORDS
from flakelens.render.html import bundle, writing
from flakelens.render.html import nights as drawing
from flakelens.render.nightly_charts import Drawn, name_of
from flakelens.render.nightly_keys import key_of
from flakelens.render.nightly_words import change_counts, dissent, distance_text, further_steps, since_words
from flakelens.report.causes import CauseLine, PlanReport
from flakelens.report.nightly import NightLine, Nightly, RunLine

_MOST_CHANGED = 4
_MOST_CAUSES = 60
_MOST_RUNS = 30  # newest runs that are always listed; older ones where something was odd


def nightly_page(report: Nightly, document: bytes, *, charts: Sequence[Drawn], files: Sequence[str] = ()) -> bytes:
    """The page of a night. `document`: the bytes of report.json, which it carries; `files` lie beside it."""
    pictures = {chart.group: {"light": chart.light, "dark": chart.dark, "said": chart.said} for chart in charts}
    causes = (*report.causes.clusters, *(line for group in report.causes.singles for line in group))
    shown = _with_planned(causes, report)
    counts = change_counts(report)
    rate = next((found for found in report.gate.verdict.criteria if found.kind == "pass-rate"), None)
    return _render(
        "report.html.j2",
        scripts=(bundle.text(bundle.THEME), bundle.script()),
        style=bundle.style(),
        report=report,
        data=island(document),
        rate=rate if rate and rate.observed else None,
        met=sum(found.state is GateState.MET for found in report.gate.verdict.criteria),
        waived={found.waiver.criterion for found in report.gate.verdict.waivers if found.holds},
        distance=distance_text(report),
        since=since_words(report.since),
        changes=[(kind, number, [group for group in report.changes if group.kind is kind]) for kind, number in counts],
        most_changed=_MOST_CHANGED,
        change_words=CHANGED,
        steps=further_steps(report, 6),
        plan_words=_plan_words(report.plan),
        charts=island(json.dumps(pictures).encode()),
        chart_of={chart.group: chart for chart in charts},
        name_of=name_of,
        planned_of={focus.name: focus for focus in report.gate.verdict.focuses},
        cause_lines=shown[:_MOST_CAUSES],
        more_causes=max(0, len(shown) - _MOST_CAUSES),
        brings=_brings(report),
        run_of={run.key: run for run in report.runs},
        shown_runs=_shown_runs(report.runs),
        outages=sum(run.outage == "confirmed" for run in report.runs),
        incomplete=sum(bool(run.absences) for run in report.runs),
        blind=report.blind,
        files=files,
    )


def sheet_page(report: Nightly) -> bytes:
    """One printed page: verdict, evidence, dissent, waivers, and the command that replays it."""
    return _render(
        "sheet.html.j2",
        scripts=(),
        style=bundle.style("base.css", "sheet.css"),
        report=report,
        waived={found.waiver.criterion for found in report.gate.verdict.waivers if found.holds},
        dissent=dissent(report),
    )


def nights_page(nights: Sequence[NightLine], *, title: str, folders: frozenset[str]) -> bytes:
    """The overview: a calendar and the trend of the nights' verdicts. `folders`: days whose report is there."""
    return _render(
        "nights.html.j2",
        scripts=(),
        style=bundle.style("base.css", "nights.css"),
        title=title,
        nights=nights,
        changed={now.number for before, now in pairwise(nights) if before.policy_sha256 != now.policy_sha256},
        folders=folders,
        tally=drawing.tally(nights) if nights else "",
        trend=drawing.trend(nights),
        months=drawing.months(nights),
    )


def island(document: bytes) -> Markup:
    """A JSON document for a script element that is data: deflated and in base 64, so that nothing in it is markup."""
    packed = base64.b64encode(zlib.compress(document, 9)).decode("ascii")
    return Markup(json.dumps({"encoding": "deflate+base64", "bytes": len(document), "data": packed}))


def _render(template: str, *, scripts: tuple[str, ...], style: str, **context: Any) -> bytes:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("flakelens.render.html"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(writing.FILTERS)
    environment.globals.update(words=WORDS, signs=SYMBOLS, key_of=key_of, gauge_scale=writing.gauge_scale)
    page = environment.get_template(template).render(
        csp=bundle.policy(scripts=scripts, styles=(style,)),
        style=Markup(style),
        theme=Markup(scripts[0]) if scripts else "",
        script=Markup(scripts[1]) if len(scripts) > 1 else "",
        **context,
    )
    return page.encode("utf-8", "replace")


def _with_planned(causes: Sequence[CauseLine], report: Nightly) -> list[CauseLine]:
    """The causes, and those that the plan would repair though `causes` does not list them."""
    listed = {line.id for line in causes}
    return [*causes, *(action.cause for action in report.actions if action.cause.id not in listed)]


def _brings(report: Nightly) -> dict[str, str]:
    """What the repair of each planned cause would bring, after those before it."""
    if report.plan is None:
        return {}
    before = report.plan.settled
    words = {}
    for place, step in enumerate(report.plan.steps, start=1):
        green = f"{percent(before.green_share)} to {percent(step.after.green_share)}" if before else ""
        rate = f"{percent(before.pass_rate)} to {percent(step.after.pass_rate)}" if before else ""
        words[step.cause.id] = f"Repair {place} of the plan: green runs from {green}, pass rate from {rate}."
        before = step.after
    return words


def _plan_words(plan: PlanReport | None) -> str:
    """What the whole plan comes to."""
    if plan is None or not plan.steps or plan.now is None:
        return ""
    last = plan.steps[-1].after
    causes = "1 cause" if len(plan.steps) == 1 else f"{len(plan.steps)} causes"
    if plan.enough:
        needed = "this one is" if plan.enough == 1 else f"the first {plan.enough} are"
        return f"{causes} in the plan; {needed} enough for the pass rate."
    return f"Without all {causes} of the plan {percent(last.green_share)} of runs are green."


def _shown_runs(runs: Sequence[RunLine]) -> list[RunLine]:
    """Newest first: the newest ones, and of the older ones those in which something was odd."""
    newest = set(range(len(runs) - _MOST_RUNS, len(runs)))
    odd = [place in newest or bool(run.outage or run.absences) for place, run in enumerate(runs)]
    return [run for run, wanted in zip(reversed(runs), reversed(odd), strict=True) if wanted]
