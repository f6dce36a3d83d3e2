from __future__ import annotations

from ci_tables import BASE, GITHUB_MERGE, HEAD, MERGE, Case, FakeGit
from flakelens.model import Event

COMMON = {
    "CI": "true",
    "CIRCLECI": "true",
    "CIRCLE_WORKFLOW_ID": "w-1",
    "CIRCLE_SHA1": HEAD,
    "CIRCLE_BRANCH": "main",
    "CIRCLE_JOB": "e2e",
    "CIRCLE_NODE_INDEX": "0",
    "CIRCLE_NODE_TOTAL": "1",
    "CIRCLE_BUILD_URL": "https://circleci.com/gh/acme/shop/12",
}
RUN = {"provider": "circleci", "run": "w-1", "commit": HEAD, "job": "e2e", "url": COMMON["CIRCLE_BUILD_URL"]}
PUSH = {**RUN, "branch": "main", "event": Event.PUSH}
FORK = {"CIRCLE_BRANCH": "pull/7", "CIRCLE_PR_NUMBER": "7", "CIRCLE_PR_USERNAME": "mallory"}

CASES = (
    Case("push, schedule and manual look alike", COMMON, PUSH),
    Case("a tag is no branch", {**COMMON, "CIRCLE_BRANCH": "", "CIRCLE_TAG": "main"}, {**PUSH, "branch": ""}),
    Case(
        "pull request of the same repository",
        {**COMMON, "CIRCLE_BRANCH": "feature", "CIRCLE_PULL_REQUEST": "https://github.com/acme/shop/pull/7"},
        {**RUN, "branch": "feature", "event": Event.PULL_REQUEST},
    ),
    Case(
        "pull request of a fork",
        {**COMMON, **FORK},
        {**RUN, "branch": "pull/7", "event": Event.PULL_REQUEST, "fork": True},
    ),
    Case(
        "pull request of a fork that is known by its branch alone",
        {**COMMON, "CIRCLE_BRANCH": "pull/7"},
        {**RUN, "branch": "pull/7", "event": Event.PULL_REQUEST, "fork": True},
    ),
    Case(
        "pull request built at GitHub's merge",
        {**COMMON, **FORK, "CIRCLE_SHA1": MERGE},
        {**RUN, "branch": "pull/7", "event": Event.PULL_REQUEST, "fork": True, "base_commit": BASE},
        git=FakeGit((GITHUB_MERGE,)),
    ),
    Case(
        "merge queue stands for its base branch",
        {**COMMON, "CIRCLE_BRANCH": f"gh-readonly-queue/main/pr-7-{BASE}"},
        {**PUSH, "event": Event.MERGE_QUEUE},
    ),
    Case(
        "parallel runs count from one",
        {**COMMON, "CIRCLE_NODE_INDEX": "0", "CIRCLE_NODE_TOTAL": "4"},
        {**PUSH, "shard": "1/4"},
    ),
    Case(
        "a pipeline id given by hand serves where there is no workflow",
        {**{k: v for k, v in COMMON.items() if k != "CIRCLE_WORKFLOW_ID"}, "CIRCLE_PIPELINE_ID": "p-1"},
        {**PUSH, "run": "p-1"},
    ),
)
