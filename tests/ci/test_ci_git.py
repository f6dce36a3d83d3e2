"""ci.git and detection in real repositories: what git says, shallow clones, merges by hosts and by Jenkins, no git."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

import pytest
from ci_tables import jenkins as jenkins_table

from flakelens.ci import GitFolder, detect
from flakelens.model import Event

if TYPE_CHECKING:
    from pathlib import Path


class Repository:
    """A repository on disk whose history a test writes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        self("init", "--quiet", "--initial-branch=main")

    def __call__(self, *arguments: str, email: str = "dev@example.org") -> str:
        who = ("-c", "user.name=Dev", "-c", f"user.email={email}", "-c", "commit.gpgsign=false")
        done = subprocess.run(
            ["git", *who, *arguments], cwd=self.folder, check=True, capture_output=True, text=True, encoding="utf-8"
        )
        return done.stdout.strip()

    def commit(self, name: str) -> str:
        (self.folder / name).write_text(name, encoding="utf-8")
        self("add", name)
        self("commit", "--quiet", "-m", name)
        return self("rev-parse", "HEAD")


@pytest.fixture(autouse=True)
def _no_outer_git(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [each for each in os.environ if each.startswith("GIT_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_SYSTEM", os.devnull)


@pytest.fixture
def repo(tmp_path: Path) -> Repository:
    made = Repository(tmp_path / "repo")
    made.commit("base.txt")
    return made


@pytest.fixture
def pull_request(repo: Repository) -> tuple[Repository, str, str]:
    """A repository whose branch `feature` and `main` have parted: (repository, head, base)."""
    repo("checkout", "--quiet", "-b", "feature")
    head = repo.commit("feature.txt")
    repo("checkout", "--quiet", "main")
    base = repo.commit("main.txt")
    return repo, head, base


def test_a_clean_checkout_on_a_laptop_is_known_by_commit_and_branch(repo: Repository) -> None:
    found = detect({}, GitFolder(repo.folder))
    assert (found.commit, found.branch) == (repo("rev-parse", "HEAD"), "main")
    assert (found.provider, found.event, found.local, found.dirty) == ("local", Event.MANUAL, True, False)


def test_a_detached_head_has_no_branch(repo: Repository) -> None:
    repo("checkout", "--quiet", "--detach")
    found = detect({}, GitFolder(repo.folder))
    assert (found.commit, found.branch) == (repo("rev-parse", "HEAD"), "")


def test_a_tag_of_the_branchs_name_does_not_disturb_the_branch(repo: Repository) -> None:
    repo("tag", "main")
    assert GitFolder(repo.folder).branch() == "main"


def test_changed_staged_and_untracked_files_make_a_tree_dirty(repo: Repository) -> None:
    git = GitFolder(repo.folder)
    (repo.folder / "new.test.ts").write_text("x", encoding="utf-8")
    assert git.dirty()
    repo("add", "new.test.ts")
    assert git.dirty()
    repo("commit", "--quiet", "-m", "new")
    assert not git.dirty()
    (repo.folder / "base.txt").write_text("changed", encoding="utf-8")
    assert git.dirty()


def test_dirt_is_seen_from_a_subfolder_too(repo: Repository) -> None:
    (repo.folder / "packages").mkdir()
    (repo.folder / "base.txt").write_text("changed", encoding="utf-8")
    assert GitFolder(repo.folder / "packages").dirty()


def test_ignored_files_and_flakelens_own_folder_are_no_dirt(repo: Repository) -> None:
    (repo.folder / ".gitignore").write_text("junit.xml\n", encoding="utf-8")
    repo("add", ".gitignore")
    repo("commit", "--quiet", "-m", "ignore")
    (repo.folder / "junit.xml").write_text("<testsuites/>", encoding="utf-8")
    (repo.folder / ".flakelens").mkdir()
    (repo.folder / ".flakelens" / "flakelens.db").write_bytes(b"x")
    assert not GitFolder(repo.folder).dirty()


def test_a_repository_without_commits_has_a_branch_only(tmp_path: Path) -> None:
    found = detect({}, GitFolder(Repository(tmp_path / "empty").folder))
    assert (found.commit, found.branch) == ("", "main")


@pytest.mark.parametrize("folder", ["plain", "missing"])
def test_a_folder_without_repository_is_all_empty_but_local(folder: str, tmp_path: Path) -> None:
    (tmp_path / "plain").mkdir()
    found = detect({}, GitFolder(tmp_path / folder))
    assert (found.commit, found.branch, found.dirty, found.run) == ("", "", False, "")
    assert found.local


def test_a_machine_without_git_is_all_empty_but_local(repo: Repository) -> None:
    found = detect({}, GitFolder(repo.folder, program="no-such-git"))
    assert (found.commit, found.branch, found.dirty, found.local) == ("", "", False, True)


def test_a_git_that_hangs_is_given_up(repo: Repository, tmp_path: Path) -> None:
    slow = tmp_path / "slow"
    slow.write_text("#!/bin/sh\nexec sleep 30\n", encoding="utf-8")
    slow.chmod(0o755)
    assert GitFolder(repo.folder, program=str(slow), timeout=0.1).head() == ""


def test_a_tree_whose_status_cannot_be_had_counts_as_dirty(repo: Repository) -> None:
    (repo.folder / ".git" / "index").write_bytes(b"not an index")
    assert GitFolder(repo.folder).dirty()


@pytest.mark.parametrize("sha", ["--batch", "HEAD", "", "f" * 40, "a\0b"])
def test_a_commit_that_is_not_there_or_no_id_is_none(sha: str, repo: Repository) -> None:
    assert GitFolder(repo.folder).commit(sha) is None


def test_asking_writes_nothing_into_the_repository(repo: Repository) -> None:
    def state() -> dict[str, bytes]:
        return {str(p): p.read_bytes() for p in (repo.folder / ".git").rglob("*") if p.is_file()}

    os.utime(repo.folder / "base.txt", (1, 1))  # git would refresh its index for this
    before = state()
    git = GitFolder(repo.folder)
    detect({}, git)
    git.commit(git.head())
    assert state() == before


def test_github_without_payload_finds_the_head_even_in_a_shallow_clone(
    pull_request: tuple[Repository, str, str], tmp_path: Path
) -> None:
    repo, head, base = pull_request
    repo("merge", "--quiet", "--no-ff", "-m", f"Merge {head} into {base}", "feature")
    merge = repo("rev-parse", "HEAD")
    clone = tmp_path / "clone"
    repo("clone", "--quiet", "--depth=1", repo.folder.as_uri(), str(clone))
    env = {
        "GITHUB_ACTIONS": "true",
        "GITHUB_EVENT_NAME": "pull_request",
        "GITHUB_SHA": merge,
        "GITHUB_REF": "refs/pull/7/merge",
    }
    found = detect(env, GitFolder(clone))
    assert (found.commit, found.base_commit) == (head, base)


def test_jenkins_own_merge_has_the_pull_requests_head_as_first_parent(
    pull_request: tuple[Repository, str, str],
) -> None:
    repo, head, base = pull_request
    repo("checkout", "--quiet", "--detach", head)
    repo("merge", "--quiet", "--no-edit", base, email="nobody@nowhere")
    env = {**jenkins_table.PULL_ENV, "GIT_COMMIT": repo("rev-parse", "HEAD")}
    found = detect(env, GitFolder(repo.folder))
    assert (found.commit, found.base_commit) == (head, base)


def test_jenkins_merge_of_a_pull_request_that_is_up_to_date_is_its_head(repo: Repository) -> None:
    base = repo("rev-parse", "HEAD")
    repo("checkout", "--quiet", "-b", "feature")
    head = repo.commit("feature.txt")
    repo("merge", "--quiet", base)
    found = detect({**jenkins_table.PULL_ENV, "GIT_COMMIT": head}, GitFolder(repo.folder))
    assert (found.commit, found.base_commit) == (head, "")


def test_jenkins_at_an_authors_own_merge_claims_no_commit(pull_request: tuple[Repository, str, str]) -> None:
    repo, _, _ = pull_request
    repo("checkout", "--quiet", "feature")
    repo("merge", "--quiet", "--no-edit", "main")
    found = detect({**jenkins_table.PULL_ENV, "GIT_COMMIT": repo("rev-parse", "HEAD")}, GitFolder(repo.folder))
    assert found.commit == ""


def test_an_unknown_ci_on_a_branch_is_read_from_git_and_does_not_count(repo: Repository) -> None:
    (repo.folder / "untracked.txt").write_text("x", encoding="utf-8")
    found = detect({"CI": "true"}, GitFolder(repo.folder))
    assert (found.provider, found.branch, found.event) == ("generic-ci", "main", Event.OTHER)
    assert (found.local, found.dirty) == (False, False)
