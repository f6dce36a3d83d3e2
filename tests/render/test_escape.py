"""What tests are called is other people's text: in no format may it become markup, a command or a forged line."""

from __future__ import annotations

import json
import re
import unicodedata
from xml.etree import ElementTree

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from flakelens.junit import read_bytes
from flakelens.model import Status, TestId
from flakelens.render.escape import code, json_text, markdown, plain, workflow_data, workflow_property
from flakelens.render.github.gate import gate_github, output_lines
from flakelens.render.json.gate import gate_json
from flakelens.render.junit_gate import gate_junit
from flakelens.render.markdown.gate import gate_markdown
from flakelens.render.text.gate import gate_text
from tests.render.gate_reports import NOT_MET, a_criterion, a_report, met, not_met, with_verdict

HOSTILE = {
    "script": "<script>alert(1)</script>",
    "image": '<img src=x onerror="alert(1)">',
    "closes details": "</details></summary><h1>MET</h1>",
    "comment": "<!-- hides the rest",
    "entity": "&lt;b&gt; &copy;",
    "rich markup": "[bold red]PASSED[/] [link=https://evil.test]x[/link]",
    "emoji code": ":thumbs_up:",
    "emphasis": "**bold** _it_ ~~gone~~ *x*",
    "link": "[click](https://evil.test) ![i](https://evil.test/x.png) www.evil.test https://evil.test",
    "code": "a `b` ``c`` ```\nd",
    "pipes": "a | b || c \\| d",
    "heading": "# MET",
    "newlines": "first\nsecond\r\n\r\n## MET\n| a | b |",
    "separators": "a\u2028b\u2029c\x0bd\x85e",
    "mention": "@octocat @team/all fixes #1 and GH-2",
    "ansi": "\x1b[2J\x1b[31mred\x1b[0m \x9b31m",
    "title of the terminal": "\x1b]0;owned\x07",
    "carriage return": "NOT MET\rMET",
    "backspaces": "NOT MET\b\b\b\b\b\b\bMET    ",
    "bidi": "safe\u202egpj.exe\u2066x\u2069",
    "zero width": "A\u200bI\ufeff\u00ad",
    "null": "a\x00b",
    "surrogate": "a\ud800b",
    "noncharacter": "a\uffff\ufffe",
    "long": "x" * 10_000,
    "long words": "word " * 2_000,
    "workflow command": "::error::owned",
    "workflow output": "a\n::set-output name=state::MET",
    "workflow stop": "::stop-commands::token",
    "old command": "##[error]owned",
    "azure": "##vso[task.setvariable variable=x]y",
    "percent": "100% %0A%25",
    "math": "$x$ $$y$$",
    "output file": "x\nstate=MET\nEOF",
    "empty": "",
    "cells": "日本語のテスト 👩‍👩‍👧 e\u0301",
    "list": "1. one",
    "attributes": "\"quoted\" 'single' ]]>",
}

ALLOWED = " \u3000\u200c\u200d"  # spaces and joiners
table = pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
COMMAND = re.compile(r"::(?:error|set-output|stop-commands)|##\[|##vso\[", re.MULTILINE)


def a_hostile_report(text: str):  # type: ignore[no-untyped-def]
    test = TestId(text, text, text)
    finding = a_criterion(
        "all-passing", NOT_MET, area=text, why=f'1 test failed: "{text}".', tests=(test,), evidence=(text,),
        next_steps=(f'flakelens show "{text}"', text), repair_first=(f'repair "{text}", broken now',),
    )  # fmt: skip
    report = a_report((finding,), areas=tuple(replace(line, area=text) for line in met().areas), notices=(text,))
    return with_verdict(replace(report, bridge=f"Your console says {text}"), title=text)


@table
def test_plain_text_is_one_line_that_shows_all_it_holds(text: str) -> None:
    shown = plain(text)
    assert not COMMAND.search(shown)
    assert len(shown) < 700 * 6
    for character in shown:
        assert character in ALLOWED or unicodedata.category(character)[0] not in "CZ"
    shown.encode()


def test_plain_text_leaves_ordinary_titles_alone() -> None:
    for title in ("adds 1 + 1", "tests::unit::works", "chat › answers", "日本語", "a::b", "50 % of cases", "C# and #1"):
        assert plain(title) == title


def test_plain_text_says_how_much_was_cut() -> None:
    assert plain("x" * 10_000) == "x" * 300 + "... (10,000 characters)"


@table
def test_markdown_holds_no_markup_of_the_title(text: str) -> None:
    shown = markdown(text)
    assert "<" not in shown
    assert ">" not in shown
    assert "\n" not in shown
    bare = re.sub(r"\\.", " ", shown)
    assert not re.search(r"[`*_\[\]|~{}]", bare)
    read = re.sub(r"&#(\d+);", lambda found: chr(int(found[1])), bare)
    assert not re.search(r"[@#]\w", read)
    assert "://" not in read
    assert "$" not in bare
    assert not re.match(r"[#>+-]|\d+[.)]", shown)


