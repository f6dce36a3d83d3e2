"""The recorded verdicts of a gate over time, and where its policy changed between them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from itertools import pairwise
from typing import Any

import msgspec

from flakelens import policy_text as policy_room
from flakelens.policy import Policy
from flakelens.policy_diff import loosenings
from flakelens.report.trends import PolicyChange, VerdictPoint, VerdictSeries
from flakelens.store import Store, StoredVerdict

NEWEST = 2_000  # verdicts that are looked at: each is unpacked whole


def verdicts_of(store: Store | None, gate: str) -> tuple[StoredVerdict, ...]:
    """The newest 2,000 verdicts of a gate, oldest first; none without a database."""
    return store.verdicts(gate, limit=NEWEST)[::-1] if store else ()


def verdict_series(gate: str, verdicts: Iterable[StoredVerdict]) -> VerdictSeries:
    """The verdicts, oldest first, as points."""
    return VerdictSeries(gate=gate, verdicts=tuple(_point(stored) for stored in verdicts))


def _point(stored: StoredVerdict) -> VerdictPoint:
    criteria: list[dict[str, Any]] = json.loads(stored.json).get("criteria", [])
    rate: dict[str, Any] = next((one for one in criteria if one.get("kind") == "pass-rate"), {})
    observed = rate.get("observed") or {}
    return VerdictPoint(
        number=stored.id,
        as_of=stored.as_of,
        state=stored.state,
        waived=stored.decision == "WAIVED",
        observed=observed.get("value"),
        required=rate.get("required"),
    )


def policy_changes(verdicts: Iterable[StoredVerdict]) -> tuple[PolicyChange, ...]:
    """Where a verdict, in time order, has another policy than the one before, and what it asks less or more."""
    return tuple(
        PolicyChange(at=now.as_of, said=_said(before.policy_text, now.policy_text))
        for before, now in pairwise(verdicts)
        if before.policy_text != now.policy_text
    )


def _said(before: str, now: str) -> tuple[str, ...]:
    old, new = _policy(before), _policy(now)
    if old is None or new is None:
        return ("one of the two was made by another version of flakelens",)
    looser = loosenings(old, new)
    backwards = loosenings(new, old)  # what the old policy lets pass and the new one stops
    tighter = [found for point in backwards if (found := _BOUNDS.fullmatch(point))]
    said = [f"looser: {point}" if point not in backwards else point for point in looser]
    said += [f"tighter: {found[1]} {found[3]} -> {found[2]}" for found in tighter]
    if len(tighter) + sum(point in looser or point.startswith(_EITHER_WAY) for point in backwards) < len(backwards):
        said.append("tighter in other points")
    return tuple(said) or ("in points that let nothing more and nothing less pass",)


_BOUND = r"([\d.]+|enforce|advise|observe|observed|e-value)"
_BOUNDS = re.compile(rf"(.+) {_BOUND} -> {_BOUND}")
_EITHER_WAY = ("branch ", "run_key ")  # a change of these is named by `loosenings` in both directions


def _policy(text: str) -> Policy | None:
    try:
        return policy_room.from_canonical(text.encode())
    except msgspec.MsgspecError:
        return None
