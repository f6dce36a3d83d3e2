from __future__ import annotations

from ci_tables import BASE, GITHUB_MERGE, HEAD, PLAIN, Case, FakeGit
from flakelens.model import Event

RUN = {"provider": "generic-ci", "run": "", "event": Event.OTHER}

CASES = (
    Case(
        "what git knows",
        {"CI": "true"},
        {**RUN, "commit": HEAD, "branch": "main"},
        git=FakeGit((PLAIN,), "main", changed=True),
    ),
    Case("without git nothing", {"CI": "1"}, RUN),
    Case("a CI that does not set CI", {"TEAMCITY_VERSION": "2026.1"}, RUN),
    Case(
        "at GitHub's merge", {"CI": "true"}, {**RUN, "commit": HEAD, "base_commit": BASE}, git=FakeGit((GITHUB_MERGE,))
    ),
)
