"""On a pull request the base branch's decisions hold for triage too: nobody quarantines what they have just broken."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.gate_calls import Flakelens
from tests.cli.test_gate_pull_request import git
from tests.cli.triage_histories import AS_OF, Bad, database, pull

QUARANTINE = """\
[[quarantine]]
test = { name = "calm 3" }
owner = "Ann"
reason = "I broke it"
created = 2026-10-01T00:00:00Z
expires = 2026-10-20T00:00:00Z
"""


@pytest.fixture
def checkout(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout of the pull request "feat" in its CI job, run 1041; its base is refs/remotes/origin/main."""
    git("init", "-q", "-b", "main", ".")
    Path("flakelens.toml").write_text("# ours\n")
    git("add", "flakelens.toml")
    git("commit", "-qm", "base")
    git("update-ref", "refs/remotes/origin/main", "HEAD")
    git("checkout", "-qb", "feat")
    for name, value in {
        "GITHUB_ACTIONS": "true",
        "GITHUB_EVENT_NAME": "pull_request",
        "GITHUB_BASE_REF": "main",
        "GITHUB_HEAD_REF": "feat",
        "GITHUB_REF": "refs/pull/1/merge",
        "GITHUB_RUN_ID": "1041",
        "GITHUB_SHA": git("rev-parse", "HEAD"),
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("GITHUB_EVENT_PATH", raising=False)
    return folder


def test_a_quarantine_of_the_pull_request_excuses_nothing_before_it_is_merged(
    flakelens: Flakelens, checkout: Path
) -> None:
    db = database(checkout, pull(41, {"calm 3": Bad()}))
    Path("flakelens-decisions.toml").write_text(QUARANTINE)
    said = flakelens("--db", db, "triage", "--as-of", AS_OF, "--format", "json")
    document = json.loads(said.out)
    assert (said.code, document["run"], document["failures"][0]["quarantined"]) == (10, "1041", False)
    assert any(notice.startswith("decisions: this pull request changes them") for notice in document["notices"])
    git("add", "flakelens-decisions.toml")
    git("commit", "-qm", "decide")
    git("update-ref", "refs/remotes/origin/main", "HEAD")
    said = flakelens("--db", db, "triage", "--as-of", AS_OF, "--format", "json")
    assert (said.code, json.loads(said.out)["failures"][0]["quarantined"]) == (0, True)
