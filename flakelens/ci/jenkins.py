"""Jenkins. Sources: User Handbook, "Branches and Pull Requests"; "Global Variable Reference"; the git plugin.

On a multibranch pull-request build GIT_COMMIT may be a merge that Jenkins made: the pull request's head is checked
out and the base is merged *into* it, so the head is the FIRST parent (the hosts' own merges have it second).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from msgspec.structs import replace

from flakelens.ci.merges import Ends, ends
from flakelens.ci.values import branch_of, commit, link, queue_base, repository, text
from flakelens.model import Event, RunInfo

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flakelens.ci.git import Git

NAME = "jenkins"

# BUILD_CAUSE comes from the EnvInject plugin only; the first cause counts.
_EVENTS = {
    "": Event.PUSH,
    "SCMTRIGGER": Event.PUSH,
    "BRANCHEVENTCAUSE": Event.PUSH,
    "TIMERTRIGGER": Event.SCHEDULE,
    "MANUALTRIGGER": Event.MANUAL,
    "USERIDCAUSE": Event.MANUAL,
}
_PULL_REF = re.compile(r"(?:pr|pull|pull-requests|merge-requests)/[0-9]+(?:/(?:head|merge|from))?", re.ASCII)


def matches(env: Mapping[str, str]) -> bool:
    """JENKINS_URL is set where the controller's address is configured; BUILD_TAG and JOB_NAME always."""
    return bool(text(env, "JENKINS_URL") or (text(env, "BUILD_TAG") and text(env, "JOB_NAME")))


def read(env: Mapping[str, str], git: Git) -> RunInfo:
    """The build as a run: its id is "JOB_NAME#BUILD_NUMBER", which unlike BUILD_TAG does not fold "/" into "-"."""
    job, build = text(env, "JOB_NAME"), text(env, "BUILD_NUMBER")
    branch = _branch(env)
    info = RunInfo(
        provider=NAME,
        run=f"{job}#{build}" if job and build else text(env, "BUILD_TAG"),
        commit=commit(env, "GIT_COMMIT") or git.head(),
        branch=branch,
        event=_EVENTS.get(text(env, "BUILD_CAUSE").partition(",")[0].upper(), Event.OTHER),
        job=_job(env, job),
        url=link(env.get("BUILD_URL")),
    )
    if text(env, "CHANGE_ID"):
        return _pull_request(info, env, git)
    if text(env, "ghprbPullId"):
        return _pull_request_builder(info, env, git)
    if _PULL_REF.fullmatch(branch):
        # A plain job that fetches the host's pull-request refs: neither the head's branch nor the base is told.
        found = ends(git, info.commit, may_be_merge=True)
        return replace(info, commit=found.head, base_commit=found.base, event=Event.PULL_REQUEST)
    queued_for = queue_base(branch)
    return replace(info, branch=queued_for, event=Event.MERGE_QUEUE) if queued_for else info


def _pull_request(info: RunInfo, env: Mapping[str, str], git: Git) -> RunInfo:
    """A multibranch project's pull request. Older branch sources do not tell CHANGE_BRANCH."""
    found = ends(git, info.commit, may_be_merge=True)
    return replace(
        info,
        commit=found.head,
        branch=text(env, "CHANGE_BRANCH"),
        base_branch=text(env, "CHANGE_TARGET"),
        base_commit=found.base,
        event=Event.PULL_REQUEST,
        fork=bool(text(env, "CHANGE_FORK")),
    )


def _pull_request_builder(info: RunInfo, env: Mapping[str, str], git: Git) -> RunInfo:
    """A pull request of the GitHub Pull Request Builder plugin, which names the head."""
    named = commit(env, "ghprbActualCommit")
    found = Ends(named, "") if named else ends(git, info.commit, may_be_merge=True)
    theirs, ours = text(env, "ghprbAuthorRepoGitUrl"), text(env, "GIT_URL", "GIT_URL_1")
    return replace(
        info,
        commit=found.head,
        branch=text(env, "ghprbSourceBranch"),
        base_branch=text(env, "ghprbTargetBranch"),
        base_commit=found.base,
        event=Event.PULL_REQUEST,
        fork=bool(theirs and repository(theirs) != repository(ours)),
    )


def _branch(env: Mapping[str, str]) -> str:
    """The branch; "" for tags. Of these variables only GIT_BRANCH has the remote's name before it."""
    if text(env, "TAG_NAME"):
        return ""
    named = branch_of(text(env, "BRANCH_NAME", "GIT_LOCAL_BRANCH"))
    if named:
        return named
    remote = text(env, "GIT_BRANCH")
    name = remote.removeprefix("refs/remotes/").removeprefix("origin/")
    return "" if name == "detached" else branch_of(name)


def _job(env: Mapping[str, str], job: str) -> str:
    """The stage, else the job without the branch that multibranch projects put at the end of its name."""
    if text(env, "STAGE_NAME"):
        return text(env, "STAGE_NAME")
    return job.rpartition("/")[0] or job if text(env, "BRANCH_NAME") else job
