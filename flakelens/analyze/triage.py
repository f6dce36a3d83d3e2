"""Every failure of one run explained: what made it fail, whether a person must look, and what to run again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

import numpy as np

from flakelens.analyze.failing_lines import failing_lines, path_in_trace
from flakelens.analyze.failure_causes import find_blame
from flakelens.analyze.failure_messages import Messages
from flakelens.analyze.failure_texts import Texts
from flakelens.analyze.failure_words import Failed, Kept, because
from flakelens.analyze.run_in_history import RunInHistory
from flakelens.analyze.triaged_run import about, find_run, lost, notices, with_history
from flakelens.decisions import Decisions, QuarantineEntry
from flakelens.facts import RunKey
from flakelens.gate.evidence import Evidence
from flakelens.history import Test
from flakelens.messages import headline
from flakelens.model import Outcome, TestId
from flakelens.outcomes import failed_first, was_executed
from flakelens.owners import NOBODY, Owners
from flakelens.policy import Policy
from flakelens.report.triage import OutageNote, Rerun, TriagedTest, TriageGroup, TriageReport
from flakelens.reproduce import MOST_TITLES, command_of, command_of_group
from flakelens.stats.triage import TriageVerdict, dismissed, reruns_to_settle, verdict
from flakelens.store import Store

NEVER_DISMISSED = "AI"  # the area whose failures nothing but a person, or a quarantine, can set aside
# What a person must look at first.
_WORST_FIRST = (
    TriageVerdict.NEW,
    TriageVerdict.SUSPECTED_OUTAGE,
    TriageVerdict.NO_HISTORY,
    TriageVerdict.OUTAGE,
    TriageVerdict.FLAKE,
    TriageVerdict.ONGOING,
)
_ONE_CAUSE = (TriageVerdict.SUSPECTED_OUTAGE, TriageVerdict.OUTAGE)  # whatever their victims say


def triage_report(
    store: Store,
    policy: Policy,
    decisions: Decisions,
    *,
    as_of: datetime,
    run: str = "",
    here: RunKey | None = None,
    owners: Owners = NOBODY,
) -> TriageReport:
    """The failures of `run` (its id, the first signs of it, or "provider:id"); "" is the run `here` if it is stored,
    else the newest of any branch. Raises UsageError for a run that is not there or not named clearly.
    """
    key, environment = find_run(store, run, here, as_of)
    there = with_history(store, policy, decisions, as_of, key, environment, owners)
    texts = Texts(there=there, store=store)
    messages = Messages(there=there, blame=find_blame(there, texts), texts=texts)
    tests = [_triaged(there, messages, place) for place in range(len(there.failed))]
    failures = tuple(test for test, outcome in tests if outcome == Outcome.FAILED)
    new_tests, new_flaky = _new_tests(there)
    return TriageReport(
        run=about(there),
        executed=int(was_executed(there.column).sum()),
        failures=failures,
        flaky=tuple(test for test, outcome in tests if outcome == Outcome.FLAKY),
        groups=_groups(failures),
        outage=_outage(there),
        lost=lost(store, there),
        new_tests=new_tests,
        new_flaky=new_flaky,
        reruns=_reruns(there, failures),
        settled=sum(not test.rerun for test in failures),
        notices=tuple(notices(there, expected=None if run else here)),
    )


# --- one failure ---


def _triaged(there: RunInHistory, messages: Messages, place: int) -> tuple[TriagedTest, Outcome]:
    test = int(there.failed[place])
    probabilities = messages.blame.probabilities[place]
    evidence, row = there.evidence, there.history.tests[test]
    outcome = Outcome(int(there.column[test]))
    area = evidence.areas.names[int(evidence.areas.index[test])]
    failed = Failed(there=there, messages=messages, test=test, probabilities=probabilities)
    outage, signature = there.outage, messages.signatures.get(test)
    word = verdict(
        probabilities,
        earlier_results=failed.results,
        suspected_outage=outage.open,
        newly_failed=test in outage.victims,
    )
    seen = messages.seen_before(test)
    known = messages.usual(test) or (
        outage.confirmed and signature is not None and signature.hash in messages.of_outage
    )
    ai = area == NEVER_DISMISSED
    entry = _quarantine(evidence, row.id, area)
    waved = dismissed(probabilities, word=word, confirmed_outage=outage.confirmed, ai=ai, signature_known=known)
    since = failed.broken_since if word is TriageVerdict.ONGOING else None
    # What this commit broke stays its fault, however often the commit runs again.
    began = there.history.runs[since] if since is not None else None
    by_this = began is not None and there.run.counts and bool(began.commit) and began.commit == there.run.commit
    explained = waved or entry is not None or (word is TriageVerdict.ONGOING and not by_this)
    kept = None
    if not explained and word in (TriageVerdict.FLAKE, TriageVerdict.OUTAGE):
        # The weightiest reason: an AI failure would stay whatever it said.
        kept = Kept.AI if ai else Kept.SIGNATURE if not known else Kept.CHANCE
    reruns = reruns_to_settle(probabilities, messages.blame.levels[place])
    message = messages.first.get(test)
    file = _file_of(row)
    lines = failing_lines(message.text, file) if message else ()
    return TriagedTest(
        id=row.id,
        reported=row.reported,
        area=area,
        owner=evidence.owner(test),
        verdict=word,
        dismissed=waved or entry is not None,
        quarantined=entry is not None,
        explained=explained,
        probabilities=tuple(probabilities.tolist()),
        message=message.text if message else None,
        headline=(headline(message.text) or message.type) if message else "",
        signature=signature,
        seen_before=seen,
        kept=str(kept) if kept else "",
        because=(*because(failed, word, kept), *_said_of(entry)),
        runs=len(failed.row),
        failures=failed.failures,
        flaky_runs=failed.flakes,
        since=began.key if began else None,
        since_commit=began.commit if began else "",
        place=_place(row, file, message.text if message else ""),
        line=lines[0].line if lines else None,
        command=command_of(
            row.producer,
            file=file,
            name=row.reported.name,
            variant=row.id.variant,
            separators=evidence.policy.title_separators,
        ),
        reruns=reruns,
        rerun=outcome == Outcome.FAILED and not explained and not failed.passed_since and (ai or reruns != 0),
    ), outcome


def _quarantine(evidence: Evidence, test: TestId, area: str) -> QuarantineEntry | None:
    """The entry that holds for a test. None holds in an area where the policy allows no quarantine."""
    if not evidence.policy.quarantine.areas.get(area, evidence.policy.quarantine.share):
        return None
    entries = evidence.decisions.quarantine
    return next(
        (each for each in entries if each.created <= evidence.as_of < each.expires and each.test.matches(test)), None
    )


def _said_of(entry: QuarantineEntry | None) -> tuple[str, ...]:
    if entry is None:
        return ()
    return (f"in quarantine until {entry.expires:%Y-%m-%d}, owner {entry.owner}: {entry.reason}",)


# --- all failures together ---


def _groups(failures: Sequence[TriagedTest]) -> tuple[TriageGroup, ...]:
    """By verdict, and within by what they say; an outage is one group."""
    found: dict[tuple[object, ...], list[TriagedTest]] = {}
    for test in failures:
        said = test.signature.hash if test.signature and test.verdict not in _ONE_CAUSE else ""
        found.setdefault((test.verdict, test.explained, test.kept, said), []).append(test)
    groups = [_group(tests) for tests in found.values()]
    return tuple(
        sorted(
            groups,
            key=lambda group: (
                group.explained,
                _WORST_FIRST.index(group.verdict),
                group.tests[0].kept,
                -len(group.tests),
                group.tests[0].id,
            ),
        )
    )


def _group(tests: list[TriagedTest]) -> TriageGroup:
    said = Counter(test.signature.hash for test in tests if test.signature)
    common = min(said, key=lambda name: (-said[name], name), default="")
    example = next((test for test in tests if test.signature and test.signature.hash == common), tests[0])
    return TriageGroup(
        verdict=tests[0].verdict,
        explained=tests[0].explained,
        signature=example.signature,
        headline=example.headline,
        kinds=len(said),
        # First those that say what the block is headed by.
        tests=tuple(sorted(tests, key=lambda test: (test.signature != example.signature, test.quarantined, test.id))),
    )


def _outage(there: RunInHistory) -> OutageNote | None:
    outage, run = there.outage, there.run
    if not outage.confirmed and not outage.open:
        return None
    # Of a run that is settled no rerun is needed.
    again = f"gh run rerun {run.key.run} --failed" if outage.open and run.key.provider == "github" else ""
    return OutageNote(
        state="confirmed" if outage.confirmed else "suspected",
        victims=len(outage.victims),
        executed=int(was_executed(there.column).sum()),
        rerun=again if run.key.run.isdecimal() else "",
    )


def _new_tests(there: RunInHistory) -> tuple[int, tuple[TestId, ...]]:
    """Tests that the gated branch has not run, of a run beside it; and those that failed and passed on one commit."""
    if there.run.counts or not there.before:
        return 0, ()
    outcomes = there.history.outcomes
    ran = was_executed(there.column)
    known = was_executed(outcomes[:, there.evidence.counting]).any(axis=1)
    new = np.flatnonzero(ran & ~known)
    by_commit: dict[str, list[int]] = {}
    for place in (*there.own, there.position):
        by_commit.setdefault(there.history.runs[place].commit or f"\0{place}", []).append(place)
    flaky = np.zeros(len(new), np.bool_)
    for places in by_commit.values():
        columns = outcomes[new][:, places]
        passed = (columns == Outcome.PASSED).any(axis=1)
        failed = failed_first(columns).any(axis=1)
        flaky = flaky | (columns == Outcome.FLAKY).any(axis=1) | (failed & passed)
    return len(new), tuple(there.history.tests[test].id for test in new[flaky].tolist())


def _reruns(there: RunInHistory, failures: Sequence[TriagedTest]) -> tuple[Rerun, ...]:
    """A line for each tool and project that runs again what a rerun can settle."""
    tests = {row.id: row for row in there.history.tests}
    wanted: dict[tuple[str, str], list[TriagedTest]] = {}
    for test in failures:
        if test.rerun:
            wanted.setdefault((tests[test.id].producer, test.id.variant), []).append(test)
    found = []
    for (producer, variant), group in wanted.items():
        named = [(_file_of(tests[test.id]), test.reported.name) for test in group]
        separators = there.evidence.policy.title_separators
        line = command_of_group(producer, named, variant=variant, separators=separators)
        if line is not None:
            times = max((test.reruns or 1 for test in group), default=1)
            known = line.whole_files or len(group) <= MOST_TITLES  # without files the first titles alone are searched
            found.append(
                Rerun(
                    tests=len(group) if known else MOST_TITLES,
                    command=line.command.once,
                    whole_files=line.whole_files,
                    times=times,
                )
            )
    return tuple(found)


def _place(row: Test, file: str, message: str) -> str:
    """Playwright's files are relative to its folder of tests; a checkout or a stack trace may know the whole path."""
    longer = (row.title_file, row.stack_file, path_in_trace(message, file))
    return next((each for each in longer if each.endswith(f"/{file}")), file)


def _file_of(row: Test) -> str:
    return row.id.file or row.reported.file or row.title_file or row.stack_file
