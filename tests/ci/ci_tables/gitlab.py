from __future__ import annotations

from ci_tables import AUTHORS_MERGE, BASE, HEAD, MERGE, PLAIN, SERVER_MERGE, Case, FakeGit
from flakelens.model import Event

COMMON = {
    "CI": "true",
    "GITLAB_CI": "true",
    "CI_PIPELINE_ID": "555",
    "CI_PIPELINE_URL": "https://gitlab.example/acme/shop/-/pipelines/555",
    "CI_JOB_NAME": "e2e",
    "CI_PROJECT_ID": "1",
    "CI_COMMIT_SHA": HEAD,
    "CI_NODE_TOTAL": "1",
}
RUN = {"provider": "gitlab", "run": "555", "job": "e2e", "url": COMMON["CI_PIPELINE_URL"]}


def env(source: str, **more: str) -> dict[str, str]:
    return {**COMMON, "CI_PIPELINE_SOURCE": source, "CI_COMMIT_BRANCH": "main", "CI_COMMIT_REF_NAME": "main", **more}


def request(kind: str, **more: str) -> dict[str, str]:
    own = {
        "CI_PIPELINE_SOURCE": "merge_request_event",
        "CI_MERGE_REQUEST_IID": "7",
        "CI_MERGE_REQUEST_EVENT_TYPE": kind,
        "CI_MERGE_REQUEST_PROJECT_ID": "1",
        "CI_MERGE_REQUEST_SOURCE_PROJECT_ID": "1",
        "CI_MERGE_REQUEST_SOURCE_BRANCH_NAME": "feature",
        "CI_MERGE_REQUEST_TARGET_BRANCH_NAME": "main",
        "CI_MERGE_REQUEST_DIFF_BASE_SHA": BASE,
    }
    return {**COMMON, **own, **more}


PUSH = {**RUN, "commit": HEAD, "branch": "main", "event": Event.PUSH}
REQUEST = {**RUN, "branch": "feature", "base_branch": "main", "base_commit": BASE, "event": Event.PULL_REQUEST}

CASES = (
    Case("push", env("push"), PUSH),
    Case("schedule", env("schedule"), {**PUSH, "event": Event.SCHEDULE}),
    Case("started by hand", env("web"), {**PUSH, "event": Event.MANUAL}),
    Case("started by the API", env("api"), {**PUSH, "event": Event.MANUAL}),
    Case("child pipeline", env("parent_pipeline"), PUSH),
    Case("another project's pipeline does not count", env("pipeline"), {**PUSH, "event": Event.OTHER}),
    Case(
        "a tag is no branch",
        env("push", CI_COMMIT_BRANCH="", CI_COMMIT_TAG="main"),
        {**PUSH, "branch": ""},
    ),
    Case("merge request", request("detached"), {**REQUEST, "commit": HEAD}),
    Case(
        "merge request of a fork whose branch is named main",
        request("detached", CI_MERGE_REQUEST_SOURCE_PROJECT_ID="99", CI_MERGE_REQUEST_SOURCE_BRANCH_NAME="main"),
        {**REQUEST, "commit": HEAD, "branch": "main", "fork": True},
    ),
    Case(
        "merge request in a child pipeline",
        request("detached", CI_PIPELINE_SOURCE="parent_pipeline"),
        {**REQUEST, "commit": HEAD},
    ),
    Case(
        "merged results, where CI_COMMIT_SHA is the merge",
        request("merged_result", CI_COMMIT_SHA=MERGE, CI_MERGE_REQUEST_SOURCE_BRANCH_SHA=HEAD),
        {**REQUEST, "commit": HEAD},
    ),
    Case(
        "merged results without the source's sha takes the second parent",
        request("merged_result", CI_COMMIT_SHA=MERGE),
        {**REQUEST, "commit": HEAD},
        git=FakeGit((SERVER_MERGE,)),
    ),
    Case("merged results without git has no commit", request("merged_result", CI_COMMIT_SHA=MERGE), REQUEST),
    Case(
        "merge request of an unknown kind whose commit is no merge",
        request(""),
        {**REQUEST, "commit": HEAD},
        git=FakeGit((PLAIN,)),
    ),
    Case(
        "merge request of an unknown kind whose commit is a merge has no commit",
        request("", CI_COMMIT_SHA=MERGE),
        REQUEST,
        git=FakeGit((AUTHORS_MERGE,)),
    ),
    Case(
        "merge train stands for its target branch",
        request("merge_train", CI_COMMIT_SHA=MERGE, CI_MERGE_REQUEST_SOURCE_BRANCH_SHA=HEAD),
        {**RUN, "commit": MERGE, "branch": "main", "event": Event.MERGE_QUEUE},
    ),
    Case(
        "parallel jobs are shards and share a name",
        env("push", CI_JOB_NAME="e2e 2/4", CI_NODE_INDEX="2", CI_NODE_TOTAL="4"),
        {**PUSH, "shard": "2/4"},
    ),
    Case(
        "matrix jobs are no shards",
        env("push", CI_JOB_NAME="e2e: [chrome]", CI_NODE_INDEX="1", CI_NODE_TOTAL="3"),
        {**PUSH, "job": "e2e: [chrome]"},
    ),
    Case(
        "pull request of another host's fork",
        {
            **COMMON,
            "CI_PIPELINE_SOURCE": "external_pull_request_event",
            "CI_EXTERNAL_PULL_REQUEST_IID": "7",
            "CI_EXTERNAL_PULL_REQUEST_SOURCE_REPOSITORY": "mallory/shop",
            "CI_EXTERNAL_PULL_REQUEST_TARGET_REPOSITORY": "acme/shop",
            "CI_EXTERNAL_PULL_REQUEST_SOURCE_BRANCH_NAME": "feature",
            "CI_EXTERNAL_PULL_REQUEST_SOURCE_BRANCH_SHA": HEAD,
            "CI_EXTERNAL_PULL_REQUEST_TARGET_BRANCH_NAME": "main",
            "CI_EXTERNAL_PULL_REQUEST_TARGET_BRANCH_SHA": BASE,
        },
        {**REQUEST, "commit": HEAD, "fork": True},
    ),
)
