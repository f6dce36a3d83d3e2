"""Environments of every provider beside what must be read from them. One file per provider, named as it is."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from flakelens.ci import Commit

HEAD, BASE, MERGE, OTHER = "a" * 40, "b" * 40, "c" * 40, "d" * 40

GITHUB_MERGE = Commit(MERGE, (BASE, HEAD), "noreply@github.com", f"Merge {HEAD} into {BASE}")
JENKINS_MERGE = Commit(MERGE, (HEAD, BASE), "nobody@nowhere", f"Merge commit '{BASE}' into HEAD")
SERVER_MERGE = Commit(MERGE, (BASE, HEAD), "server@example.org", "Merge branch 'feature' into 'main'")
AUTHORS_MERGE = Commit(MERGE, (OTHER, BASE), "dev@example.org", "Merge branch 'main' into feature")
PLAIN = Commit(HEAD, (OTHER,), "dev@example.org", "Fix the upload")


@dataclass(frozen=True)
class FakeGit:
    """A checkout of the first of these commits; without commits, no repository."""

    commits: tuple[Commit, ...] = ()
    on: str = ""
    changed: bool = False

    def head(self) -> str:
        return self.commits[0].sha if self.commits else ""

    def branch(self) -> str:
        return self.on

    def dirty(self) -> bool:
        return self.changed

    def commit(self, sha: str) -> Commit | None:
        return next((each for each in self.commits if each.sha == sha), None)


@dataclass(frozen=True)
class Case:
    """One environment: a story, its variables, and the fields it must give (all others have their defaults)."""

    story: str
    env: dict[str, str]
    gives: dict[str, Any]
    git: FakeGit = field(default_factory=FakeGit)
    payload: object = None  # the JSON that GITHUB_EVENT_PATH names
