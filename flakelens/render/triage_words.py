"""The sentences of a triage that every format says alike."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from flakelens.gate.criterion import count_of
from flakelens.report.triage import Rerun, TriagedRun, TriagedTest, TriageGroup, TriageReport
from flakelens.stats.triage import TriageVerdict

_EXPLAINED = {
    TriageVerdict.FLAKE: ("known flake", "known flakes"),
    TriageVerdict.OUTAGE: ("victim of an outage", "victims of an outage"),
}
_OPEN = {
    TriageVerdict.NEW: ("new", "new"),
    TriageVerdict.SUSPECTED_OUTAGE: ("in a suspected outage", "in a suspected outage"),
    TriageVerdict.NO_HISTORY: ("without a history", "without a history"),
    TriageVerdict.FLAKE: ("probably a flake", "probably flakes"),
    TriageVerdict.OUTAGE: ("probably of an outage", "probably of an outage"),
}
_HEADINGS = {
    (TriageVerdict.NEW, False): "New here",
    (TriageVerdict.SUSPECTED_OUTAGE, False): "Suspected outage: a rerun would confirm it",
    (TriageVerdict.NO_HISTORY, False): "No history yet",
    (TriageVerdict.OUTAGE, False): "Probably the outage, not dismissed",
    (TriageVerdict.FLAKE, False): "Probably a flake, not dismissed",
    (TriageVerdict.OUTAGE, True): "Outage",
    (TriageVerdict.FLAKE, True): "Known flake",
}


def heading_of(group: TriageGroup, run: TriagedRun) -> str:
    """What a group is, in a few words."""
    if group.verdict is TriageVerdict.ONGOING:
        return f"Already broken on {run.gated}" if group.explained else "Broken since an earlier run of this commit"
    if group.explained and all(test.quarantined for test in group.tests):
        return f"In quarantine ({group.verdict})"
    if group.tests[0].kept == "ai":
        what = "a flake" if group.verdict is TriageVerdict.FLAKE else "the outage"
        return f"AI, probably {what}, so look at it"
    return _HEADINGS[group.verdict, group.explained]


def run_line(run: TriagedRun) -> str:
    """Which run it was, and what it is held against."""
    commit = f" on {run.commit[:7]}" if run.commit else ""
    branch = f" of {run.branch}" if run.branch else ""
    kind = f" ({run.why_not})" if run.why_not and run.why_not != f"branch {run.branch}" else ""
    return (
        f"Run {run.key.run}{branch}{commit}{kind}, compared with {count_of(run.before, 'run')} of {run.gated} before it"
    )


def headline(report: TriageReport) -> str:
    """The answer in one sentence."""
    lost = sum(not each.before for each in report.lost)
    gone = f"{count_of(lost, 'part')} of the run could not be read" if lost else ""
    number = len(report.failures)
    if not number:
        if gone:
            return f"No failure is known, but {gone}."
        if not report.executed:
            return "No test of this run was executed: there is nothing to explain, and nothing that passed."
        healed = f", {len(report.flaky)} of them on a retry" if report.flaky else ""
        return f"No failure: all {report.executed:,} executed tests passed{healed}."
    if report.explained:
        return "The failure is explained." if number == 1 else f"All {number} failures are explained."
    left = sum(not test.explained for test in report.failures)
    said = f"{left} of {count_of(number, 'failure')} not explained" if left else "The failures are explained"
    return f"{said}, and {gone}." if gone else f"{said}."


def bridge(report: TriageReport) -> str:
    """From what people know, the tool's count of failures, to what it means and to the exit code."""
    end = f"Exit code {0 if report.explained else 10}."
    if not report.failures:
        return f"{headline(report)} {end}"
    explained = _counted((test for test in report.failures if test.explained), _EXPLAINED, report.run.gated)
    left = _counted((test for test in report.failures if not test.explained), _OPEN, report.run.gated)
    if lost := sum(not each.before for each in report.lost):
        left.append(f"{count_of(lost, 'part')} of the run that could not be read")
    parts = [f"explained: {', '.join(explained)}"] if explained else []
    parts.append(f"to look at: {', '.join(left)}" if left else "nothing to look at")
    return f"Your console says {len(report.failures)} failed; {'; '.join(parts)}. {end}"


def worth(rerun: Rerun) -> str:
    """What a rerun is for, ending with the colon before its command."""
    times = "once" if rerun.times == 1 else f"up to {rerun.times} times"
    whole = " (their files whole)" if rerun.whole_files else ""
    tests = count_of(rerun.tests, "test")
    return f"{tests}{whole}, {times} on this commit; what passes is not broken, what never does is:"


def _counted(tests: Iterable[TriagedTest], words: dict[TriageVerdict, tuple[str, str]], gated: str) -> list[str]:
    found: Counter[tuple[str, str]] = Counter()
    for test in tests:
        if test.quarantined:
            found["in quarantine", "in quarantine"] += 1
        elif test.verdict is TriageVerdict.ONGOING and not test.explained:
            found["broken since an earlier run of this commit", "broken since an earlier run of this commit"] += 1
        elif test.verdict is TriageVerdict.ONGOING:
            found[f"already broken on {gated}", f"already broken on {gated}"] += 1
        else:
            found[words[test.verdict]] += 1
    return [f"{number} {one if number == 1 else more}" for (one, more), number in found.most_common()]
