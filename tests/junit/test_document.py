"""From bytes to a tree: encodings, what is refused, what is salvaged, what is hostile."""

from __future__ import annotations

import codecs
import gc
import subprocess
import sys
import time
from pathlib import Path

import pytest

from flakelens.junit.document import LOOKS_LIKE, read_document
from flakelens.model import SERIOUS_CODES

from .helpers import codes, message, names, read

DECLARATION = '<?xml version="1.0" encoding="{}"?>'
ONE = '<testsuites><testsuite name="s"><testcase name="größe"/></testsuite></testsuites>'


@pytest.mark.parametrize(
    ("data", "problems"),
    [
        (ONE.encode(), []),
        ((DECLARATION.format("UTF-8") + ONE).encode(), []),
        (codecs.BOM_UTF8 + (DECLARATION.format("utf-8") + ONE).encode(), []),
        (("\n\n" + DECLARATION.format("UTF-8") + ONE).encode(), []),  # a blank line before the declaration
        ((DECLARATION.format("ISO-8859-1") + ONE).encode("latin-1"), []),
        ((DECLARATION.format("windows-1252") + ONE).encode("cp1252"), []),
        ((DECLARATION.format("utf-16") + ONE).encode("utf-16"), []),
        (codecs.BOM_UTF16_BE + (DECLARATION.format("UTF-16") + ONE).encode("utf-16-be"), []),
        (ONE.encode("utf-16-le"), []),  # without its mark
        (ONE.encode("utf-16-be"), []),
        (codecs.BOM_UTF32_LE + ONE.encode("utf-32-le"), []),
        ((DECLARATION.format("UTF-8") + ONE).encode("utf-16"), ["wrong-encoding"]),
        ((DECLARATION.format("UTF-16") + ONE).encode(), ["wrong-encoding"]),
        ((DECLARATION.format("ISO-8859-1") + ONE).encode(), ["wrong-encoding"]),
        ((DECLARATION.format("klingon") + ONE).encode(), ["wrong-encoding"]),
        ((DECLARATION.format("punycode") + ONE).encode(), ["wrong-encoding"]),  # a codec that is no charset
        ((DECLARATION.format("UTF-8") + ONE).encode("cp1252"), ["wrong-encoding"]),
        (ONE.encode("cp1252"), ["wrong-encoding"]),
        ((DECLARATION.format("UTF-16 LE") + ONE).encode("utf-16"), ["wrong-encoding"]),  # no name that XML allows
        (ONE.encode("utf-16"), []),
        ((DECLARATION.format("windows-1252") + ONE).encode(), ["wrong-encoding"]),
    ],
)
def test_encodings(data, problems):
    report = read(data)
    assert codes(report) == problems
    assert names(report) == ["größe"]
    assert not report.damaged


def test_bytes_that_fit_no_encoding_are_replaced():
    report = read(ONE.encode().replace(b'"s"', b'"s\xff"'))
    assert codes(report) == ["wrong-encoding"]
    assert names(report) == ["größe"]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("a\x1b[31mb", "a[31mb"),
        ("a\x00b", "ab"),
        ("a&#27;b", "ab"),
        ("a&#x1B;b", "ab"),
        ("a&#0;b", "ab"),
        ("a&#xFFFF;b", "ab"),
        ("a\uffffb", "ab"),
        ("a\ufffeb", "ab"),
        ("a&#xD800;b", "ab"),
        ("a&#99999999999999999999;b", "ab"),
        ("a&#x41;b&#1;", "aAb"),
    ],
)
def test_forbidden_characters_are_removed(text, name):
    report = read(f'<testsuite><testcase name="{text}"/><testcase name="next"/></testsuite>')
    assert codes(report) == ["illegal-characters"]
    assert names(report) == [name, "next"]
    assert not report.damaged


def test_a_lone_surrogate_is_no_utf8():
    report = read(b'<testsuite><testcase name="a' + b"\xed\xa0\x80" + 'ö"/></testsuite>'.encode())
    assert codes(report) == ["wrong-encoding"]
    assert len(report.cases) == 1


def test_a_reference_inside_cdata_is_plain_text():
    report = read(
        '<testsuite><testcase name="a\x01"><failure><![CDATA[&#27; ]] &#0;]]></failure></testcase></testsuite>'
    )
    assert report.cases[0].attempts[0].message == "&#27; ]] &#0;"


BOMB = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]><testsuite><testcase name="&b;"/></testsuite>'
EXTERNAL = '<!DOCTYPE x SYSTEM "file:///etc/passwd"><testsuite><testcase name="a"/></testsuite>'


@pytest.mark.parametrize("head", ["", DECLARATION.format("UTF-8"), "\n<!-- note -->\n", "<?pi x?> <!-- a --> "])
@pytest.mark.parametrize("document", [BOMB, EXTERNAL])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_a_doctype_is_refused(head, document, encoding):
    report = read((head + document).encode(encoding))
    assert "doctype" in codes(report)
    assert report.damaged
    assert not report.cases


