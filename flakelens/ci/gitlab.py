"""GitLab CI/CD. Source: GitLab Docs, "Predefined CI/CD variables reference", "Merged results pipelines".

CI_COMMIT_SHA is the head in an ordinary merge request pipeline, but the *merge result* in merged-results pipelines.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from msgspec.structs import replace

from flakelens.ci.merges import ends, hosts_merge
from flakelens.ci.values import commit, flag, link, number, queue_base, shard, text
from flakelens.model import Event, RunInfo

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flakelens.ci.git import Git

NAME = "gitlab"

_EVENTS = {
    "push": Event.PUSH,
    # A child pipeline runs its parent's commit in the same project; one of a merge request has CI_MERGE_REQUEST_IID.
    "parent_pipeline": Event.PUSH,
    "schedule": Event.SCHEDULE,
    "web": Event.MANUAL,
    "api": Event.MANUAL,
    "trigger": Event.MANUAL,
    "chat": Event.MANUAL,
    "merge_request_event": Event.PULL_REQUEST,
    "external_pull_request_event": Event.PULL_REQUEST,
}
_PART = re.compile(r" [0-9]+/[0-9]+$", re.ASCII)


def matches(env: Mapping[str, str]) -> bool:
    """GITLAB_CI is true in every job."""
    return flag(env, "GITLAB_CI")


def read(env: Mapping[str, str], git: Git) -> RunInfo:
    """The pipeline as a run; its merge request's head where it has one."""
    job = text(env, "CI_JOB_NAME")
    # A matrix numbers its jobs too, but these are variants ("test: [chrome]"), not parts of one test run.
    part = "" if job.endswith("]") else shard(number(env, "CI_NODE_INDEX"), number(env, "CI_NODE_TOTAL"))
    info = RunInfo(
        provider=NAME,
        run=text(env, "CI_PIPELINE_ID"),
        event=_EVENTS.get(text(env, "CI_PIPELINE_SOURCE"), Event.OTHER),
        job=_PART.sub("", job),
        shard=part,
        url=link(env.get("CI_PIPELINE_URL")),
    )
    if text(env, "CI_EXTERNAL_PULL_REQUEST_IID"):
        return _external(info, env, git)
    if text(env, "CI_MERGE_REQUEST_IID") or info.event is Event.PULL_REQUEST:
        return _merge_request(info, env, git)
    branch = text(env, "CI_COMMIT_BRANCH")
    if not (branch or text(env, "CI_COMMIT_TAG")):
        branch = text(env, "CI_COMMIT_REF_NAME")
    queued_for = queue_base(branch)
    return replace(
        info,
        commit=commit(env, "CI_COMMIT_SHA"),
        branch=queued_for or branch,
        event=Event.MERGE_QUEUE if queued_for else info.event,
    )


def _merge_request(info: RunInfo, env: Mapping[str, str], git: Git) -> RunInfo:
    """A merge train stands for its target branch; any other merge request pipeline is of the source's head."""
    target = text(env, "CI_MERGE_REQUEST_TARGET_BRANCH_NAME")
    if text(env, "CI_MERGE_REQUEST_EVENT_TYPE") == "merge_train":
        return replace(info, commit=commit(env, "CI_COMMIT_SHA"), branch=target, event=Event.MERGE_QUEUE)
    source, ours = (
        text(env, "CI_MERGE_REQUEST_SOURCE_PROJECT_ID"),
        text(env, "CI_MERGE_REQUEST_PROJECT_ID", "CI_PROJECT_ID"),
    )
    return replace(
        info,
        commit=_head(env, git),
        branch=text(env, "CI_MERGE_REQUEST_SOURCE_BRANCH_NAME"),
        base_branch=target,
        base_commit=commit(env, "CI_MERGE_REQUEST_TARGET_BRANCH_SHA", "CI_MERGE_REQUEST_DIFF_BASE_SHA"),
        event=Event.PULL_REQUEST,
        # The source project's id is empty when the fork is private or gone: our own is never.
        fork=source != ours,
    )


def _head(env: Mapping[str, str], git: Git) -> str:
    """The source branch's head; "" rather than a merge result."""
    named, built = commit(env, "CI_MERGE_REQUEST_SOURCE_BRANCH_SHA"), commit(env, "CI_COMMIT_SHA")
    if named:
        return named
    kind, ref = text(env, "CI_MERGE_REQUEST_EVENT_TYPE"), text(env, "CI_COMMIT_REF_PATH", "CI_MERGE_REQUEST_REF_PATH")
    if kind == "merged_result" or ref.endswith("/merge"):
        return hosts_merge(git, built).head
    return ends(git, built, may_be_merge=kind != "detached").head


def _external(info: RunInfo, env: Mapping[str, str], git: Git) -> RunInfo:
    """A pull request of another host (GitHub) that GitLab builds."""
    source = text(env, "CI_EXTERNAL_PULL_REQUEST_SOURCE_REPOSITORY")
    named = commit(env, "CI_EXTERNAL_PULL_REQUEST_SOURCE_BRANCH_SHA")
    return replace(
        info,
        commit=named or ends(git, commit(env, "CI_COMMIT_SHA"), may_be_merge=True).head,
        branch=text(env, "CI_EXTERNAL_PULL_REQUEST_SOURCE_BRANCH_NAME"),
        base_branch=text(env, "CI_EXTERNAL_PULL_REQUEST_TARGET_BRANCH_NAME"),
        base_commit=commit(env, "CI_EXTERNAL_PULL_REQUEST_TARGET_BRANCH_SHA"),
        event=Event.PULL_REQUEST,
        fork=source != text(env, "CI_EXTERNAL_PULL_REQUEST_TARGET_REPOSITORY"),
    )
