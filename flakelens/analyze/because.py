"""Why a test has its state: the evidence in sentences, with runs and commits by name."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import msgspec
import numpy as np

from flakelens.facts import Bools, Int8s
from flakelens.gate.criterion import Scope, count_of
from flakelens.gate.evidence import Evidence
from flakelens.history import Run
from flakelens.model import Outcome, TestId
from flakelens.outcomes import failed_first
from flakelens.stats.probabilities import clean_runs_until_stable
from flakelens.stats.states import STABLE_RESULTS, Spell, TestFinding, TestState

_MOST_NAMED = 5


class Case(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """One test in its area: positions in `row` are runs of the scope's view."""

    evidence: Evidence
    scope: Scope
    place: int  # in the scope
    finding: TestFinding

    @property
    def row(self) -> Int8s:
        """Outcomes in the runs of the area, oldest first."""
        row: Int8s = self.scope.view.outcomes[self.place]
        return row

    @property
    def position(self) -> int:
        """In History.tests."""
        return int(self.scope.view.tests[self.place])

    @cached_property
    def usable(self) -> Bools:
        """Runs without a confirmed outage in which it was executed."""
        result: Bools = self.scope.view.ran[self.place] & ~self.scope.outage
        return result

    def run(self, position: int) -> Run:
        """The run at a position of the row."""
        return self.evidence.history.runs[int(self.scope.view.runs[position])]

    def named(self, positions: Sequence[int]) -> str:
        """ "run 41, 47, 52", the newest five with a word about the others."""
        if not positions:
            return ""
        shown = [self.run(position).key.run for position in positions[-_MOST_NAMED:]]
        more = len(positions) - len(shown)
        return f"run {', '.join(shown)}" + (f" and {more} earlier" if more else "")


def because(case: Case) -> tuple[str, ...]:
    """The sentences, weightiest first. Never empty."""
    finding = case.finding
    sentences = list(_BY_STATE[finding.state](case))
    if finding.state not in (TestState.GONE, TestState.BRANCH_ONLY):
        sentences += _past_spells(case)
        sentences += _skipped_now(case)
        sentences += _outages(case)
        sentences += _hidden(case)
    return tuple(sentences)


def _broken(case: Case) -> list[str]:
    spell = case.finding.spells[-1]
    runs = np.flatnonzero(case.usable[spell.first :]) + spell.first
    first = case.run(spell.first)
    sentences = [f"failed in the last {len(runs)} runs since {_label(first)}"]
    before = [run for run in np.flatnonzero(case.usable[: spell.first]).tolist() if case.row[run] != Outcome.FAILED]
    if before:
        passed = case.run(before[-1])
        span = f"; what broke it lies in {passed.commit[:7]}..{first.commit[:7]}" if _differ(passed, first) else ""
        sentences.append(f"passed last in {_label(passed)}{span}")
    return sentences + _flakes(case)


def _flaky(case: Case) -> list[str]:
    finding = case.finding
    sentences = _flakes(case)
    seen, needed = finding.clean_seen or 0, finding.clean_needed or 0
    if finding.healing:
        sentences.append(f"{count_of(seen, 'clean result')} since; {needed} were needed: it is healing")
    else:
        sentences.append(
            f"{count_of(seen, 'clean result')} since its last flake; at {needed} it would count as healing"
        )
    return sentences


def _flakes(case: Case) -> list[str]:
    """What it flaked on: retries that passed, commits that did both, failures between passes."""
    evidence = list(case.finding.evidence)
    retried = [run for run in evidence if case.row[run] == Outcome.FLAKY]
    sentences = []
    if retried:
        sentences.append(f"failed, then passed on retry in {count_of(len(retried), 'run')} ({case.named(retried)})")
    divided = _divided(case)
    sentences += [
        f"failed and passed on commit {commit[:7]} ({case.named(runs)})" for commit, runs in divided[-_MOST_NAMED:]
    ]
    explained = {run for _, runs in divided for run in runs} | set(retried)
    lone = [run for run in evidence if run not in explained]
    if lone:
        sentences.append(
            f"failed once and passed again without a lasting break in {count_of(len(lone), 'run')} ({case.named(lone)})"
            if len(lone) > 1
            else f"failed in {_label(case.run(lone[0]))}, and in no run beside it"
        )
    if case.scope.disagreed[case.place]:
        sentences.append("failed and passed on one commit of a pull request")
    return sentences


def _divided(case: Case) -> list[tuple[str, list[int]]]:
    """Commits on which some runs failed and others passed, oldest first, with these runs."""
    commits: dict[str, list[int]] = {}
    for run in np.flatnonzero(case.usable).tolist():
        if commit := case.run(run).commit:
            commits.setdefault(commit, []).append(run)
    failed = (case.row == Outcome.FAILED).tolist()
    return [(commit, runs) for commit, runs in commits.items() if 0 < sum(failed[run] for run in runs) < len(runs)]


def _stable(case: Case) -> list[str]:
    results = case.finding.results
    failed = np.flatnonzero(case.usable & failed_first(case.row))
    if not len(failed):
        return [f"passed in all {results} runs"]
    clean = int(np.count_nonzero(case.usable[failed[-1] + 1 :]))
    still = ", too many for a test that still flakes at the rate it had" if case.finding.evidence else ""
    return [f"passed in the last {count_of(clean, 'run')}{still}"]


