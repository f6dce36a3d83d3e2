"""TOML text to a policy, over the shipped defaults. No I/O but for those defaults.

A key that is not known, a number in quotes and a window that cannot work are errors that name the key: a policy that is
silently not applied is worse than none.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any, get_args

import msgspec

from flakelens.errors import PolicyError
from flakelens.policy import CriterionPolicy, GatePolicy, Policy
from flakelens.policy_checks import check


def shipped_text() -> str:
    """The commented defaults that travel with the package."""
    return Path(__file__).with_name("gate1.toml").read_text(encoding="utf-8")


def parse(text: str = "", *, where: str = "flakelens.toml", table: tuple[str, ...] = ()) -> Policy:
    """The policy that `text` (TOML) says over the shipped defaults.

    `where` names the source in errors; `table` leads to the policy inside it (("tool", "flakelens") in a
    pyproject.toml). Raises PolicyError, naming the key, for anything that is not known or cannot work.
    """
    own: Any
    try:
        own = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # also numbers too long and tables too deep to be meant
        said = "too deeply nested" if isinstance(error, RecursionError) else error
        raise PolicyError(f"{where} is not valid TOML: {said}.", mend="Mend the line it names.") from None
    for depth, key in enumerate(table, 1):
        own = own.get(key, {})
        if not isinstance(own, dict):
            path = ".".join(table[:depth])
            raise PolicyError(f"{where}: {path} must be a table.", mend=f"Write [{'.'.join(table)}].")
    shipped = tomllib.loads(shipped_text())
    merged = _merge(shipped, {key: value for key, value in own.items() if key != "focus"})
    _add_focuses(merged, own.get("focus", []), where)
    _forget_shipped_names(merged, own)
    policy = _ordered(_convert(merged, where))
    check(policy, where)
    return policy


def from_canonical(data: bytes) -> Policy:
    """The inverse of `Policy.canonical`, for replaying a verdict."""
    return _ordered(msgspec.json.decode(data, type=Policy))


def _ordered(policy: Policy) -> Policy:
    """The policy with gates by name and criteria by kind: the order of keys in a file decides nothing."""
    kinds = [kind.__struct_config__.tag for kind in get_args(CriterionPolicy)]

    def rank(item: tuple[str, CriterionPolicy]) -> tuple[int, str]:
        return kinds.index(item[1].__struct_config__.tag), item[0]

    gates = {
        name: msgspec.structs.replace(gate, criteria=dict(sorted(gate.criteria.items(), key=rank)))
        for name, gate in sorted(policy.gates.items())
    }
    return msgspec.structs.replace(policy, gates=gates)


def _add_focuses(merged: dict[str, Any], added: Any, where: str) -> None:
    """[[focus]] adds a focus, or takes the place of those with its name; [[focuses]] is the whole list."""
    if not isinstance(added, list) or not all(isinstance(focus, dict) for focus in added):
        raise PolicyError(f"{where}: focus must be tables.", mend="Write [[focus]].")
    names = _names(added)
    there = merged.get("focuses", [])
    if isinstance(there, list):
        kept = [focus for focus in there if not (_names([focus]) & names)]
        merged["focuses"] = [*kept, *added]


def _forget_shipped_names(merged: dict[str, Any], own: Mapping[str, Any]) -> None:
    """A project with areas or focuses of its own need not mention shipped ones in limits that it never wrote."""
    defined = _names(merged.get("areas")) | _names(merged.get("focuses"))
    quarantine, waivers = own.get("quarantine", {}), own.get("waivers", {})
    if isinstance(quarantine, dict) and isinstance(said := quarantine.get("areas", {}), dict):
        limits = {name: share for name, share in merged["quarantine"]["areas"].items() if name in defined | said.keys()}
        merged["quarantine"] = {**merged["quarantine"], "areas": limits}
    if isinstance(waivers, dict) and "never" not in waivers:
        never = [name for name in merged["waivers"]["never"] if name in defined]
        merged["waivers"] = {**merged["waivers"], "never": never}


def _names(rules: Any) -> set[str]:
    tables = [rule for rule in rules if isinstance(rule, dict)] if isinstance(rules, list) else []
    return {name for rule in tables if isinstance(name := rule.get("name"), str)}


def _merge(base: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in own.items():
        old = merged.get(key)
        merged[key] = _merge(old, value) if isinstance(old, Mapping) and isinstance(value, Mapping) else value
    return merged


def _convert(merged: Mapping[str, Any], where: str) -> Policy:
    """Gate by gate and criterion by criterion, so that an error can name the key and not just its type."""
    plain = {key: value for key, value in merged.items() if key != "gates"}
    for rule in plain["retries"] if isinstance(plain.get("retries"), list) else ():
        if isinstance(rule, dict) and isinstance(rule.get("since"), date):  # a TOML date, without quotes
            rule["since"] = rule["since"].isoformat()
    for focus in plain["focuses"] if isinstance(plain.get("focuses"), list) else ():
        if isinstance(focus, dict):
            focus.update(_plain_focus(focus))
    gates: dict[str, GatePolicy] = {}
    tables = merged.get("gates", {})
    if not isinstance(tables, Mapping) or not all(isinstance(gate, Mapping) for gate in tables.values()):
        raise PolicyError(f"{where}: gates must be tables.", mend="Write [gates.NAME].")
    for name, gate in tables.items():
        criteria = gate.get("criteria", {})
        if not isinstance(criteria, Mapping):
            raise PolicyError(f"{where}: gates.{name}.criteria must be tables.", mend="Write [gates.NAME.criteria.ID].")
        parsed = {
            ident: _to(CriterionPolicy, value, f"gates.{name}.criteria.{ident}", where)
            for ident, value in criteria.items()
        }
        rest = {key: value for key, value in gate.items() if key != "criteria"}
        empty = _to(GatePolicy, {"title": name, **rest, "criteria": {}}, f"gates.{name}", where)
        gates[name] = msgspec.structs.replace(empty, criteria=parsed)
    policy: Policy = _to(Policy, {**plain, "gates": {}}, "", where)
    return msgspec.structs.replace(policy, gates=gates)


def _plain_focus(focus: Mapping[str, Any]) -> dict[str, Any]:
    """`day` may be a TOML date or a number, `match` a single text."""
    found: dict[str, Any] = {}
    day, match = focus.get("day"), focus.get("match")
    if isinstance(day, date) and not isinstance(day, datetime):
        found["day"] = day.isoformat()
    elif isinstance(day, int) and not isinstance(day, bool):
        found["day"] = str(day)
    if isinstance(match, str):
        found["match"] = [match]
    return found


def _to(kind: Any, value: Any, path: str, where: str) -> Any:
    try:
        return msgspec.convert(value, type=kind)
    except msgspec.ValidationError as error:
        said, _, place = str(error).partition(" - at `$")
        key = (path + place.rstrip("`")).strip(".") or "the file"
        raise PolicyError(
            f"{where}: {key}: {said[0].lower()}{said[1:]}.",
            mend="docs/policy.md lists every key with its meaning and default.",
        ) from None
