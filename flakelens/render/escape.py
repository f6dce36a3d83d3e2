"""Names and messages come from other people's tests: what each format does so that they stay text.

`plain` is where every format begins, but for JSON, which gives every text back whole: `json_text`.
"""

from __future__ import annotations

import re
import unicodedata

LONGEST = 300  # characters of one name in a report for people; the JSON has it whole

# A CI system obeys these wherever they stand in a line of output: GitHub's "##[..]" and "::error::", Azure's "##vso[".
_COMMANDS = re.compile(
    r"::(?=(?:error|warning|notice|debug|group|endgroup|add-mask|stop-commands|echo|set-output|save-state|set-env"
    r"|add-path|add-matcher|remove-matcher|internal-[a-z-]+)\b)"
    r"|##(?=\[|vso\[|teamcity\[)",
    re.IGNORECASE,
)
_MARKDOWN = re.compile(r"[\\`*_{}\[\]|~]")
_BLOCK = re.compile(r"^(?=[-+=#>])|^(\d{1,9})(?=[.)])")
_LINKS = re.compile(r"(?<=[@#])(?<!&#)(?=\w)|(?<=:)(?=//)|(?<=www)(?=\.)", re.IGNORECASE)
# Spaces, and what holds emoji families and the letters of some scripts together.
_JOINERS = " \u3000\u200c\u200d"
_TICKS = re.compile(r"`+")
_NOT_SEEN = re.compile(r"[^\x20-\x7e\n]")  # in JSON these stand inside of strings only


def plain(text: str, longest: int = LONGEST) -> str:
    """One line that a terminal and a CI log show as it is written.

    White space becomes single spaces; control characters, terminal sequences, direction overrides and invisible
    characters become visible escapes; commands to a CI system are broken; what is longer is cut, and says so.
    """
    size = len(text)
    if size > longest:
        text = text[:longest]
    text = " ".join(text.split())
    if not (text.isascii() and text.isprintable()):
        text = "".join(character if _shows(character) else _escaped(character) for character in text)
    text = _COMMANDS.sub(lambda found: _escaped(found[0][0]) + found[0][1:], text)
    return f"{text}... ({size:,} characters)" if size > longest else text


def markdown(text: str, longest: int = LONGEST) -> str:
    """`plain` text that GitHub's Markdown shows literally: no markup, HTML, links, mentions or references."""
    text = plain(text, longest).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("$", "&#36;")
    text = _MARKDOWN.sub(r"\\\g<0>", text)
    text = _BLOCK.sub(lambda found: f"{found[1]}\\" if found[1] else "\\", text)
    # A zero width space keeps "@name", "#12" and addresses from being notified or linked; the eye does not see it.
    return re.sub(_LINKS, "&#8203;", text)


def code(text: str, longest: int = LONGEST) -> str:
    """`plain` text as a Markdown code span, also inside a table."""
    text = plain(text, longest)
    fence = "`" * (max((len(run) for run in _TICKS.findall(text)), default=0) + 1)
    space = " " if text.startswith("`") or text.endswith("`") else ""
    # A bar ends the cell of a table even inside of code, unless it is escaped; outside of tables none is needed, but
    # code with bars is rare and a stray backslash harmless.
    return f"{fence}{space}{text or ' '}{space}{fence}".replace("|", "\\|")


def workflow_data(text: str) -> str:
    """The message of a GitHub workflow command: percent, carriage return and line feed escaped."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def workflow_property(text: str) -> str:
    """The value of a property (title, file) of a GitHub workflow command: colon and comma escaped as well."""
    return workflow_data(text).replace(":", "%3A").replace(",", "%2C")


def _shows(character: str) -> bool:
    """Is it a character that stands for itself? Not so: controls, formats (direction, zero width), lone surrogates."""
    return character in _JOINERS or unicodedata.category(character)[0] not in "CZ"


def _escaped(character: str) -> str:
    number = ord(character)
    if number < 0x100:
        return f"\\x{number:02x}"
    return f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"


def json_text(document: str) -> str:
    """A JSON document with the same values, in which no text is anything to a terminal or a CI log.

    Only ASCII that is seen is left; the rest, and what would make a command of a text, is an escape of JSON.
    """
    if not (document.isascii() and document.replace("\n", "").isprintable()):
        document = _NOT_SEEN.sub(_json_escaped, document)
    return _COMMANDS.sub(lambda found: f"\\u{ord(found[0][0]):04x}{found[0][1:]}", document)


def _json_escaped(found: re.Match[str]) -> str:
    units = found[0].encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at] << 8 | units[at + 1]:04x}" for at in range(0, len(units), 2))
