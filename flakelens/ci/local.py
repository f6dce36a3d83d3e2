"""No CI: a person's own machine. Only git is asked. Such a run counts for the gated branch only by policy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flakelens.ci.values import clean
from flakelens.model import Event, RunInfo

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flakelens.ci.git import Git

NAME = "local"


def matches(env: Mapping[str, str]) -> bool:  # noqa: ARG001 - the last of the providers takes what no other took
    """Always: this is the last of the providers."""
    return True


def read(env: Mapping[str, str], git: Git) -> RunInfo:  # noqa: ARG001 - nothing in it describes a run
    """Commit, branch and dirt of the working tree. The run's id is the caller's to make."""
    return RunInfo(
        provider=NAME,
        run="",
        commit=git.head(),
        branch=clean(git.branch()),
        event=Event.MANUAL,
        dirty=git.dirty(),
        local=True,
    )
