"""What a policy must fulfil beyond its types: thresholds that can be proven, windows that fill, known names."""

from __future__ import annotations

import math
import re
from datetime import date, datetime

from flakelens.errors import PolicyError
from flakelens.policy import ALL_AREAS, AttestedPolicy, CriterionPolicy, Focus, Policy, SoakPolicy

# Clean runs that the e-value can look back on; a limit that so many clean runs cannot prove is never MET.
_LONGEST_WINDOW = 100
_LONGEST_SIGN_OFF = 366  # days; a year's audit, and no forgotten one
_LONGEST_SOAK = 336  # hours: the newest 300 runs are looked at, hourly checks of longer would not fit


def check(policy: Policy, where: str) -> None:
    """Raises PolicyError, naming the key, if the policy cannot work."""
    if not policy.gates:
        raise PolicyError(f"{where}: gates: no gate is defined.", mend="Define at least one [gates.NAME].")
    known = {*policy.area_names(), "unassigned"}
    focuses = {rule.name for rule in policy.focuses}
    for name, share in {"share": policy.quarantine.share, **policy.quarantine.areas}.items():
        _percent(share, f"quarantine.{name}", where, low=0.0)
    _names(policy.quarantine.areas, known, "quarantine.areas", where)
    _names(policy.waivers.never, known | focuses, "waivers.never", where)
    _reports(policy, where)
    _prefixes(policy, where)
    if not 0 < policy.waivers.max_hours <= 72:
        raise PolicyError(
            f"{where}: waivers.max_hours is {policy.waivers.max_hours:g}; a waiver lasts 72 hours at most.",
            mend="Write a number over 0 and up to 72.",
        )
    for index, rule in enumerate((*policy.areas, *policy.focuses)):
        kind = "areas" if index < len(policy.areas) else "focuses"
        patterns = (rule.files, rule.producers, rule.jobs, rule.titles, rule.variants, getattr(rule, "match", ()))
        if not any(patterns):
            raise PolicyError(
                f"{where}: {kind} {rule.name!r} has no pattern and matches nothing.",
                mend="Give it files, producers, jobs, titles or variants.",
            )
        if isinstance(rule, Focus):
            _focus(rule, where)
        if rule.name in ("*", "") or (kind == "areas" and rule.name == "unassigned"):
            raise PolicyError(f"{where}: {kind}: {rule.name!r} cannot be a name.", mend="Choose another name.")
    for gate_name, gate in policy.gates.items():
        path = f"gates.{gate_name}.criteria"
        if len(gate.rollback.splitlines()) > 1:
            raise PolicyError(
                f"{where}: gates.{gate_name}.rollback has several lines; it is shown as one command.",
                mend="Put them into a script, and name that.",
            )
        if not any(criterion.areas for criterion in gate.criteria.values()):
            raise PolicyError(
                f"{where}: {path}: no criterion is left; a gate that asks nothing would always be met.",
                mend="Keep at least one criterion with areas.",
            )
        for ident, criterion in gate.criteria.items():
            _criterion(criterion, f"{path}.{ident}", known, focuses, where)


def _focus(focus: Focus, where: str) -> None:
    if focus.day and not _is_day(focus.day):
        raise PolicyError(
            f"{where}: focuses {focus.name!r}: day is {focus.day!r}; it must be a date or the number of a day.",
            mend="Write day = 2026-11-23, or day = 3.",
        )
    if any(not pattern.strip() for pattern in focus.match):
        raise PolicyError(
            f"{where}: focuses {focus.name!r}: an empty match stands in every title.", mend="Leave it out."
        )


def _is_day(text: str) -> bool:
    if text.isdecimal():
        return 1 <= int(text) <= 366
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _prefixes(policy: Policy, where: str) -> None:
    for prefix in policy.redact.prefixes:
        if len(prefix) < 3 or not prefix.isprintable() or " " in prefix:
            raise PolicyError(
                f"{where}: redact.prefixes: {prefix!r} would mask ordinary words.",
                mend='Write what your tokens begin with, at least three characters and no space: "acme_live_".',
            )


def _reports(policy: Policy, where: str) -> None:
    if any(not separator.strip() for separator in policy.title_separators):
        raise PolicyError(
            f"{where}: title_separators: an empty separator stands between any two letters.", mend="Leave it out."
        )
    for retries in policy.retries:
        if retries.since and not _is_date_or_commit(retries.since):
            raise PolicyError(
                f"{where}: retries.since is {retries.since!r}; it must be a date or a commit.",
                mend="Write 2026-10-01, or at least 7 digits of a commit.",
            )


