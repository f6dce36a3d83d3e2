"""What each report can show of retries: RECORDED, HIDDEN, NONE or UNKNOWN.

In order: what was declared (option, run.json, the reporter's environment); what the file itself shows; the policy; the
nearest earlier run of the same producer and job that was decided by one of these; else UNKNOWN. Jest's reporter cannot
show retries at all: it is HIDDEN unless retries are declared to be off.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import UTC, datetime

from flakelens.facts import ReportFacts
from flakelens.model import RetryEvidence
from flakelens.policy import Policy, RetriesRule

_ALWAYS = datetime.min.replace(tzinfo=UTC)


class Resolver:
    """Decides report by report; feed it the runs in run order, once."""

    def __init__(self, policy: Policy, commits: Collection[str] = ()) -> None:
        """`commits` are those of the runs to come: a rule's commit that is not among them lies before them all."""
        self._rules = policy.retries
        self._begun: dict[int, datetime] = {}  # rule -> since when
        for number, rule in enumerate(self._rules):
            if not _is_commit(rule) or not any(_is(commit, rule) for commit in commits):
                self._begun[number] = _since(rule)
        self._nearest: dict[tuple[str, str], RetryEvidence] = {}

    def resolve(
        self, reports: Sequence[ReportFacts], *, commit: str, started_at: datetime, counts: bool = True
    ) -> list[RetryEvidence]:
        """The evidence of each report of the next run; only a run that counts for the gated branch can begin a rule."""
        if counts:
            for number, rule in enumerate(self._rules):
                if number not in self._begun and _is(commit, rule):
                    self._begun[number] = started_at
        decided = [self._own(report, started_at) for report in reports]
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

    def _own(self, report: ReportFacts, started_at: datetime) -> RetryEvidence | None:
        for said in (report.declared, report.shown, self._by_policy(report.producer, started_at)):
            if said is None:
                continue
            # "recorded" for a run is meant for its Playwright reports; no option makes Jest's reporter show retries.
            impossible = report.producer == "jest" and said is RetryEvidence.RECORDED and report.shown is not said
            return RetryEvidence.HIDDEN if impossible else said
        return None

    def _by_policy(self, producer: str, started_at: datetime) -> RetryEvidence | None:
        """The rule for the producer that began last."""
        begun = [
            (since, number)
            for number, since in self._begun.items()
            if self._rules[number].producer == producer and since <= started_at
        ]
        return RetryEvidence(self._rules[max(begun)[1]].evidence) if begun else None


def _is_commit(rule: RetriesRule) -> bool:
    return bool(rule.since) and "-" not in rule.since


def _is(commit: str, rule: RetriesRule) -> bool:
    return _is_commit(rule) and commit.startswith(rule.since.lower())


def _since(rule: RetriesRule) -> datetime:
    if not rule.since or _is_commit(rule):
        return _ALWAYS
    since = datetime.fromisoformat(rule.since)
    return since if since.tzinfo else since.replace(tzinfo=UTC)