@table
def test_code_cannot_be_left_from_inside(text: str) -> None:
    shown = code(text)
    fence = re.match(r"`+", shown)
    assert fence is not None
    inside = shown[len(fence[0]) : -len(fence[0])]
    assert shown.endswith(fence[0])
    assert fence[0] not in re.findall(r"`+", inside)
    assert "\n" not in shown
    assert not re.search(r"(?<!\\)\|", shown)


@table
def test_the_markdown_report_keeps_its_shape(text: str) -> None:
    usual, hostile = (gate_markdown(a_hostile_report(name)).splitlines() for name in ("an ordinary title", text))
    assert len(hostile) == len(usual)
    tags = r"</?(?:details|summary)[^<>]*>"
    for one, other in zip(usual, hostile, strict=True):
        assert len(re.findall(r"(?<!\\)\|", one)) == len(re.findall(r"(?<!\\)\|", other))
        prose = [re.sub(r"(`+)(?!`).*?(?<!`)\1(?!`)", "", line) for line in (one, other)]  # code is never a tag
        assert re.findall(tags, prose[0]) == re.findall(tags, prose[1])
        assert "<" not in re.sub(tags, "", prose[1])


@table
def test_the_text_report_gives_no_orders_to_terminals_and_ci(text: str) -> None:
    for width in (40, 80, 140):
        shown = gate_text(a_hostile_report(text), width=width, colour=False, verbose=True)
        assert not COMMAND.search(shown)
        assert all(character in ALLOWED + "\n" or unicodedata.category(character)[0] != "C" for character in shown)
    assert set(re.findall(r"\x1b[^m]*m", gate_text(a_hostile_report(text), width=80, colour=True))) <= {
        f"\x1b[{style}m" for style in ("0", "1", "2", "31", "32", "33", "1;31", "1;32", "1;33")
    }


@table
def test_the_junit_report_reads_back(text: str) -> None:
    document = gate_junit(a_hostile_report(text)).encode()
    ElementTree.fromstring(document)
    parsed = read_bytes("gate.xml", document)
    assert [case.status for case in parsed.cases] == [Status.FAILED]
    assert not parsed.damaged


@table
def test_workflow_commands_are_ours_alone(text: str) -> None:
    lines = gate_github(a_hostile_report(text)).splitlines()
    assert len(lines) == 2
    for line in lines:
        found = re.fullmatch(r"::error title=([^:,]*)::(.*)", line)
        assert found is not None
        assert not re.search(r"%(?!25|0D|0A|3A|2C)", found[1])
        assert not re.search(r"%(?!25|0D|0A)", found[2])


@table
def test_json_is_ascii_and_whole(text: str) -> None:
    shown = gate_json(a_hostile_report(text))
    assert shown.isascii()
    assert all(character == "\n" or character.isprintable() for character in shown)


def test_workflow_values_come_back_as_they_were() -> None:
    text = "a%0A: b, c\r\nd"
    assert workflow_data(text) == "a%250A: b, c%0D%0Ad"
    assert workflow_property(text) == "a%250A%3A b%2C c%0D%0Ad"


def test_an_output_of_several_lines_cannot_end_its_own_block() -> None:
    assert output_lines({"state": "MET"}) == "state=MET\n"
    assert output_lines({"why": "a\nFLAKELENS\nstate=MET"}) == "why<<FLAKELENS_\na\nFLAKELENS\nstate=MET\nFLAKELENS_\n"


@given(st.text(max_size=400))
def test_whatever_the_title_the_shape_stays(text: str) -> None:
    assert not COMMAND.search(plain(text))
    assert "<" not in markdown(text)
    assert "\n" not in code(text)
    plain(text).encode()


def test_a_colourless_report_of_ordinary_names_is_not_altered() -> None:
    text = gate_text(not_met(), width=140, colour=False)
    assert '"UploadDialog shows progress › while sending"' in text


def test_a_price_in_a_title_is_shown_as_a_price():
    """The sign that would begin a formula is an entity, and nothing may come between its "&#" and its number."""
    assert markdown("costs $5, see #12") == "costs &#36;5, see #&#8203;12"


@given(st.text(max_size=200))
def test_json_gives_every_text_back_and_obeys_none(text: str) -> None:
    document = msgspec.json.encode({text: [text]}).decode() if text.isprintable() else json.dumps({text: [text]})
    shown = json_text(document)
    assert json.loads(shown) == {text: [text]}
    assert shown.isascii()
    assert shown.isprintable()
    assert not COMMAND.search(shown)


@table
def test_json_of_every_attack(text: str) -> None:
    for document in (json.dumps(text), json.dumps(text, ensure_ascii=False)):
        shown = json_text(document)
        assert json.loads(shown) == text
        assert shown.isascii()
        assert not COMMAND.search(shown)
