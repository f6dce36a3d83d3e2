"""Decisions of people about a gate's criteria: waivers and sign-offs, appended to flakelens-decisions.toml."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from pathlib import Path

from flakelens.decide import expiry, person
from flakelens.decisions import Attestation, Waiver
from flakelens.decisions_file import Written, append
from flakelens.errors import UsageError
from flakelens.policy import ALL_AREAS, AttestedPolicy, CriterionPolicy, GatePolicy, Policy

_COMMIT = re.compile(r"[0-9a-f]{7,40}")


def waive(
    path: Path,
    policy: Policy,
    *,
    gate: str,
    criterion: str,
    commit: str,
    by: str,
    reason: str,
    expires: str,
    now: datetime,
) -> Written:
    """Append a waiver to the decisions file at `path` (made if missing). `expires`: "24h", "90m", "3d" or an ISO time.

    Raises UsageError for what the policy does not allow or know, DecisionsError for a file that is not valid; in both
    cases nothing is written.
    """
    now = now.replace(microsecond=0)
    _check_criterion(policy, gate, criterion)
    if not _COMMIT.fullmatch(commit := commit.lower()):
        raise UsageError(f"--commit {commit!r} is not a commit.", mend="Write 7 to 40 hexadecimal digits.")
    who, why = person(by, reason)
    until = expiry(expires, now)
    most = timedelta(hours=policy.waivers.max_hours)
    if not now < until <= now + most:
        raise UsageError(
            f"A waiver lasts {policy.waivers.max_hours:g} h at most, and it cannot end before it begins.",
            mend=f"Choose an --expires of at most {policy.waivers.max_hours:g}h; it can be given again.",
        )
    entry = Waiver(gate=gate, criterion=criterion, commit=commit, by=who, reason=why, created=now, expires=until)
    return append(path, "waivers", [entry])


def attest(
    path: Path,
    policy: Policy,
    *,
    gate: str,
    criterion: str,
    by: str,
    evidence: str,
    expires: str,
    now: datetime,
    failed: bool = False,
) -> Written:
    """Append a sign-off to the decisions file at `path` (made if missing); `failed`: a refusal of it. The newest one of
    a criterion speaks for it. `expires`: "30d", "24h" or an ISO time.

    Raises UsageError for what the policy does not ask or allow, DecisionsError for a file that is not valid; in both
    cases nothing is written.
    """
    moment = now.replace(microsecond=0)
    asked = _asked(policy, gate, criterion)
    if not isinstance(asked, AttestedPolicy):
        others = [ident for ident, each in policy.gates[gate].criteria.items() if isinstance(each, AttestedPolicy)]
        signed = f"{gate} asks to sign off {', '.join(others)}." if others else f"{gate} asks for no sign-off."
        raise UsageError(f"{criterion} is judged by test runs; nobody can sign it off.", mend=signed)
    who, shown = person(by, evidence, evidence="--evidence")
    if asked.by and who not in asked.by:
        raise UsageError(
            f"{who} may not sign off {criterion} (gates.{gate}.criteria.{criterion}.by in the policy).",
            mend=f"It takes {' or '.join(asked.by)}, written like this.",
        )
    until = expiry(expires, moment)
    if not moment < until <= moment + timedelta(days=asked.max_days):
        raise UsageError(
            f"This sign-off lasts {asked.max_days:g} days at most, and it cannot end before it begins.",
            mend=f"Choose an --expires of at most {asked.max_days:g}d; it can be given again.",
        )
    entry = Attestation(
        gate=gate,
        criterion=criterion,
        by=who,
        evidence=shown,
        created=moment,
        expires=until,
        result="failed" if failed else "passed",
    )
    return append(path, "attested", [entry])


def _check_criterion(policy: Policy, name: str, criterion: str) -> None:
    asked = _asked(policy, name, criterion)
    never = [each for each in (*asked.areas, *asked.focuses) if each in policy.waivers.never]
    if never:
        raise UsageError(
            f"{criterion} is about {' and '.join(never)}, and that cannot be waived (waivers.never in the policy): a "
            "failure there is not one to go on with.",
            mend="Repair the tests, or change waivers.never in a pull request of its own.",
        )


def _asked(policy: Policy, name: str, criterion: str) -> CriterionPolicy:
    gate: GatePolicy | None = policy.gates.get(name)
    if gate is None:
        raise UsageError(f"There is no gate {name!r}.", mend=f"The policy defines {', '.join(policy.gates)}.")
    asked = gate.criteria.get(criterion)
    if asked is None or not asked.areas:
        criteria = ", ".join(ident for ident, each in gate.criteria.items() if each.areas)
        raise UsageError(f"{name} asks no criterion {criterion!r}.", mend=f"It asks {criteria}.")
    return asked


def protected(policy: Policy, gate: str, criterion: str) -> tuple[str, ...]:
    """The areas and focuses whose tests, where they speak against the criterion, keep a waiver of it from holding."""
    asked = policy.gates[gate].criteria[criterion]
    return policy.waivers.never if ALL_AREAS in asked.areas else ()
