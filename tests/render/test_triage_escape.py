"""A title, a message, a file, a branch are anybody's text: in no format of `triage` may they become anything else."""

from __future__ import annotations

import json
import re
import unicodedata
from datetime import UTC, datetime
from typing import Any

import pytest

from flakelens.facts import RunKey
from flakelens.model import Event, Problem, ProblemCode, TestId
from flakelens.render.github.triage import outputs, triage_github
from flakelens.render.json.triage import triage_json
from flakelens.render.markdown.triage import MARKER, triage_markdown
from flakelens.render.text.triage import triage_text
from flakelens.report.triage import Lost, OutageNote, Rerun, TriagedRun, TriagedTest, TriageGroup, TriageReport
from flakelens.reproduce import command_of, command_of_group
from flakelens.stats.signatures import Category, Signature
from flakelens.stats.triage import TriageVerdict
from tests.render.test_escape import ALLOWED, COMMAND, HOSTILE

MARKED = {
    **HOSTILE,
    "marker": f"{MARKER}\n## ✅ Triage",
    "fence": "```\n</details>\n```sh\nrm -rf /",
    "shell": "'; rm -rf / #",
}
table = pytest.mark.parametrize("text", MARKED.values(), ids=MARKED.keys())


def a_test(text: str, verdict: TriageVerdict = TriageVerdict.NEW, **given: Any) -> TriagedTest:
    """A failure in which everything that a report brings is `text`."""
    values: dict[str, Any] = {
        "id": TestId(text, text, text),
        "reported": TestId(text, text, text),
        "area": "components",
        "owner": text,
        "verdict": verdict,
        "dismissed": False,
        "quarantined": False,
        "kept": "",
        "explained": False,
        "probabilities": (0.1, 0.0, 0.9, 0.0, 0.0),
        "message": text,
        "headline": text,
        "signature": Signature("0123456789ab", text, Category.UNCLEAR),
        "seen_before": False,
        "because": (f"in quarantine, owner {text}: {text}",),
        "runs": 40,
        "failures": 1,
        "flaky_runs": 0,
        "since": RunKey("given", text),
        "since_commit": text,
        "place": text,
        "line": 3,
        "command": command_of("playwright", file=text, name=text, variant=text),
        "reruns": 2,
        "rerun": True,
    }
    return TriagedTest(**{**values, **given})


def a_report(text: str) -> TriageReport:
    """Two failures of one block, an explained one, a flaky one, something lost, commands and notices."""
    left = (a_test(text), a_test(text))
    known = a_test(text, TriageVerdict.FLAKE, dismissed=True, explained=True)
    line = command_of_group("playwright", [(text, text), (text, f"{text} too")], variant=text)
    assert line is not None

    def group(*tests: TriagedTest) -> TriageGroup:
        first = tests[0]
        return TriageGroup(
            verdict=first.verdict,
            explained=first.explained,
            signature=first.signature,
            headline=first.headline,
            kinds=1,
            tests=tests,
        )

    return TriageReport(
        run=TriagedRun(
            key=RunKey("given", text),
            commit=text,
            branch=text,
            base_branch=text,
            event=Event.PULL_REQUEST,
            started_at=datetime(2026, 11, 20, tzinfo=UTC),
            url=text,
            why_not="pull request",
            gated=text,
            before=40,
            after=0,
        ),
        executed=50,
        failures=(*left, known),
        flaky=(a_test(text, TriageVerdict.FLAKE),),
        groups=(group(*left), group(known)),
        outage=OutageNote(state="suspected", victims=3, executed=50, rerun="gh run rerun 1 --failed"),
        lost=(Lost(problem=Problem(ProblemCode.LOAD_FAILURE, text, f"{text} could not be loaded"), before=False),),
        new_tests=2,
        new_flaky=(TestId(text, text, text),),
        reruns=(Rerun(tests=2, command=line.command.once, whole_files=False, times=3),),
        settled=1,
        notices=(f"compared with {text}",),
    )


USUAL = "an ordinary title"


