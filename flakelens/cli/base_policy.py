"""Whose policy judges: on a pull request that of the base branch, so that nobody lowers the bar they must clear."""

from __future__ import annotations

from pathlib import Path

import msgspec

from flakelens import decisions as decisions_room
from flakelens import policy_text as policy_room
from flakelens.ci import Git, GitFolder, local, provider_of
from flakelens.cli.app import DECISIONS_FILE, POLICY_FILE, App
from flakelens.decisions import Decisions
from flakelens.errors import DecisionsError, PolicyError
from flakelens.model import Event, RunInfo
from flakelens.policy import Policy


class Rules(msgspec.Struct, frozen=True, kw_only=True):
    """The policy and decisions that judge, and what a reader must know about where they come from."""

    policy: Policy
    decisions: Decisions
    notices: tuple[str, ...] = ()


def rules_in_force(app: App, git: Git | None = None) -> Rules:
    """The checkout's rules; on a pull request the base branch's, with the loosenings of the checkout as notices.

    Where the base branch cannot be read, the checkout's judge and a notice says so. Raises PolicyError and
    DecisionsError for what is wrong in the checkout, on a pull request too: it would be wrong on the base branch soon.
    """
    own = Rules(policy=app.policy(), decisions=app.decisions())
    provider = provider_of(app.environ)
    if provider is local:  # nobody's pull request, and git need not be asked
        return own
    info = provider.read(app.environ, git or GitFolder(app.folder))
    if info.event is not Event.PULL_REQUEST:
        return own
    place = app.policy_place()
    folder = place[0].parent if place else app.folder
    checkout = GitFolder(folder)
    ref = _base(info, checkout)
    if not ref:
        branch = f"the base branch {info.base_branch}".strip()
        return _own(own, f"{branch} is not in this checkout; fetch it (actions/checkout: fetch-depth: 0)")
    try:
        policy = _policy(ref, place, checkout)
        text = checkout.show(ref, f"./{DECISIONS_FILE}")
        decisions = decisions_room.parse(text or "", where=f"{DECISIONS_FILE} of {info.base_branch or ref[:12]}")
    except (PolicyError, DecisionsError) as error:
        return _own(own, f"the base branch's rules are not valid ({str(error).rstrip('.')})")
    from flakelens.policy_diff import loosenings

    notices = [f"policy: {line}; the base branch's policy judges" for line in loosenings(policy, own.policy)]
    if own.decisions.sha256 != decisions.sha256:
        notices.append("decisions: this pull request changes them; until it is merged the base branch's hold.")
    return Rules(policy=policy, decisions=decisions, notices=tuple(notices))


def _own(own: Rules, why: str) -> Rules:
    return Rules(
        policy=own.policy,
        decisions=own.decisions,
        notices=(f"This verdict uses the pull request's own policy and decisions: {why}.",),
    )


def _base(info: RunInfo, git: GitFolder) -> str:
    """A name of the base commit that this checkout can read, "" for none."""
    names = [f"refs/remotes/origin/{info.base_branch}", f"refs/heads/{info.base_branch}"] if info.base_branch else []
    return next((name for name in (*names[:1], info.base_commit, *names[1:]) if name and git.has(name)), "")


def _policy(ref: str, place: tuple[Path, tuple[str, ...]] | None, git: GitFolder) -> Policy:
    """The policy at `ref`: the same file, else where a policy may be, else the shipped defaults."""
    candidates = [(f"./{place[0].name}", place[1])] if place else []
    for prefix in ("./", ""):  # beside the checkout's own, then the repository's root
        candidates += [(f"{prefix}{POLICY_FILE}", ()), (f"{prefix}pyproject.toml", ("tool", "flakelens"))]
    for path, table in candidates:
        text = git.show(ref, path)
        if text is not None and (not table or "flakelens" in text):
            return policy_room.parse(text, where=f"{path.removeprefix('./')} of the base branch", table=table)
    return policy_room.parse()
