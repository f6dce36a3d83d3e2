"""What changes in every run - ids, times, long hex - replaced by a name for its kind.

Shared by test identity (titles with a random part must not be a new test in every run) and failure signatures.
"""

from __future__ import annotations

import re

# Order matters: an ISO time contains digits that the epoch pattern would otherwise take, a UUID contains long hex.
_MASKS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("<uuid>", re.compile(r"\b[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}\b")),
    (
        "<time>",
        re.compile(r"\b\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(?::\d{2}(?:[.,]\d{1,9})?)?(?:Z|[+-]\d{2}:?\d{2})?(?!\d)"),
    ),
    # 2001-09-09 to 2286-11-20 in milliseconds: 13 digits that begin with 1..9 and stand alone.
    ("<epoch>", re.compile(r"(?<![\w.])[1-9]\d{12}(?![\w.]*\d)")),
    # Long hex must hold a digit and a letter: "deadbeefcafe" may be a word play, "1234567890123456" an account number.
    ("<hex>", re.compile(r"\b(?:0x)?(?=[0-9a-fA-F]*\d)(?=[0-9a-fA-F]*[a-fA-F])[0-9a-fA-F]{12,}\b")),
)
# Every mask needs a run of digits or hex: most titles skip the patterns above after one cheap look.
_MAYBE = re.compile(r"[0-9a-fA-F]{8}|\d{4}-\d\d-\d\d")


def mask(text: str) -> str:
    """`text` with UUIDs, ISO time stamps, epoch milliseconds and long hex replaced; the same text if it has none."""
    if not _MAYBE.search(text):
        return text
    for name, pattern in _MASKS:
        text = pattern.sub(name, text)
    return text
