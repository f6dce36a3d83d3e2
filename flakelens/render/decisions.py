"""What was written to the decisions file, and what must happen next."""

from __future__ import annotations

from collections.abc import Iterable

from flakelens.render.escape import plain


def written_text(entry: str, path: str, notes: Iterable[str], *, quiet: bool) -> str:
    """The entry as it stands in the file, notes, and that it must be committed. `quiet`: the entry alone."""
    lines = [plain(line, 10_000) for line in entry.strip().splitlines()]
    if not quiet:
        lines += ["", f"Written to {plain(path)}.", *(plain(note) for note in notes)]
        lines.append(
            "Commit it: a decision holds where the gate sees it, and on a pull request only once it is merged."
        )
    return "\n".join(lines) + "\n"


def removed_text(entry: str, path: str, *, quiet: bool) -> str:
    """What was removed, as it stood in the file, and that the change must be committed. `quiet`: the entries alone."""
    lines = [plain(line, 10_000) for line in entry.strip().splitlines()]
    if not quiet:
        lines += ["", f"Removed from {plain(path)}. Commit it: the gate judges by what is merged."]
    return "\n".join(lines) + "\n"
