"""The gate replayed over its own history, as text, Markdown and JSON (`flakelens.backtest/1`)."""

from __future__ import annotations

import json
from io import StringIO

from rich.table import Table
from rich.text import Text

from flakelens.gate.criterion import count_of
from flakelens.model import GateState
from flakelens.render.escape import json_text, markdown, plain
from flakelens.render.figures import threshold
from flakelens.render.terminal import console_into
from flakelens.report import BacktestReport, BacktestRule

SCHEMA = "flakelens.backtest/1"

_LETTERS = {GateState.MET: "M", GateState.NOT_MET: "x", GateState.INCONCLUSIVE: "."}
_HEADER = ("Rule", "Looks", "MET", "Judged", "False green", "False red")


def backtest_text(report: BacktestReport, *, width: int, colour: bool) -> str:
    """Per rule how often it would have been wrong, then the gate's state after every run, oldest first."""
    out = StringIO()
    console = console_into(out, width=width, colour=colour)
    console.print(Text(_title(report), style="bold"))
    if not report.states:
        console.print(Text(_NOTHING))
        return out.getvalue()
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
    table.add_column(_HEADER[0], overflow="fold")
    for name in _HEADER[1:]:
        table.add_column(name, justify="right", no_wrap=True)
    for rule in report.rules:
        table.add_row(*(Text(cell) for cell in _cells(rule)))
    console.print()
    console.print(table)
    console.print()
    for line in _legend(report):
        console.print(Text(line, style="dim"))
    console.print()
    console.print(Text(f"State after each run, oldest first ({_LEGEND}):"))
    console.print(Text("".join(_LETTERS[state] for _, state in report.states), overflow="fold"))
    console.print()
    console.print(Text(_sentence(report), style="bold"))
    return "\n".join(line.rstrip() for line in out.getvalue().split("\n"))


def backtest_markdown(report: BacktestReport) -> str:
    """The same as GitHub Markdown."""
    parts = [f"## {markdown(_title(report))}"]
    if not report.states:
        return "\n\n".join((*parts, markdown(_NOTHING))) + "\n"
    rows = [f"| {' | '.join(_HEADER)} |", "|---|---:|---:|---:|---:|---:|"]
    rows += [f"| {' | '.join((markdown(cells[0]), *cells[1:]))} |" for cells in map(_cells, report.rules)]
    letters = "".join(_LETTERS[state] for _, state in report.states)
    lines = "\n".join(letters[start : start + 80] for start in range(0, len(letters), 80))
    folded = f"Oldest first ({_LEGEND}):\n\n```text\n{lines}\n```"
    parts += [
        markdown(_sentence(report), 1000),
        "\n".join(rows),
        "\n".join(f"- {markdown(line, 1000)}" for line in _legend(report)),
        f"<details><summary>State after each run</summary>\n\n{folded}\n\n</details>",
    ]
    return "\n\n".join(parts) + "\n"


def backtest_json(report: BacktestReport) -> str:
    """The same for programs, with a line feed at its end."""
    document = {
        "schema": SCHEMA,
        "gate": report.gate,
        "branch": report.branch,
        "required": report.required,
        "horizon": report.horizon,
        "rules": [
            {
                "name": rule.name,
                "looks": rule.looks,
                "met": rule.met,
                "judged": rule.judged,
                "false_green": rule.false_green,
                "false_red": rule.false_red,
            }
            for rule in report.rules
        ],
        "states": [{"provider": key.provider, "run": key.run, "state": state.value} for key, state in report.states],
    }
    return json_text(json.dumps(document, indent=2, ensure_ascii=True, allow_nan=False)) + "\n"


_NOTHING = "There are no runs on the branch yet, so there is nothing to replay. Next: flakelens ingest PATH"
_LEGEND = "M met, x not met, . inconclusive"


def _title(report: BacktestReport) -> str:
    return f"Backtest of {plain(report.gate)} on {plain(report.branch)}"


def _cells(rule: BacktestRule) -> tuple[str, ...]:
    return (
        plain(rule.name),
        f"{rule.looks:,}",
        f"{rule.met:,}",
        f"{rule.judged:,}",
        f"{rule.false_green:,}",
        f"{rule.false_red:,}",
    )


def _legend(report: BacktestReport) -> tuple[str, ...]:
    looks = (
        "Looks: the gate judged after every run, knowing nothing of later ones. Judged: looks with enough later runs "
        "to tell whether they were right."
    )
    wrong = (
        f"False green: MET, although the next {report.horizon} runs fell below {threshold(report.required)}. "
        "False red: not MET, although they did not."
    )
    return looks, wrong


def _sentence(report: BacktestReport) -> str:
    """What the table means, in one sentence."""
    if not report.rules or not report.rules[0].judged:
        return f"No look has enough later runs yet to be held against; {count_of(len(report.states), 'run')} so far."
    own, *others = report.rules
    said = (
        f"In {count_of(own.judged, 'look')} the gate was green by mistake {_times(own.false_green)} and red by mistake "
        f"{_times(own.false_red)}"
    )
    beside = [f"{rule.name}: {rule.false_green:,} and {rule.false_red:,}" for rule in others]
    return plain(f"{said}{' (' + '; '.join(beside) + ')' if beside else ''}.", 1000)


def _times(number: int) -> str:
    return {0: "never", 1: "once"}.get(number, f"{number:,} times")