def test_a_doctype_in_a_message_is_text():
    report = read('<testsuite><testcase name="a"><failure><![CDATA[<!DOCTYPE html>]]></failure></testcase></testsuite>')
    assert not report.problems


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "empty-file"),
        (b" \n\t", "empty-file"),
        (codecs.BOM_UTF8, "empty-file"),
        (b"\x00" * 100, "empty-file"),
        (b"all tests passed", "not-xml"),
        (b'{"tests": 1}', "not-xml"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", "not-xml"),
        (b"< 3 apples", "not-xml"),
        (b"<!-- only a comment -->", "truncated"),
        (b'<?xml version="1.0"?>\n', "truncated"),
        (b"<html><body>404</body></html>", "not-junit"),
        (b"<testsuites/>", "no-tests"),
        (b"<testsuite name='a'/>", "no-tests"),
    ],
)
def test_what_is_no_report(data, code):
    report = read(data)
    assert codes(report)[-1] == code
    assert report.damaged
    assert not report.cases
    assert set(codes(report)) & {serious.value for serious in SERIOUS_CODES}


@pytest.mark.parametrize("root", LOOKS_LIKE)
def test_other_formats_are_called_by_their_name(root):
    report = read(f"<{root}><x/></{root}>")
    assert codes(report) == ["not-junit"]
    assert f"<{root}>" in report.problems[0].message
    assert LOOKS_LIKE[root] in report.problems[0].message


TWO = """<testsuites tests="2">
<testsuite name="s">
<testcase name="a"/>
<testcase name="b"/>
</testsuite>
</testsuites>
"""


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("> shop@1.0.0 test\n> playwright test\n\n", ""),
        ("", "npm notice New version available\n"),
        ("[WebServer] ready < 3 s\n", "done in 3 s & more <\n"),
        ("<w> [webpack-dev-server] ready\n", ""),
        ("chatter\n" + DECLARATION.format("UTF-8"), "bye"),
    ],
)
def test_text_around_the_report_is_left_out(before, after):
    report = read(before + TWO + after)
    assert names(report) == ["a", "b"]
    assert set(codes(report)) == {"extra-text"}
    assert not report.damaged


@pytest.mark.parametrize("between", ["", "\n", "\nnpm notice\n", "größe\r\n"])
def test_a_second_report_in_the_file_is_never_lost_silently(between):
    report = read(TWO.strip() + between + DECLARATION.format("UTF-8") + TWO)
    assert names(report) == ["a", "b"]
    assert codes(report) == ["malformed"]
    assert report.damaged


def test_a_truncated_file_keeps_its_complete_cases():
    report = read(TWO[: TWO.index('"b"') + 2])
    assert names(report) == ["a"]
    assert codes(report) == ["truncated", "counts-disagree"]
    assert report.problems[0].where == "report.xml:4"
    assert message(report, "counts-disagree").startswith("1 of the 2")
    assert report.damaged


def test_a_case_cut_inside_its_failure_is_not_kept_as_a_pass():
    text = TWO.replace('<testcase name="b"/>', '<testcase name="b"><failure>boom</failure></testcase>')
    for end in range(text.index('"b"'), text.index("</testcase>") + len("</testcase>") - 1):
        assert names(read(text[:end])) == ["a"]


def test_a_file_cut_inside_a_character():
    data = '<testsuite><testcase name="a"/><testcase name="ö'.encode()[:-1]
    report = read(data)
    assert names(report) == ["a"]
    assert "truncated" in codes(report)


@pytest.mark.parametrize(
    "bad", ['<testcase name="a < b"/>', "<testcase name=a/>", "<x></y>", "<testcase name='q'>&nbsp;</testcase>", "]]>"]
)
def test_broken_in_the_middle_keeps_what_came_before(bad):
    report = read(f'<testsuite>\n<testcase name="first"/>\n{bad}\n<testcase name="last"/>\n</testsuite>')
    assert names(report) == ["first"]
    assert codes(report) == ["malformed"]
    assert report.problems[0].where == "report.xml:3"
    assert report.damaged


def test_a_declaration_that_lies_about_its_encoding_keeps_line_numbers():
    report = read('<?xml\nversion="1.0"?>\n<testsuite>\n<testcase name="a"/>\n<x></y></testsuite>')
    assert report.problems[0].where == "report.xml:5"


