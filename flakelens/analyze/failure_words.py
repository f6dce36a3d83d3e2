"""Why a failure got its verdict: the evidence in sentences."""

from __future__ import annotations

from enum import StrEnum
from functools import cached_property

import msgspec
import numpy as np

from flakelens.analyze.failure_messages import Messages
from flakelens.analyze.message_words import not_usual, turning
from flakelens.analyze.run_in_history import RunInHistory
from flakelens.facts import Int8s, Int32s
from flakelens.gate.criterion import count_of
from flakelens.history import Run
from flakelens.model import Event, Outcome
from flakelens.outcomes import failed_first, was_executed
from flakelens.stats.markov import Floats
from flakelens.stats.triage import (
    DISMISSED_ABOVE,
    FLAKE,
    LEAST_RESULTS,
    NEW_BREAK,
    ONGOING_BREAK,
    OUTAGE,
    PR_ONLY,
    TriageVerdict,
)


class Kept(StrEnum):
    """Why a failure that looks harmless is not dismissed all the same."""

    AI = "ai"
    SIGNATURE = "signature"
    CHANCE = "chance"


class Failed(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """One failed test of a run, and its history as it looks from there."""

    there: RunInHistory
    messages: Messages
    test: int  # position in History.tests
    probabilities: Floats  # (5,)

    @cached_property
    def runs(self) -> Int32s:
        """The earlier runs of the gated branch in which it was executed, without confirmed outages, oldest first."""
        places = np.array(self.there.quiet_before, np.int32)
        ran = was_executed(self.there.history.outcomes[self.test, places])
        return np.asarray(places[ran], np.int32)

    @cached_property
    def row(self) -> Int8s:
        """Its outcomes in `runs`."""
        row: Int8s = self.there.history.outcomes[self.test, self.runs]
        return row

    @property
    def failures(self) -> int:
        """Of `runs`, those in which it failed."""
        return int((self.row == Outcome.FAILED).sum())

    @property
    def flakes(self) -> int:
        """Of `runs`, those in which it failed and then passed."""
        return int((self.row == Outcome.FLAKY).sum())

    @cached_property
    def own(self) -> list[int]:
        """The earlier runs of its own request or branch in which it was executed."""
        row = self.there.history.outcomes[self.test]
        return [place for place in self.there.own_before if was_executed(row[place : place + 1])[0]]

    @property
    def results(self) -> int:
        """Earlier results, on the gated branch and in its own request."""
        return len(self.row) + len(self.own)

    @cached_property
    def broken_since(self) -> int | None:
        """The run with which the failures on end began that last up to this run; None if its last result was none."""
        failed = self.row == Outcome.FAILED
        if not len(failed) or not failed[-1]:
            return None
        passed = np.flatnonzero(~failed)
        return int(self.runs[int(passed[-1]) + 1 if len(passed) else 0])

    @cached_property
    def disagreements(self) -> int:
        """Commits of the gated branch on which it failed and passed."""
        seen: dict[str, set[bool]] = {}
        for run, outcome in zip(self.runs.tolist(), self.row.tolist(), strict=True):
            commit = self.there.history.runs[run].commit or f"\0{run}"
            both = (True, False) if outcome == Outcome.FLAKY else (outcome == Outcome.FAILED,)
            seen.setdefault(commit, set()).update(both)
        return sum(len(said) == 2 for said in seen.values())

    @cached_property
    def next_place(self) -> int | None:
        """Its next result: in a rerun of the commit, or else in the next run of the gated branch that ran it."""
        row = self.there.history.outcomes[self.test]
        later = [*self.there.own_again, *(self.there.after if self.there.run.counts else ())]
        return next((place for place in later if was_executed(row[[place]])[0]), None)

    @property
    def passed_since(self) -> bool:
        """Did it pass in its next result, and that on the same commit?"""
        place = self.next_place
        if place is None or self.there.history.outcomes[self.test, place] == Outcome.FAILED:
            return False
        commit = self.there.run.commit
        return bool(commit) and self.there.history.runs[place].commit == commit

    def companions_here(self) -> tuple[int, int]:
        """How many tests failed with it in earlier runs, and how many of these fail in this run too."""
        others = self.messages.companions.get(self.test, [])
        return len(others), int(failed_first(self.there.column[others]).sum()) if others else 0


def because(failed: Failed, verdict: TriageVerdict, kept: Kept | None) -> list[str]:
    """The sentences, weightiest first; `kept` says why it is not dismissed where that needs saying."""
    healed = failed.there.column[failed.test] == Outcome.FLAKY
    if healed and verdict is TriageVerdict.NO_HISTORY:
        return [f"failed and passed on one commit, but there is no history yet: {_seen(failed)}"]
    sentences = list(_OF_VERDICT[verdict](failed))
    sentences += [] if kept is Kept.SIGNATURE else turning(failed.messages, failed.test)
    sentences += _companions(failed)
    sentences += _since_then(failed)
    if kept and not healed:
        sentences.append(not_usual(failed.messages, failed.test) if kept is Kept.SIGNATURE else _KEPT[kept])
    return sentences


_KEPT = {
    Kept.AI: "not dismissed: of the AI area every failure is looked at by a person",
    Kept.CHANCE: f"not dismissed: flake and confirmed outage together are not above P = {DISMISSED_ABOVE:g}",
}


def chance(p: float) -> str:
    """A probability that is never rounded to certainty: "P = 0.97", "P > 0.99", "P < 0.01"."""
    return "P > 0.99" if p > 0.99 else "P < 0.01" if p < 0.01 else f"P = {p:.2f}"


def label(run: Run) -> str:
    """ "abc1234", or the run where the commit is not known."""
    return run.commit[:7] if run.commit else f"run {run.key.run}"


def _bad(failed: Failed) -> str:
    """ "failed 4 and flaked 2 of 61 runs on main"."""
    branch = failed.there.history.branch
    words = [f"{word} {number}" for word, number in (("failed", failed.failures), ("flaked", failed.flakes)) if number]
    if not words:
        return f"never failed in {count_of(len(failed.row), 'run')} on {branch}"
    return f"{' and '.join(words)} of {count_of(len(failed.row), 'run')} on {branch}"


def _twice(failed: Failed) -> str:
    number = failed.disagreements
    if not number:
        return ""
    return ", passed on the same commit " + ("once" if number == 1 else "twice" if number == 2 else f"{number} times")


def _flake(failed: Failed) -> list[str]:
    p = chance(float(failed.probabilities[FLAKE]))
    bad = failed.failures + failed.flakes
    if not bad:
        return [f"a flake ({p}), the first seen: {_bad(failed)}"]
    known = f"known flake ({p}, {bad} of {count_of(len(failed.row), 'run')})"
    return [known, f"{_bad(failed)}{_twice(failed)}"] if failed.disagreements or failed.flakes else [known]


def _ongoing(failed: Failed) -> list[str]:
    branch = failed.there.history.branch
    since = failed.broken_since
    if since is None:
        p = chance(float(failed.probabilities[ONGOING_BREAK]))
        return [f"broken on {branch} ({p}); {_bad(failed)}"]
    run = failed.there.history.runs[since]
    times = int((failed.runs >= since).sum())
    runs = "one run" if times == 1 else f"{times} runs in a row"
    return [f"already broken on {branch} since {label(run)} (run {run.key.run}): failed in {runs} before this one"]


def _new(failed: Failed) -> list[str]:
    p = chance(float(failed.probabilities[NEW_BREAK] + failed.probabilities[PR_ONLY]))
    there = failed.there
    branch = there.history.branch
    if not len(failed.row):
        return [f"new here ({p}): {branch} never ran it, and {count_of(len(failed.own), 'run')} of this branch did"]
    newest = there.history.runs[int(failed.runs[-1])]
    passed = failed.row[-1] != Outcome.FAILED
    sentences = [f"new here ({p}): {_bad(failed)}"]
    if passed:
        where = f"passed last on {branch} in run {newest.key.run}"
        if newest.commit and there.run.commit and newest.commit != there.run.commit:
            span = f"{newest.commit[:7]}..{there.run.commit[:7]}"
            where += f"; what broke it lies in {span}" if there.run.counts else f" ({newest.commit[:7]})"
        sentences.append(where)
    row = there.history.outcomes[failed.test]
    if failed.own:
        again = int((row[failed.own] == Outcome.FAILED).sum())
        here = "pull request" if there.run.event is Event.PULL_REQUEST else "branch"
        sentences.append(f"failed in {again} of {count_of(len(failed.own), 'earlier run')} of this {here}")
    return sentences


def _outage(failed: Failed) -> list[str]:
    p = chance(float(failed.probabilities[OUTAGE]))
    victims = count_of(len(failed.there.outage.victims), "test")
    return [f"an outage ({p}): {victims} newly failed in this run and recovered in the next", _bad(failed)]


def _suspected(failed: Failed) -> list[str]:
    victims = count_of(len(failed.there.outage.victims), "test")
    explain = f"{victims} newly failed in this run, more than their histories explain"
    return [f"perhaps an outage: {explain}; a rerun of the commit would confirm it", _bad(failed)]


def _no_history(failed: Failed) -> list[str]:
    there = failed.there
    reran = any(was_executed(there.history.outcomes[failed.test, [place]])[0] for place in there.own_again)
    more = count_of(LEAST_RESULTS - failed.results, "more result")
    settle = f"what would settle it: a rerun of this commit (if it passes, it is a flake), or {more}"
    if not len(failed.row):  # what a suite's tests do on average says little about one that nobody has seen
        branch = there.history.branch
        own = f", and {count_of(len(failed.own), 'earlier run')} here" if failed.own else ""
        return [f"no history yet: {branch} never ran it{own}", *([] if reran else [settle])]
    cause = int(np.argmax(failed.probabilities))
    likely = f"most likely {_LIKELY[cause]} ({chance(float(failed.probabilities[cause]))})"
    return [f"no history yet: {_seen(failed)}; {likely}", *([] if reran else [settle])]


def _seen(failed: Failed) -> str:
    own = f" and {len(failed.own)} here" if failed.own else ""
    return f"{count_of(len(failed.row), 'run')} on {failed.there.history.branch}{own}"


_LIKELY = {
    FLAKE: "a flake",
    OUTAGE: "an outage",
    NEW_BREAK: "a break that is new on the branch",
    ONGOING_BREAK: "broken before",
    PR_ONLY: "broken by this change",
}


_OF_VERDICT = {
    TriageVerdict.FLAKE: _flake,
    TriageVerdict.ONGOING: _ongoing,
    TriageVerdict.NEW: _new,
    TriageVerdict.OUTAGE: _outage,
    TriageVerdict.SUSPECTED_OUTAGE: _suspected,
    TriageVerdict.NO_HISTORY: _no_history,
}


def _companions(failed: Failed) -> list[str]:
    known, here = failed.companions_here()
    if not known:
        return []
    if not here:
        return [f"fails mostly together with {count_of(known, 'other test')}, none of which failed now"]
    if known == 1:
        return ["the other test of its cluster failed with it"]
    number = f"{here}" if here == known else f"{here} of {known}"
    return [f"{number} other tests of this cluster failed with it"]


def _since_then(failed: Failed) -> list[str]:
    place, there = failed.next_place, failed.there
    if place is None:
        return []
    run = there.history.runs[place]
    word = "failed again" if there.history.outcomes[failed.test, place] == Outcome.FAILED else "passed"
    if run.commit and run.commit == there.run.commit:
        return [f"{word} when the commit ran again (run {run.key.run})"]
    return [f"{word} in the next run of {there.history.branch} (run {run.key.run})"]
