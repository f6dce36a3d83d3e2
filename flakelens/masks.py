"""What changes in every run - ids, times, long hex - replaced by a name for its kind.

Shared by test identity (titles with a random part must not be a new test in every run) and failure signatures.
"""

from __future__ import annotations

import re
import string
from collections.abc import Sequence

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
_HEX = bytes(ord("x") if chr(byte) in string.hexdigits else ord(" ") for byte in range(256))
_DIGITS = bytes(
    ord("0") if chr(byte) in string.digits else byte if byte == ord("-") else ord(" ") for byte in range(256)
)

# What else differs between two failures of one cause. A status code is kept: 502 and 504 are two causes.
_FILE = re.compile(
    r"(?:file://)?(?:[A-Za-z]:)?[\\/]?(?:[\w.@+~-]{1,100}[\\/]){1,30}(?=[\w.@+-]{1,100}\.(?:[cm]?[jt]sx?|json|snap|html|css|py)\b)"
)
_FOLDER = re.compile(
    r"(?:/(?:home|Users|tmp|var|private|opt|root|builds?|workspace|mnt)|[A-Za-z]:\\)[/\\][\w.@+~/\\-]{1,300}"
)
_PLACE = re.compile(r"(?<=[\w>]):\d{1,6}(?::\d{1,6})?(?![\w.])")
_QUERY = re.compile(r"(?<=[\w/])\?[\w.%~-]{1,100}=[^\s\"'`)]{0,300}")
_DURATION = re.compile(r"(?<![\w.])\d{1,9}(?:[.,]\d{1,9})?\s?(?:ms|milliseconds?|s|secs?|seconds?|min|minutes?)\b")
_NUMBER = re.compile(
    rf"{_ALONE}(?<![0-9][.,])(?!(?:20[0124]|30[1-8]|4[0-5][0-9]|50[0-4])(?![.,]?[0-9A-Za-z]))[0-9]+(?:[.,][0-9]+)*{_ENDS}"
    r"|[0-9]{3,}(?=[A-Za-z_])|(?<=[A-Za-z_])[0-9]{3,}"
)


def mask_values(text: str) -> str:
    """`mask`, and besides folders (file names stay), line numbers, queries of addresses, durations and numbers.

    For messages, where the same cause names another port or page each time; a title's numbers are part of its name.
    HTTP status codes stay.
    """
    text = mask(text)
    text = _FILE.sub("", text)
    for name, pattern in (("<path>", _FOLDER), ("", _PLACE), ("", _QUERY), ("<time>", _DURATION), ("<n>", _NUMBER)):
        text = pattern.sub(name, text)
    return text


def mask_each(texts: Sequence[str]) -> list[str]:
    """`mask` of each: where none of many has anything to mask, as in most suites, that is seen in one look."""
    return [mask(text) for text in texts] if _maybe("\0".join(texts)) else list(texts)


def _maybe(text: str) -> bool:
    """Whether `_MAYBE` matches somewhere in a long text, told without a step for each of its characters."""
    data = text.encode(errors="surrogatepass")
    return b"x" * 8 in data.translate(_HEX) or b"0000-00-00" in data.translate(_DIGITS)


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
