"""Checks of the policy's rules and of decisions against what they are about: what matches nothing does nothing."""

from __future__ import annotations

from collections.abc import Iterator

from flakelens import policy_text
from flakelens.doctor.look import Look, some
from flakelens.gate.criterion import count_of
from flakelens.policy import Focus, Rule
from flakelens.report import Finding
from flakelens.rules import matches


def empty_focuses(look: Look) -> Iterator[Finding]:
    """Focuses without a test. A criterion on such a focus alone can never be met; the shipped ones may be empty."""
    if not look.evidence.history.tests:
        return  # no test at all: no-runs says so
    there = {name for names in look.evidence.focuses for name in names}
    asked = [
        frozenset(criterion.focuses)
        for gate in look.policy.gates.values()
        if not gate.environment  # of another environment's tests nothing is known here
        for criterion in gate.criteria.values()
        if criterion.areas and criterion.focuses
    ]
    elsewhere = {
        name
        for gate in look.policy.gates.values()
        if gate.environment
        for criterion in gate.criteria.values()
        for name in criterion.focuses
    }
    shipped = set(policy_text.parse().focuses)
    for name in dict.fromkeys(focus.name for focus in look.policy.focuses):
        own = [focus for focus in look.policy.focuses if focus.name == name and focus not in shipped]
        serious = any(name in names and not names & there for names in asked)
        if name in there or not (own or serious) or (name in elsewhere and not serious):
            continue
        yield Finding(
            code="empty-focus",
            where=name,
            message=f"No test belongs to the focus {name}"
            f"{', so a criterion that asks for it can never be met' if serious else ''}.",
            mend=f"Correct the patterns of {name} in flakelens.toml; flakelens tests shows titles and files.",
            serious=serious,
        )


def unused_rules(look: Look) -> Iterator[Finding]:
    """Rules of the project's own that match no test, beside others of their name that do; retries of no report."""
    evidence = look.evidence
    tests = evidence.history.tests
    if not tests:
        return
    defaults = policy_text.parse()
    shipped: set[Rule] = {*defaults.areas, *defaults.focuses}
    for kind, rules in (("areas", look.policy.areas), ("focuses", look.policy.focuses)):
        for place, rule in enumerate(rules, 1):
            several = sum(other.name == rule.name for other in rules) > 1
            if not several or rule in shipped or any(matches(rule, test) for test in tests):
                continue  # the only rule of its name: empty-area and empty-focus say it
            yield Finding(
                code="rule-unused",
                where=f"{kind}, rule {place} ({rule.name})",
                message=f"No test matches it: {_patterns(rule)}.",
                mend="Correct the pattern, or remove the rule.",
                serious=False,
            )
    producers = {test.producer for test in tests}
    for retries in look.policy.retries:
        if retries.producer not in producers:
            yield Finding(
                code="rule-unused",
                where=f"retries ({retries.producer})",
                message=f"No report is of {retries.producer}; there are {', '.join(sorted(producers))}.",
                mend="Correct the producer, or remove the rule.",
                serious=False,
            )


def _patterns(rule: Rule) -> str:
    parts = [*rule.files, *rule.producers, *rule.jobs, *rule.titles, *rule.variants]
    return some([*parts, *(rule.match if isinstance(rule, Focus) else ())], quoted=True)


def quarantine_faults(look: Look) -> Iterator[Finding]:
    """What makes `complete` NOT_MET: entries that have expired or name no test, more than an area's share."""
    evidence = look.evidence
    faults = [
        *evidence.unknown_quarantine(),
        *(f"{area}: {fault}" for area in evidence.areas.names for fault in evidence.quarantine_faults(area)),
    ]
    if faults:
        yield Finding(
            code="quarantine",
            where="flakelens-decisions.toml",
            message=f"{count_of(len(faults), 'fault')} of the quarantine, so complete is NOT_MET: {some(faults)}.",
            mend="flakelens quarantine list shows every entry; repair the tests and take the entries out with "
            "flakelens quarantine remove, or add them anew with a reason.",
            serious=True,
        )


def decisions_about_nothing(look: Look) -> Iterator[Finding]:
    """Waivers and sign-offs of gates or criteria that the policy does not have: renamed, or misspelt."""
    gates = look.policy.gates
    decisions = look.evidence.decisions
    for kind, entries in (("waivers", decisions.waivers), ("attested", decisions.attested)):
        lost = [
            f"{entry.gate} {entry.criterion}"
            for entry in entries
            if entry.gate not in gates or entry.criterion not in gates[entry.gate].criteria
        ]
        if lost:
            yield Finding(
                code="decision-unused",
                where=f"flakelens-decisions.toml, {kind}",
                message=f"{count_of(len(lost), 'entry', 'entries')} about no criterion of the policy: "
                f"{some(list(dict.fromkeys(lost)))}.",
                mend="Write the gate and the criterion as the policy names them, or take the entries out.",
                serious=False,
            )
