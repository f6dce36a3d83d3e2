"""Checks of the checkout's CODEOWNERS against the tests that there are: whom a failing test should call."""

from __future__ import annotations

from collections.abc import Iterator

from flakelens.doctor.look import Look, some
from flakelens.gate.criterion import count_of
from flakelens.report import Finding
from flakelens.stats.states import TestState


def lines_not_understood(look: Look) -> Iterator[Finding]:
    """Lines of CODEOWNERS that GitHub and GitLab skip as well: whoever they name is never asked."""
    owners = look.evidence.owners
    for fault in owners.faults:
        yield Finding(
            code="owners-unread",
            where=f"{owners.where}, line {fault.line}" if fault.line else owners.where,
            message=f"Skipped: {fault.why}." if fault.line else f"It is not used: {fault.why}.",
            mend="Correct the line; owners are written @name, @organisation/team or as a mail address.",
            serious=False,
        )


def tests_without_owner(look: Look) -> Iterator[Finding]:
    """Test files that no rule covers, although there are rules. A rule without owners covers a file on purpose."""
    evidence = look.evidence
    owners = evidence.owners
    files: dict[str, None] = {}
    unknown = []
    for position in _present(look) if owners.rules else ():
        test = evidence.history.tests[position]
        file = owners.file_of(test)
        if not file:
            unknown.append(test.id.name)
        elif owners.of(file) is None:
            files.setdefault(file)
    if files:
        names = sorted(files)
        yield Finding(
            code="no-owner",
            where=owners.where,
            message=f"No rule covers {count_of(len(names), 'test file')}: {some(names)}.",
            mend=f"Add a rule, or one for all that is left at the top:\n  {_folder(names[0])} @NAME",
            serious=False,
        )
    if unknown:
        yield Finding(
            code="no-owner",
            where=owners.where,
            message=f"{count_of(len(unknown), 'test')} cannot be owned, because no report names a file: "
            f"{some(unknown, quoted=True)}.",
            mend="Let the reports name files: no-file-paths says how.",
            serious=False,
        )


def rules_that_match_nothing(look: Look) -> Iterator[Finding]:
    """Rules for test files that match none of the tests: a folder that was renamed, a typing error."""
    evidence = look.evidence
    owners = evidence.owners
    files = {owners.file_of(evidence.history.tests[position]) for position in _present(look)} - {""}
    if not files:
        return
    unused = [
        f"line {rule.line} ({rule.pattern})"
        for rule in owners.rules
        if rule.about_tests and not any(rule.expression.fullmatch(file) for file in files)
    ]
    if unused:
        yield Finding(
            code="owner-rule-unused",
            where=owners.where,
            message=f"{count_of(len(unused), 'rule')} for tests match none: {some(unused)}.",
            mend="Correct the pattern, or remove the line. Of tests that did not run lately nothing is known here.",
            serious=False,
        )


def owners_nobody_knows(look: Look) -> Iterator[Finding]:
    """Owners of quarantines and focuses, written as CODEOWNERS writes them, that no rule of it names."""
    owners = look.evidence.owners
    known = {owner.casefold() for rule in owners.rules for owner in rule.owners}
    if not known:
        return
    written = [
        *((f"the quarantine of {entry.test.name}", entry.owner) for entry in look.evidence.decisions.quarantine),
        *((f"the focus {focus.name}", focus.owner) for focus in look.policy.focuses),
    ]
    found = (
        f"{owner} ({what})"
        for what, text in written
        for owner in text.split()
        if owner.startswith("@") and owner.casefold() not in known
    )
    unknown = list(dict.fromkeys(found))
    if unknown:
        yield Finding(
            code="owner-unknown",
            where=owners.where,
            message=f"{count_of(len(unknown), 'owner')} that no rule of it names: {some(unknown)}.",
            mend=f"If that is a slip, correct it; {owners.where} names {some(sorted(known))}.",
            serious=False,
        )


def _present(look: Look) -> list[int]:
    """Tests that are not gone."""
    return sorted(
        test
        for area in look.evidence.areas.names
        for scope in (look.evidence.scope(area),)
        for test, finding in zip(scope.view.tests.tolist(), scope.findings, strict=True)
        if finding.state is not TestState.GONE
    )


def _folder(file: str) -> str:
    folder = file.rpartition("/")[0]
    return f"/{folder}/" if folder else f"/{file}"
