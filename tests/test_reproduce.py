"""The command that runs one test alone: hostile titles reach the tool as they are and nothing else is run."""

from __future__ import annotations

import re
import shlex
import subprocess
from pathlib import Path

import pytest

from flakelens.reproduce import command_of, command_of_group, file_pattern, title_pattern

FILE = "src/a.test.ts"

# As the reporter wrote it, as the tool knows it (None: the same).
TITLES = [
    ("adds two numbers", None),
    ("cart > shows a discount", "cart shows a discount"),
    ("cart › shows a discount", "cart shows a discount"),
    ("a title with > in it", None),
    ("it's \"quoted\" and 'quoted'", None),
    ("runs $(touch owned) and `touch owned`", None),
    ("; touch owned #", None),
    ("costs $5.00 (50% off) [today] {now} a|b ^ * + ? \\ /", None),
    ("breaks\nthe line\tand tabs", None),
    ("sagt 日本語 — ça va? 🎉", None),
    ("-t --help", None),
    ("${HOME} %PATH% !history", None),
    ("hides \u202egnp.exe \u200bzero \U000e0041tag", None),
    ("creates 0b5c7a5e-2222-4222-8222-123456789012", "creates ffffffff-1111-4111-8111-210987654321"),
    ("at 2026-11-22T20:00:00Z sharp", "at 2027-01-01T00:00:01Z sharp"),
    ("/slashes/gi", None),
]


def words_of(line: str, folder: Path) -> list[str]:
    """What a POSIX shell makes of a command line: the arguments, not what they mean to a program."""
    show = folder / "npx"
    show.write_text('#!/bin/sh\nfor word in "$@"; do printf "%s\\0" "$word"; done\n')
    show.chmod(0o755)
    done = subprocess.run(
        ["/bin/sh", "-c", line], cwd=folder, env={"PATH": f"{folder}:/usr/bin:/bin"}, capture_output=True, check=True
    )
    return done.stdout.decode().split("\0")[:-1]


def as_python(pattern: str) -> re.Pattern[str]:
    """A JavaScript pattern as Python's: surrogate pairs are one character here."""
    joined = re.sub(
        r"\\u(d[89ab]..)\\u(d[c-f]..)",
        lambda found: bytes.fromhex(found[1] + found[2]).decode("utf-16-be"),
        pattern,
    )
    return re.compile(joined, re.IGNORECASE)


@pytest.mark.parametrize(("reported", "known"), TITLES)
@pytest.mark.parametrize("producer", ["jest", "vitest", "playwright"])
def test_a_title_reaches_the_tool_whole_and_matches_the_test(tmp_path, producer, reported, known):
    command = command_of(producer, file=FILE, name=reported)
    assert command is not None
    words = words_of(command.once, tmp_path)
    assert not (tmp_path / "owned").exists()
    pattern = words[words.index("-g" if producer == "playwright" else "-t") + 1]
    title = known or reported
    # Playwright holds the pattern against project, file, titles and tags in one line.
    before, tag = ("chromium a.test.ts ", " @slow") if producer == "playwright" else ("", "")
    assert as_python(pattern).search(f"{before}{title}")
    assert as_python(pattern).search(f"{before}{title}{tag}")
    assert not as_python(pattern).search(f"{before}{title} and more{tag}")


@pytest.mark.parametrize(("reported", "_known"), TITLES)
def test_a_command_is_one_line_that_shows_all_it_holds(reported, _known):
    command = command_of("jest", file=FILE, name=reported)
    assert command is not None
    assert all(sign.isprintable() for sign in command.once)


def test_the_lines_that_people_paste():
    jest = command_of("jest", file="src/app/[id]/page.test.tsx", name="Page > shows", variant="web")
    assert jest is not None
    assert jest.once == ("npx jest 'src/app/\\[id\\]/page.test.tsx' --selectProjects web -t '^Page(?: > | )shows$'")
    assert jest.repeated(3) == f'i=0; while [ $i -lt 3 ] && {jest.once}; do i=$((i+1)); done; echo "passed $i times"'
    assert jest.repeated(1) == jest.once
    browser = command_of("playwright", file="pay.spec.ts", name="pays", variant="Pixel 7")
    assert browser is not None
    assert browser.once == "npx playwright test pay.spec.ts -g 'pays(?= @|$)' '--project=Pixel 7' --retries=0"
    assert browser.repeated(11) == f"{browser.once} --repeat-each=11 --max-failures=1"


def test_without_a_file_the_title_alone_is_searched():
    command = command_of("jest", file="", name="adds")
    assert command is not None
    assert command.once == "npx jest -t '^adds$'"


def test_a_tool_whose_command_line_is_not_known_has_no_command():
    assert command_of("pytest", file="tests/test_a.py", name="adds") is None


def test_a_separator_of_the_team_may_stand_in_the_report_and_be_a_space_in_the_tool():
    pattern = as_python(title_pattern("cart :: shows", [" :: "]))
    assert pattern.fullmatch("cart shows")
    assert pattern.fullmatch("cart :: shows")
    assert not pattern.fullmatch("cart;shows")


def test_a_file_that_looks_like_an_option_is_none():
    assert shlex.split(shlex.quote(file_pattern("-x.test.js"))) == ["./-x.test.js"]


@pytest.mark.parametrize("producer", ["jest", "vitest", "playwright"])
def test_titles_together_reach_the_tool_whole_and_match_each_test_and_no_other(tmp_path, producer):
    group = command_of_group(producer, [(FILE, reported) for reported, _ in TITLES])
    assert group is not None
    assert not group.whole_files
    words = words_of(group.command.once, tmp_path)
    assert not (tmp_path / "owned").exists()
    pattern = as_python(words[words.index("-g" if producer == "playwright" else "-t") + 1])
    before = "chromium a.test.ts " if producer == "playwright" else ""
    for reported, known in TITLES:
        assert pattern.search(f"{before}{known or reported}")
    assert not pattern.search(f"{before}adds two numbers and more")


def test_tests_of_several_files_run_in_one_command():
    group = command_of_group("jest", [("a.test.ts", "adds"), ("b.test.ts", "adds"), ("a.test.ts", "divides")])
    assert group is not None
    assert group.command.once == "npx jest a.test.ts b.test.ts -t '^(?:adds|divides)$'"
    assert group.command.exists == '[ -n "$(npx jest --listTests a.test.ts b.test.ts)" ]'


def test_many_titles_give_way_to_their_files_where_these_are_known():
    many = [(f"{n % 2}.test.ts", f"test {n}") for n in range(30)]
    group = command_of_group("playwright", many, variant="webkit")
    assert group is not None
    assert group.whole_files
    assert group.command.once == "npx playwright test 0.test.ts 1.test.ts --project=webkit --retries=0"
    unknown = command_of_group("jest", [("", name) for _, name in many])
    assert unknown is not None
    assert not unknown.whole_files  # without a file the titles are all there is: the first of them
    assert unknown.command.once.startswith("npx jest -t '^(?:test 0|test 1|")


def test_a_group_of_one_is_that_test_and_an_unknown_tool_has_no_command():
    alone = command_of_group("jest", [(FILE, "adds")], variant="web")
    assert alone is not None
    assert alone.command == command_of("jest", file=FILE, name="adds", variant="web")
    assert command_of_group("pytest", [(FILE, "a"), (FILE, "b")]) is None
    assert command_of_group("pytest", [(FILE, "a")]) is None
