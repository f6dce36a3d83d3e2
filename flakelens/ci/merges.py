"""From the merge commit that a provider makes for a pull request back to the pull request's own head.

The head commit is what people know and what later runs name; the merge commit exists for one run. There are two
habits: hosts (GitHub, GitLab, Azure) merge the head *into the base*, so the head is the second parent; Jenkins'
git plugin checks the head out and merges *the base into it*, so the head is the first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from flakelens.ci.git import Commit, Git

# Class MergeWithGitSCMExtension of Jenkins' git plugin commits under this address.
_JENKINS = "nobody@nowhere"


class Ends(msgspec.Struct, frozen=True):
    """The two ends of a pull request; "" where unknown."""

    head: str
    base: str


def hosts_merge(git: Git, sha: str) -> Ends:
    """The ends of a commit that is known to be a host's merge (base first, head second)."""
    commit = git.commit(sha)
    if commit is None or len(commit.parents) != 2:
        return Ends("", "")
    return Ends(head=commit.parents[1], base=commit.parents[0])


def ends(git: Git, sha: str, *, may_be_merge: bool) -> Ends:
    """The ends of a pull request whose provider says it built `sha`.

    A merge made by GitHub or by Jenkins is recognised and resolved. Any other commit is the head itself, unless it
    `may_be_merge`, that is the provider is known to build merges: then it must be proved to be none, or the head
    stays unknown. A head that is a merge of its author's own is thus given up rather than taken for a wrong one.
    """
    commit = git.commit(sha)
    if commit is None:
        return Ends("" if may_be_merge else sha, "")
    if len(commit.parents) < 2:
        return Ends(sha, "")
    return _made_by_machine(commit) or Ends("" if may_be_merge else sha, "")


def _made_by_machine(commit: Commit) -> Ends | None:
    """The ends of a merge that bears the mark of GitHub or of Jenkins; None for others."""
    if len(commit.parents) != 2:
        return None
    first, second = commit.parents
    if commit.subject == f"Merge {second} into {first}":
        return Ends(head=second, base=first)
    if commit.committer == _JENKINS:
        return Ends(head=first, base=second)
    return None
