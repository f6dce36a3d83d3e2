"""Verdicts on record: kept with all they rest on, and judged again from that to the same bytes."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import msgspec
from msgspec.structs import replace

from flakelens import __version__
from flakelens import decisions as decisions_room
from flakelens import policy_text as policy_room
from flakelens.analyze.gate import Judged, active_tests, judge_gate
from flakelens.errors import UsageError
from flakelens.render.json.gate import gate_json
from flakelens.report import GateReport
from flakelens.store import Store, StoredVerdict


class Replay(msgspec.Struct, frozen=True, kw_only=True):
    """A recorded verdict beside the one that the same inputs give now."""

    recorded: bytes
    again: bytes  # b"" where it could not be judged again
    report: GateReport | None  # of `again`
    differences: tuple[str, ...]  # in words; empty when the bytes are equal

    @property
    def exact(self) -> bool:
        """Do the bytes agree?"""
        return self.recorded == self.again


def record(store: Store, judged: Judged, *, commit: str, recorded_at: datetime) -> int:
    """Keep the verdict, and what was fitted for it; its number. `commit` as asked for with --commit, "" for none;
    `recorded_at` the moment at which its data was read. Raises DatabaseError where the database cannot be written.
    """
    report, evidence = judged.report, judged.loaded.evidence
    judged.loaded.fits.keep(store)
    return store.record_verdict(
        StoredVerdict(
            gate=report.verdict.gate,
            as_of=report.provenance.as_of,
            recorded_at=recorded_at,
            state=report.verdict.state,
            decision=report.verdict.decision.value,
            commit=commit,
            policy_text=evidence.policy.canonical().decode(),
            decisions_text=evidence.decisions.canonical().decode(),
            data_sha256=report.provenance.data_sha256,
            version=report.provenance.version,
            json=gate_json(report).encode(),
            active=active_tests(evidence),
        )
    )


def replay(store: Store, number: int) -> Replay:
    """The verdict `number` and what the same policy, decisions, data and moment give now. Raises UsageError for a
    number that no verdict has.
    """
    stored = store.verdict(number)
    if stored is None:
        known = store.verdicts(limit=1)
        newest = f"The newest is {known[0].id}." if known else "None is recorded yet; flakelens gate records them."
        raise UsageError(f"There is no recorded verdict {number}.", mend=newest)
    try:
        policy = policy_room.from_canonical(stored.policy_text.encode())
        decisions = decisions_room.from_canonical(stored.decisions_text.encode())
    except msgspec.MsgspecError as error:
        why = f"flakelens {__version__} cannot read its policy or decisions ({error}); {stored.version} made it"
        return Replay(recorded=stored.json, again=b"", report=None, differences=(why,))
    report = judge_gate(
        store,
        policy,
        decisions,
        stored.gate,
        as_of=stored.as_of,
        commit=stored.commit,
        known_at=stored.recorded_at,
    ).report
    again = gate_json(report).encode()
    different = () if again == stored.json else _differences(stored, again, pruned=bool(store.pruned_runs()))
    return Replay(recorded=stored.json, again=again, report=replace(report, number=number), differences=different)


def _differences(stored: StoredVerdict, again: bytes, *, pruned: bool) -> tuple[str, ...]:
    """The likely cause first, then every value that differs."""
    before, after = json.loads(stored.json), json.loads(again)
    lines = []
    if stored.version != __version__:
        lines.append(f"it was made by flakelens {stored.version}, this is {__version__}")
    if before.get("provenance", {}).get("data_sha256") != after["provenance"]["data_sha256"]:
        why = "runs were pruned since" if pruned else "what is stored of its runs is not what it was"
        lines.append(f"the data differs: {why}")
    paths = list(_paths(before, after, ""))
    lines += paths[:20]
    if len(paths) > 20:
        lines.append(f"and {len(paths) - 20} more values")
    return tuple(lines) or ("the same values, written in other bytes",)


def _paths(before: Any, after: Any, path: str) -> Any:
    """Lines "criteria[0].state: MET -> NOT_MET" for every leaf that differs."""
    if isinstance(before, dict) and isinstance(after, dict):
        for key in dict.fromkeys((*before, *after)):
            yield from _paths(before.get(key), after.get(key), f"{path}.{key}" if path else key)
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for place, (one, other) in enumerate(zip(before, after, strict=True)):
            yield from _paths(one, other, f"{path}[{place}]")
    elif before != after:
        yield f"{path}: {_short(before)} -> {_short(after)}"


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
