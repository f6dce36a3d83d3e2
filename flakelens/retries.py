"""What each report can show of retries: RECORDED, HIDDEN, NONE or UNKNOWN.

In order: what was declared (option, run.json, the reporter's environment); what the file itself shows; the policy; the
nearest earlier run of the same producer and job that was decided by one of these; else UNKNOWN. Jest's reporter cannot
show retries at all, so it is HIDDEN unless retries are declared to be off.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from flakelens.facts import ReportFacts
from flakelens.model import RetryEvidence
from flakelens.policy import Policy, RetriesRule


class Resolver:
    """Decides report by report; feed it the runs in run order, once."""

    def __init__(self, policy: Policy) -> None:
        self._rules = policy.retries
        self._begun: set[int] = {number for number, rule in enumerate(self._rules) if not rule.since}
        self._nearest: dict[tuple[str, str], RetryEvidence] = {}

    def resolve(self, reports: Sequence[ReportFacts], *, commit: str, started_at: datetime) -> list[RetryEvidence]:
        """The evidence of each report of the next run."""
        self._begin(commit, started_at)
        decided = [self._own(report) for report in reports]
        for report, evidence in zip(reports, decided, strict=True):
            if evidence is not None:
                # Shards of one run share their configuration: one that shows a retry speaks for the others.
                self._nearest[report.producer, report.job] = evidence
        return [
            evidence
            or self._nearest.get(
                (report.producer, report.job),
                RetryEvidence.HIDDEN if report.producer == "jest" else RetryEvidence.UNKNOWN,
            )
            for report, evidence in zip(reports, decided, strict=True)
        ]

    def _own(self, report: ReportFacts) -> RetryEvidence | None:
        if report.declared is not None:
            return report.declared
        if report.shown is not None:
            return report.shown
        for number, rule in enumerate(self._rules):
            if number in self._begun and rule.producer == report.producer:
                return RetryEvidence(rule.evidence)
        return None

    def _begin(self, commit: str, started_at: datetime) -> None:
        for number, rule in enumerate(self._rules):
            if number not in self._begun and _has_begun(rule, commit, started_at):
                self._begun.add(number)


def _has_begun(rule: RetriesRule, commit: str, started_at: datetime) -> bool:
    if "-" not in rule.since:
        return bool(commit) and commit.startswith(rule.since.lower())
    since = datetime.fromisoformat(rule.since)
    return started_at >= (since if since.tzinfo else since.replace(tzinfo=UTC))
