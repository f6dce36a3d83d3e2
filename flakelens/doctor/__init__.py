"""What keeps flakelens from seeing what it should, with the mend."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import TYPE_CHECKING

from flakelens.doctor import areas, growth, owners, reports, rules, runs, titles
from flakelens.doctor.look import Look
from flakelens.owners import NOBODY, Owners
from flakelens.report import DoctorReport, Finding

if TYPE_CHECKING:
    from flakelens.analyze.evidence import Loaded
    from flakelens.decisions import Decisions
    from flakelens.policy import Policy
    from flakelens.store import Store

# A check: its code, which is its heading in docs/doctor.md, and the function that finds it.
CHECKS: tuple[tuple[str, Callable[[Look], Iterator[Finding]]], ...] = (
    ("no-runs", runs.no_runs),
    ("unknown-branch", runs.unknown_branch),
    ("clock", runs.future_runs),
    ("incomplete-run", runs.incomplete_runs),
    ("damaged-report", reports.damaged_reports),
    ("repeated-report", reports.repeated_reports),
    ("hidden-retries", reports.hidden_retries),
    ("quarantine", rules.quarantine_faults),
    ("empty-area", areas.empty_areas),
    ("area-takes-all", areas.areas_that_take_all),
    ("empty-focus", rules.empty_focuses),
    ("area-moved", growth.areas_that_moved),
    ("unassigned-tests", areas.unassigned_tests),
    ("no-file-paths", reports.no_file_paths),
    ("ambiguous-titles", titles.ambiguous_titles),
    ("moved-tests", titles.moved_tests),
    ("start-unknown", runs.start_unknown),
    ("not-counted", runs.not_counted),
    ("rule-unused", rules.unused_rules),
    ("decision-unused", rules.decisions_about_nothing),
    ("database-size", growth.large_database),
    ("owners-unread", owners.lines_not_understood),
    ("no-owner", owners.tests_without_owner),
    ("owner-rule-unused", owners.rules_that_match_nothing),
    ("owner-unknown", owners.owners_nobody_knows),
)


def doctor(
    store: Store | None,
    policy: Policy,
    decisions: Decisions,
    *,
    as_of: datetime,
    owned: Owners = NOBODY,
) -> DoctorReport:
    """All findings over the newest 300 runs, serious ones first, each group in the order of `CHECKS`.

    `store` None is a missing database: an empty history. `owned`: the rules of the checkout's CODEOWNERS.
    """
    from flakelens.analyze.evidence import load

    return report_of(store, load(store, policy, decisions, as_of=as_of, any_branch=True, owners=owned))


def report_of(store: Store | None, loaded: Loaded) -> DoctorReport:
    """The findings on evidence that is already read, as for `doctor`."""
    history = loaded.evidence.history
    look = Look(
        evidence=loaded.evidence,
        in_future=loaded.in_future + loaded.clocks_ahead,
        problems=store.problems(run.key for run in history.runs) if store else {},
        as_of=loaded.evidence.as_of,
        size=store.extent(loaded.evidence.as_of) if store else None,
    )
    findings = [finding for _, check in CHECKS for finding in check(look)]
    return DoctorReport(
        findings=tuple(sorted(findings, key=lambda finding: not finding.serious)),
        runs=len(history.runs),
        counting=len(loaded.evidence.counting),
        branch=history.branch,
    )
