"""`flakelens brief CAUSE`: what several tests share, for whoever repairs it."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest

from flakelens.model import RetryEvidence
from tests.builders import a_commit, a_report, a_run, a_store
from tests.cli.causes_histories import AS_OF, failing_database
from tests.cli.histories import caller
from tests.goldens import same_as_golden

SERVICE = "c829461"  # four tests that die with a service: docs/causes.md names it too


@pytest.fixture
def call(tmp_path, monkeypatch, capsys):
    return caller(tmp_path, monkeypatch, capsys)


def causes_of(call, db: str) -> dict[str, dict]:
    out = call("--db", db, "causes", "--as-of", AS_OF, "--format", "json")[1]
    return {cause["tests"][0]["name"]: cause for cause in json.loads(out)["causes"]}


def brief_of(call, db: str, cause: str) -> dict:
    code, out, err = call("--db", db, "brief", cause, "--as-of", AS_OF, "--format", "json")
    assert (code, err) == (0, "")
    return json.loads(out)


def test_the_brief_of_a_cause(tmp_path, call):
    (tmp_path / ".git").mkdir()
    (tmp_path / "CODEOWNERS").write_text("/src/__tests__/app/ @org/app\n/src/__tests__/app/pay* @ada\n")
    db = failing_database(tmp_path)
    code, out, err = call("--db", db, "brief", SERVICE, "--as-of", AS_OF)
    assert (code, err) == (0, "")
    same_as_golden("brief/cause.md", out)
    out = call("--db", db, "brief", SERVICE, "--as-of", AS_OF, "--format", "json")[1]
    same_as_golden("brief/cause.json", out)
    document = json.loads(out)
    assert document["schema"] == "flakelens.brief-cause/1"
    assert document["cause"]["id"] == SERVICE
    assert (document["failing"], document["tried"]) == (7, 56)
    assert document["failures"][0]["shared"] == [{"file": "src/api/backend.js", "line": 16, "source": None}]


def test_a_cause_of_one_test_has_the_brief_of_that_test(tmp_path, call):
    db = failing_database(tmp_path)
    cause = causes_of(call, db)["checkout pays"]
    assert brief_of(call, db, cause["id"]) == brief_of(call, db, "checkout pays")
    assert brief_of(call, db, cause["id"])["schema"] == "flakelens.brief/1"


def test_the_brief_of_a_test_names_the_cause_that_it_shares(tmp_path, call):
    db = failing_database(tmp_path)
    page = call("--db", db, "brief", "total in USD", "--as-of", AS_OF)[1]
    assert f"- Cause: `{SERVICE}`, shared with 3 other tests: `flakelens brief {SERVICE}` is about it" in page
    assert brief_of(call, db, "total in USD")["test"]["cluster"] == SERVICE
    assert "- Cause" not in call("--db", db, "brief", "checkout pays", "--as-of", AS_OF)[1]


@pytest.mark.parametrize("more", [(), ("--bisect",)])
def test_an_unknown_cause_names_the_mend(tmp_path, call, more):
    code, _, err = call("--db", failing_database(tmp_path), "brief", "c000000", "--as-of", AS_OF, *more)
    assert code == 2
    assert "There is no cause 'c000000' now." in err
    assert "flakelens causes --over" in err


def test_a_title_that_looks_like_a_cause_is_still_a_title(tmp_path, call):
    a_store(tmp_path, [a_run(n, outcomes={"masks c0ffee0": "P"}) for n in range(3)]).close()
    out = call("--db", str(tmp_path / "flakelens.db"), "brief", "c0ffee0", "--as-of", AS_OF)[1]
    assert out.startswith("# Repair: masks c0ffee0\n")


def broken_by_one_commit(folder: Path) -> str:
    """Three tests that the commit of run 21 broke; one of them was not in the run before."""
    runs = []
    for n in range(30):
        letter = "F" if n >= 21 else "P"
        tests = {
            "src/a.test.ts::reads the price": letter,
            "src/a.test.ts::writes the price": letter,
            "src/b.test.ts::shows the price": "." if n == 20 else letter,
            **{f"src/c.test.ts::calm {i}": "P" for i in range(9)},
        }
        message = (
            f"TypeError: price is undefined\n    at get (/ci/{n}/src/price.ts:3:4)\n    at /ci/{n}/src/a.test.ts:9:1"
        )
        runs.append(a_run(n, reports=[a_report(n, tests, message=message)], commit=a_commit(n)))
    a_store(folder, runs).close()
    return str(folder / "flakelens.db")


def test_what_one_commit_broke_began_where_the_best_informed_test_says(tmp_path, call):
    db = broken_by_one_commit(tmp_path)
    cause = causes_of(call, db)["reads the price"]
    assert len(cause["tests"]) == 3
    brief = brief_of(call, db, cause["id"])
    assert brief["began"]["kind"] == "fails"
    assert brief["began"]["range"] == f"{a_commit(20)}..{a_commit(21)}"
    assert (brief["rate"], brief["reproduce"][0]["repeats"]) == (1.0, 1)
    assert brief["failures"][0]["shared"][0] == {"file": "src/price.ts", "line": 3, "source": None}
    assert brief["failures"][0]["lines"][0]["file"] == "src/a.test.ts"


def test_the_script_bisects_the_most_telling_test(tmp_path, call):
    db = broken_by_one_commit(tmp_path)
    cause = causes_of(call, db)["reads the price"]["id"]
    code, _, err = call("--db", db, "brief", cause, "--bisect", "bisect.sh", "--as-of", AS_OF)
    assert (code, err) == (0, "")
    script = Path("bisect.sh").read_text()
    assert f"stands for the tests of cause {cause}" in script
    assert f"git bisect start {a_commit(21)} {a_commit(20)}" in script
    subprocess.run(["/bin/sh", "-n", "bisect.sh"], check=True)


def test_tests_of_several_projects_have_a_command_each(tmp_path, call):
    runs = []
    for n in range(40):
        dead = n % 8 == 3
        reports = [
            a_report(
                n, {"pays": "F" if dead else "P", "signs in": "F" if dead else "P", "looks": "P"}, file="pay.spec.ts",
                producer="playwright", variant=project, name=f"{project}.xml", shown=RetryEvidence.RECORDED,
            )
            for project in ("chromium", "webkit")
        ]  # fmt: skip
        runs.append(a_run(n, reports=reports))
    a_store(tmp_path, runs).close()
    db = str(tmp_path / "flakelens.db")
    cause = causes_of(call, db)["pays"]
    brief = brief_of(call, db, cause["id"])
    assert [run["once"] for run in brief["reproduce"]] == [
        f"npx playwright test pay.spec.ts -g '(?:pays|signs in)(?= @|$)' --project={project} --retries=0"
        for project in ("chromium", "webkit")
    ]
    page = call("--db", db, "brief", cause["id"], "--as-of", AS_OF)[1]
    assert "Once, the 2 tests together in project `webkit`:" in page


def test_what_is_over_is_told_without_a_rate(tmp_path, call):
    runs = [a_run(n, outcomes={"a": "F" if n in (2, 3, 4) else "P", "b": "F" if n in (2, 3, 4) else "P",
                               **{f"calm {i}": "P" for i in range(20)}}) for n in range(60)]  # fmt: skip
    a_store(tmp_path, runs).close()
    db = str(tmp_path / "flakelens.db")
    over = json.loads(call("--db", db, "causes", "--over", "--as-of", AS_OF, "--format", "json")[1])["causes"]
    assert [cause["state"] for cause in over] == ["over"]
    brief = brief_of(call, db, over[0]["id"])
    assert (brief["rate"], brief["began"], brief["clean_runs_needed"]) == (None, None, None)
    code, _, err = call("--db", db, "brief", over[0]["id"], "--bisect", "--as-of", AS_OF)
    assert code == 2
    assert f"No test of cause {over[0]['id']} can be bisected now." in err
    assert "How to know" not in call("--db", db, "brief", over[0]["id"], "--as-of", AS_OF)[1]


def test_titles_and_messages_stay_text(tmp_path, call):
    evil = "eats `code` <b>x</b> [a](http://x) \u202e ##[error]y $(touch owned)"
    runs = []
    for n in range(30):
        letter = "F" if n % 5 == 2 else "P"
        tests = {f"src/a.test.ts::{evil}": letter, f"src/a.test.ts::{evil} 2": letter, "src/a.test.ts::calm": "P"}
        runs.append(a_run(n, reports=[a_report(n, tests, message="```\n# owned\n\x1b[2J ##[error]z")]))
    a_store(tmp_path, runs).close()
    db = str(tmp_path / "flakelens.db")
    cause = next(iter(causes_of(call, db).values()))["id"]
    page = call("--db", db, "brief", cause, "--as-of", AS_OF)[1]
    assert not set("\x1b\u202e") & set(page)
    assert "##[error]" not in page
    outside = re.sub(r"(?ms)^(````*)\w*\n.*?^\1$", "", page)  # what stands in no block and in no span of code
    outside = re.sub(r"(?<![`\\])(`+)(?!`).+?(?<!`)\1(?!`)", "", outside)
    assert "# owned" not in outside
    assert "<b>" not in outside
    assert "[a](http" not in outside
    code, out, _ = call("--db", db, "brief", cause, "--bisect", "--as-of", AS_OF)
    assert code == 0
    subprocess.run(["/bin/sh", "-n"], input=out.encode(), check=True)
