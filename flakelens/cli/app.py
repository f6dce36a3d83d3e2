"""What every command starts from: where things are, the clock, the environment, the terminal."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import click

from flakelens.errors import UsageError

if TYPE_CHECKING:  # at run time where they are used: help has no policy to read
    from flakelens.decisions import Decisions
    from flakelens.owners import Owners
    from flakelens.policy import Policy

POLICY_FILE = "flakelens.toml"
DECISIONS_FILE = "flakelens-decisions.toml"

_Function = TypeVar("_Function", bound=Callable[..., Any])


class App(NamedTuple):
    """One call of the command line."""

    db: Path
    policy_file: Path | None  # as given with --policy
    quiet: bool
    verbose: bool
    environ: Mapping[str, str]
    folder: Path  # where the command was called

    @classmethod
    def from_environment(cls, *, db: str | None, policy: str | None, quiet: bool, verbose: bool) -> App:
        """The real one: reads os.environ and the working folder, once."""
        environ = dict(os.environ)
        # Our products are thin: a second thread of numpy's BLAS doubles their cost, and takes time to start. What is
        # run for the user gets the environment as it was.
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
        return cls(
            db=Path(db or environ.get("FLAKELENS_DB") or ".flakelens/flakelens.db"),
            policy_file=Path(policy) if policy else None,
            quiet=quiet,
            verbose=verbose,
            environ=environ,
            folder=Path.cwd(),
        )

    def now(self) -> datetime:
        """The present moment, UTC."""
        return datetime.now(UTC)

    def moment(self, text: str | None) -> datetime:
        """--as-of: an ISO date or time (without zone: UTC); None is now. Raises UsageError."""
        if not text:
            return self.now()
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            raise UsageError(f"{text!r} is not a time.", mend="Write 2026-11-20 or 2026-11-20T18:00Z.") from None
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)

    def policy_place(self) -> tuple[Path, tuple[str, ...]] | None:
        """Where the policy is, and the table inside that file; None when only the shipped defaults hold."""
        if self.policy_file is not None:
            table = ("tool", "flakelens") if self.policy_file.name == "pyproject.toml" else ()
            return self.policy_file, table
        for folder in _upwards(self.folder):
            if (own := folder / POLICY_FILE).is_file():
                return own, ()
            if (project := folder / "pyproject.toml").is_file() and _has_table(project):
                return project, ("tool", "flakelens")
        return None

    def upwards(self) -> list[Path]:
        """The folder of the call and its parents up to the root of the repository."""
        return _upwards(self.folder)

    def policy(self) -> Policy:
        """The policy in force. Raises PolicyError."""
        from flakelens.policy_text import parse
        from flakelens.rule_files import read_policy

        place = self.policy_place()
        return parse() if place is None else read_policy(place[0])

    def decisions_path(self) -> Path:
        """Where decisions are: beside the policy, or else in the folder of the call."""
        place = self.policy_place()
        return (place[0].parent if place else self.folder) / DECISIONS_FILE

    def decisions(self) -> Decisions:
        """The decisions in force; none without a file. Raises DecisionsError."""
        from flakelens.decisions import Decisions
        from flakelens.rule_files import read_decisions

        path = self.decisions_path()
        return read_decisions(path) if path.is_file() else Decisions()

    def owners(self) -> Owners:
        """Who owns the files of the checkout that the command was called in; nobody outside of one."""
        from flakelens.checkout import Checkout
        from flakelens.owners import NOBODY

        checkout = Checkout.find(self.folder)
        return checkout.owners() if checkout else NOBODY

    def shown(self, path: Path) -> str:
        """A path as a person at this place would write it."""
        return str(path.relative_to(self.folder)) if path.is_relative_to(self.folder) else str(path)

    @property
    def width(self) -> int:
        """Columns to write for: the terminal's, at most 140, and 100 where there is no terminal."""
        if not sys.stdout.isatty():
            return int(self.environ["COLUMNS"]) if self.environ.get("COLUMNS", "").isdecimal() else 100
        import shutil  # with all that unpacks archives: few calls have a terminal

        return max(40, min(140, shutil.get_terminal_size().columns))

    @property
    def colour(self) -> bool:
        """May the output carry colours? Only on a terminal that has not said no."""
        return sys.stdout.isatty() and not self.environ.get("NO_COLOR") and self.environ.get("TERM") != "dumb"

    @property
    def interactive(self) -> bool:
        """May progress be shown on standard error?"""
        return sys.stderr.isatty() and not self.quiet and self.environ.get("TERM") != "dumb"


as_of_option = click.option("--as-of", metavar="TIME", help="As it would have been then (ISO date or time, UTC).")


def format_option(*formats: str) -> Callable[[_Function], _Function]:
    """--format with the formats of a command, the first being the default."""
    return click.option(
        "--format",
        "format_",
        type=click.Choice(formats),
        default=formats[0],
        show_default=True,
        help="How to write it.",
    )


def _upwards(folder: Path) -> list[Path]:
    """The folder and its parents up to the root of the repository, or the folder alone outside of one."""
    above = [folder, *folder.parents]
    root = next((place for place, path in enumerate(above) if (path / ".git").exists()), 0)
    return above[: root + 1]


def _has_table(project: Path) -> bool:
    import tomllib

    try:
        return "flakelens" in tomllib.loads(project.read_text(encoding="utf-8")).get("tool", {})
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError):
        return False  # somebody else's file: its faults are not ours to report
