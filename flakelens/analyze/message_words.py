"""What a failure says, as evidence in sentences: where it turns the judgement, and why it forbids a dismissal."""

from __future__ import annotations

import numpy as np

from flakelens.analyze.failure_messages import Messages
from flakelens.gate.criterion import count_of
from flakelens.stats.markov import Floats
from flakelens.stats.triage import DISMISSED_ABOVE, FLAKE, OUTAGE


def turning(messages: Messages, test: int) -> list[str]:
    """Said where one who had not heard the failure would call it another thing, or would be sure where we are not."""
    blame = messages.blame
    place = int(np.searchsorted(blame.tests, test))
    heard, unheard = blame.probabilities[place], blame.unheard[place]
    if _harmless(heard) == _harmless(unheard):
        return []
    same, earlier = messages.said_before(test)
    if heard[FLAKE] > unheard[FLAKE]:
        return [f"its message speaks for a flake: it says what its earlier flakes said ({same} of {earlier})"]
    if not same:
        return [f"its message speaks for a break: a new message, {_none_of(earlier)} said it"]
    if messages.says_again(test):
        return ["its message speaks for a break: it says again what the failure before it said"]
    return [f"its message speaks for a break: only {_some_of(same, earlier)} said it"]


def not_usual(messages: Messages, test: int) -> str:
    """Why what it says does not let it be dismissed."""
    same, earlier = messages.said_before(test)
    if not same:
        return f"not dismissed: a new message, {_none_of(earlier)} said it"
    if not messages.recovered_before(test):
        return "not dismissed: no earlier failure that it recovered from said this"
    return f"not dismissed: only {_some_of(same, earlier)} said this"


def _none_of(earlier: int) -> str:
    if earlier < 2:
        return "its one earlier failure never" if earlier else "no earlier failure"
    return f"none of its {count_of(earlier, 'earlier failure')}"


def _some_of(same: int, earlier: int) -> str:
    return f"{same} of its {count_of(earlier, 'earlier failure')}"


def _harmless(p: Floats) -> tuple[bool, bool]:
    """Is it rather no change of the code than one, and is that sure enough to dismiss it?"""
    return bool(p[FLAKE] + p[OUTAGE] > 0.5), bool(p[FLAKE] + p[OUTAGE] > DISMISSED_ABOVE)
