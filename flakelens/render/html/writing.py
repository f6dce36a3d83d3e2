"""How templates write values. Text from reports goes through `line` or `lines`; jinja2 escapes what comes out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

from flakelens.gate.criterion import count_of, percent
from flakelens.model import Problem
from flakelens.render import event_words, safe
from flakelens.render.figures import iso, moment, need, share_beside, span, threshold
from flakelens.render.nightly_words import price_line
from flakelens.report import Rate
from flakelens.report.causes import CauseLine

_ORDER = ("broken", "flaky", "unsure", "branch-only", "gone", "stable")
_WIDTH = 200  # of a gauge, in units of its drawing


def cut(text: str, longest: int) -> str:
    """The beginning and the end of a long text."""
    return text if len(text) <= longest else f"{text[: longest * 2 // 3]} … {text[-longest // 3 :]}"


def lines(text: str) -> str:
    """Several lines, each made harmless."""
    return "\n".join(safe.lines(text))


def long_day(when: datetime) -> str:
    """ "Friday, 20 November 2026"."""
    return f"{_DAYS[when.weekday()]}, {when.day} {MONTHS[when.month - 1]} {when.year}"


# Not those of `calendar`: it speaks the language of the machine.
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip


def interval(rate: Rate) -> str:
    """ "95.0–97.5", and the counts."""
    counts = f"{rate.passed:,}/{rate.executed:,}"
    return f"{span(rate.low, rate.high)}, {counts}" if rate.low is not None and rate.high is not None else counts


def cause_title(cause: CauseLine) -> str:
    """The test of a cause that fails most."""
    test = cause.tests[0].id
    name = safe.one_line(test.name) or "(no title)"
    return f"{name} [{safe.one_line(test.variant)}]" if test.variant else name


def strikes(cause: CauseLine) -> str:
    """ "25 failures, 3 flakes"."""
    parts = [count_of(cause.failures, "failure")] if cause.failures else []
    return ", ".join([*parts, *([count_of(cause.flaky, "flake")] if cause.flaky else [])])


def shares(states: Mapping[str, int]) -> list[tuple[str, float, float]]:
    """Counts by state as stretches of a bar of length 100: state, start, length; what asks for somebody first."""
    total = sum(states.values())
    out, start = [], 0.0
    for word in sorted(states, key=lambda word: (_ORDER.index(word) if word in _ORDER else len(_ORDER), word)):
        width = round(100 * states[word] / total, 3)
        out.append((word, round(start, 3), width))
        start += width
    return out


def codes(problems: Iterable[Problem]) -> str:
    """ "duplicate-title, 3 × counts-disagree"."""
    counts = Counter(str(problem.code) for problem in problems)
    return ", ".join(code if number == 1 else f"{number} × {code}" for code, number in sorted(counts.items()))


def gauge_scale(value: float, low: float | None, limit: float) -> Callable[[float], float]:
    """A scale that ends at 100 % and begins where all of a gauge's figures fit, in steps of 5 %."""
    least = min(value, limit, limit if low is None else low)
    begin = max(0.0, int(least * 20 - 0.2) / 20 if least < 0.995 else 0.95)
    return lambda share: round(_WIDTH * (min(max(share, begin), 1.0) - begin) / (1.0 - begin), 2)


FILTERS: dict[str, Callable[..., Any]] = {
    "beside": share_beside,
    "cause_title": cause_title,
    "codes": codes,
    "details": lambda group: "; ".join(event_words.group_details(group)),
    "together": event_words.headline,
    "cut": cut,
    "iso": iso,
    "limit": threshold,
    "line": safe.one_line,
    "lines": lines,
    "long_day": long_day,
    "moment": moment,
    "need": need,
    "number": lambda number: f"{number:,}",
    "percent": percent,
    "price_line": price_line,
    "shares": shares,
    "span": interval,
    "strikes": strikes,
}
