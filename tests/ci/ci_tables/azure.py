from __future__ import annotations

from ci_tables import BASE, HEAD, MERGE, SERVER_MERGE, Case, FakeGit
from flakelens.model import Event

COMMON = {
    "TF_BUILD": "True",
    "BUILD_BUILDID": "42",
    "BUILD_REASON": "IndividualCI",
    "BUILD_SOURCEBRANCH": "refs/heads/main",
    "BUILD_SOURCEVERSION": HEAD,
    "SYSTEM_COLLECTIONURI": "https://dev.azure.com/acme/",
    "SYSTEM_TEAMPROJECT": "web shop",
    "SYSTEM_PHASENAME": "e2e",
    "SYSTEM_JOBNAME": "__default",
    "SYSTEM_JOBATTEMPT": "1",
    "SYSTEM_JOBPOSITIONINPHASE": "1",
    "SYSTEM_TOTALJOBSINPHASE": "1",
}
URL = "https://dev.azure.com/acme/web%20shop/_build/results?buildId=42"
RUN = {"provider": "azure", "run": "42", "job": "e2e", "url": URL}
PUSH = {**RUN, "commit": HEAD, "branch": "main", "event": Event.PUSH}
PULL_ENV = {
    **COMMON,
    "BUILD_REASON": "PullRequest",
    "BUILD_SOURCEBRANCH": "refs/pull/7/merge",
    "BUILD_SOURCEVERSION": MERGE,
    "SYSTEM_PULLREQUEST_PULLREQUESTID": "7",
    "SYSTEM_PULLREQUEST_SOURCEBRANCH": "refs/heads/feature",
    "SYSTEM_PULLREQUEST_TARGETBRANCH": "refs/heads/main",
    "SYSTEM_PULLREQUEST_SOURCECOMMITID": HEAD,
    "SYSTEM_PULLREQUEST_ISFORK": "False",
}
WITHOUT_SOURCE = {**PULL_ENV, "SYSTEM_PULLREQUEST_SOURCECOMMITID": ""}
PULL = {**RUN, "branch": "feature", "base_branch": "main", "event": Event.PULL_REQUEST}

CASES = (
    Case("push", COMMON, PUSH),
    Case("batched push", {**COMMON, "BUILD_REASON": "BatchedCI"}, PUSH),
    Case("schedule", {**COMMON, "BUILD_REASON": "Schedule"}, {**PUSH, "event": Event.SCHEDULE}),
    Case("started by hand", {**COMMON, "BUILD_REASON": "Manual"}, {**PUSH, "event": Event.MANUAL}),
    Case("after another build", {**COMMON, "BUILD_REASON": "BuildCompletion"}, {**PUSH, "event": Event.OTHER}),
    Case("a tag is no branch", {**COMMON, "BUILD_SOURCEBRANCH": "refs/tags/main"}, {**PUSH, "branch": ""}),
    Case("retried job", {**COMMON, "SYSTEM_JOBATTEMPT": "2"}, {**PUSH, "attempt": 2}),
    Case("pull request", PULL_ENV, {**PULL, "commit": HEAD}),
    Case(
        "pull request with the merge at hand knows its base commit",
        PULL_ENV,
        {**PULL, "commit": HEAD, "base_commit": BASE},
        git=FakeGit((SERVER_MERGE,)),
    ),
    Case(
        "pull request of a GitHub fork whose branch is named main",
        {
            **PULL_ENV,
            "SYSTEM_PULLREQUEST_SOURCEBRANCH": "main",
            "SYSTEM_PULLREQUEST_TARGETBRANCH": "main",
            "SYSTEM_PULLREQUEST_ISFORK": "True",
        },
        {**PULL, "commit": HEAD, "branch": "main", "fork": True},
    ),
    Case(
        "pull request without its source commit takes the second parent",
        WITHOUT_SOURCE,
        {**PULL, "commit": HEAD, "base_commit": BASE},
        git=FakeGit((SERVER_MERGE,)),
    ),
    Case("pull request without its source commit and git has no commit", WITHOUT_SOURCE, PULL),
    Case(
        "a pull request's ref built by hand",
        {**COMMON, "BUILD_REASON": "Manual", "BUILD_SOURCEBRANCH": "refs/pull/7/merge", "BUILD_SOURCEVERSION": MERGE},
        {**RUN, "event": Event.PULL_REQUEST},
    ),
    Case(
        "merge queue stands for its base branch",
        {**COMMON, "BUILD_SOURCEBRANCH": f"refs/heads/gh-readonly-queue/main/pr-7-{BASE}"},
        {**PUSH, "event": Event.MERGE_QUEUE},
    ),
    Case(
        "slices are shards",
        {
            **COMMON,
            "SYSTEM_PARALLELEXECUTIONTYPE": "MultiMachine",
            "SYSTEM_JOBNAME": "Job2",
            "SYSTEM_JOBPOSITIONINPHASE": "2",
            "SYSTEM_TOTALJOBSINPHASE": "4",
        },
        {**PUSH, "shard": "2/4"},
    ),
    Case(
        "matrix legs are jobs of their own",
        {
            **COMMON,
            "SYSTEM_PARALLELEXECUTIONTYPE": "MultiConfiguration",
            "SYSTEM_JOBNAME": "chrome",
            "SYSTEM_JOBPOSITIONINPHASE": "2",
            "SYSTEM_TOTALJOBSINPHASE": "4",
        },
        {**PUSH, "job": "e2e chrome"},
    ),
)
