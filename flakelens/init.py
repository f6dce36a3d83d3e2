"""A first policy for a project: what its Jest and Playwright configuration tell, as far as their text can be read.

Configuration files are programs. None is run here: what cannot be told from the text is said, not guessed.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import msgspec

from flakelens.errors import UsageError
from flakelens.report import InitReport

POLICY_FILE = "flakelens.toml"

_JEST_FILES = tuple(f"jest.config.{ending}" for ending in ("js", "ts", "mjs", "cjs", "mts", "cts", "json"))
_PLAYWRIGHT_FILES = tuple(f"playwright.config.{ending}" for ending in ("ts", "js", "mjs", "cjs", "mts", "cts"))
_LARGEST = 1_000_000  # bytes of a configuration file
_DEEPEST = 6  # folders below the project that are looked at for tests
_SKIPPED = frozenset({"node_modules", "dist", "build", "coverage", "out", "vendor", "test-results"})
_COMMENTS = re.compile(r"""("(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`(?:\\.|[^`\\])*`)|//[^\n]*|/\*.*?\*/""", re.DOTALL)
_STRINGS = re.compile(r"""(["'`])(?:\\.|(?!\1).)*\1""", re.DOTALL)
_TEST_DIR = re.compile(r"""\btestDir\s*:\s*(["'`])([^"'`$]+)\1""")
_RETRIES = re.compile(r"\bretries\s*:\s*([^,\n}]+)")
_JUNIT = re.compile(r"""["'`]junit["'`]""")
_INCLUDE = re.compile(r"\bincludeRetries\s*:\s*true\b")
_FILE_ATTRIBUTE = re.compile(r"""\baddFileAttribute["']?\s*:\s*["']?true\b""")

_PLAYWRIGHT_LINE = "reporter: [['list'], ['junit', { outputFile: 'results/playwright.xml', includeRetries: true }]],"
_JEST_REPORTER = "reporters: ['default', ['jest-junit', { outputDirectory: 'results', addFileAttribute: 'true' }]],"
_JEST_PATHS = '"jest-junit": { "outputDirectory": "results", "addFileAttribute": "true" }'


class _Notes(msgspec.Struct):
    """What was learned on the way."""

    found: list[str] = msgspec.field(default_factory=list)
    reporters: list[tuple[str, str]] = msgspec.field(default_factory=list)
    unknown: list[str] = msgspec.field(default_factory=list)
    retries: list[str] = msgspec.field(default_factory=list)  # [[retries]] tables
    e2e: list[str] = msgspec.field(default_factory=list)  # globs


def init(folder: Path, *, force: bool = False) -> InitReport:
    """Write a commented flakelens.toml for the project in `folder` and say what it rests on.

    Raises UsageError where there is one already (unless `force`), or where it cannot be written.
    """
    target = folder / POLICY_FILE
    if target.exists() and not force:
        raise UsageError(f"{target} exists already.", mend="Keep it, or replace it with: flakelens init --force")
    notes = _Notes()
    package = _package(folder, notes)
    _playwright(folder, package, notes)
    _jest(folder, package, notes)
    if not notes.found:
        notes.unknown.append(
            "no Jest or Playwright configuration in this folder; call it where package.json is, or go on by hand"
        )
    folders = _test_folders(folder)
    areas = _areas(folders, notes)
    text = _policy(areas, notes)
    try:
        target.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{target} cannot be written: {error.strerror}.", mend="Call it in your project.") from None
    return InitReport(
        path=str(target),
        found=tuple(notes.found),
        areas=tuple(name for name, globs in areas if globs),
        reporters=tuple(notes.reporters),
        unknown=tuple(notes.unknown),
    )


def _package(folder: Path, notes: _Notes) -> dict[str, Any]:
    path = folder / "package.json"
    if not path.is_file():
        return {}
    try:
        package = json.loads(_text(path))
    except ValueError:
        notes.unknown.append("package.json is not valid JSON and was not looked at")
        return {}
    return package if isinstance(package, dict) else {}


def _uses(package: dict[str, Any], name: str) -> bool:
    groups = (package.get(key) for key in ("dependencies", "devDependencies"))
    return any(isinstance(group, dict) and name in group for group in groups)


def _playwright(folder: Path, package: dict[str, Any], notes: _Notes) -> None:
    path = next((folder / name for name in _PLAYWRIGHT_FILES if (folder / name).is_file()), None)
    if path is None:
        if _uses(package, "@playwright/test"):
            notes.found.append("Playwright, without a configuration file")
            notes.reporters.append(("playwright.config.ts", _PLAYWRIGHT_LINE))
        return
    text = _without_comments(_text(path))
    if directory := _TEST_DIR.search(text):
        root = directory[2].strip("./").rstrip("/")
        if root:
            notes.e2e.append(f"{root}/**")
        notes.found.append(f"Playwright ({path.name}), tests in {root or 'the project folder'}")
    else:
        notes.found.append(f"Playwright ({path.name})")
        notes.unknown.append(f"where Playwright's tests are: {path.name} has no plain testDir")
    includes = bool(_INCLUDE.search(text))
    if not (_JUNIT.search(text) and includes):
        notes.reporters.append((path.name, _PLAYWRIGHT_LINE))
    _playwright_retries(path.name, text, includes, notes)


