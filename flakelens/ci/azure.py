"""Azure Pipelines. Source: Azure DevOps documentation, "Use predefined variables".

Variables arrive in upper case with "_" for "."; BUILD_SOURCEVERSION is the merge commit on pull requests.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

from msgspec.structs import replace

from flakelens.ci.merges import Ends, hosts_merge
from flakelens.ci.values import attempt, branch_of, commit, flag, link, number, queue_base, shard, text
from flakelens.model import Event, RunInfo

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flakelens.ci.git import Git

NAME = "azure"

_EVENTS = {
    "IndividualCI": Event.PUSH,
    "BatchedCI": Event.PUSH,
    "Schedule": Event.SCHEDULE,
    "Manual": Event.MANUAL,
    "PullRequest": Event.PULL_REQUEST,
}


def matches(env: Mapping[str, str]) -> bool:
    """TF_BUILD is True in every job."""
    return flag(env, "TF_BUILD")


def read(env: Mapping[str, str], git: Git) -> RunInfo:
    """The build as a run."""
    run = text(env, "BUILD_BUILDID")
    ref = text(env, "BUILD_SOURCEBRANCH")
    branch = branch_of(ref)
    # A matrix numbers its jobs too, but these are variants, not parts of one test run.
    sliced = text(env, "SYSTEM_PARALLELEXECUTIONTYPE") != "MultiConfiguration"
    position, total = number(env, "SYSTEM_JOBPOSITIONINPHASE"), number(env, "SYSTEM_TOTALJOBSINPHASE")
    info = RunInfo(
        provider=NAME,
        run=run,
        attempt=attempt(env, "SYSTEM_JOBATTEMPT", "SYSTEM_STAGEATTEMPT"),
        event=_EVENTS.get(text(env, "BUILD_REASON"), Event.OTHER),
        job=_job(env, sliced=sliced),
        shard=shard(position, total) if sliced else "",
        url=_url(env, run),
    )
    # A person may also start a build of a pull request's ref by hand.
    if (
        info.event is Event.PULL_REQUEST
        or ref.startswith("refs/pull/")
        or text(env, "SYSTEM_PULLREQUEST_PULLREQUESTID")
    ):
        return _pull_request(info, env, git)
    queued_for = queue_base(branch)
    return replace(
        info,
        commit=commit(env, "BUILD_SOURCEVERSION"),
        branch=queued_for or branch,
        event=Event.MERGE_QUEUE if queued_for else info.event,
    )


def _pull_request(info: RunInfo, env: Mapping[str, str], git: Git) -> RunInfo:
    """Head and base of the pull request; the base commit is the merge's first parent, where the checkout has it."""
    found = hosts_merge(git, commit(env, "BUILD_SOURCEVERSION"))
    head = commit(env, "SYSTEM_PULLREQUEST_SOURCECOMMITID")
    if head and head != found.head:
        # The merge was not of this head (Azure may merge a newer one), so its base says nothing.
        found = Ends(head, "")
    return replace(
        info,
        commit=found.head,
        branch=branch_of(text(env, "SYSTEM_PULLREQUEST_SOURCEBRANCH")),
        base_branch=branch_of(text(env, "SYSTEM_PULLREQUEST_TARGETBRANCH", "SYSTEM_PULLREQUEST_TARGETBRANCHNAME")),
        base_commit=found.base,
        event=Event.PULL_REQUEST,
        fork=flag(env, "SYSTEM_PULLREQUEST_ISFORK"),
    )


def _job(env: Mapping[str, str], *, sliced: bool) -> str:
    """The job's name in the YAML, followed by the matrix leg's if there is one."""
    name, leg = text(env, "SYSTEM_PHASENAME"), text(env, "SYSTEM_JOBNAME")
    if sliced or not name or leg in ("", "__default", name):
        return name or leg
    return f"{name} {leg}"


def _url(env: Mapping[str, str], run: str) -> str:
    """The build's page; "" when one of its parts is missing."""
    server, project = link(env.get("SYSTEM_COLLECTIONURI")), text(env, "SYSTEM_TEAMPROJECT")
    if not (server and project and run):
        return ""
    return link(f"{server.rstrip('/')}/{quote(project, safe='')}/_build/results?buildId={quote(run, safe='')}")
