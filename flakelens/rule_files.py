"""Policy and decisions from their files: reading, and errors that name the file."""

from __future__ import annotations

from pathlib import Path

from flakelens import decisions as decisions_room
from flakelens import policy_text as policy_room
from flakelens.decisions import Decisions
from flakelens.errors import PolicyError
from flakelens.policy import Policy


def read_policy(path: Path) -> Policy:
    """The policy in a file of its own, or in the table tool.flakelens of a pyproject.toml. Raises PolicyError."""
    table = ("tool", "flakelens") if path.name == "pyproject.toml" else ()
    return policy_room.parse(_read(path, "policy"), where=str(path), table=table)


def read_decisions(path: Path) -> Decisions:
    """The decisions in a file. Raises DecisionsError, and PolicyError for a file that cannot be read."""
    return decisions_room.parse(_read(path, "decisions"), where=path.name)


def _read(path: Path, what: str) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise PolicyError(f"The {what} {path} cannot be read: {error.strerror}.", mend="Check the path.") from None
    except UnicodeDecodeError:
        raise PolicyError(f"The {what} {path} is not UTF-8 text.", mend="Save it as UTF-8.") from None
