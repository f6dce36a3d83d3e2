"""What changes in every run - ids, times, long hex - replaced by a name for its kind.

Shared by test identity (titles with a random part must not be a new test in every run) and failure signatures.
"""

from __future__ import annotations

import re

# Not \b: people join words and ids with "_", which \b takes for a letter.
_ALONE = r"(?<![0-9A-Za-z])"
_ENDS = r"(?![0-9A-Za-z])"
# Order matters: an ISO time contains digits that the epoch pattern would otherwise take, a UUID contains long hex.
_MASKS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("<uuid>", re.compile(rf"{_ALONE}[0-9a-fA-F]{{8}}-(?:[0-9a-fA-F]{{4}}-){{3}}[0-9a-fA-F]{{12}}{_ENDS}")),
    (
        "<time>",
        re.compile(
            rf"{_ALONE}[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}[T ][0-9]{{2}}:[0-9]{{2}}"
            r"(?::[0-9]{2}(?:[.,][0-9]{1,9})?)?(?:Z|[+-][0-9]{2}:?[0-9]{2})?(?![0-9])"
        ),
    ),
    # Long hex must hold a digit and a letter: "deadbeefcafe" may be a word play, "1234567890123456" an account number.
    (
        "<hex>",
        re.compile(rf"{_ALONE}(?:0x)?(?=[0-9a-fA-F]*[0-9])(?=[0-9a-fA-F]*[a-fA-F])[0-9a-fA-F]{{12,}}{_ENDS}"),
    ),
    # 2001-09-09 to 2286-11-20 in milliseconds: 13 digits that begin with 1..9, are no part of a longer number and no
    # decimals. Letters may touch them: "user1760000000000@example.com", "1760000000000ms".
    ("<epoch>", re.compile(r"(?<![0-9])(?<![0-9][.,])[1-9][0-9]{12}(?![.,]?[0-9])")),
)
# Every mask needs a run of digits or hex: most titles skip the patterns above after one cheap look.
_MAYBE = re.compile(r"[0-9a-fA-F]{8}|[0-9]{4}-[0-9]{2}-[0-9]{2}")


def mask(text: str) -> str:
    """`text` with UUIDs, ISO time stamps, epoch milliseconds and long hex replaced; the same text if it has none."""
    if not _MAYBE.search(text):
        return text
    masked = ""
    while masked != text:  # a mask ends what stood before it, so that its neighbour may now stand alone
        masked = text
        for name, pattern in _MASKS:
            text = pattern.sub(name, text)
    return text
