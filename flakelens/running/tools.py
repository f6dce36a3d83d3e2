"""What each test tool needs so that it writes a report that shows all it can: by environment, else by a flag.

Sources: Playwright 1.65 (`resolveOutputFile`, the options of `playwright test`) and jest-junit 17
(`constants/index.js`, `utils/getOptions.js`), whose environment variables stand above everything in configuration
files. That is why nothing is redirected that a project has directed: later steps look for a report where it always was.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from flakelens.running.flags import FLAGS, PLAYWRIGHT_CONFIGS, Project, json_of, playwright_version, text_of, value_of

_RECORDS_RETRIES: Final = (1, 59)  # Playwright versions: includeRetries of the junit reporter
_SCRIPT_RUNNERS: Final = frozenset({"npm", "pnpm", "yarn", "bun"})
_SCRIPT_WORDS: Final = frozenset({"run", "run-script"})
_SHELL_SIGNS: Final = re.compile(r"[;&|<>()$`\n]")


class Preparation(msgspec.Struct, frozen=True, kw_only=True):
    """What was prepared for a command."""

    tools: tuple[str, ...]  # test tools that the command names, also through a script of package.json
    command: tuple[str, ...]  # as it is to be run: with reporters added if that was asked for
    variables: Mapping[str, str]  # to set besides the environment
    named: tuple[str, ...]  # folders and files in which reports are expected, besides the whole working folder
    records_retries: bool  # Playwright is known to write retries into its report now
    partial: bool  # the command runs a selection of the tests
    shard: str  # "2/4" or ""
    advice: tuple[str, ...] = ()  # what to add to get a report, where none was written
    added: str = ""  # the flags that were added


class _Invocation(NamedTuple):
    tool: str
    arguments: tuple[str, ...]  # those after the tool's name
    direct: bool  # they are the command's last words, so that flags can be added to them
    separator: bool  # `npm run x` needs "--" before flags of the script


def prepare(
    command: Sequence[str], environ: Mapping[str, str], folder: Path, reports: Path, *, add_reporter: bool
) -> Preparation:
    """Look at `command` and at the project in `folder`, which is only read. `reports`: where reports may be put."""
    found = _invocations(command, folder)
    tools = tuple(dict.fromkeys(each.tool for each in found))
    version = playwright_version(folder)
    variables = _variables(environ, folder, reports)
    changed, added, advice = list(command), "", []
    for each in found:
        flags, missing = FLAGS[each.tool](each.arguments, Project(folder, environ, reports))
        if missing:
            advice.append(missing)
        if not flags or (missing and add_reporter):  # a reporter that is not there would stop the tests
            continue
        if not add_reporter:
            advice.append(f"add to the command: {shlex.join(flags)}  (or let flakelens run --add-reporter do it)")
        elif len(found) > 1 or not each.direct:
            advice.append(f"flags cannot be added from outside to this command; write into it: {shlex.join(flags)}")
        else:
            changed = _added(changed, each, flags)
            added = shlex.join(flags)
    if added and "jest" in tools:
        # Nobody waits for the report of a reporter that we add, so that it need not lie in the project's folder.
        for name, value in (("JEST_JUNIT_OUTPUT_DIR", str(reports)), ("JEST_JUNIT_UNIQUE_OUTPUT_NAME", "true")):
            if not any(environ.get(each) for each in (name, "JEST_JUNIT_OUTPUT_FILE")):
                variables[name] = value
    shards = {shard for each in found if (shard := _shard(each.arguments))}
    return Preparation(
        tools=tools,
        command=tuple(changed),
        variables=variables,
        named=(str(reports), *_directed(environ)),
        records_retries=version is not None and version >= _RECORDS_RETRIES,
        partial=bool(found) and all(_is_selection(each) for each in found),
        shard=shards.pop() if len(shards) == 1 else "",
        advice=tuple(advice),
        added=added,
    )


def _variables(environ: Mapping[str, str], folder: Path, reports: Path) -> dict[str, str]:
    """What to set: harmless for whoever does not read it, and never what the caller has set."""
    wanted = {
        "JEST_JUNIT_ADD_FILE_ATTRIBUTE": "true",
        "JEST_JUNIT_REPORT_TEST_SUITE_ERRORS": "true",
        "PLAYWRIGHT_JUNIT_INCLUDE_RETRIES": "1",
    }
    directed = any(environ.get(f"PLAYWRIGHT_JUNIT_OUTPUT_{what}") for what in ("FILE", "NAME"))
    if not directed and not _playwright_has_output(folder):
        wanted["PLAYWRIGHT_JUNIT_OUTPUT_FILE"] = str(reports / "playwright.xml")  # else it goes to standard output
    return {name: value for name, value in wanted.items() if name not in environ}


def _directed(environ: Mapping[str, str]) -> tuple[str, ...]:
    """The places that the caller's environment names for reports."""
    places = [environ.get(f"{tool}_JUNIT_OUTPUT_FILE", "") for tool in ("PLAYWRIGHT", "JEST")]
    for tool, usual in (("PLAYWRIGHT", ""), ("JEST", "junit.xml")):
        folder, name = environ.get(f"{tool}_JUNIT_OUTPUT_DIR", ""), environ.get(f"{tool}_JUNIT_OUTPUT_NAME") or usual
        if folder or environ.get(f"{tool}_JUNIT_OUTPUT_NAME"):
            places.append(str(Path(folder) / name) if name else "")
        if folder and environ.get(f"{tool}_JUNIT_UNIQUE_OUTPUT_NAME") == "true":
            places.append(str(Path(folder) / f"{name}-*.xml"))
    return tuple(place for place in places if place)


