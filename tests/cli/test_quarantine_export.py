"""`flakelens quarantine export`: the tests in quarantine and none other, by real node, whatever their titles hold."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from flakelens.model import RetryEvidence
from flakelens.render.export_jest import jest_setup
from flakelens.render.export_playwright import playwright_pattern
from flakelens.report.export import Held, QuarantineExport
from tests.builders import a_report, a_run, a_store
from tests.cli.histories import AS_OF, caller

NODE = shutil.which("node")

HOSTILE = [
    "pays",
    "Pays",
    "pays again",
    "it's \"quoted\" and 'single'",
    "back`tick ${process.exit(1)}",
    "a.*b(c)[d]{1}|^$ \\d /x/gi",
    "axxb",
    "'; $(touch pwned) #",
    "--flag",
    "@only",
    "</script><script>alert(1)</script>",
    "emoji 🎉 日本語",
    "spaces   inside",
    "line\u2028separator",
    "rtl \u202e text",
    "nul \\u0000 and \\x1b",
    "__proto__",
    "constructor",
    "// comment */ /*",
]


@pytest.fixture
def node():
    if NODE is None:
        if os.environ.get("CI") == "true":
            pytest.fail("node is missing, and CI must not skip what it proves")
        pytest.skip("NODE IS MISSING: the exported patterns were not held against a real JavaScript engine")

    def run(script: str, data: object) -> object:
        done = subprocess.run(
            [NODE, "-e", script], input=json.dumps(data), capture_output=True, text=True, check=False, timeout=60
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return run


# What Playwright does with --grep-invert (forceRegExp), and the text that it holds the pattern against: the titles of
# root, project, file, describe blocks (unless empty) and test, each with its tags behind it, joined by spaces.
PLAYWRIGHT = """
const { pattern, tests } = JSON.parse(require('fs').readFileSync(0, 'utf8'));
const found = pattern.match(/^\\/(.*)\\/([gi]*)$/);
const expression = found ? new RegExp(found[1], found[2]) : new RegExp(pattern, 'gi');
const left = tests.map(({ project, file, path, tags }) => {
  const words = ['', project, file];
  path.forEach((title, place) => { words.push(title); words.push(...(tags[place] || [])); });
  expression.lastIndex = 0;
  return !expression.test(words.join(' '));
});
console.log(JSON.stringify(left));
"""


def playwright_test(*path: str, project: str = "chromium", file: str = "e2e/pay.spec.ts", tags: object = ()) -> dict:
    return {"project": project, "file": file, "path": list(path), "tags": list(tags)}


def reported(test: dict) -> str:
    """As Playwright's JUnit reporter names it, and an XML reader gives it."""
    return " › ".join(test["path"]).replace("\n", " ").replace("\t", " ").strip()


def held_of(test: dict, tests: list[dict]) -> Held:
    others = tuple(
        reported(other)
        for other in tests
        if reported(other) != reported(test) and (other["file"], other["project"]) == (test["file"], test["project"])
    )
    return Held(title=reported(test), file=test["file"], variant=test["project"], others=others)


def left_out(node, held: list[Held], tests: list[dict]) -> list[dict]:
    pattern = playwright_pattern(QuarantineExport(held=tuple(held), separators=(" > ", " › "), notes=()))
    assert pattern.count("\n") == 1
    left = node(PLAYWRIGHT, {"pattern": pattern.rstrip("\n"), "tests": tests})
    return [test for test, stays in zip(tests, left, strict=True) if not stays]


SUITE = [
    *(playwright_test(title, project=project, file=file)
      for title in HOSTILE for project in ("chromium", "Pixel 7") for file in ("e2e/pay.spec.ts", "e2e/pay-spec.ts")),
    playwright_test("checkout", "pays"),
    playwright_test("checkout", "pays", project=""),
    playwright_test("tab\there"),
    playwright_test("two\nlines"),
    playwright_test(" edges "),
    playwright_test("nightly group", "inside", tags=[["@nightly"], []]),
    playwright_test("tagged", tags=[["@slow", "@db"]]),
    playwright_test("tagged @slow but another"),
    playwright_test("group", "tagged", tags=[["@a", "@b"], ["@c"]]),
]  # fmt: skip


@pytest.mark.parametrize(
    "test", SUITE, ids=lambda test: f"{test['project']} {test['path'][-1]}"[:30].encode("ascii", "replace").decode()
)
def test_playwright_leaves_out_the_named_test_and_none_other(node, test: dict) -> None:
    assert left_out(node, [held_of(test, SUITE)], SUITE) == [test]


def test_playwright_leaves_out_several(node) -> None:
    chosen = SUITE[::3]
    assert left_out(node, [held_of(test, SUITE) for test in chosen], SUITE) == chosen


def test_nothing_in_quarantine_leaves_out_nothing(node) -> None:
    assert left_out(node, [], SUITE) == []


def test_an_entry_without_a_project_means_every_project(node) -> None:
    held = [Held(title="checkout › pays", file="e2e/pay.spec.ts", variant=None)]
    found = left_out(node, held, SUITE)
    assert {test["project"] for test in found} == {"chromium", ""}
    assert all(test["path"] == ["checkout", "pays"] for test in found)


