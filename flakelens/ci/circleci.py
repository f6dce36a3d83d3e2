"""CircleCI. Source: CircleCI Docs, "Project values and variables".

A job sees its own commit and branch, but not what started the pipeline, nor the base of a pull request. A fork's pull
request is built from the branch name "pull/N"; its own branch's name is not told.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from msgspec.structs import replace

from flakelens.ci.merges import ends
from flakelens.ci.values import commit, flag, link, number, queue_base, shard, text
from flakelens.model import Event, RunInfo

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flakelens.ci.git import Git

NAME = "circleci"

_FORKS_BRANCH = re.compile(r"pull/[0-9]+(?:/(?:head|merge))?", re.ASCII)


def matches(env: Mapping[str, str]) -> bool:
    """CIRCLECI is true in every job."""
    return flag(env, "CIRCLECI")


def read(env: Mapping[str, str], git: Git) -> RunInfo:
    """The workflow as a run."""
    index = number(env, "CIRCLE_NODE_INDEX")
    branch = text(env, "CIRCLE_BRANCH")
    # CIRCLE_PR_NUMBER, _USERNAME and _REPONAME exist on forks' pull requests only.
    fork = bool(text(env, "CIRCLE_PR_NUMBER", "CIRCLE_PR_USERNAME") or _FORKS_BRANCH.fullmatch(branch))
    info = RunInfo(
        provider=NAME,
        run=text(env, "CIRCLE_WORKFLOW_ID", "CIRCLE_PIPELINE_ID"),
        commit=commit(env, "CIRCLE_SHA1"),
        branch=branch,
        # A schedule or a person cannot be told from a push.
        event=Event.PUSH,
        job=text(env, "CIRCLE_JOB"),
        shard=shard(None if index is None else index + 1, number(env, "CIRCLE_NODE_TOTAL")),
        url=link(env.get("CIRCLE_BUILD_URL")),
        fork=fork,
    )
    queued_for = queue_base(branch)
    if queued_for and not fork:
        return replace(info, branch=queued_for, event=Event.MERGE_QUEUE)
    if fork or text(env, "CIRCLE_PULL_REQUEST", "CIRCLE_PULL_REQUESTS"):
        found = ends(git, info.commit, may_be_merge=branch.endswith("/merge"))
        return replace(info, commit=found.head, base_commit=found.base, event=Event.PULL_REQUEST)
    return info
