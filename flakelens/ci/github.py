"""GitHub Actions. Sources: GitHub Docs, "Variables reference", "Events that trigger workflows" and "Webhook events".

GITHUB_SHA is the *merge* commit on pull-request events and the default branch's newest commit on `workflow_run` and
`pull_request_target`; what was proposed is only in the event payload, the file that GITHUB_EVENT_PATH names.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import quote

from msgspec.structs import replace

from flakelens.ci.merges import Ends, hosts_merge
from flakelens.ci.payload import dig, int_at, load, read_small, text_at
from flakelens.ci.values import attempt, branch_of, commit, commit_id, flag, link, queue_base, text
from flakelens.model import Event, RunInfo

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flakelens.ci.git import Git
    from flakelens.ci.payload import ReadFile

NAME = "github"

_EVENTS = {
    "push": Event.PUSH,
    "schedule": Event.SCHEDULE,
    "workflow_dispatch": Event.MANUAL,
    "merge_group": Event.MERGE_QUEUE,
    "pull_request": Event.PULL_REQUEST,
    "pull_request_target": Event.PULL_REQUEST,
    "pull_request_review": Event.PULL_REQUEST,
    "pull_request_review_comment": Event.PULL_REQUEST,
}
_MERGE_REF = re.compile(r"refs/pull/[0-9]+/merge", re.ASCII)


def matches(env: Mapping[str, str]) -> bool:
    """GITHUB_ACTIONS is true in every job."""
    return flag(env, "GITHUB_ACTIONS")


def read(env: Mapping[str, str], git: Git, read_file: ReadFile = read_small) -> RunInfo:
    """The run, its head commit and branch; `read_file` gives the bytes of the event payload."""
    payload = load(env.get("GITHUB_EVENT_PATH", ""), read_file)
    name = text(env, "GITHUB_EVENT_NAME")
    event = _EVENTS.get(name, Event.OTHER)
    run = text(env, "GITHUB_RUN_ID")
    info = RunInfo(
        provider=NAME,
        run=run,
        attempt=attempt(env, "GITHUB_RUN_ATTEMPT"),
        event=event,
        job=text(env, "GITHUB_JOB"),
        url=_url(env, run),
    )
    if name == "workflow_run":
        return described(info, dig(payload, "workflow_run"))
    if event is Event.PULL_REQUEST:
        return _pull_request(info, env, payload, git)
    if event is Event.MERGE_QUEUE:
        return _merge_group(info, env, payload)
    # GITHUB_REF_NAME is not used: it is a tag's name just as well.
    return replace(info, commit=commit(env, "GITHUB_SHA"), branch=branch_of(text(env, "GITHUB_REF")))


def _pull_request(info: RunInfo, env: Mapping[str, str], payload: object, git: Git) -> RunInfo:
    """Head and base from the payload; without it from the parents of the merge commit; else unknown."""
    pull = dig(payload, "pull_request")
    found = Ends(commit_id(dig(pull, "head", "sha")), commit_id(dig(pull, "base", "sha")))
    if not found.head and _MERGE_REF.fullmatch(text(env, "GITHUB_REF")):
        found = hosts_merge(git, commit(env, "GITHUB_SHA"))
    ours = text_at(pull, "base", "repo", "full_name") or text(env, "GITHUB_REPOSITORY")
    return replace(
        info,
        commit=found.head,
        branch=text(env, "GITHUB_HEAD_REF") or text_at(pull, "head", "ref"),
        base_branch=text(env, "GITHUB_BASE_REF") or text_at(pull, "base", "ref"),
        base_commit=found.base,
        fork=isinstance(pull, dict) and _foreign(dig(pull, "head", "repo"), ours),
    )


def _merge_group(info: RunInfo, env: Mapping[str, str], payload: object) -> RunInfo:
    """The merge group's commit becomes the base branch's when it passes, so it stands for that branch."""
    base = branch_of(text_at(payload, "merge_group", "base_ref"))
    return replace(
        info,
        commit=commit_id(dig(payload, "merge_group", "head_sha")) or commit(env, "GITHUB_SHA"),
        branch=base or queue_base(branch_of(text(env, "GITHUB_REF"))),
    )


def described(info: RunInfo, origin: object) -> RunInfo:
    """`info` with what GitHub tells of a run: in the payload of `workflow_run`, or when it is asked for the run.

    Without it nothing is known but the id in `info`: GITHUB_SHA is the default branch, which was not tested.
    """
    if not isinstance(origin, dict):
        return info
    event = _EVENTS.get(text_at(origin, "event"), Event.OTHER)
    branch = text_at(origin, "head_branch")
    number = int_at(origin, "id")
    fork = _foreign(dig(origin, "head_repository"), text_at(origin, "repository", "full_name"))
    if event is Event.MERGE_QUEUE:
        branch = queue_base(branch)
    return replace(
        info,
        run=str(number) if number else info.run,
        attempt=(int_at(origin, "run_attempt") or 1) if number else info.attempt,
        commit=commit_id(origin.get("head_sha")),
        branch=branch,
        base_branch=text_at(origin, "pull_requests", 0, "base", "ref"),
        base_commit=commit_id(dig(origin, "pull_requests", 0, "base", "sha")),
        event=event,
        job="",
        url=link(origin.get("html_url")) or info.url,
        fork=fork,
    )


def _foreign(repo: object, ours: str) -> bool:
    """Is this another repository than ours? A deleted fork is `null`, and our own cannot be deleted."""
    return text_at(repo, "full_name").lower() != ours.lower()


def _url(env: Mapping[str, str], run: str) -> str:
    """The run's page; "" when one of its parts is missing."""
    server, ours = link(env.get("GITHUB_SERVER_URL")), text(env, "GITHUB_REPOSITORY")
    if not (server and ours and run):
        return ""
    return link(f"{server.rstrip('/')}/{quote(ours)}/actions/runs/{quote(run, safe='')}")