# What jest-circus hands to a file of setupFilesAfterEnv: the global tree of tests under its symbol, and beforeAll.
JEST = """
const { setup, path, titles, injected } = JSON.parse(require('fs').readFileSync(0, 'utf8'));
const block = (name) => ({ type: 'describeBlock', name, children: [] });
const root = block('ROOT_DESCRIBE_BLOCK');
const state = { rootDescribeBlock: root };
globalThis[Symbol('JEST_STATE_SYMBOL')] = state;
const hooks = [];
const globals = { expect: { getState: () => ({ testPath: path }) }, beforeAll: (hook) => hooks.push(hook) };
if (injected) Object.assign(globalThis, globals);
const load = (name) => { if (name === '@jest/globals') return globals; throw new Error(name); };
new Function('require', setup)(load);
for (const title of titles) {
  let into = root;
  for (const part of title.slice(0, -1)) {
    let next = into.children.find((child) => child.type === 'describeBlock' && child.name === part);
    if (!next) into.children.push(next = block(part));
    into = next;
  }
  into.children.push({ type: 'test', name: title[title.length - 1], mode: undefined });
}
for (const hook of hooks) hook();
const skipped = [];
const walk = (into, above) => into.children.forEach((child) => child.type === 'test'
  ? child.mode === 'skip' && skipped.push([...above, child.name]) : walk(child, [...above, child.name]));
walk(root, []);
console.log(JSON.stringify(skipped));
"""
JEST_TITLES = [[title] for title in HOSTILE] + [
    ["group", "pays"],
    ["group", "deep", "pays"],
    ["two\nlines"],
    [" edge "],
]


def jest_skips(node, held: list[Held], *, path: str = "/home/ci/src/a.test.ts", injected: bool = True) -> object:
    setup = jest_setup(QuarantineExport(held=tuple(held), separators=(" > ", " › "), notes=()))
    assert setup.isascii()
    return node(JEST, {"setup": setup, "path": path, "titles": JEST_TITLES, "injected": injected})


@pytest.mark.parametrize("title", JEST_TITLES, ids=lambda title: title[-1][:20].encode("ascii", "replace").decode())
def test_jest_skips_the_named_test_and_none_other(node, title: list[str]) -> None:
    name = " > ".join(title).replace("\n", " ").strip()
    assert jest_skips(node, [Held(title=name, file="src/a.test.ts", variant="")]) == [title]


def test_jest_skips_in_the_named_file_alone(node) -> None:
    held = [Held(title="pays", file="src/a.test.ts", variant="")]
    assert jest_skips(node, held, path="/home/ci/other/src/a.test.ts") == [["pays"]]
    assert jest_skips(node, held, path="C:\\ci\\src\\a.test.ts") == [["pays"]]
    assert jest_skips(node, held, path="/home/ci/src/not-a.test.ts") == []
    assert jest_skips(node, [Held(title="pays", file="", variant=None)], path="/x/y.test.ts") == [["pays"]]


def test_jest_without_injected_globals_and_with_nothing_to_skip(node) -> None:
    assert jest_skips(node, [Held(title="pays", file="", variant="")], injected=False) == [["pays"]]
    assert jest_skips(node, []) == []


ENTRY = '[[quarantine]]\ntest = {{ name = "{}" }}\nowner = "A"\nreason = "r"\ncreated = 2026-10-01\nexpires = {}\n'


@pytest.fixture
def call(tmp_path, monkeypatch, capsys):
    call = caller(tmp_path, monkeypatch, capsys)
    reports = [
        a_report(1, {"pays > by card": "P", "saves": "P"}, file="src/a.test.ts", retries=RetryEvidence.NONE),
        a_report(1, {"pays › by card": "P", "opens": "P"}, file="e2e/a.spec.ts", producer="playwright",
                 variant="Pixel 7", name="e.xml"),
    ]  # fmt: skip
    a_store(tmp_path, [a_run(1, reports=reports)]).close()
    Path("flakelens-decisions.toml").write_text(
        ENTRY.format("pays by card", "2026-10-20")
        + ENTRY.format("opens", "2026-10-04")
        + ENTRY.format("who", "2026-10-20")
    )
    return call


def test_each_runner_gets_its_own_tests_and_what_is_left_out_is_said(call) -> None:
    base = ("--db", "flakelens.db", "quarantine", "export", "--as-of", AS_OF, "--format")
    code, out, err = call(*base, "playwright")
    assert code == 0
    assert (
        out == "/^(?: *Pixel 7 e2e/a\\.spec\\.ts(?: @\\S+)* \\s*pays(?: › |(?: @\\S+)* )by\\scard\\s*(?: @\\S+)*)$/\n"
    )
    assert err.splitlines() == [
        "flakelens: 1 test of playwright in quarantine.",
        "flakelens: 1 entry not in force, left out: such a test stops again.",
        'flakelens: "who" is left out: no run knows it.',
    ]
    code, out, _ = call(*base, "jest")
    assert code == 0
    assert '  ["^\\\\s*pays(?: > | )by\\\\scard\\\\s*$", "src/a.test.ts"],\n' in out
    assert out.count("test.ts") == 1
    code, out, err = call("-q", *base, "jest")
    assert (code, err) == (0, "")


def test_without_a_database_the_entries_speak(call) -> None:
    Path("flakelens.db").unlink()
    code, out, err = call("--db", "none.db", "quarantine", "export", "--as-of", AS_OF, "--format", "playwright")
    assert code == 0
    assert "by\\scard" in out
    assert "There is no database" in err


def test_the_runner_must_be_named(call) -> None:
    code, _, err = call("quarantine", "export")
    assert (code, "--format" in err) == (2, True)
