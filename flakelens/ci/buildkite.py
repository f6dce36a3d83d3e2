"""Buildkite. Source: Buildkite Documentation, "Environment variables" and "Using GitHub merge queues".

BUILDKITE_COMMIT may be the word "HEAD" in builds that people start; then the checkout is asked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from flakelens.ci.merges import ends
from flakelens.ci.values import commit, flag, link, number, queue_base, repository, shard, text
from flakelens.model import Event, RunInfo

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flakelens.ci.git import Git

NAME = "buildkite"

# "trigger_job" is another pipeline's doing: what started that one is not told.
_EVENTS = {"webhook": Event.PUSH, "schedule": Event.SCHEDULE, "ui": Event.MANUAL, "api": Event.MANUAL}


def matches(env: Mapping[str, str]) -> bool:
    """BUILDKITE is true in every job."""
    return flag(env, "BUILDKITE")


def read(env: Mapping[str, str], git: Git) -> RunInfo:
    """The build as a run."""
    index = number(env, "BUILDKITE_PARALLEL_JOB")
    branch = text(env, "BUILDKITE_BRANCH")
    info = RunInfo(
        provider=NAME,
        run=text(env, "BUILDKITE_BUILD_ID"),
        attempt=1 + (number(env, "BUILDKITE_RETRY_COUNT") or 0),
        commit=commit(env, "BUILDKITE_COMMIT") or git.head(),
        # On a tag's build BUILDKITE_BRANCH is the tag.
        branch="" if text(env, "BUILDKITE_TAG") else branch,
        event=_EVENTS.get(text(env, "BUILDKITE_SOURCE"), Event.OTHER),
        job=text(env, "BUILDKITE_STEP_KEY", "BUILDKITE_LABEL"),
        shard=shard(None if index is None else index + 1, number(env, "BUILDKITE_PARALLEL_JOB_COUNT")),
        url=link(env.get("BUILDKITE_BUILD_URL")),
    )
    if text(env, "BUILDKITE_PULL_REQUEST").lower() not in ("", "false"):
        return _pull_request(info, env, git)
    queued_for = text(env, "BUILDKITE_MERGE_QUEUE_BASE_BRANCH") or queue_base(branch)
    return replace(info, branch=queued_for, event=Event.MERGE_QUEUE) if queued_for else info


def _pull_request(info: RunInfo, env: Mapping[str, str], git: Git) -> RunInfo:
    """Head and base of the pull request; its branch without the "owner:" that Buildkite may put before a fork's."""
    may_be_merge = flag(env, "BUILDKITE_PULL_REQUEST_USING_MERGE_REFSPEC") or not commit(env, "BUILDKITE_COMMIT")
    found = ends(git, info.commit, may_be_merge=may_be_merge)
    owner, colon, name = info.branch.rpartition(":")
    theirs, ours = text(env, "BUILDKITE_PULL_REQUEST_REPO"), text(env, "BUILDKITE_REPO")
    return replace(
        info,
        commit=found.head,
        branch=name,
        base_branch=text(env, "BUILDKITE_PULL_REQUEST_BASE_BRANCH"),
        base_commit=found.base,
        event=Event.PULL_REQUEST,
        fork=bool(owner and colon) or bool(theirs and repository(theirs) != repository(ours)),
    )
