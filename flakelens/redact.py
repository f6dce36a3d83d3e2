"""Secrets in what reports say, masked before anything is stored or shown.

Two ways to know one: its shape (`secret_shapes`), or that it is the value of a variable of this environment whose name
says so. A mask names what was there, `[redacted github-token]` or `[redacted $OPENAI_API_KEY]`: the same in every run,
so that signatures still group, and nothing of the secret is left in it, not even its length.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from msgspec.structs import replace

from flakelens.cases import Cases
from flakelens.model import Attempt, ParsedReport, Problem
from flakelens.policy import RedactPolicy
from flakelens.secret_shapes import SHAPES, looks_secret

if TYPE_CHECKING:
    from collections.abc import Callable

_SHORTEST: Final = 8  # a value of fewer characters is too likely to be an ordinary word
_SHORTEST_WORD: Final = 12  # in one letter case and without digits: `POSTGRES_PASSWORD=postgres` is no secret
_SHORTEST_NUMBER: Final = 12  # of digits alone: times and ids
_LONGEST: Final = 20_000
_PLAIN_LINES, _LONGEST_PLAIN = 50_000, 300  # lines without any hint are remembered: at most some 20 MB
_PREFIX_REST: Final = r"[A-Za-z0-9_.~+/=-]{8,}"  # what follows a prefix of the policy

# Small letters, and no digits: the frames of a stack differ in nothing but their lines from one version to the next.
_SMALL: Final = bytes.maketrans(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ", b"abcdefghijklmnopqrstuvwxyz")
_ALIKE: Final = (("\u0130", "i"), ("\u0131", "i"), ("\u017f", "s"), ("\u212a", "k"))  # for patterns that ignore case


def _folded(text: str) -> bytes:
    """What hints are searched in, themselves folded: what a pattern may match differs from its hint in nothing then."""
    if not text.isascii():
        for letter, small in _ALIKE:
            text = text.replace(letter, small)
    return text.encode("utf-8", "surrogatepass").translate(_SMALL, b"0123456789")


# Each text of which one must be in what a shape matches, with the place of the shape.
_PLACES: Final = tuple((_folded(hint), place) for place, shape in enumerate(SHAPES) for hint in shape.hints)
_ALL_HINTS: Final = {hint for hint, _ in _PLACES}
# Without those that hold another one.
_HINTS: Final = tuple(sorted(h for h in _ALL_HINTS if not any(other != h and other in h for other in _ALL_HINTS)))


class Redactor:
    """Masks secrets in texts. Made once per command; asks nothing of the machine itself."""

    def __init__(self, policy: RedactPolicy, environ: Mapping[str, str] | None = None) -> None:
        """`environ`: the environment whose secret values are masked, None for shapes alone."""
        self._plain: set[bytes] = set()  # folded lines in which no token can stand
        self._by_shape = policy.enabled and policy.shapes
        self._masks = _values(environ or {}, policy) if policy.enabled and policy.environment else {}
        self._values = _any_of(self._masks)
        self._prefixes: re.Pattern[str] | None = None
        if policy.enabled and policy.prefixes:
            any_of = "|".join(map(re.escape, sorted(policy.prefixes, key=len, reverse=True)))
            self._prefixes = re.compile(rf"(?<![0-9A-Za-z_])(?:{any_of}){_PREFIX_REST}")

    @property
    def idle(self) -> bool:
        """Whether nothing would ever be masked."""
        return not (self._by_shape or self._masks or self._prefixes)

    def text(self, text: str) -> str:
        """`text` with every secret in it masked; the same text where there is none. Masking twice is masking once."""
        masked = ""
        while masked != text:  # a mask ends what stood before it, so that its neighbour may now stand alone
            masked, text = text, self._once(text)
        return text

    def _once(self, text: str) -> str:
        if self._values is not None:
            for value in self._masks:  # a loop, not any(): half the time
                if value in text:
                    text = self._values.sub(lambda found: self._masks[found[0]], text)
                    break
        if self._prefixes is not None:
            text = self._prefixes.sub("[redacted secret]", text)
        if self._by_shape and self._hinted(folded := _folded(text)):
            for place in sorted({place for hint, place in _PLACES if hint in folded}):
                text = SHAPES[place].pattern.sub(_masking(f"[redacted {SHAPES[place].name}]"), text)
        return text

    def _hinted(self, folded: bytes) -> bool:
        """Whether some shape is worth trying. Asked of new lines: those of a stack come again and again."""
        plain = self._plain
        new = [line for line in folded.split(b"\n") if line not in plain]  # no hint holds a line break
        if not new:
            return False
        searched = b"\n".join(new)
        for hint in _HINTS:
            if hint in searched:
                return True
        if len(plain) + len(new) > _PLAIN_LINES:
            plain.clear()
        plain.update(line for line in new if len(line) <= _LONGEST_PLAIN)
        return False

    def report(self, report: ParsedReport) -> ParsedReport:
        """`report` with its messages, problems and load failures masked.

        Titles and paths stay: they say which test it is, and a test whose name depended on a secret would be another
        one on every machine.
        """
        if self.idle:
            return report
        return replace(
            report,
            cases=Cases.of(report.cases).reworded(self._attempt),
            load_failures=tuple(self.text(failure) for failure in report.load_failures),
            load_failure_cases=tuple(Cases.of(report.load_failure_cases).reworded(self._attempt)),
            problems=tuple(self.problem(problem) for problem in report.problems),
        )

    def reports(self, reports: Iterable[ParsedReport]) -> Iterator[ParsedReport]:
        """Each of `reports` masked, one at a time."""
        for report in reports:
            yield self.report(report)

    def problem(self, problem: Problem) -> Problem:
        """A problem may quote what a report says."""
        return problem._replace(message=self.text(problem.message))

    def _attempt(self, attempt: Attempt) -> Attempt:
        return attempt._replace(type=self.text(attempt.type), message=self.text(attempt.message))


def _masking(mask: str) -> Callable[[re.Match[str]], str]:
    def masked(found: re.Match[str]) -> str:
        if "secret" not in found.re.groupindex:
            return mask
        start, end = found.span("secret")
        return found[0][: start - found.start()] + mask + found[0][end - found.start() :]

    return masked


def _any_of(values: Iterable[str]) -> re.Pattern[str] | None:
    """One pass for all, the longest first, so that no mask is looked into. Words are only masked as whole words."""
    ordered = sorted(values, key=lambda value: (-len(value), value))
    patterns = [
        re.escape(value) if _has_digit(value) else rf"(?<![0-9A-Za-z]){re.escape(value)}(?![0-9A-Za-z])"
        for value in ordered
    ]
    return re.compile("|".join(patterns)) if patterns else None


def _has_digit(value: str) -> bool:
    return any(character.isdigit() for character in value)


def _values(environ: Mapping[str, str], policy: RedactPolicy) -> dict[str, str]:
    """Every form in which a secret of the environment may stand in a message, and its mask."""
    found: dict[str, str] = {}
    for name in sorted(environ):
        if any(fnmatchcase(name.upper(), pattern.upper()) for pattern in policy.keep):
            continue
        named = any(fnmatchcase(name.upper(), pattern.upper()) for pattern in policy.names)
        if not named and not looks_secret(name):
            continue
        for value in _forms(environ[name].strip(), named=named):
            found.setdefault(value, f"[redacted ${name}]")
    return found


def _forms(value: str, *, named: bool) -> Iterator[str]:
    """The value as it is, line by line, and as JSON and addresses write it; nothing for one that is no secret."""
    if not _is_secret(value, named=named):
        return
    yield value
    yield json.dumps(value)[1:-1]
    yield quote(value, safe="")
    if "\n" in value:
        yield from (line.strip() for line in value.splitlines() if len(line.strip()) >= 2 * _SHORTEST)


def _is_secret(value: str, *, named: bool) -> bool:
    if not _SHORTEST <= len(value) <= _LONGEST:
        return False
    if named:
        return True
    if value.startswith(("/", "~/", "./", "../")) or re.match(r"[A-Za-z]:[\\/]", value):
        return False  # where a secret is kept
    if re.match(r"[a-z][a-z0-9+.-]*://", value, re.IGNORECASE):
        return "hooks." in value or "webhook" in value.lower()  # else only its password is one: that has a shape
    if value.isdigit():
        return len(value) >= _SHORTEST_NUMBER
    if not _has_digit(value) and value in (value.lower(), value.upper()):
        return len(value) >= _SHORTEST_WORD
    return True
