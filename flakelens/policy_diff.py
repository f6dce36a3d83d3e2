"""In which points one policy asks less than another, in words. A pull request that lowers the bar must say so."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec.structs import replace

from flakelens.policy import (
    ALL_AREAS,
    AllPassingPolicy,
    AttestedPolicy,
    CompletePolicy,
    CriterionPolicy,
    Focus,
    GatePolicy,
    NoLaunderingPolicy,
    PassRatePolicy,
    Policy,
    ReliablePolicy,
    SoakPolicy,
    StablePolicy,
)

_STRICTNESS = {"enforce": 2, "advise": 1, "observe": 0}


def loosenings(old: Policy, new: Policy) -> tuple[str, ...]:
    """Every point in which `new` may let pass what `old` stops: "pass-rate threshold 98 -> 95". Empty for none.

    Where a change cannot be weighed (other patterns for an area, another branch) it is listed too: it may move tests
    out of a criterion.
    """
    found: list[str] = []
    for name, gate in old.gates.items():
        prefix = f"{name} " if len(old.gates) > 1 else ""
        later = new.gates.get(name)
        if later is None:
            found.append(f"gate {name} is removed")
        else:
            found += (prefix + line for line in _gate(gate, later))
    found += _quarantine(old, new)
    if new.waivers.max_hours > old.waivers.max_hours:
        found.append(f"waivers.max_hours {old.waivers.max_hours:g} -> {new.waivers.max_hours:g}")
    if lost := _lost(old.waivers.never, new.waivers.never):
        found.append(f"waivers.never no longer holds {', '.join(lost)}")
    if old.branch != new.branch:
        found.append(f"branch {old.branch or 'by default'} -> {new.branch or 'by default'}")
    if old.redact != new.redact and not new.redact.enabled:
        found.append("redact: secrets in messages are no longer masked")
    if new.count_local and not old.count_local:
        found.append("count_local: runs made on laptops count")
    if old.run_key != new.run_key:
        found.append(f"run_key {old.run_key} -> {new.run_key}")
    found += (
        f"{key} changed: which tests or first attempts are judged may differ"
        for key in ("areas", "retries", "title_separators")
        if getattr(old, key) != getattr(new, key)
    )
    found += _focuses(old, new)
    return tuple(found)


def _focuses(old: Policy, new: Policy) -> Iterable[str]:
    """What of the focuses moves tests: their patterns. Who looks after one, and when, lowers nothing."""

    def patterns(policy: Policy) -> list[Focus]:
        return [replace(focus, owner="", day="", critical=False) for focus in policy.focuses]

    if patterns(old) != patterns(new):
        yield "focuses changed: which tests or first attempts are judged may differ"
    later = {focus.name for focus in new.focuses if focus.critical}
    if lost := [focus.name for focus in old.focuses if focus.critical and focus.name not in later]:
        yield f"no longer critical: {', '.join(dict.fromkeys(lost))}"


def _gate(old: GatePolicy, new: GatePolicy) -> Iterable[str]:
    if _STRICTNESS[new.mode] < _STRICTNESS[old.mode]:
        yield f"mode {old.mode} -> {new.mode}"
    if old.environment != new.environment:
        yield f"environment {old.environment or 'CI'} -> {new.environment or 'CI'}"
    if old.rollback != new.rollback:
        yield f"rollback {old.rollback or 'none'} -> {new.rollback or 'none'}"
    for ident, criterion in old.criteria.items():
        if not criterion.areas:
            continue
        later = new.criteria.get(ident)
        if later is None or not later.areas:
            yield f"{ident} is removed"
        elif type(later) is not type(criterion):
            yield f"{ident} is of another kind"
        else:
            yield from (f"{ident} {line}" for line in _criterion(criterion, later, old, new))


def _criterion(old: CriterionPolicy, new: CriterionPolicy, old_gate: GatePolicy, new_gate: GatePolicy) -> Iterable[str]:
    if ALL_AREAS not in new.areas:
        if ALL_AREAS in old.areas:
            yield f"asks {', '.join(new.areas)} instead of all areas"
        elif lost := _lost(old.areas, new.areas):
            yield f"no longer asks {', '.join(lost)}"
    if new.focuses and (not old.focuses or _lost(old.focuses, new.focuses)):
        yield f"is narrowed to the focuses {', '.join(new.focuses)}"
    before, after = _threshold(old, old_gate), _threshold(new, new_gate)
    if before is not None and after is not None and after < before:
        yield f"threshold {before:g} -> {after:g}"
    if getattr(old, "evidence", "") == "e-value" and getattr(new, "evidence", "") == "observed":
        yield "evidence e-value -> observed"
    for kind, key in ((AllPassingPolicy, "runs"), (StablePolicy, "runs"), (NoLaunderingPolicy, "baseline_runs")):
        if isinstance(old, kind) and getattr(new, key) < getattr(old, key):
            yield f"{key} {getattr(old, key)} -> {getattr(new, key)}"
    yield from _limits(old, new)
    if isinstance(old, AttestedPolicy) and isinstance(new, AttestedPolicy):
        if old.what != new.what:
            yield f"asks to sign off {new.what!r} instead of {old.what!r}"
        if old.by and (not new.by or set(new.by) - set(old.by)):
            yield f"may be signed off by {', '.join(new.by) or 'anybody'} instead of {', '.join(old.by)}"


def _limits(old: CriterionPolicy, new: CriterionPolicy) -> Iterable[str]:
    """Numbers of one kind of criterion that were raised where a rise asks less, or lowered where that does."""
    asks_less: tuple[tuple[type, str, int], ...] = (
        (CompletePolicy, "max_age_hours", 1),
        (SoakPolicy, "hours", -1),
        (SoakPolicy, "max_gap_hours", 1),
        (SoakPolicy, "failures", 1),
        (AttestedPolicy, "max_days", 1),
    )
    for kind, key, direction in asks_less:
        if isinstance(old, kind) and (getattr(new, key) - getattr(old, key)) * direction > 0:
            yield f"{key} {getattr(old, key):g} -> {getattr(new, key):g}"


def _threshold(criterion: CriterionPolicy, gate: GatePolicy) -> float | None:
    if isinstance(criterion, PassRatePolicy | StablePolicy | ReliablePolicy):
        return criterion.threshold
    if not isinstance(criterion, NoLaunderingPolicy):
        return None
    if criterion.threshold is not None:
        return criterion.threshold
    rates = [other.threshold for other in gate.criteria.values() if isinstance(other, PassRatePolicy)]
    return max(rates, default=98.0)  # as the gate itself reads it


def _quarantine(old: Policy, new: Policy) -> Iterable[str]:
    before, after = old.quarantine, new.quarantine
    if after.share > before.share:
        yield f"quarantine.share {before.share:g} -> {after.share:g}"
    for area in sorted({*before.areas, *after.areas}):
        was, is_now = before.areas.get(area, before.share), after.areas.get(area, after.share)
        if is_now > was:
            yield f"quarantine of {area} {was:g} -> {is_now:g}"


def _lost(old: tuple[str, ...], new: tuple[str, ...]) -> list[str]:
    return [name for name in old if name not in new]
