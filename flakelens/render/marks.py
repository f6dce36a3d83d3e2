"""The signs for outcomes and states, the same in every text: each is readable without its colour."""

from __future__ import annotations

from rich.text import Text

from flakelens.gate.criterion import percent
from flakelens.render.terminal import BAD, DOUBT, GOOD, QUIET
from flakelens.report import Rate
from flakelens.stats.states import TestFinding, TestState

# Letters of a strip (see report.TestLine.strip) as signs and styles.
SIGNS = {
    "P": (".", GOOD),
    "K": ("~", DOUBT),
    "F": ("X", BAD),
    "S": ("s", QUIET),
    ".": ("-", QUIET),
    "O": ("o", QUIET),
}
MEANINGS = {
    "P": "passed",
    "K": "failed then passed",
    "F": "failed",
    "S": "skipped",
    ".": "no result",
    "O": "outage (left out)",
}
LEGEND = ", ".join(f"{SIGNS[letter][0]} {word}" for letter, word in MEANINGS.items() if letter != "O")

_STATES = {
    TestState.STABLE: ("✓", GOOD),
    TestState.FLAKY: ("~", DOUBT),
    TestState.BROKEN: ("✗", BAD),
    TestState.UNSURE: ("?", ""),
    TestState.BRANCH_ONLY: ("»", QUIET),
    TestState.GONE: ("-", QUIET),
}


def state_word(finding: TestFinding) -> tuple[str, str]:
    """Sign and word of a state, and the style they are written in."""
    sign, style = _STATES[finding.state]
    if finding.healing:
        return f"{sign} healing", GOOD
    return f"{sign} {finding.state}", style


def likely(finding: TestFinding) -> str:
    """ "P(flaky) 97 %, P(stable) 3 %, P(broken) < 1 %", the likeliest first."""
    chances = {"stable": finding.p_stable, "flaky": finding.p_flaky, "broken": finding.p_broken}
    told = sorted(chances.items(), key=lambda one: -one[1])
    return ", ".join(f"P({word}) {chance(p)}" for word, p in told)


def chance(p: float) -> str:
    """Never certain: a model's 0 and 1 are rounded."""
    if p < 0.01:
        return "< 1 %"
    return "> 99 %" if p > 0.99 else f"{p * 100:.0f} %"


def strip(letters: str) -> Text:
    """The newest runs as signs, oldest first."""
    text = Text()
    for letter in letters:
        text.append(*SIGNS[letter])
    return text


def rate_text(rate: Rate | None) -> str:
    """ "96.4 % (27/28)", or a dash where there is no result: no data is not 0 %."""
    return f"{percent(rate.value)} ({rate.passed:,}/{rate.executed:,})" if rate else "-"


def seconds_text(seconds: float) -> str:
    """A duration with two digits that mean something: "85 ms", "1.8 s", "2 min 05 s"."""
    if seconds < 0.9995:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 99.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02} s"
