"""`attested`: a person signed off what no test can show, and the sign-off still holds."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from datetime import datetime, timedelta

from flakelens.decisions import Attestation
from flakelens.gate.criterion import CriterionFinding, count_of
from flakelens.model import GateState
from flakelens.policy import AttestedPolicy


def judge(
    ident: str, policy: AttestedPolicy, sign_offs: Sequence[Attestation], *, gate: str, as_of: datetime
) -> CriterionFinding:
    """The finding. Of the sign-offs that the policy accepts the newest speaks: a refusal makes it NOT_MET, its end
    INCONCLUSIVE. What nobody signed is not known, and not refuted either.
    """
    mine = [each for each in sign_offs if (each.gate, each.criterion) == (gate, ident) and each.created <= as_of]
    accepted = [each for each in mine if not _refused(each, policy)]
    rejected = tuple(
        f"The sign-off of {each.by} does not count: {why}." for each in mine if (why := _refused(each, policy))
    )
    # Of two of one moment the one further down in the file was written later.
    newest = max(reversed(accepted), key=lambda each: each.created, default=None)
    evidence: tuple[str, ...] = ()
    if newest is None:
        state, why = GateState.INCONCLUSIVE, f"Nobody has signed off: {policy.what}."
    else:
        evidence = (f"Evidence given: {newest.evidence}",)
        when = f"{newest.created:%Y-%m-%d}"
        if as_of >= newest.expires:
            state = GateState.INCONCLUSIVE
            why = f"The word of {newest.by} on {policy.what}, given {when}, ended {newest.expires:%Y-%m-%d}."
        elif newest.result == "failed":
            state, why = GateState.NOT_MET, f"{newest.by} refused to sign off {policy.what} on {when}."
        else:
            state = GateState.MET
            left = max(0, (newest.expires - as_of).days)
            why = (
                f"{newest.by} signed off {policy.what} on {when}, until {newest.expires:%Y-%m-%d} "
                f"({count_of(left, 'day')} left)."
            )
    met = state is GateState.MET
    return CriterionFinding(
        id=ident,
        kind="attested",
        area="",
        state=state,
        observed=None,
        required=1.0,
        why=why,
        needs_runs=0 if met else None,
        repair_first=() if met else (f"let {' or '.join(policy.by) or 'somebody'} sign off: {policy.what}",),
        evidence=(*evidence, *rejected),
        next_steps=() if met else (_command(ident, policy, gate),),
    )


def _refused(entry: Attestation, policy: AttestedPolicy) -> str:
    """Why the policy does not take this sign-off, "" where it does."""
    if policy.by and entry.by not in policy.by:
        return f"it takes {' or '.join(policy.by)}"
    if entry.expires - entry.created > timedelta(days=policy.max_days):
        return f"it was given for longer than {policy.max_days:g} days"
    return ""


def _command(ident: str, policy: AttestedPolicy, gate: str) -> str:
    who = shlex.quote(policy.by[0]) if policy.by else "WHO"
    days = min(30, int(policy.max_days)) or 1
    asked = f"{shlex.quote(gate)} --criterion {shlex.quote(ident)}"
    return f"flakelens attest {asked} --by {who} --evidence WHERE --expires {days}d"
