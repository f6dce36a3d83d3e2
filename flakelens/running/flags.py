"""The flags that switch a JUnit reporter on, per test tool, and what a project has switched on already.

Configuration files are programs: only their text is looked at, for the name of the reporter.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

PLAYWRIGHT_CONFIGS: Final = tuple(f"playwright.config.{end}" for end in ("ts", "js", "mjs", "cjs", "mts", "cts"))
_LARGEST: Final = 1_000_000  # bytes of a configuration file that are looked at
_ADDS_REPORTERS: Final = (1, 65)  # --add-reporter, as seen in that version


class Project(NamedTuple):
    """What the flags of a command depend on besides its own words."""

    folder: Path
    environ: Mapping[str, str]
    reports: Path  # where reports may be put


class Flags(NamedTuple):
    """What a command lacks."""

    flags: tuple[str, ...] = ()  # to add; none where the report is switched on already
    missing: str = ""  # what must be installed before they can work


def playwright_version(folder: Path) -> tuple[int, int] | None:
    """Major and minor version of the Playwright that `folder` would run, None where that cannot be told."""
    for place in (folder, *folder.parents):
        for package in ("@playwright/test", "playwright"):
            path = place / "node_modules" / package / "package.json"
            found = re.match(r"(\d{1,4})\.(\d{1,4})\.", str(json_of(path).get("version", "")))
            if found:
                return int(found[1]), int(found[2])
    return None


def text_of(path: Path) -> str:
    """The beginning of a text file, "" for one that cannot be read."""
    try:
        with path.open("rb") as file:
            return file.read(_LARGEST).decode("utf-8", "replace")
    except OSError:
        return ""


def json_of(path: Path) -> dict[str, object]:
    """The object in a JSON file, {} where there is none."""
    try:
        value = json.loads(text_of(path))
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _playwright_flags(arguments: Sequence[str], project: Project) -> Flags:
    given = value_of(arguments, "--reporter", "--add-reporter")
    configured = any(
        "junit" in text_of(project.folder / name) for name in PLAYWRIGHT_CONFIGS if (project.folder / name).is_file()
    )
    if "junit" in given or (configured and not value_of(arguments, "--reporter")):
        return Flags()
    if (version := playwright_version(project.folder)) and version >= _ADDS_REPORTERS:
        return Flags(("--add-reporter=junit",))
    console = given or ("dot" if project.environ.get("CI") else "list")  # what Playwright takes without a reporter
    return Flags((f"--reporter={console},junit",))


def _jest_flags(arguments: Sequence[str], project: Project) -> Flags:
    configs = [*project.folder.glob("jest.config.*"), project.folder / "package.json"]
    own = str(json_of(project.folder / "package.json").get("jest", ""))
    texts = [own, *(text_of(path) for path in configs if path.name != "package.json")]
    missing = ""
    if not any((place / "node_modules" / "jest-junit").is_dir() for place in (project.folder, *project.folder.parents)):
        missing = "install Jest's JUnit reporter: npm install --save-dev jest-junit"
    if "jest-junit" in " ".join(arguments) or (
        any("jest-junit" in text for text in texts) and not value_of(arguments, "--reporters")
    ):
        return Flags(missing=missing)
    kept = () if value_of(arguments, "--reporters") else ("--reporters=default",)
    return Flags((*kept, "--reporters=jest-junit"), missing)


def _vitest_flags(arguments: Sequence[str], project: Project) -> Flags:
    configs = (path for pattern in ("vitest.config.*", "vite.config.*") for path in project.folder.glob(pattern))
    given = value_of(arguments, "--reporter")
    if "junit" in given or (not given and any("junit" in text_of(path) for path in configs)):
        return Flags()
    kept = () if given else ("--reporter=default",)
    return Flags((*kept, "--reporter=junit", f"--outputFile.junit={project.reports / 'vitest.xml'}"))


def _pytest_flags(arguments: Sequence[str], project: Project) -> Flags:
    given = " ".join((*arguments, project.environ.get("PYTEST_ADDOPTS", "")))
    if re.search(r"--junit-?xml\b", given):
        return Flags()
    return Flags((f"--junitxml={project.reports / 'pytest.xml'}",))


FLAGS: Final[dict[str, Callable[[Sequence[str], Project], Flags]]] = {
    "playwright": _playwright_flags,
    "jest": _jest_flags,
    "vitest": _vitest_flags,
    "pytest": _pytest_flags,
}


def value_of(arguments: Sequence[str], *options: str) -> str:
    """The values that `arguments` give to `options`, comma-separated; "" for none."""
    values: list[str] = []
    for place, word in enumerate(arguments):
        name, sign, value = word.partition("=")
        if name in options:
            values.append(value if sign else " ".join(arguments[place + 1 : place + 2]))
    return ",".join(values)
