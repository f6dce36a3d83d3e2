"""A shared history on an orphan branch of the team's own repository, through a bare cache of ours.

The checkout is only asked where its remote is and how to log in there: its work tree, index, HEAD and refs are never
touched. Packs are added by plumbing (hash-object, mktree, commit-tree) and pushed without force, so that whoever comes
second is refused, fetches and tries again: an append cannot get lost. Of the branch's history only the newest commit is
fetched, and of its packs, where the server can leave some out, only those that are asked for.
"""

from __future__ import annotations

import random
import re
import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

from flakelens.errors import SharedHistoryError, UsageError
from flakelens.sync.form import MOST_BYTES
from flakelens.sync.git_calls import GitCalls, GitFailure, locked, settings_of, without_password
from flakelens.sync.names import PackName, parse
from flakelens.sync.remote import MOST_PACKS, Change, place_of

PATIENCE: Final = 180.0  # seconds in which a push is tried again
_REMOTE: Final = "history"
_TIP: Final = "refs/flakelens/tip"
_README: Final = b"""# Test history

This branch holds the test history of this repository: packs of test results, written and read by `flakelens sync`.
It shares no history with other branches and is never merged. See docs/sync.md of flakelens for the format.
"""
_LOST_RACE: Final = re.compile(
    r"\[rejected\]|fetch first|non-fast-forward|cannot lock ref|failed to update ref|incorrect old value|stale info"
    r"|reference already exists|remote ref does not match",
    re.IGNORECASE,
)

_Tree = dict[PackName, str]  # the id of each pack's blob


