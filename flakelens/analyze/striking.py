"""Where causes strike: job, shard, variant, hour, weekday and event of the runs that the store knows of."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TypeAlias

import numpy as np

from flakelens.facts import Bools, Int32s
from flakelens.gate.evidence import Evidence
from flakelens.model import Outcome
from flakelens.outcomes import failed_first
from flakelens.report.causes import FactorLine
from flakelens.stats.clusters import Cluster
from flakelens.stats.factors import Effect, find_effects

HOURS = 6  # of a day, in one level
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_UNKNOWN = -1
_SEVERAL = -2

_Levels: TypeAlias = tuple[list[str], Int32s]


def striking(
    evidence: Evidence, causes: Sequence[Cluster], *, left_out: Bools, spells: Bools
) -> tuple[tuple[FactorLine, ...], ...]:
    """For each cause the factors at whose level it strikes more often; none for most.

    What belongs to a run (event, hour, weekday) is counted in runs: a cause strikes when any of its tests fails. What
    may differ within a run (variant, job, shard) is counted in runs of a variant. `left_out` (R,): outages among the
    counting runs; `spells` (N, R): where a test was broken, which no factor explains but a commit.
    """
    if not causes:
        return ()
    cells = _Cells(evidence, causes, spells)
    failed, ran = cells.outcomes()
    runs = cells.runs
    of_run = {
        "event": _coded([str(run.event).replace("_", " ") for run in runs]),
        "hour": _coded([_hours(run.started_at.hour) for run in runs]),
        "weekday": _coded([_DAYS[run.started_at.weekday()] for run in runs]),
    }
    within = {name: cells.of_reports(name) for name in ("job", "shard")}
    within["variant"] = (
        [name or "no variant" for name in cells.names],
        np.repeat(np.arange(len(cells.names), dtype=np.int32), len(runs)),
    )
    struck: Bools = np.any(failed, axis=1)
    executed: Bools = np.any(ran, axis=1)
    effects = find_effects(struck, executed, {name: codes for name, (_, codes) in of_run.items()}, outage=left_out)
    repeated = {name: np.tile(codes, len(cells.names)) for name, (_, codes) in of_run.items()}
    shape = len(causes), len(cells.names) * len(runs)
    inside = find_effects(
        failed.reshape(shape),
        ran.reshape(shape),
        repeated | {name: codes for name, (_, codes) in within.items()},
        outage=np.tile(left_out, len(cells.names)),
    )
    names = {name: levels for name, (levels, _) in (of_run | within).items()}
    lines: list[list[FactorLine]] = [[] for _ in causes]
    for effect in (*effects, *(effect for effect in inside if effect.factor in within)):
        if effect.odds_ratio > 1:
            lines[effect.row].append(_line(effect, names[effect.factor][effect.level]))
    return tuple(tuple(of_cause) for of_cause in lines)


def _hours(hour: int) -> str:
    start = hour // HOURS * HOURS
    return f"{start:02}:00-{start + HOURS:02}:00 UTC"


def _coded(values: Sequence[str]) -> _Levels:
    """The distinct values, and for each value its place among them."""
    names = sorted(set(values))
    place = {name: code for code, name in enumerate(names)}
    return names, np.array([place[value] for value in values], np.int32)


class _Cells:
    """Causes x variants x runs: what happened in each, and in which job and shard."""

    def __init__(self, evidence: Evidence, causes: Sequence[Cluster], spells: Bools) -> None:
        history = evidence.history
        self.runs = [history.runs[position] for position in evidence.counting]
        self._whole = np.where(spells, np.int8(Outcome.NONE), history.whole[:, evidence.counting])
        self._causes = causes
        self._cause_of = np.full(len(history.tests), _UNKNOWN, np.int64)
        for place, cause in enumerate(causes):
            self._cause_of[cause.tests] = place
        used = np.flatnonzero(self._cause_of >= 0).tolist()
        self.names = sorted({history.tests[test].id.variant for test in used}) or [""]
        place_of = {name: place for place, name in enumerate(self.names)}
        self._variant_of = np.array([place_of.get(test.id.variant, 0) for test in history.tests], np.int64)

    def outcomes(self) -> tuple[Bools, Bools]:
        """Failed or flaky, and executed; shape (causes, variants, runs)."""
        shape = len(self._causes), len(self.names), len(self.runs)
        failed, ran = np.zeros(shape, np.bool_), np.zeros(shape, np.bool_)
        for place, cause in enumerate(self._causes):
            for test in cause.tests.tolist():
                row, variant = self._whole[test], self._variant_of[test]
                bad = failed_first(row)
                failed[place, variant] |= bad
                ran[place, variant] |= bad | (row == Outcome.PASSED)
        return failed, ran

    def of_reports(self, field: str) -> _Levels:
        """The names of jobs or shards, and the place of that of each cell, shape (causes, variants * runs).

        Unknown where there is none or several: the outcome of a test in two jobs of one run is that of both.
        """
        names: dict[str, int] = {}
        codes = np.full((len(self._causes), len(self.names), len(self.runs)), _UNKNOWN, np.int32)
        for column, run in enumerate(self.runs):
            for report in run.reports:
                value = str(getattr(report, field))
                tests = report.tests[self._cause_of[report.tests] >= 0]
                if not value or report.stale or not len(tests):
                    continue
                code = names.setdefault(value, len(names))
                cells = zip(self._cause_of[tests].tolist(), self._variant_of[tests].tolist(), strict=True)
                for cause, variant in set(cells):
                    before = codes[cause, variant, column]
                    codes[cause, variant, column] = code if before in (_UNKNOWN, code) else _SEVERAL
        codes[codes == _SEVERAL] = _UNKNOWN
        return list(names), codes.reshape(len(self._causes), -1)


def _line(effect: Effect, level: str) -> FactorLine:
    return FactorLine(
        factor=effect.factor,
        level=level,
        failed=effect.failed,
        ran=effect.ran,
        failed_elsewhere=effect.failed_elsewhere,
        ran_elsewhere=effect.ran_elsewhere,
        odds_ratio=None if math.isinf(effect.odds_ratio) else effect.odds_ratio,
        low=effect.low,
        high=effect.high,
        not_separable_from=effect.not_separable_from,
    )
