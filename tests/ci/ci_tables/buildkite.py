from __future__ import annotations

from ci_tables import BASE, GITHUB_MERGE, HEAD, MERGE, PLAIN, Case, FakeGit
from flakelens.model import Event

COMMON = {
    "CI": "true",
    "BUILDKITE": "true",
    "BUILDKITE_BUILD_ID": "b-1",
    "BUILDKITE_BUILD_URL": "https://buildkite.com/acme/shop/builds/1",
    "BUILDKITE_COMMIT": HEAD,
    "BUILDKITE_BRANCH": "main",
    "BUILDKITE_LABEL": "e2e",
    "BUILDKITE_PULL_REQUEST": "false",
    "BUILDKITE_PULL_REQUEST_BASE_BRANCH": "",
    "BUILDKITE_REPO": "git@github.com:acme/shop.git",
    "BUILDKITE_RETRY_COUNT": "0",
    "BUILDKITE_SOURCE": "webhook",
}
RUN = {"provider": "buildkite", "run": "b-1", "commit": HEAD, "job": "e2e", "url": COMMON["BUILDKITE_BUILD_URL"]}
PUSH = {**RUN, "branch": "main", "event": Event.PUSH}
PULL_ENV = {
    **COMMON,
    "BUILDKITE_BRANCH": "feature",
    "BUILDKITE_PULL_REQUEST": "7",
    "BUILDKITE_PULL_REQUEST_BASE_BRANCH": "main",
    "BUILDKITE_PULL_REQUEST_REPO": "https://github.com/acme/shop.git",
}
PULL = {**RUN, "branch": "feature", "base_branch": "main", "event": Event.PULL_REQUEST}
MERGED = {**PULL_ENV, "BUILDKITE_PULL_REQUEST_USING_MERGE_REFSPEC": "true"}

CASES = (
    Case("push", COMMON, PUSH),
    Case("schedule", {**COMMON, "BUILDKITE_SOURCE": "schedule"}, {**PUSH, "event": Event.SCHEDULE}),
    Case("started by hand", {**COMMON, "BUILDKITE_SOURCE": "ui"}, {**PUSH, "event": Event.MANUAL}),
    Case("started by another pipeline", {**COMMON, "BUILDKITE_SOURCE": "trigger_job"}, {**PUSH, "event": Event.OTHER}),
    Case("a tag is no branch", {**COMMON, "BUILDKITE_TAG": "main"}, {**PUSH, "branch": ""}),
    Case("retried job", {**COMMON, "BUILDKITE_RETRY_COUNT": "2"}, {**PUSH, "attempt": 3}),
    Case("pull request whose repository is written otherwise", PULL_ENV, PULL),
    Case(
        "pull request of a fork whose branch is named main",
        {
            **PULL_ENV,
            "BUILDKITE_PULL_REQUEST_REPO": "git://github.com/mallory/shop.git",
            "BUILDKITE_BRANCH": "mallory:main",
        },
        {**PULL, "branch": "main", "fork": True},
    ),
    Case(
        "pull request built at the merge",
        {**MERGED, "BUILDKITE_COMMIT": MERGE},
        {**PULL, "base_commit": BASE},
        git=FakeGit((GITHUB_MERGE,)),
    ),
    Case(
        "pull request built at the merge, HEAD for a commit",
        {**MERGED, "BUILDKITE_COMMIT": "HEAD"},
        {**PULL, "base_commit": BASE},
        git=FakeGit((GITHUB_MERGE,)),
    ),
    Case(
        "pull request built at the merge without git has no commit",
        {**MERGED, "BUILDKITE_COMMIT": MERGE},
        {**PULL, "commit": ""},
    ),
    Case(
        "HEAD for a commit asks git",
        {**COMMON, "BUILDKITE_COMMIT": "HEAD", "BUILDKITE_SOURCE": "ui"},
        {**PUSH, "event": Event.MANUAL},
        git=FakeGit((PLAIN,)),
    ),
    Case(
        "merge queue stands for its base branch",
        {
            **COMMON,
            "BUILDKITE_BRANCH": f"gh-readonly-queue/main/pr-7-{BASE}",
            "BUILDKITE_MERGE_QUEUE_BASE_BRANCH": "main",
        },
        {**PUSH, "event": Event.MERGE_QUEUE},
    ),
    Case(
        "parallel jobs count from one and share a key",
        {
            **COMMON,
            "BUILDKITE_STEP_KEY": "e2e-tests",
            "BUILDKITE_PARALLEL_JOB": "3",
            "BUILDKITE_PARALLEL_JOB_COUNT": "4",
        },
        {**PUSH, "job": "e2e-tests", "shard": "4/4"},
    ),
)