def _playwright_retries(name: str, text: str, includes: bool, notes: _Notes) -> None:
    values = {value.strip() for value in _RETRIES.findall(_STRINGS.sub("''", text))}
    if includes:
        notes.found.append("Playwright's reporter shows retries (includeRetries)")
    elif not values or values == {"0"}:
        notes.found.append("Playwright without retries")
        notes.retries.append(
            '[[retries]]\nproducer = "playwright"\nevidence = "none"   # no retries in its configuration'
        )
    elif not all(value.isdecimal() for value in values):
        notes.unknown.append(f"whether Playwright retries: {name} computes it ({', '.join(sorted(values))})")


def _jest(folder: Path, package: dict[str, Any], notes: _Notes) -> None:
    path = next((folder / name for name in _JEST_FILES if (folder / name).is_file()), None)
    own = package.get("jest")
    if path is None and own is None and not _uses(package, "jest"):
        return
    where = path.name if path else "package.json"
    text = _without_comments(_text(path)) if path else json.dumps(own or {})
    notes.found.append(f"Jest ({where})")
    options = package.get("jest-junit")
    in_package = isinstance(options, dict) and str(options.get("addFileAttribute", "")).lower() == "true"
    if "jest-junit" not in text and not _uses(package, "jest-junit"):
        notes.reporters.append((where, f"{_JEST_REPORTER}   (npm install --save-dev jest-junit)"))
    elif not in_package and not _FILE_ATTRIBUTE.search(text):
        notes.reporters.append(("package.json", _JEST_PATHS))
    notes.unknown.append("whether tests call jest.retryTimes: then a failure that it hides is seen by nobody")


def _text(path: Path) -> str:
    try:
        return path.read_bytes()[:_LARGEST].decode("utf-8", "replace")
    except OSError:
        return ""


def _without_comments(text: str) -> str:
    """The text without comments; "//" inside of strings stays."""
    return _COMMENTS.sub(lambda found: found[1] or " ", text)


def _test_folders(folder: Path) -> list[str]:
    """Folders below the project that hold test files, with "/" separators, sorted."""
    found: list[str] = []
    waiting = [(folder, 0)]
    while waiting:
        current, depth = waiting.pop()
        try:
            entries = sorted(current.iterdir())
        except OSError:
            continue
        if any(re.search(r"\.(test|spec)\.[cm]?[jt]sx?$", entry.name) and entry.is_file() for entry in entries):
            found.append(current.relative_to(folder).as_posix())
        waiting += [
            (entry, depth + 1)
            for entry in entries
            if depth < _DEEPEST and entry.name not in _SKIPPED and not entry.name.startswith(".")
            and entry.is_dir() and not entry.is_symlink()
        ]  # fmt: skip
    return sorted(found)


def _areas(folders: list[str], notes: _Notes) -> list[tuple[str, list[str]]]:
    """Globs of each area as far as a folder for them exists; [] where none does."""

    def having(*parts: str) -> bool:
        return any(part in f"/{folder}/" for folder in folders for part in parts)

    e2e = notes.e2e or (["e2e/**", "**/e2e/**"] if having("/e2e/") else [])
    ai = ["**/api/ai/**"] if having("/api/ai/") else ["**/ai/**"] if having("/ai/") else []
    components = ["**/__tests__/app/**"] if having("/__tests__/app/") else []
    components += ["**/components/**"] if having("/components/") else []
    return [("E2E", e2e), ("AI", ai), ("components", components)]


_SHIPPED = {
    "E2E": ["e2e/**", "**/e2e/**"],
    "AI": ["**/api/ai/**"],
    "components": ["**/__tests__/app/**", "**/components/**"],
}
_MORE = {
    "E2E": 'producers = ["playwright"]\njobs = ["e2e*", "playwright*"]',
    "AI": 'jobs = ["ai", "ai-*", "*-ai"]',
    "components": 'jobs = ["components*", "component-tests*"]',
}


def _policy(areas: list[tuple[str, list[str]]], notes: _Notes) -> str:
    parts = [_HEAD]
    for name, globs in areas:
        known = "" if globs or name == "E2E" else "   # no such folder was found: correct it"
        listed = ", ".join(f'"{_escaped(glob)}"' for glob in globs or _SHIPPED[name])
        parts.append(f'[[areas]]\nname = "{name}"\nfiles = [{listed}]{known}\n{_MORE[name]}')
    parts.append(_RETRIES_HEAD)
    parts += notes.retries
    parts.append(_GATE)
    return "\n\n".join(parts) + "\n"


def _escaped(text: str) -> str:
    return "".join(f"\\{c}" if c in '"\\' else c if c.isprintable() else "?" for c in text)


_HEAD = """\
# The test reliability policy of this project. What is not said here holds as shipped; docs/policy.md lists every key.
# Percentages are written as people say them: 98.0 means 98 %.

# branch = "main"          # the gated branch; without this line: main, or else master

# ---- Areas: exactly one per test, the first rule that matches wins. Patterns: * within a folder, ** across folders.
# This list replaces the shipped one, so keep every area that the gate asks for."""

_RETRIES_HEAD = """\
# ---- Retries, where the reports cannot say it themselves: "recorded", "hidden" or "none".
# [[retries]]
# producer = "jest"
# evidence = "none"        # jest.retryTimes is not used anywhere"""

_GATE = """\
# ---- Gate 1. "observe" gives the same verdict as "enforce" and stops nothing: change it once you trust the verdicts.

[gates.gate1]
mode = "observe\""""
