"""On a pull request the base branch's policy and decisions judge."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from tests.builders import a_commit
from tests.cli.gate_calls import Flakelens, Said, a_history

BROKEN = {"components 3": "F", "AI 3": "F"}


# --- pull requests ---


def git(*arguments: str) -> str:
    return subprocess.run(
        ["git", "-c", "user.name=A", "-c", "user.email=a@example.test", "-c", "commit.gpgsign=false", *arguments],
        check=True, capture_output=True, text=True,
    ).stdout.strip()  # fmt: skip


@pytest.fixture
def pull_request(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout of a pull request to main, whose base is refs/remotes/origin/main."""
    git("init", "-q", "-b", "main", ".")
    Path("flakelens.toml").write_text("# ours\n")
    git("add", "flakelens.toml")
    git("commit", "-qm", "base")
    git("update-ref", "refs/remotes/origin/main", "HEAD")
    git("checkout", "-qb", "feature")
    for name, value in {
        "GITHUB_ACTIONS": "true",
        "GITHUB_EVENT_NAME": "pull_request",
        "GITHUB_BASE_REF": "main",
        "GITHUB_HEAD_REF": "feature",
        "GITHUB_REF": "refs/pull/1/merge",
        "GITHUB_SHA": git("rev-parse", "HEAD"),
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("GITHUB_EVENT_PATH", raising=False)
    return folder


LOOSER = "[gates.gate1.criteria.pass-rate]\nthreshold = 90\n[gates.gate1.criteria.stable]\nareas = []\n"


def required(said: Said) -> dict[str, float]:
    return {criterion["id"]: criterion["required"] for criterion in json.loads(said.out)["criteria"]}


def test_on_a_pull_request_the_base_branchs_policy_judges_and_the_loosening_shows(
    flakelens: Flakelens, pull_request: Path
) -> None:
    a_history(pull_request, 20)
    Path("flakelens.toml").write_text(LOOSER)
    said = flakelens("gate", "--format", "json")
    assert required(said)["pass-rate"] == 0.98
    assert "stable" in required(said)
    notices = json.loads(said.out)["notices"]
    assert "policy: pass-rate threshold 98 -> 90; the base branch's policy judges" in notices
    assert "policy: stable is removed; the base branch's policy judges" in notices


def test_a_verdict_on_a_pull_request_still_replays(flakelens: Flakelens, pull_request: Path) -> None:
    a_history(pull_request, 20)
    Path("flakelens.toml").write_text(LOOSER)
    flakelens("gate")
    assert flakelens("gate", "--replay", "1").code == 0


def test_deleting_the_policy_does_not_escape_it(flakelens: Flakelens, pull_request: Path) -> None:
    del pull_request
    git("checkout", "-q", "-B", "strict")
    Path("flakelens.toml").write_text("[gates.gate1.criteria.pass-rate]\nthreshold = 99.5\n")
    git("commit", "-qam", "stricter")
    git("update-ref", "refs/remotes/origin/main", "HEAD")
    Path("flakelens.toml").unlink()
    said = flakelens("gate", "--format", "json")
    assert required(said)["pass-rate"] == 0.995
    assert any("99.5 -> 98" in notice for notice in json.loads(said.out)["notices"])


def test_a_waiver_of_the_pull_request_does_not_hold_before_it_is_merged(
    flakelens: Flakelens, pull_request: Path
) -> None:
    a_history(pull_request, 60, {"components 3": "F"})
    flakelens(
        "waive", "gate1", "--criterion", "stable", "--commit", a_commit(59), "--by", "A", "--reason", "b",
        "--expires", "1h",
    )  # fmt: skip
    said = flakelens("gate", "--format", "json")
    document = json.loads(said.out)
    assert (said.code, document["decision"], document["waivers"]) == (10, "STOP", [])
    assert any(notice.startswith("decisions: this pull request changes them") for notice in document["notices"])
    git("add", "flakelens-decisions.toml")
    git("commit", "-qm", "decide")
    git("update-ref", "refs/remotes/origin/main", "HEAD")
    assert flakelens("gate").code == 0


def test_without_the_base_branch_the_checkouts_policy_judges_and_a_notice_says_so(
    flakelens: Flakelens, pull_request: Path
) -> None:
    del pull_request
    git("update-ref", "-d", "refs/remotes/origin/main")
    git("branch", "-q", "-D", "main")
    Path("flakelens.toml").write_text(LOOSER)
    said = flakelens("gate", "--format", "json")
    assert required(said)["pass-rate"] == 0.9
    (notice,) = [line for line in json.loads(said.out)["notices"] if "pull request's own policy" in line]
    assert "the base branch main is not in this checkout" in notice


def test_a_base_branch_with_a_bad_policy_cannot_block_its_own_repair(flakelens: Flakelens, pull_request: Path) -> None:
    del pull_request
    Path("flakelens.toml").write_text("nonsense = 1\n")
    git("commit", "-qam", "broken")
    git("update-ref", "refs/remotes/origin/main", "HEAD")
    Path("flakelens.toml").write_text("")
    said = flakelens("gate", "--format", "json")
    assert said.code == 11
    assert any("rules are not valid" in notice for notice in json.loads(said.out)["notices"])


NEXT = """
[gates.next]
title = "Deployment"
[gates.next.criteria.audit]
kind = "attested"
what = "security audit"
by = ["Sam Secure"]
max_days = 30
"""


def test_nobody_signs_off_their_own_pull_request(flakelens: Flakelens, pull_request: Path) -> None:
    """Neither by an entry of their own, nor by allowing themselves to, nor by removing the question."""
    del pull_request
    Path("flakelens.toml").write_text(NEXT)
    git("commit", "-qam", "ask for an audit")
    git("update-ref", "refs/remotes/origin/main", "HEAD")
    Path("flakelens.toml").write_text(NEXT.replace('["Sam Secure"]', '["Sam Secure", "Eve"]'))
    sign = ("attest", "next", "--criterion", "audit", "--evidence", "trust me", "--expires", "7d", "--by")
    assert flakelens(*sign, "Eve").code == 0
    said = flakelens("gate", "next", "--format", "json")
    document = json.loads(said.out)
    assert (said.code, document["criteria"][0]["state"]) == (11, "INCONCLUSIVE")
    assert any(
        "audit may be signed off by Sam Secure, Eve instead of Sam Secure" in each for each in document["notices"]
    )
    assert any(notice.startswith("decisions: this pull request changes them") for notice in document["notices"])

    Path("flakelens.toml").write_text("# no audit\n")
    said = flakelens("gate", "next", "--format", "json")
    assert json.loads(said.out)["criteria"][0]["state"] == "INCONCLUSIVE"
    assert any("gate next is removed" in notice for notice in json.loads(said.out)["notices"])

    # Merged, by somebody who may and was reviewed, it holds.
    Path("flakelens.toml").write_text(NEXT)
    Path("flakelens-decisions.toml").unlink()
    assert flakelens(*sign, "Sam Secure").code == 0
    git("add", "-A")
    git("commit", "-qm", "sign off")
    git("update-ref", "refs/remotes/origin/main", "HEAD")
    assert flakelens("gate", "next").code == 0


def test_a_loosening_shows_in_every_format(flakelens: Flakelens, pull_request: Path) -> None:
    a_history(pull_request, 20)
    Path("flakelens.toml").write_text(LOOSER)
    for format_ in ("text", "markdown", "json"):
        assert "pass-rate threshold 98 -> 90" in " ".join(flakelens("gate", "--format", format_).out.split()).replace(
            "&gt;", ">"
        ).replace("\\", "")
