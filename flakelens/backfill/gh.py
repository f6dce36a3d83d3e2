"""Questions to GitHub through its own program `gh`, which knows how to log in. Answers are bounded and are data."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final
from urllib.parse import quote, urlencode

from flakelens.errors import UsageError

PAGE: Final = 100  # entries of one answer, GitHub's most
_LARGEST: Final = 64 << 20  # bytes of one answer
_CHUNK: Final = 1 << 20
_PATIENCE: Final = 600.0  # seconds for one answer
_REPO: Final = re.compile(r"[A-Za-z0-9_.-]{1,100}/[A-Za-z0-9_.-]{1,100}", re.ASCII)
_LIMITED: Final = re.compile(r"rate limit|HTTP 429", re.IGNORECASE)
_SECRET: Final = re.compile(r"\b(?:gh[a-z]_|github_pat_)\w+")


class GhError(Exception):
    """An answer that did not come, with what gh said. `limited`: GitHub wants to be asked later."""

    def __init__(self, message: str) -> None:
        message = _SECRET.sub("***", " ".join(message.split()))[:400]
        super().__init__(message)
        self.limited = bool(_LIMITED.search(message))


class TooLargeError(Exception):
    """More bytes came than were allowed."""


class Gh:
    """The program `gh`, called in `folder`. `repo` is "OWNER/NAME", or "" for that of the checkout."""

    def __init__(self, folder: Path, environ: Mapping[str, str], repo: str = "") -> None:
        if repo and not _REPO.fullmatch(repo):
            raise UsageError(f"--repo {repo!r} is no repository.", mend="Write OWNER/NAME.")
        self._folder = folder
        self._environ = {**environ, "GH_PROMPT_DISABLED": "1", "GH_NO_UPDATE_NOTIFIER": "1", "NO_COLOR": "1"}
        self._repo = repo or "{owner}/{repo}"  # gh fills this in itself

    def get(self, path: str, **query: str | int) -> dict[str, object]:
        """The JSON object at `path` below the repository. Raises GhError, UsageError where there is no gh."""
        data = b"".join(self._bytes(path, _LARGEST, query))
        try:
            answer = json.loads(data)
        except (ValueError, RecursionError):
            raise GhError("the answer is no JSON") from None
        if not isinstance(answer, dict):
            raise GhError("the answer is no JSON object")
        return answer

    def pages(self, path: str, key: str, most: int, **query: str | int) -> Iterator[dict[str, object]]:
        """The objects in the lists `key` of all pages, at most `most` of them."""
        seen = 0
        for page in range(1, most // PAGE + 2):
            entries = self.get(path, per_page=min(PAGE, most), page=page, **query).get(key)
            if not isinstance(entries, list) or not entries:
                return
            for entry in entries:
                if seen == most:
                    return
                if isinstance(entry, dict):
                    yield entry
                seen += 1
            if len(entries) < min(PAGE, most):
                return

    def save(self, path: str, target: Path, most: int) -> None:
        """Write what is at `path` to the new file `target`. Raises TooLargeError beyond `most` bytes, GhError."""
        with target.open("xb") as file:
            for piece in self._bytes(path, most, {}):
                file.write(piece)

    def _bytes(self, path: str, most: int, query: Mapping[str, str | int]) -> Iterator[bytes]:
        asked = f"repos/{self._repo}/{path}" + (f"?{urlencode(query)}" if query else "")
        try:
            process = subprocess.Popen(
                ["gh", "api", "--method", "GET", "-H", "Accept: application/vnd.github+json", asked],
                cwd=self._folder, env=self._environ, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
            )  # fmt: skip
        except FileNotFoundError:
            raise UsageError(
                "There is no program gh.",
                mend="Install GitHub's command line (https://cli.github.com) and run gh auth login.",
            ) from None
        assert process.stdout is not None
        assert process.stderr is not None
        left = most
        try:
            while piece := process.stdout.read(_CHUNK):
                left -= len(piece)
                if left < 0:
                    raise TooLargeError
                yield piece
            said = process.stderr.read(1 << 16).decode("utf-8", "replace")
            if process.wait(timeout=_PATIENCE):
                raise GhError(said or f"gh ended with {process.returncode}")
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
            process.stdout.close()
            process.stderr.close()


def segment(text: str) -> str:
    """`text` as one segment of a path: a workflow's file name, whatever it is."""
    return quote(text, safe="")


def number_of(entry: Mapping[str, object], key: str) -> int | None:
    """The positive whole number at `key`, None for anything else."""
    value = entry.get(key)
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 < value < 1 << 62 else None