def _playwright_has_output(folder: Path) -> bool:
    """Does the configuration say where the junit reporter writes? Only its text is looked at."""
    texts = [text_of(folder / name) for name in PLAYWRIGHT_CONFIGS if (folder / name).is_file()]
    return any("outputFile" in text and "junit" in text for text in texts)


# --- which tool does the command run? ---


def _invocations(command: Sequence[str], folder: Path) -> list[_Invocation]:
    """The test tools in a command: by name, in a script of package.json, in the text of `sh -c`."""
    script, rest = _script(command, folder)
    if script:
        simple = not _SHELL_SIGNS.search(script)
        return [
            _Invocation(each.tool, (*each.arguments, *rest), simple, command[0] == "npm") for each in _in_text(script)
        ]
    for place, word in enumerate(command):
        if tool := _tool(word, command[place + 1 :]):
            return [_Invocation(tool, tuple(command[place + 1 :]), direct=True, separator=False)]
    texts = (word for word in command if " " in word)
    return [each._replace(direct=False) for text in texts for each in _in_text(text)]


def _in_text(text: str) -> list[_Invocation]:
    found: list[_Invocation] = []
    for part in re.split(r"&&|\|\||[;|&\n]", text):
        try:
            words = shlex.split(part)
        except ValueError:
            continue
        for place, word in enumerate(words):
            if tool := _tool(word, words[place + 1 :]):
                found.append(_Invocation(tool, tuple(words[place + 1 :]), direct=True, separator=False))
                break
    return found


def _script(command: Sequence[str], folder: Path) -> tuple[str, tuple[str, ...]]:
    """The text of the package.json script that `npm test` or `yarn e2e` runs, and what is handed on to it."""
    if not command or Path(command[0]).name not in _SCRIPT_RUNNERS:
        return "", ()
    words = [word for word in command[1:] if not word.startswith("-")]
    if words and words[0] in _SCRIPT_WORDS:
        words = words[1:]
    scripts = json_of(folder / "package.json").get("scripts")
    script = scripts.get(words[0]) if words and isinstance(scripts, dict) else None
    if not isinstance(script, str):
        return "", ()
    rest = command[list(command).index(words[0]) + 1 :]
    return script, tuple(word for word in rest if word != "--")


def _tool(word: str, following: Sequence[str]) -> str:
    """The test tool that this word of a command stands for, "" for none."""
    name = re.sub(r"(?<=.)@[\w.^~-]+$", "", word).rpartition("/")[2].removesuffix(".js").removesuffix(".cmd")
    if name == "playwright" or word.endswith("@playwright/test/cli.js"):
        return "playwright" if "test" in following[:2] else ""
    return name if name in FLAGS else ""


def _added(command: list[str], invocation: _Invocation, flags: tuple[str, ...]) -> list[str]:
    if invocation.tool == "playwright" and any(word.partition("=")[0] == "--reporter" for word in command):
        command = _without(command, "--reporter")  # the last one would hold alone
    separator = ["--"] if invocation.separator and "--" not in command else []
    return [*command, *separator, *flags]


def _without(command: list[str], option: str) -> list[str]:
    kept: list[str] = []
    skip = False
    for word in command:
        if not skip and word.partition("=")[0] != option:
            kept.append(word)
        skip = not skip and word == option
    return kept


# --- does the command run a selection of the tests? ---

_SELECTING: Final[dict[str, frozenset[str]]] = {
    "jest": frozenset(
        {"-t", "--testNamePattern", "--watch", "--watchAll", "-o", "--onlyChanged", "--changedSince", "--onlyFailures",
         "-f", "--findRelatedTests", "--testPathPattern", "--testPathPatterns", "--runTestsByPath", "--lastCommit"}
    ),
    "playwright": frozenset(
        {"-g", "--grep", "--last-failed", "--only-changed", "--test-list", "--ui", "--debug", "--list", "-x",
         "--max-failures"}
    ),
    "vitest": frozenset({"-t", "--testNamePattern", "--changed", "watch", "related", "--watch", "-w"}),
    "pytest": frozenset({"-k", "-m", "--lf", "--last-failed", "--ff", "--deselect", "-x", "--maxfail", "--sw"}),
}  # fmt: skip

# Words that follow these stand by themselves: options that take no value.
_FLAGS_ALONE: Final = frozenset(
    {"--ci", "--coverage", "--runInBand", "-i", "--silent", "--verbose", "--forceExit", "--detectOpenHandles", "--json",
     "--passWithNoTests", "--no-cache", "--headed", "--fully-parallel", "--forbid-only", "--quiet",
     "--pass-with-no-tests", "--fail-on-flaky-tests", "--ignore-snapshots", "--no-deps", "--run", "-v", "-q", "-s"}
)  # fmt: skip
_SUBCOMMANDS: Final = {"playwright": "test", "vitest": "run"}


def _is_selection(invocation: _Invocation) -> bool:
    """Does it name files, titles or failures, so that what it leaves out was not removed? Quarantining does not."""
    arguments = list(invocation.arguments)
    if arguments and arguments[0] == _SUBCOMMANDS.get(invocation.tool):
        arguments = arguments[1:]
    selecting = _SELECTING[invocation.tool]
    before = ""
    for word in arguments:
        if word.partition("=")[0] in selecting:
            return True
        follows_value = before.startswith("-") and "=" not in before and before not in _FLAGS_ALONE
        if not word.startswith("-") and not follows_value and invocation.tool != "pytest":
            return True  # a file or a pattern of files; pytest's folders are its configuration
        before = word
    return False


def _shard(arguments: Sequence[str]) -> str:
    value = value_of(arguments, "--shard")
    return value if re.fullmatch(r"[1-9]\d{0,3}/[1-9]\d{0,3}", value) else ""
