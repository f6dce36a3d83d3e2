"""Verdicts on small histories that are written through the store, as users' are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from flakelens import decisions as decisions_room
from flakelens.analyze.evidence import load
from flakelens.gate import verdict
from flakelens.gate.criterion import CriterionFinding
from flakelens.gate.verdict import Verdict
from flakelens.model import RunReports, TestId
from flakelens.policy_text import parse
from tests.builders import a_store

Judge = Callable[..., Verdict]


@pytest.fixture
def judge(tmp_path: Path) -> Judge:
    """judge(runs, policy=.., decisions=.., commit=.., as_of=.., gate=..): half an hour after the last run.

    `latest`: when the last of the runs had come, whatever they say of their start.
    """
    number = iter(range(1000))

    def judged(
        runs: Sequence[RunReports],
        *,
        policy: str = "",
        decisions: str = "",
        commit: str = "",
        as_of: datetime | None = None,
        latest: datetime | None = None,
        needs: bool = True,
        met_baseline: frozenset[TestId] = frozenset(),
        gate: str = "gate1",
    ) -> Verdict:
        rules = parse(policy)
        starts = [run.info.started_at for run in runs if run.info.started_at]
        with a_store(tmp_path, runs, name=f"{next(number)}.db", latest=latest) as store:
            evidence = load(
                store,
                rules,
                decisions_room.parse(decisions),
                as_of=as_of or max(starts) + timedelta(minutes=30),
                commit=commit,
                met_baseline=met_baseline,
                environment=rules.gates[gate].environment,
            ).evidence
            return verdict.judge(gate, rules.gates[gate], evidence, commit_sha=commit, needs=needs)

    return judged


def the(verdict_: Verdict, ident: str) -> CriterionFinding:
    """The finding of a criterion by its id."""
    (finding,) = [finding for finding in verdict_.criteria if finding.id == ident]
    return finding
