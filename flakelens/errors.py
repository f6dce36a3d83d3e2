"""The errors that stop a command. Each says what is wrong, where, and how to mend it.

Oddities that a command survives are not errors but `model.Problem` values: they travel with the data and reach the
report. Exit codes belong to `cli`, which maps these classes to numbers in one place.
"""


class FlakelensError(Exception):
    """Base of all errors that flakelens raises on purpose.

    `slug` names the heading in docs/errors.md; `mend` is the sentence that tells the user what to do next.
    """

    slug = "error"

    def __init__(self, message: str, *, mend: str = "") -> None:
        super().__init__(message)
        self.mend = mend


class UsageError(FlakelensError):
    """The command line asks for something that does not exist or does not fit together."""

    slug = "usage"


class NothingReadError(FlakelensError):
    """No report could be read at all: no file matched, or every one of them is unreadable."""

    slug = "nothing-read"


class PolicyError(FlakelensError):
    """The policy (flakelens.toml) is not valid. The message names the file and the key."""

    slug = "policy"


class DecisionsError(FlakelensError):
    """The decisions file (flakelens-decisions.toml) is not valid. The message names the file and the entry."""

    slug = "decisions"


class DatabaseError(FlakelensError):
    """The database is damaged, is not ours, was made by a newer flakelens, or cannot be written."""

    slug = "database"


class DamagedError(DatabaseError):
    """The database is damaged. `sync pull` alone goes on: it puts the file aside and makes a new one."""


class SharedHistoryError(FlakelensError):
    """The shared history cannot be reached or written."""

    slug = "shared-history"
