from __future__ import annotations

from typing import Any

from ci_tables import AUTHORS_MERGE, BASE, GITHUB_MERGE, HEAD, MERGE, OTHER, PLAIN, Case, FakeGit
from flakelens.model import Event

OURS = "acme/shop"
COMMON = {
    "CI": "true",
    "GITHUB_ACTIONS": "true",
    "GITHUB_RUN_ID": "9001",
    "GITHUB_RUN_ATTEMPT": "1",
    "GITHUB_JOB": "e2e",
    "GITHUB_REPOSITORY": OURS,
    "GITHUB_SERVER_URL": "https://github.com",
    "GITHUB_SHA": HEAD,
    "GITHUB_REF": "refs/heads/main",
}
URL = "https://github.com/acme/shop/actions/runs/9001"
RUN = {"provider": "github", "run": "9001", "job": "e2e", "url": URL}


def env(event: str, **more: str) -> dict[str, str]:
    return {**COMMON, "GITHUB_EVENT_NAME": event, **more}


def pull_env(event: str = "pull_request", **more: str) -> dict[str, str]:
    ref = {"GITHUB_SHA": MERGE, "GITHUB_REF": "refs/pull/7/merge"}
    return env(event, **{**ref, "GITHUB_HEAD_REF": "feature", "GITHUB_BASE_REF": "main", **more})


def pull(theirs: str | None = OURS) -> dict[str, Any]:
    repo = None if theirs is None else {"full_name": theirs}
    head = {"sha": HEAD, "ref": "feature", "repo": repo}
    base = {"sha": BASE, "ref": "main", "repo": {"full_name": OURS}}
    return {"pull_request": {"head": head, "base": base}}


def origin(event: str, theirs: str = OURS, **more: object) -> dict[str, Any]:
    run = {
        "id": 8000,
        "run_attempt": 2,
        "event": event,
        "head_sha": HEAD,
        "head_branch": "main",
        "head_repository": {"full_name": theirs},
        "repository": {"full_name": OURS},
        "html_url": "https://github.com/acme/shop/actions/runs/8000",
        "pull_requests": [],
    }
    return {"workflow_run": {**run, **more}}


PULL = {**RUN, "event": Event.PULL_REQUEST, "branch": "feature", "base_branch": "main"}
ENDS = {"commit": HEAD, "base_commit": BASE}
ORIGIN = {
    "provider": "github",
    "run": "8000",
    "attempt": 2,
    "commit": HEAD,
    "url": "https://github.com/acme/shop/actions/runs/8000",
}
QUEUE_REF = f"refs/heads/gh-readonly-queue/main/pr-7-{BASE}"
MAIN = {"commit": HEAD, "branch": "main"}

CASES = (
    Case("push", env("push"), {**RUN, **MAIN, "event": Event.PUSH}),
    Case(
        "a push to a branch with slashes",
        env("push", GITHUB_REF="refs/heads/release/1.x"),
        {**RUN, "commit": HEAD, "branch": "release/1.x", "event": Event.PUSH},
    ),
    Case(
        "a tag named main is no branch",
        env("push", GITHUB_REF="refs/tags/main", GITHUB_REF_NAME="main", GITHUB_REF_TYPE="tag"),
        {**RUN, "commit": HEAD, "event": Event.PUSH},
    ),
    Case("schedule", env("schedule"), {**RUN, **MAIN, "event": Event.SCHEDULE}),
    Case("started by hand", env("workflow_dispatch"), {**RUN, **MAIN, "event": Event.MANUAL}),
    Case("another event does not count", env("issue_comment"), {**RUN, **MAIN, "event": Event.OTHER}),
    Case("re-run", env("push", GITHUB_RUN_ATTEMPT="3"), {**RUN, **MAIN, "event": Event.PUSH, "attempt": 3}),
    Case("pull request of the same repository", pull_env(), {**PULL, **ENDS}, payload=pull()),
    Case(
        "pull request of a fork whose branch is named main",
        pull_env(GITHUB_HEAD_REF="main"),
        {**PULL, **ENDS, "branch": "main", "fork": True},
        payload=pull("mallory/shop"),
    ),
    Case("pull request of a deleted fork", pull_env(), {**PULL, **ENDS, "fork": True}, payload=pull(None)),
    Case("review of a pull request", pull_env("pull_request_review"), {**PULL, **ENDS}, payload=pull()),
    Case(
        "pull_request_target of a fork, where GITHUB_SHA is the base",
        pull_env("pull_request_target", GITHUB_SHA=BASE, GITHUB_REF="refs/heads/main"),
        {**PULL, **ENDS, "fork": True},
        payload=pull("mallory/shop"),
    ),
    Case(
        "pull request without payload takes the merge's second parent",
        pull_env(),
        {**PULL, **ENDS},
        git=FakeGit((GITHUB_MERGE,)),
    ),
    Case("pull request without payload and git has no commit", pull_env(), PULL),
    Case(
        "pull request without payload whose GITHUB_SHA is no merge has no commit",
        pull_env(GITHUB_SHA=HEAD),
        PULL,
        git=FakeGit((PLAIN,)),
    ),
    Case(
        "pull_request_target without payload has no commit",
        pull_env("pull_request_target", GITHUB_REF="refs/heads/main"),
        PULL,
        git=FakeGit((AUTHORS_MERGE,)),
    ),
    Case(
        "merge queue stands for its base branch",
        env("merge_group", GITHUB_REF=QUEUE_REF),
        {**RUN, **MAIN, "event": Event.MERGE_QUEUE},
        payload={"merge_group": {"head_sha": HEAD, "base_sha": BASE, "base_ref": "refs/heads/main"}},
    ),
    Case(
        "merge queue without payload",
        env("merge_group", GITHUB_REF=QUEUE_REF),
        {**RUN, **MAIN, "event": Event.MERGE_QUEUE},
    ),
    Case(
        "workflow_run after a push",
        env("workflow_run", GITHUB_SHA=OTHER),
        {**ORIGIN, "branch": "main", "event": Event.PUSH},
        payload=origin("push"),
    ),
    Case(
        "workflow_run after a pull request of a fork",
        env("workflow_run", GITHUB_SHA=OTHER),
        {**ORIGIN, "branch": "main", "event": Event.PULL_REQUEST, "fork": True},
        payload=origin("pull_request", "mallory/shop"),
    ),
    Case(
        "workflow_run after a pull request of the same repository",
        env("workflow_run", GITHUB_SHA=OTHER),
        {**ORIGIN, "branch": "f", "event": Event.PULL_REQUEST, "base_branch": "main", "base_commit": BASE},
        payload=origin("pull_request", head_branch="f", pull_requests=[{"base": {"ref": "main", "sha": BASE}}]),
    ),
    Case(
        "workflow_run after a merge queue",
        env("workflow_run", GITHUB_SHA=OTHER),
        {**ORIGIN, "branch": "main", "event": Event.MERGE_QUEUE},
        payload=origin("merge_group", head_branch=QUEUE_REF.removeprefix("refs/heads/")),
    ),
    Case("workflow_run without payload claims nothing", env("workflow_run"), {**RUN, "event": Event.OTHER}),
    Case(
        "a server address that is no web address makes no link",
        env("push", GITHUB_SERVER_URL="javascript:alert(1)"),
        {**RUN, **MAIN, "event": Event.PUSH, "url": ""},
    ),
)
