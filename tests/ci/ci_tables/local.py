from __future__ import annotations

from ci_tables import HEAD, PLAIN, Case, FakeGit
from flakelens.model import Event

RUN = {"provider": "local", "run": "", "event": Event.MANUAL, "local": True}

CASES = (
    Case("a clean tree", {}, {**RUN, "commit": HEAD, "branch": "main"}, git=FakeGit((PLAIN,), "main")),
    Case("a changed tree", {}, {**RUN, "commit": HEAD, "dirty": True}, git=FakeGit((PLAIN,), changed=True)),
    Case("no repository", {}, RUN),
    Case("CI=false is no CI", {"CI": "false"}, RUN),
)