def _unsure(case: Case) -> list[str]:
    results = case.finding.results
    if not results:
        if case.scope.outage.any() and case.scope.view.ran[case.place].any():
            return ["no result outside of confirmed outages yet"]
        if (case.row == Outcome.SKIPPED).any():
            return ["never executed: skipped in every run"]
        return ["no result on the branch yet"]
    count = count_of(results, "result")
    failed = np.flatnonzero(case.usable & (case.row == Outcome.FAILED)).tolist()
    if not failed:
        more = STABLE_RESULTS - results
        return [f"{count} only, all passed; {count_of(more, 'more clean result')} would make it stable"]
    newest = int(np.flatnonzero(case.usable)[-1])
    if failed[-1] == newest:
        return [
            f"failed in its newest run only, {_label(case.run(newest))}",
            f"{count} so far: cannot tell flaky from broken yet; one rerun on the same commit would settle it",
        ]
    runs = f"failed once, in {_label(case.run(failed[0]))}"
    if len(failed) > 1:
        runs = f"failed in {count_of(len(failed), 'run')} ({case.named(failed)})"
    few = f"{count} only: " if results < STABLE_RESULTS else ""
    return [runs, f"{few}cannot tell what it is yet; {_settling(case, len(failed))}"]


def _settling(case: Case, failed: int) -> str:
    """What would settle it: so many clean results, or another failure."""
    now = case.scope.posterior.now[case.place]
    clean = clean_runs_until_stable(now, case.scope.parameters)
    another = "a second failure" if failed == 1 else "another failure"
    otherwise = f"{another}, or one rerun on a commit where it fails, would show more"
    if clean is None:
        return otherwise
    more = max(clean, STABLE_RESULTS - case.finding.results)
    return f"{count_of(more, 'more clean result')} would make it stable; {otherwise}"


def _gone(case: Case) -> list[str]:
    seen = np.flatnonzero(case.row != Outcome.NONE).tolist()
    absent = len(case.row) - 1 - seen[-1]
    sentences = [
        f"no result in the newest {absent} runs of {case.scope.name}; its last was {_label(case.run(seen[-1]))}"
    ]
    if (new := case.evidence.moved.get(case.position)) is not None:
        heir: TestId = case.evidence.history.tests[new].id
        sentences.append(f"the same title began in {heir.file or 'a report without paths'} afterwards: moved, it seems")
    return sentences


def _branch_only(case: Case) -> list[str]:
    history = case.evidence.history
    runs = [history.runs[run] for run in np.flatnonzero(history.outcomes[case.position] != Outcome.NONE)]
    kinds = sorted({run.why_not or "filtered run" for run in runs})
    return [f"{history.branch} never ran it; {count_of(len(runs), 'result')} elsewhere ({', '.join(kinds)})"]


def _past_spells(case: Case) -> list[str]:
    past = [spell for spell in case.finding.spells if spell.mended is not None]
    return [f"{_was_broken(case, spell)}; {_verified(spell)}" for spell in past[-3:]]


def _was_broken(case: Case, spell: Spell) -> str:
    last = case.run(spell.last)
    mended = case.run(spell.mended if spell.mended is not None else spell.last)
    span = f" by {last.commit[:7]}..{mended.commit[:7]}" if _differ(last, mended) else ""
    return f"was broken from {_label(case.run(spell.first))} to run {last.key.run}, repaired{span}"


def _verified(spell: Spell) -> str:
    if spell.clean >= spell.needed:
        return f"{count_of(spell.clean, 'clean result')} since verify the repair"
    return f"{spell.clean} of {count_of(spell.needed, 'clean result')} that would verify the repair"


def _skipped_now(case: Case) -> list[str]:
    seen = case.row[case.row != Outcome.NONE]
    skipped = len(seen) if (seen == Outcome.SKIPPED).all() else int((seen[::-1] != Outcome.SKIPPED).argmax())
    return [f"skipped in its newest {count_of(skipped, 'run')}"] if skipped and case.finding.results else []


def _outages(case: Case) -> list[str]:
    hit = np.flatnonzero(case.scope.outage & case.scope.view.ran[case.place] & (case.row == Outcome.FAILED)).tolist()
    if not hit:
        return []
    were = "that was a confirmed outage and is" if len(hit) == 1 else "those were confirmed outages and are"
    return [f"it failed in {case.named(hit)} too, but {were} left out"]


def _hidden(case: Case) -> list[str]:
    executed = int(case.usable.sum())
    hidden = int((case.usable & ~case.scope.view.shown).sum())
    if not hidden:
        return []
    which = "all runs" if hidden == executed else f"{hidden} of {count_of(executed, 'run')}"
    return [f"the reports of {which} hide retries: a pass there may have been a second attempt (flakelens doctor)"]


def _differ(one: Run, other: Run) -> bool:
    return bool(one.commit and other.commit and one.commit != other.commit)


def _label(run: Run) -> str:
    return f"run {run.key.run} ({run.commit[:7]})" if run.commit else f"run {run.key.run}"


_BY_STATE = {
    TestState.BROKEN: _broken,
    TestState.FLAKY: _flaky,
    TestState.STABLE: _stable,
    TestState.UNSURE: _unsure,
    TestState.GONE: _gone,
    TestState.BRANCH_ONLY: _branch_only,
}