def _criterion(criterion: CriterionPolicy, path: str, known: set[str], focuses: set[str], where: str) -> None:
    _names(criterion.areas, known | {"*"}, f"{path}.areas", where)
    _names(criterion.focuses, focuses, f"{path}.focuses", where)
    if "*" in criterion.areas and len(criterion.areas) > 1:
        raise PolicyError(f'{where}: {path}.areas: "*" already means all.', mend='Write ["*"] or name areas.')
    if isinstance(criterion, AttestedPolicy):
        _attested(criterion, path, where)
    if isinstance(criterion, SoakPolicy):
        _soak(criterion, path, where)
    for key in ("runs", "baseline_runs"):
        number = getattr(criterion, key, 1)
        if not 1 <= number <= _LONGEST_WINDOW:
            raise PolicyError(
                f"{where}: {path}.{key} is {number}; the window must hold 1 to {_LONGEST_WINDOW} runs.",
                mend="Choose a number in that range.",
            )
    hours = getattr(criterion, "max_age_hours", 1.0)
    if not 0 < hours < math.inf:
        raise PolicyError(f"{where}: {path}.max_age_hours must be over 0.", mend="72 is the default.")
    threshold = getattr(criterion, "threshold", None)
    if threshold is None:
        return
    _percent(threshold, f"{path}.threshold", where, low=50.0)
    if getattr(criterion, "evidence", "observed") == "e-value" and not _certifiable(1 - threshold / 100):
        raise PolicyError(
            f"{where}: {path}.threshold is {threshold:g} %: {_LONGEST_WINDOW} clean runs in a row could not prove it.",
            mend='Lower it to 99.5 or less, or write evidence = "observed" beside it.',
        )
    if hasattr(criterion, "evidence") and threshold in (50, 100):
        raise PolicyError(
            f"{where}: {path}.threshold is {threshold:g} %; a rate is asked to be between 50 and 100.",
            mend="For every test passing in every run use a criterion of kind all-passing.",
        )


def _attested(criterion: AttestedPolicy, path: str, where: str) -> None:
    if not criterion.what.strip():
        raise PolicyError(f"{where}: {path}.what is empty.", mend="Say what is signed off: reports show it.")
    if criterion.areas not in ((), (ALL_AREAS,)) or criterion.focuses:
        raise PolicyError(
            f"{where}: {path}: a sign-off is about no test, so it has no areas and no focuses.",
            mend="Leave them out; areas = [] removes the criterion.",
        )
    if not 0 < criterion.max_days <= _LONGEST_SIGN_OFF:
        raise PolicyError(
            f"{where}: {path}.max_days is {criterion.max_days:g}; it must be over 0 and at most {_LONGEST_SIGN_OFF}.",
            mend="90 is the default.",
        )


def _soak(criterion: SoakPolicy, path: str, where: str) -> None:
    for key in ("hours", "max_gap_hours"):
        if not 0 < getattr(criterion, key) <= _LONGEST_SOAK:
            raise PolicyError(
                f"{where}: {path}.{key} must be over 0 and at most {_LONGEST_SOAK} (14 days).", mend="24 is usual."
            )
    if not 1 <= criterion.failures <= 10:
        raise PolicyError(f"{where}: {path}.failures is {criterion.failures}; it must be 1 to 10.", mend="Write 2.")


def _is_date_or_commit(text: str) -> bool:
    if re.fullmatch(r"[0-9a-fA-F]{7,40}", text):
        return True
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return "-" in text


def _certifiable(limit: float) -> bool:
    """Can 100 clean runs prove a failing share below `limit`? The bet of docs/statistics.md at its best."""
    if limit <= 0:
        return False
    cap = max(0.10, 2 * limit)

    def log_e(runs: int) -> float:
        bets = [runs * math.log1p(share / (cap - limit) * limit) for share in (0.25, 0.6, 0.999)]
        return math.log(sum(math.exp(bet) for bet in bets) / 3)

    pooled = math.log((math.exp(log_e(30)) + math.exp(log_e(_LONGEST_WINDOW))) / 2)
    return pooled >= math.log(20)


def _percent(value: float, path: str, where: str, *, low: float) -> None:
    if low <= value <= 100:
        return
    hint = f" Percentages are written as people say them: did you mean {value * 100:g}?" if 0 < value <= 1 else ""
    raise PolicyError(f"{where}: {path} is {value:g}; it must be from {low:g} to 100.{hint}", mend="98.0 means 98 %.")


def _names(names: object, known: set[str], path: str, where: str) -> None:
    for name in names:  # type: ignore[attr-defined]
        if name not in known:
            raise PolicyError(
                f"{where}: {path}: {name!r} is not defined.",
                mend=f"Known here: {', '.join(sorted(known)) or 'none'}.",
            )
