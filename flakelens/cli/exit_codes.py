"""Exit codes: API. docs/cli.md shows the same table, and a test holds the two together."""

from __future__ import annotations

from flakelens.errors import (
    DatabaseError,
    DecisionsError,
    FlakelensError,
    NothingReadError,
    PolicyError,
    SharedHistoryError,
    UsageError,
)

DONE = 0  # done; MET; the repair has held; nothing new to ingest
UNEXPECTED = 1  # an error that flakelens did not foresee
USAGE = 2  # the command line asks for something that does not exist or does not fit
NOTHING_READ = 3  # nothing at all could be read
BAD_POLICY = 4  # the policy or the decisions file is not valid
BAD_DATABASE = 5  # the database is damaged, not ours, newer or cannot be written; the shared history cannot be reached
UNREADABLE = 6  # ingested or synced, but something was unreadable, salvaged, empty or failed to load
NOT_MET = 10  # the gate is NOT_MET; a new failure; a repair did not hold; doctor or quarantine check found a fault
INCONCLUSIVE = 11  # the gate, or whether a repair has held, cannot be decided yet

# By the text of a model.GateState: help has no use for the model.
OF_STATE = {"MET": DONE, "NOT_MET": NOT_MET, "INCONCLUSIVE": INCONCLUSIVE}

_OF_ERROR: tuple[tuple[type[FlakelensError], int], ...] = (
    (UsageError, USAGE),
    (NothingReadError, NOTHING_READ),
    (PolicyError, BAD_POLICY),
    (DecisionsError, BAD_POLICY),
    (DatabaseError, BAD_DATABASE),
    (SharedHistoryError, BAD_DATABASE),
)


def code_of(error: FlakelensError) -> int:
    """The exit code of an error."""
    return next((code for kind, code in _OF_ERROR if isinstance(error, kind)), UNEXPECTED)
