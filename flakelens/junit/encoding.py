"""Bytes in any encoding -> UTF-8 bytes without what XML forbids."""

from __future__ import annotations

import codecs
import re

_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_DECLARED = re.compile(rb"""\s*<\?xml\s[^>]{0,200}?encoding\s*=\s*["']([^"'<>]{1,40})["']""")
_NAME = re.compile(rb"[A-Za-z][A-Za-z0-9._-]*")  # what XML allows as an encoding's name
# Python knows codecs that are slow or no text at all (punycode, zip): only these are followed.
_KNOWN = re.compile(
    r"utf-8|utf-16(-[lb]e)?|utf-32(-[lb]e)?|ascii|iso8859-\d+|cp\d+|koi8-[ru]|mac-\w+|big5\w*|gb\w+|euc_\w+|shift_jis\w*"
)
# Text that is valid UTF-8 is hardly ever meant as one of these.
_LATIN = frozenset({"iso8859-1", "iso8859-15", "cp1252"})
_DELETE = bytes(sorted(set(range(32)) - set(b"\t\n\r")))
_NONCHARACTERS = (b"\xef\xbf\xbe", b"\xef\xbf\xbf")
# CDATA is skipped, because a reference is plain text there. An unclosed section takes the rest: linear.
_REFERENCE = re.compile(rb"<!\[CDATA\[(?:.*?\]\]>|.*\Z)|&#(?:x([0-9A-Fa-f]+)|([0-9]+));", re.DOTALL)


def as_utf8(data: bytes) -> tuple[bytes, str]:
    """The same text in UTF-8 without a byte order mark, and a complaint where the file lies about its encoding.

    Text that claims to be UTF-8 is handed on unchecked when it is valid; no copy is made.
    """
    for mark, encoding in _BOMS:
        if data.startswith(mark):
            return _from_marked(data[len(mark) :], encoding)
    if data.startswith((b"<\0", b"\0<")):
        encoding = "utf-16-le" if data[0] == ord("<") else "utf-16-be"
        return data.decode(encoding, "replace").encode("utf-8", "replace"), ""
    declared = _declared(data)
    if declared in {"utf-8", "ascii"}:
        return _checked(data, declared)
    if not declared or declared.startswith(("utf-16", "utf-32")):
        fixed, complaint = _checked(data, "utf-8")
        return fixed, complaint or "The declared encoding is not the file's own; it was read as UTF-8."
    if declared in _LATIN and not data.isascii() and _is_utf8(data):
        return data, f"The file declares {declared} but is UTF-8, and was read so."
    try:
        return data.decode(declared).encode("utf-8", "replace"), ""
    except UnicodeDecodeError:
        fixed, complaint = _checked(data, "utf-8")
        return fixed, complaint or f"The file declares {declared} but is UTF-8, and was read so."


def without_forbidden(data: bytes) -> tuple[bytes, int]:
    """UTF-8 without the characters XML forbids, raw or as references, and how many there were."""
    size = len(data)
    cleaned = data.translate(None, _DELETE)
    removed = size - len(cleaned)
    for sequence in _NONCHARACTERS:
        count = cleaned.count(sequence)
        if count:
            removed += count
            cleaned = cleaned.replace(sequence, b"")
    if b"&#" not in cleaned:
        return cleaned, removed

    def keep(match: re.Match[bytes]) -> bytes:
        nonlocal removed
        hexadecimal, decimal = match.groups()
        if hexadecimal is None and decimal is None:
            return match.group()
        digits = (hexadecimal or decimal).lstrip(b"0")[:9] or b"0"
        if _allowed(int(digits, 16 if hexadecimal else 10)):
            return match.group()
        removed += 1
        return b""

    return _REFERENCE.sub(keep, cleaned), removed


def _allowed(code: int) -> bool:
    """Whether XML 1.0 allows the character (its rule 2)."""
    return code in (9, 10, 13) or 0x20 <= code <= 0xD7FF or 0xE000 <= code <= 0xFFFD or 0x10000 <= code <= 0x10FFFF


def _from_marked(data: bytes, encoding: str) -> tuple[bytes, str]:
    if encoding == "utf-8":
        return _checked(data, encoding)
    text = data.decode(encoding, "replace").encode("utf-8", "replace")
    declared = _declared(text)
    if _DECLARED.match(text[:400]) and not declared.startswith(encoding[:6]):
        what = declared or "an encoding that does not exist"
        return text, f"The file declares {what} but is {encoding}, and was read so."
    return text, ""


def _declared(data: bytes) -> str:
    """Python's name of the declared encoding; "utf-8" where none is declared, "" for one that is not known."""
    match = _DECLARED.match(data[:400])
    if not match:
        return "utf-8"
    if not _NAME.fullmatch(match.group(1)):
        return ""
    try:
        name = codecs.lookup(match.group(1).decode("ascii")).name
    except LookupError:
        return ""
    return name if _KNOWN.fullmatch(name) else ""


def _checked(data: bytes, declared: str) -> tuple[bytes, str]:
    """Valid UTF-8, made so where it is not."""
    if data.isascii() or _is_utf8(data):
        return data, ""
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        if error.end == len(data) and error.reason == "unexpected end of data":
            return data[: error.start], ""  # cut inside a character: the parser will say that the file is truncated
    if data.decode("utf-8", "ignore").isascii():
        # Not one valid multi-byte character: an 8-bit encoding, most likely of Windows.
        return data.decode("cp1252", "replace").encode(), f"The file is not {declared}; it was read as Windows-1252."
    return (
        data.decode("utf-8", "replace").encode(),
        f"The file is not valid {declared}; bytes that do not fit were replaced.",
    )


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
