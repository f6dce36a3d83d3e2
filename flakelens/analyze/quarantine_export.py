"""The tests in quarantine as Jest or Playwright know them: for a job that must not stop because of them."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from flakelens.analyze.evidence import load
from flakelens.decisions import Decisions, QuarantineEntry
from flakelens.gate.criterion import count_of
from flakelens.gate.evidence import Evidence
from flakelens.history import Test
from flakelens.policy import Policy
from flakelens.report.export import Held, QuarantineExport
from flakelens.store import Store


def quarantine_export(
    store: Store | None,
    policy: Policy,
    decisions: Decisions,
    tool: Literal["jest", "playwright"],
    *,
    as_of: datetime,
) -> QuarantineExport:
    """The tests of `tool` with an entry that is in force at `as_of`, as their newest reports name them.

    An expired entry holds nothing back. Without a database (`store` None) the entries are taken as they stand, for
    either tool.
    """
    entries = [entry for entry in decisions.quarantine if entry.created <= as_of < entry.expires]
    notes = []
    if over := len(decisions.quarantine) - len(entries):
        notes.append(f"{count_of(over, 'entry', 'entries')} not in force, left out: such a test stops again.")
    if store is None:
        held = [Held(title=e.test.name, file=e.test.file, variant=e.test.variant or None) for e in entries]
        if entries:
            notes.append("There is no database: titles are taken from the entries, whichever tool they are of.")
    else:
        evidence = load(store, policy, decisions, as_of=as_of, window=None, any_branch=True).evidence
        held = []
        for entry in entries:
            found = _tests(entry, evidence, tool)
            held += found
            if not found and not any(entry.test.matches(test.id) for test in evidence.history.tests):
                notes.append(f'"{entry.test.name}" is left out: no run knows it.')
    unique = {(each.file, each.title, each.variant or ""): each for each in held}
    return QuarantineExport(
        held=tuple(unique[key] for key in sorted(unique)), separators=policy.title_separators, notes=tuple(notes)
    )


def _tests(entry: QuarantineEntry, evidence: Evidence, tool: str) -> list[Held]:
    tests = [test for test in evidence.history.tests if test.producer == tool]
    found = []
    for test in tests:
        if not entry.test.matches(test.id):
            continue
        others = tuple(
            other.reported.name
            for other in tests
            if other.id != test.id and (_file(other), other.id.variant) == (_file(test), test.id.variant)
        )
        found.append(Held(title=test.reported.name, file=_file(test), variant=test.reported.variant, others=others))
    return found


def _file(test: Test) -> str:
    return test.reported.file or test.id.file
