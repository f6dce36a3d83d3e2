"""How often a gate would have been wrong so far."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from flakelens.facts import RunKey
    from flakelens.model import GateState


class BacktestRule(msgspec.Struct, frozen=True, kw_only=True):
    """One rule, replayed over history."""

    name: str
    looks: int
    met: int
    judged: int  # looks followed by enough runs to know
    false_green: int  # MET while the rate of the next runs is below the required one
    false_red: int  # not MET while it is not below


class BacktestReport(msgspec.Struct, frozen=True, kw_only=True):
    """The gate replayed at every run of the branch, beside the naive rule."""

    gate: str
    branch: str
    required: float
    horizon: int  # next runs that a look is held against
    rules: tuple[BacktestRule, ...]
    states: tuple[tuple[RunKey, GateState], ...]  # the gate's state after each run
