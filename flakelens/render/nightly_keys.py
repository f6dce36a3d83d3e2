"""Short names for links to tests: the same test has the same in every report."""

from __future__ import annotations

import hashlib

from flakelens.model import TestId


def key_of(test: TestId) -> str:
    """ "t" and ten hexadecimal digits."""
    return "t" + hashlib.sha256("\0".join(test).encode("utf-8", "replace")).hexdigest()[:10]