@table
def test_the_text_gives_no_orders_to_terminals_and_ci(text: str) -> None:
    for width in (40, 80, 140):
        shown = triage_text(a_report(text), width=width, colour=False, verbose=True)
        assert not COMMAND.search(shown)
        assert all(character in ALLOWED + "\n" or unicodedata.category(character)[0] != "C" for character in shown)
    colours = re.findall(r"\x1b[^m]*m", triage_text(a_report(text), width=80, colour=True))
    assert all(re.fullmatch(r"\x1b\[[\d;]*m", each) for each in colours)
    assert len(colours) >= len(re.findall(r"\x1b", triage_text(a_report(USUAL), width=80, colour=True))) / 2


@table
def test_the_comment_keeps_its_shape(text: str) -> None:
    usual, hostile = (triage_markdown(a_report(name)).splitlines() for name in (USUAL, text))
    assert hostile[0] == MARKER
    # A title that says nothing has no line of its own, and a shell's quoting may lengthen a fence; nothing else moves.
    usual, hostile = ([line for line in lines if line.strip()] for lines in (usual, hostile))
    if text.strip():
        assert len(hostile) == len(usual)
    tags = r"</?(?:details|summary)[^<>]*>"
    inside = False
    shape: list[list[str]] = []
    for line in hostile[1:]:
        if re.match(r"`{3,}", line):
            inside = not inside
            continue
        if inside:
            assert not COMMAND.search(line)
            continue
        prose = re.sub(r"(`+)(?!`).*?(?<!`)\1(?!`)", "", line)  # code is never a tag
        shape.append(re.findall(tags, prose))
        assert "<" not in re.sub(tags, "", prose)
        assert not re.search(r"(?<![\\!])\[[^\]]*\]\(", re.sub(r"\\.", "", prose))
    assert not inside
    assert sum(len(each) for each in shape) == sum(
        len(re.findall(tags, re.sub(r"`[^`]*`", "", line))) for line in usual
    )
    rows = [line for line in hostile if line.startswith("|")]
    assert {len(re.findall(r"(?<!\\)\|", line)) for line in rows} == {5}


@table
def test_workflow_commands_are_ours_alone(text: str) -> None:
    lines = triage_github(a_report(text)).splitlines()
    assert len(lines) == len(triage_github(a_report(USUAL)).splitlines()) == 5
    for line in lines:
        found = re.fullmatch(r"::(?:error|notice) (?:file=([^:,]*),(?:line=3,)?)?title=([^:,]*)::(.*)", line)
        assert found is not None, line
        for part in (found[1] or "", found[2]):
            assert not re.search(r"%(?!25|0D|0A|3A|2C)", part)
        assert not re.search(r"%(?!25|0D|0A)", found[3])
        assert not COMMAND.search(found[3])


@table
def test_outputs_of_the_step_are_one_line_each(text: str) -> None:
    from flakelens.render.github.gate import output_lines

    values = outputs(a_report(text))
    lines = output_lines({name: value for name, value in values.items() if name != "run"}).splitlines()
    assert all(re.fullmatch(r"[a-z-]+=(?:true|false|\d+)", line) for line in lines)


@table
def test_json_is_ascii_and_gives_the_text_back(text: str) -> None:
    shown = triage_json(a_report(text))
    assert shown.isascii()
    assert json.loads(shown)["failures"][0]["name"] == text


def test_a_comment_is_never_longer_than_github_takes() -> None:
    tests = tuple(a_test(f"{'long title ' * 20}{number}") for number in range(3000))
    groups = tuple(
        TriageGroup(
            verdict=test.verdict,
            explained=False,
            signature=test.signature,
            headline=test.headline,
            kinds=1,
            tests=(test,),
        )
        for test in tests
    )
    whole = a_report(USUAL)
    values = {name: getattr(whole, name) for name in whole.__struct_fields__}
    body = triage_markdown(TriageReport(**{**values, "failures": tests, "groups": groups}))
    assert len(body) <= 60_000
    assert body.startswith(MARKER)
    assert "3,000 failures" in body or "3000" in body
