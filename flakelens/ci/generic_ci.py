"""A CI that we do not know: it says CI=true (or a mark of its own) and nothing else that we understand.

Whether it builds a branch, a pull request or a fork cannot be seen, so its event is OTHER and it counts for no gated
branch until options say more.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flakelens.ci.merges import ends
from flakelens.ci.values import clean, text
from flakelens.model import Event, RunInfo

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flakelens.ci.git import Git

NAME = "generic-ci"

# TeamCity and CodeBuild do not set CI.
_MARKS = ("CI", "CONTINUOUS_INTEGRATION", "TEAMCITY_VERSION", "CODEBUILD_BUILD_ID")


def matches(env: Mapping[str, str]) -> bool:
    """Does any mark of a CI say something other than no?"""
    return any(text(env, mark).lower() not in ("", "0", "false", "no") for mark in _MARKS)


def read(env: Mapping[str, str], git: Git) -> RunInfo:  # noqa: ARG001 - an unknown provider's variables mean nothing
    """Commit and branch from git alone; a merge that is plainly made for a pull request is resolved to its head."""
    found = ends(git, git.head(), may_be_merge=False)
    return RunInfo(
        provider=NAME,
        run="",
        commit=found.head,
        branch=clean(git.branch()),
        base_commit=found.base,
        event=Event.OTHER,
    )
