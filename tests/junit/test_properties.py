"""What holds for every input: no error, no invented case, and what is written is read."""

from __future__ import annotations

import io
import re
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from junitparser import Error, Failure, Skipped
from junitparser.xunit2 import FlakyFailure, JUnitXml, RerunError, TestCase, TestSuite

from flakelens.junit import read_bytes
from flakelens.model import Status

from .helpers import codes, letters, read

FIXTURES = [path.read_bytes() for path in sorted((Path(__file__).parent / "fixtures").glob("*.xml"))]

# Characters that XML allows; control characters have tests of their own.
texts = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff"), max_size=20)
titles = texts.map(lambda text: " ".join(text.split())).filter(bool)
kinds = st.sampled_from(["P", "F", "E", "S", "FP", "FE"])
suites = st.lists(st.tuples(titles, st.lists(st.tuples(titles, kinds, st.integers(0, 10**6)), max_size=5)), max_size=4)

# Pieces that reports are made of, in any order: much likelier to reach the depths than random bytes.
pieces = st.sampled_from(
    [
        b"<testsuites>", b"</testsuites>", b'<testsuite name="a" timestamp="x">',
        b"</testsuite>", b'<testcase name="a">',
        b"</testcase>", b"<testcase/>", b"<failure>", b"</failure>", b"<flakyFailure/>", b"<rerunError time='x'/>",
        b"<skipped/>", b"<system-out>", b"</system-out>", b"<![CDATA[", b"]]>", b"<!--",
        b"-->", b"<?xml version='1.0'?>",
        b"<!DOCTYPE x>", b"&#27;", b"&lt;", b"&nbsp;", b"\x00", b"\x1b[31m", b"\xff", b"\xc3\xa4",
        b"\xef\xbf\xbf", b"\n", b"text",
        b"\xff\xfe", b"\xef\xbb\xbf", b'<testsuites id="" name="" tests="1" failures="" skipped="" errors="" time="">',
        b'<testsuites name="jest tests">', b"<properties/>", b"<a b='c'>", b"</a>", b"[[ATTACHMENT|a-retry1/b]]",
    ]
)  # fmt: skip


def sane(report, data: bytes) -> None:
    assert "unreadable" not in codes(report)
    assert len(report.cases) + len(report.load_failure_cases) <= data.count(b"testcase")
    assert all(case.attempts for case in report.cases)
    assert all(attempt.seconds is None or attempt.seconds >= 0 for case in report.cases for attempt in case.attempts)
    assert report.cases or report.problems


@given(st.binary(max_size=300))
@settings(deadline=None)
def test_any_bytes(data):
    read_bytes("x", data)
    sane(read_bytes("x", b"<testsuite>" + data), b"<testcase" + data)


@given(st.lists(pieces, max_size=25).map(b"".join))
@settings(max_examples=300, deadline=None)
def test_any_pieces(data):
    report = read_bytes("x", data)
    sane(report, data + data.replace(b"\0", b""))


@given(st.sampled_from(FIXTURES), st.data())
@settings(max_examples=200, deadline=None)
def test_truncation_keeps_a_prefix_and_says_so(whole, data):
    end = data.draw(st.integers(0, len(whole.rstrip()) - 1))
    full, cut = read_bytes("x", whole), read_bytes("x", whole[:end])
    assert cut.cases == full.cases[: len(cut.cases)]
    assert cut.damaged
    assert cut.problems


@given(st.sampled_from(FIXTURES), st.integers(0, 10**6), st.binary(max_size=6))
@settings(max_examples=200, deadline=None)
def test_overwritten_bytes_never_raise(whole, at, noise):
    at %= len(whole)
    sane(read_bytes("x", whole[:at] + noise + whole[at + len(noise) :]), whole + noise + b"testcase")


def written(shape) -> tuple[bytes, list[tuple[str, str, float]]]:
    """A report as junitparser writes it, and what it says."""
    document = JUnitXml("any")
    expected = []
    for suite_name, cases in shape:
        suite = TestSuite(suite_name)
        for number, (title, kind, millis) in enumerate(cases):
            case = TestCase(f"{title} {number}", time=millis / 1000)
            if kind == "FP":
                case.add_interim_result(FlakyFailure("first"))
            elif kind == "FE":
                case.result = [Failure("first")]
                case.add_interim_result(RerunError("second"))
            elif kind != "P":
                case.result = [{"F": Failure, "E": Error, "S": Skipped}[kind]("said", "kind")]
            suite.append(case)
            expected.append((f"{title} {number}", kind, millis / 1000))
        document.append(suite)
    out = io.BytesIO()
    document.write(out)
    return out.getvalue(), expected


@given(suites)
@settings(deadline=None)
def test_what_is_written_is_read(shape):
    data, expected = written(shape)
    report = read(data)
    # a rerun's time is its own, the case's belongs to its first or only attempt or to the pass
    seconds = [next(a.seconds for a in case.attempts if a.seconds is not None) for case in report.cases]
    got = [(case.id.name, letters(case), time) for case, time in zip(report.cases, seconds, strict=True)]
    assert got == expected
    assert report.damaged is (not expected)
    for case in report.cases:
        if case.status is Status.SKIPPED:
            assert case.attempts[-1].message == "said"


@given(suites, st.randoms())
@settings(deadline=None)
def test_layout_does_not_matter(shape, random):
    data, _ = written(shape)
    spaced = re.sub(rb"(?<=>)(?=<(?!\?))", lambda _: b" \n\t"[: random.randint(0, 3)], data)
    assert read(spaced).cases == read(data).cases


@given(titles, st.lists(st.sampled_from(["\x00", "\x08", "\x1b", "\uffff", "&#1;", "&#xB;"]), min_size=1, max_size=4))
@settings(deadline=None)
def test_forbidden_characters_never_cost_a_case(title, bad):
    escaped = title.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")
    document = f'<testsuite><testcase name="{escaped}{"".join(bad)}"/><testcase name="z"/></testsuite>'
    report = read(document)
    assert [case.id.name for case in report.cases] == [title, "z"]
    assert "illegal-characters" in codes(report)