N = 100_000
PLAYWRIGHT = (
    '<testsuites id="" name="" tests="1" failures="0" skipped="0" errors="0" time="1">'
    '<testsuite name="a" hostname=""><testcase classname="a">'
)
HOSTILE = {
    "deep suites": "<testsuites>" + "<testsuite>" * N + "</testsuite>" * N + "</testsuites>",
    "deep suites, cut": "<testsuites>" + "<testsuite>" * N,
    "deep cases": "<testsuite>" + "<testcase>" * N + "</testcase>" * N + "</testsuite>",
    "deep wrappers": "<testsuite>" + "<a>" * N + "<testcase/>" + "</a>" * N + "</testsuite>",
    "deep failure": "<testsuite><testcase><failure>" + "<a>" * N + "</a>" * N + "</failure></testcase></testsuite>",
    "a million attributes": "<testsuite><testcase " + " ".join(f'a{i}=""' for i in range(10 * N)) + "/></testsuite>",
    "the same attribute twice": '<testsuite><testcase name="a" name="b"/></testsuite>',
    "huge text": f"<testsuite><testcase><failure>{'x' * 40 * N}</failure></testcase></testsuite>",
    "huge words like paths": f"<testsuite><testcase><failure>{'/a.test.js' * N}</failure></testcase></testsuite>",
    "huge node_modules": f"<testsuite><testcase><failure>{'node_modules.test.js' * N}</failure></testcase></testsuite>",
    "huge name": f'<testsuite><testcase name="{"a." * 10 * N}ts" classname="{"/b." * 10 * N}ts"/></testsuite>',
    "huge blank class": f'<testsuite><testcase name="{" " * 10 * N}a" classname="{" " * 10 * N}b"/></testsuite>',
    "huge time": f'<testsuite time="{"9" * N}" timestamp="{"9" * N}"><testcase time="{"1," * N}"/></testsuite>',
    "unclosed comments": "<!--" * N,
    "unclosed CDATA": "<testsuite>\x01" + "<![CDATA[" * N,
    "unclosed instructions": "<?a" * N,
    "open angles": "<" * N,
    "ampersands": "<testsuite>" + "&" * N,
    "references": "<testsuite>\x01" + "&#1" * N,
    "blank lines": " \n" * N,
    "blank then text": "x" + " " * 10 * N + "\n" * N,
    "retry headings": PLAYWRIGHT + "<failure>" + "\n Retry #1 ─" * N + "</failure></testcase></testsuite></testsuites>",
    "attachments": PLAYWRIGHT + "<system-out>" + "[[ATTACHMENT|" * N + "</system-out></testcase></testsuite>"
    "</testsuites>",
    "many duplicates": "<testsuite>" + '<testcase name="a"/>' * N + "</testsuite>",
    "many failures of suites": "<testsuite>" + "<failure/>" * N + "</testsuite>",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_input_is_a_problem_and_never_a_wait(name):
    started = time.process_time()
    report = read(HOSTILE[name])
    assert "unreadable" not in codes(report)
    assert time.process_time() - started < 20  # linear: well below a second each on a quiet machine
    assert all(len(problem.message) < 1000 and "\n" not in problem.message for problem in report.problems)
    assert len(report.problems) < 50


def test_hostile_retries_stay_bounded():
    text = HOSTILE["retry headings"].replace("<system-out>", "")
    assert len(read(text).cases[0].attempts) < 10_000


def test_depth_is_bounded_and_said():
    report = read(HOSTILE["deep cases"])
    assert "too-deep" in codes(report)
    assert report.damaged
    shallow = "<testsuites>" + "<testsuite>" * 50 + '<testcase name="a"/>' + "</testsuite>" * 50 + "</testsuites>"
    assert names(read(shallow)) == ["a"]


MEASURE = """
from flakelens.junit import read_bytes
data = b"<testsuites>" + b"".join(b'<testcase name="%d"/>' % i for i in range(200_000)) + b"</testsuites>"
report = read_bytes("x", data)
assert len(report.cases) == 200_000
# not ru_maxrss, which a child inherits from the process that forked it
peak = next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(int(peak) / 1024, len(data) / 2**20)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the peak is read from /proc")
def test_memory_is_bounded_by_the_size_of_the_report():
    """The densest report there is: 100 MB and thirty times its bytes are the limit, the process included."""
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", MEASURE], capture_output=True, text=True, check=True, cwd=root)
    peak, size = map(float, done.stdout.split())
    assert peak < 100 + 30 * size


@pytest.mark.parametrize(
    "document",
    [TWO, TWO[:-30], TWO + "x", TWO.replace("<testcase", "< testcase"), TWO.replace("a", "\x01"), "x", BOMB, ""],
)
def test_nothing_waits_for_the_garbage_collector(document):
    """Cycles would keep every tree of a long ingest alive until the collector finds them."""
    read(document)
    gc.collect()
    gc.disable()
    try:
        read(document)
        assert gc.collect() == 0
    finally:
        gc.enable()


def test_too_large():
    report = read(ONE, max_bytes=10)
    assert codes(report) == ["too-large"]
    assert report.size == len(ONE.encode())


def test_an_error_of_our_own_never_stops_the_others(monkeypatch):
    def broken(_data):
        raise KeyError("x")

    monkeypatch.setattr("flakelens.junit.reader.read_document", broken)
    report = read(ONE)
    assert codes(report) == ["unreadable"]
    assert report.damaged


def test_the_parser_does_not_depend_on_what_is_installed():
    assert type(read_document(ONE.encode()).root).__module__ == "xml.etree.ElementTree"
    assert "lxml" not in sys.modules