class GitHistory:
    """`History` on the branch `branch` of the remote `remote` (a name or an address) of the checkout in `folder`."""

    def __init__(self, folder: Path, remote: str, branch: str, cache: Path, environ: Mapping[str, str]) -> None:
        settings = settings_of(folder, remote, environ)
        self._branch = branch
        self.place = place_of(f"git:{without_password(settings.address)}/{branch}")
        self._cache = cache / f"{self.place}.git"
        self._git = GitCalls(self._cache, settings, _REMOTE)
        self._tip = ""
        self._tree: _Tree = {}

    def names(self) -> frozenset[PackName]:
        """The packs of the branch's newest commit; none while there is no such branch."""
        with locked(self._cache):
            self._look()
        return frozenset(self._tree)

    def read(self, names: Iterable[PackName]) -> Iterator[tuple[PackName, bytes]]:
        """The bytes of these packs, as of the last look at the branch."""
        wanted = [name for name in names if name in self._tree]
        with locked(self._cache):
            self._git.bring([self._tree[name] for name in wanted])
        for name in wanted:
            data = self._git.blob(self._tree[name], MOST_BYTES)
            if data is not None:
                yield name, data

    def change(self, plan: Callable[[frozenset[PackName]], Change]) -> Change:
        """Add and remove packs in one commit, pushed on top of whatever is there by then."""
        end = time.monotonic() + PATIENCE
        pause = 0.05
        while True:
            with locked(self._cache):
                self._look()
            change = plan(frozenset(self._tree))
            if not change:
                return change
            with locked(self._cache):
                self._refuse_other_branches()
                said = self._push(self._commit(change))
            if not said:
                self._tip = ""
                return change
            if not _LOST_RACE.search(said):
                raise SharedHistoryError(
                    f"The branch {self._branch} cannot be pushed: {self._git.scrubbed(said)}",
                    mend="Is the token allowed to write (in GitHub Actions: permissions: contents: write), and the"
                    " branch not protected?",
                )
            if time.monotonic() > end:
                raise SharedHistoryError(
                    f"Others have been pushing to {self._branch} for {PATIENCE:.0f} seconds; nothing was shared.",
                    mend="Run it again: what was not pushed is pushed then.",
                )
            time.sleep(random.uniform(0, pause))
            pause = min(2.0, pause * 2)

    # --- the cache ---

    def _look(self) -> None:
        """Bring the newest commit of the branch and its list of packs."""
        try:
            self._bring_up()
        except GitFailure:
            # A cache that was killed or damaged is made again: it holds nothing of its own.
            shutil.rmtree(self._cache, ignore_errors=True)
            self._tip, self._tree = "", {}
            try:
                self._bring_up()
            except GitFailure as failure:
                raise SharedHistoryError(
                    f"The shared history cannot be reached: {self._git.scrubbed(str(failure))}",
                    mend="Check --remote, the network and the permission to read the repository.",
                ) from None

    def _bring_up(self) -> None:
        self._git.prepare()
        answer = self._git.online("ls-remote", "--heads", _REMOTE, f"refs/heads/{self._branch}")
        tip = answer.split()[0] if answer.strip() else ""
        if not tip:
            self._tip, self._tree = "", {}
            return
        if tip == self._tip:
            return
        self._git.online(
            "fetch", "--quiet", "--depth=1", "--no-tags", "--filter=blob:none", "--no-write-fetch-head", _REMOTE,
            f"+refs/heads/{self._branch}:{_TIP}",
        )  # fmt: skip
        self._tip = self._git.local("rev-parse", "--verify", f"{_TIP}^{{commit}}").strip()
        self._tree = {}
        for line in self._git.local("ls-tree", "-r", "-z", "--full-tree", self._tip).split("\0"):
            told, _, path = line.partition("\t")
            name = parse(path)
            if name is not None and told.startswith("100644 blob "):
                self._tree[name] = told.split()[2]
        if len(self._tree) > MOST_PACKS:
            raise SharedHistoryError(
                f"The branch {self._branch} lists more than {MOST_PACKS:,} packs.", mend="Is it the right one?"
            )

    def _refuse_other_branches(self) -> None:
        """A branch that holds files and no pack is somebody's code, not a history."""
        if self._tip and not self._tree and any(not line.endswith("\tREADME.md") for line in self._others()):
            raise UsageError(
                f"The branch {self._branch} holds something else than a shared history; nothing was pushed.",
                mend="Name a branch that does not exist yet, such as flakelens-history.",
            )

    # --- a commit ---

    def _commit(self, change: Change) -> str:
        """A commit whose tree is the branch's with the change; the trees of untouched months are taken as they are."""
        blobs = self._git.store_blobs([*change.add.values()])
        tree = {name: blob for name, blob in self._tree.items() if name not in change.remove}
        tree |= dict(zip(change.add, blobs, strict=True))
        folders: dict[str, dict[str, dict[str, str]]] = {}
        for name, blob in tree.items():
            file = name.path.rpartition("/")[2]
            folders.setdefault(name.kind, {}).setdefault(name.month, {})[file] = blob
        top = [f"040000 tree {self._folder(months)}\t{kind}" for kind, months in sorted(folders.items())]
        top += self._others() if self._tip else [f"100644 blob {self._git.store_blobs([_README])[0]}\tREADME.md"]
        added, removed = len(change.add), len(change.remove)
        subject = f"Add {added} pack{'s' if added != 1 else ''}"
        subject += f" in place of {removed}" if removed else ""
        parents = ["-p", self._tip] if self._tip else []
        return self._git.local("commit-tree", self._git.tree(top), *parents, "-m", subject).strip()

    def _folder(self, months: Mapping[str, Mapping[str, str]]) -> str:
        lines = []
        for month, files in sorted(months.items()):
            inside = self._git.tree([f"100644 blob {blob}\t{file}" for file, blob in sorted(files.items())])
            lines.append(f"040000 tree {inside}\t{month}")
        return self._git.tree(lines)

    def _others(self) -> list[str]:
        """What lies beside the packs' folders, kept as it is."""
        kinds = {name.kind for name in self._tree}
        lines = self._git.local("ls-tree", "-z", "--full-tree", self._tip).split("\0")
        return [line for line in lines if line and line.partition("\t")[2] not in kinds]

    def _push(self, commit: str) -> str:
        """Push a commit; "" when it has landed, else what git said."""
        try:
            self._git.online("push", "--quiet", "--no-verify", _REMOTE, f"{commit}:refs/heads/{self._branch}")
        except GitFailure as failure:
            return str(failure) or "git push failed"
        return ""
