from __future__ import annotations

from ci_tables import AUTHORS_MERGE, BASE, GITHUB_MERGE, HEAD, JENKINS_MERGE, MERGE, PLAIN, Case, FakeGit
from flakelens.model import Event

COMMON = {
    "JENKINS_URL": "https://ci.example/",
    "JOB_NAME": "shop/main",
    "BUILD_NUMBER": "12",
    "BUILD_TAG": "jenkins-shop-main-12",
    "BUILD_URL": "https://ci.example/job/shop/job/main/12/",
    "BRANCH_NAME": "main",
    "GIT_COMMIT": HEAD,
}
RUN = {"provider": "jenkins", "run": "shop/main#12", "job": "shop", "url": COMMON["BUILD_URL"]}
PUSH = {**RUN, "commit": HEAD, "branch": "main", "event": Event.PUSH}
PLAIN_JOB = {k: v for k, v in COMMON.items() if k != "BRANCH_NAME"}
PULL_ENV = {
    **COMMON,
    "BRANCH_NAME": "PR-7",
    "CHANGE_ID": "7",
    "CHANGE_BRANCH": "feature",
    "CHANGE_TARGET": "main",
    "GIT_COMMIT": MERGE,
}
PULL = {**RUN, "branch": "feature", "base_branch": "main", "event": Event.PULL_REQUEST}
ENDS = {"commit": HEAD, "base_commit": BASE}

CASES = (
    Case("push, as far as can be seen", COMMON, PUSH),
    Case(
        "schedule, where EnvInject tells", {**COMMON, "BUILD_CAUSE": "TIMERTRIGGER"}, {**PUSH, "event": Event.SCHEDULE}
    ),
    Case("by hand, where EnvInject tells", {**COMMON, "BUILD_CAUSE": "MANUALTRIGGER"}, {**PUSH, "event": Event.MANUAL}),
    Case("after another job", {**COMMON, "BUILD_CAUSE": "UPSTREAMTRIGGER"}, {**PUSH, "event": Event.OTHER}),
    Case("a tag is no branch", {**COMMON, "TAG_NAME": "main"}, {**PUSH, "branch": ""}),
    Case("a stage is the job", {**COMMON, "STAGE_NAME": "E2E"}, {**PUSH, "job": "E2E"}),
    Case("plain job", {**PLAIN_JOB, "GIT_BRANCH": "origin/main"}, {**PUSH, "job": "shop/main"}),
    Case(
        "plain job without a branch",
        {**PLAIN_JOB, "GIT_BRANCH": "detached"},
        {**PUSH, "job": "shop/main", "branch": ""},
    ),
    Case(
        "without a configured address and job number",
        {"BUILD_TAG": "jenkins-shop-12", "JOB_NAME": "shop", "GIT_COMMIT": HEAD, "GIT_LOCAL_BRANCH": "main"},
        {**PUSH, "run": "jenkins-shop-12", "url": ""},
    ),
    Case("pull request at its head", {**PULL_ENV, "GIT_COMMIT": HEAD}, {**PULL, "commit": HEAD}, git=FakeGit((PLAIN,))),
    Case(
        "pull request merged by Jenkins: head is the first parent",
        PULL_ENV,
        {**PULL, **ENDS},
        git=FakeGit((JENKINS_MERGE,)),
    ),
    Case(
        "pull request merged by GitHub: head is the second parent",
        PULL_ENV,
        {**PULL, **ENDS},
        git=FakeGit((GITHUB_MERGE,)),
    ),
    Case("pull request at a merge of unknown make has no commit", PULL_ENV, PULL, git=FakeGit((AUTHORS_MERGE,))),
    Case("pull request without git has no commit", PULL_ENV, PULL),
    Case(
        "pull request of a fork whose branch is named main",
        {**PULL_ENV, "CHANGE_FORK": "mallory", "CHANGE_BRANCH": "main"},
        {**PULL, **ENDS, "branch": "main", "fork": True},
        git=FakeGit((JENKINS_MERGE,)),
    ),
    Case(
        "GitHub Pull Request Builder",
        {
            **PLAIN_JOB,
            "GIT_COMMIT": MERGE,
            "GIT_URL": "git@github.com:acme/shop.git",
            "ghprbPullId": "7",
            "ghprbActualCommit": HEAD,
            "ghprbSourceBranch": "feature",
            "ghprbTargetBranch": "main",
            "ghprbAuthorRepoGitUrl": "https://github.com/mallory/shop.git",
        },
        {**PULL, "commit": HEAD, "job": "shop/main", "fork": True},
    ),
    Case(
        "plain job on a pull request's merge ref",
        {**PLAIN_JOB, "GIT_BRANCH": "origin/pr/7/merge", "GIT_COMMIT": MERGE},
        {**RUN, **ENDS, "job": "shop/main", "branch": "pr/7/merge", "event": Event.PULL_REQUEST},
        git=FakeGit((GITHUB_MERGE,)),
    ),
    Case(
        "merge queue stands for its base branch",
        {**COMMON, "BRANCH_NAME": f"gh-readonly-queue/main/pr-7-{BASE}"},
        {**PUSH, "event": Event.MERGE_QUEUE},
    ),
)
