"""Reading the small JSON file that an environment variable names, and picking values out of it. Never raises."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from flakelens.ci.values import clean

if TYPE_CHECKING:
    from collections.abc import Callable

    ReadFile = Callable[[str], bytes]

# Webhook payloads are at most 25 MB by GitHub's own limit.
LARGEST = 25_000_000


def read_small(path: str) -> bytes:
    """The bytes of a regular file of at most `LARGEST` bytes; b"" for all else."""
    try:
        file = Path(path)
        # A pipe would block and a device never end.
        if not stat.S_ISREG(file.stat().st_mode):
            return b""
        with file.open("rb") as stream:
            data = stream.read(LARGEST + 1)
    except (OSError, ValueError):
        return b""
    return data if len(data) <= LARGEST else b""


def load(path: str, read_file: ReadFile) -> object:
    """The JSON document in the file; None when there is none or it is malformed."""
    data = read_file(path) if path else b""
    try:
        document: object = json.loads(data) if data else None
    except (ValueError, RecursionError):
        return None
    return document


def dig(document: object, *keys: str | int) -> object:
    """What lies at the end of this path of keys and list positions; None where the path ends early."""
    for key in keys:
        if isinstance(document, dict) and isinstance(key, str):
            document = document.get(key)
        elif isinstance(document, list) and isinstance(key, int) and 0 <= key < len(document):
            document = document[key]
        else:
            return None
    return document


def text_at(document: object, *keys: str | int) -> str:
    """The cleaned text at the end of this path; "" where there is none."""
    return clean(dig(document, *keys))


def int_at(document: object, *keys: str | int) -> int | None:
    """The positive integer at the end of this path; None where there is none."""
    value = dig(document, *keys)
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 < value < 2**53 else None
