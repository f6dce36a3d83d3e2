"""`flakelens brief`: the document for whoever repairs a test, and the script that finds the commit."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from flakelens.analyze.brief import repeats
from flakelens.model import RetryEvidence
from flakelens.render.bisect import failures_needed, tries
from tests.builders import a_report, a_run, a_store
from tests.cli.histories import AS_OF, caller, team_database
from tests.goldens import same_as_golden


@pytest.fixture
def call(tmp_path, monkeypatch, capsys):
    return caller(tmp_path, monkeypatch, capsys)


@pytest.mark.parametrize(
    ("asked", "golden"),
    [("sends a mail", "flaky"), ("salary", "broken"), ("checkout", "stable"), ("hides the button", "evil")],
)
def test_the_brief_of_a_test(tmp_path, call, asked, golden):
    code, out, err = call("--db", team_database(tmp_path), "brief", asked, "--as-of", AS_OF)
    assert (code, err) == (0, "")
    same_as_golden(f"brief/{golden}.md", out)


def test_the_document(tmp_path, call):
    _, out, _ = call("--db", team_database(tmp_path), "brief", "salary", "--as-of", AS_OF, "--format", "json")
    same_as_golden("brief/broken.json", out)
    document = json.loads(out)
    assert document["schema"] == "flakelens.brief/1"
    good, bad = document["began"]["range"].split("..")
    assert (document["began"]["good"]["commit"], document["began"]["bad"]["commit"]) == (good, bad)
    assert document["failures"][0]["count"] == 4


def test_lines_of_the_test_file_come_from_the_stack_trace(tmp_path, call):
    message = (
        "Error: no\n  > 7 | expect(mail).toBeSent()\n    at sent (/home/ci/app/src/mail.test.js:7:14)\n"
        "    at run (/home/ci/app/node_modules/jest/mail.test.js:1:1)\n    at Object.x (src/mail.test.js:3:1)"
    )
    runs = [a_run(n, reports=[a_report(n, {"src/mail.test.js::it": "F"}, message=message)]) for n in range(3)]
    a_store(tmp_path, runs).close()
    _, out, _ = call("--db", str(tmp_path / "flakelens.db"), "brief", "it", "--as-of", AS_OF, "--format", "json")
    assert json.loads(out)["failures"][0]["lines"] == [
        {"file": "src/mail.test.js", "line": 7, "source": "expect(mail).toBeSent()"},
        {"file": "src/mail.test.js", "line": 3, "source": None},
    ]


def test_generated_values_do_not_make_each_failure_a_kind_of_its_own(tmp_path, call):
    def message(n: int) -> str:
        said = f"expect(received).toBe(expected)\n\nExpected: {n}\nReceived: {n + 1}\n"
        return f"{said}    at x (src/a.test.ts:{9 if n < 5 else 12}:1)"

    runs = [a_run(n, reports=[a_report(n, {"it": "F"}, message=message(n))]) for n in range(6)]
    a_store(tmp_path, runs).close()
    _, out, _ = call("--db", str(tmp_path / "flakelens.db"), "brief", "it", "--as-of", AS_OF, "--format", "json")
    assert [(kind["count"], kind["lines"][0]["line"]) for kind in json.loads(out)["failures"]] == [(5, 9), (1, 12)]


def flaking_from(first: int, runs: int, every: int = 2) -> list[str]:
    return ["K" if n >= first and (n - first) % every == 0 else "P" for n in range(runs)]


@pytest.mark.parametrize(
    ("letters", "good", "sure"),
    [
        # Half of its runs flake: five clean runs before the first leave less than 5 %.
        (flaking_from(20, 40), 15, 1 - 0.5**5),
        # Two clean runs are all there is: the range begins with the oldest and says how little that proves.
        (flaking_from(2, 22), 0, 1 - 0.5**2),
    ],
)
def test_the_range_of_a_flake_goes_back_as_far_as_it_takes_to_be_sure(tmp_path, call, letters, good, sure):
    runs = [a_run(n, outcomes={"it": letter}, retries=RetryEvidence.RECORDED, producer="playwright")
            for n, letter in enumerate(letters)]  # fmt: skip
    a_store(tmp_path, runs).close()
    _, out, _ = call("--db", str(tmp_path / "flakelens.db"), "brief", "it", "--as-of", AS_OF, "--format", "json")
    began = json.loads(out)["began"]
    assert began["kind"] == "flakes"
    assert began["good"]["run"] == str(1000 + good)
    assert began["sure"] == pytest.approx(sure)


def test_runs_whose_reports_hide_retries_say_nothing_about_when_a_flake_began(tmp_path, call):
    runs = [
        a_run(n, outcomes={"it": "K" if n >= 20 and n % 2 == 0 else "P"}, producer="playwright",
              retries=RetryEvidence.RECORDED if n >= 18 else RetryEvidence.HIDDEN)
        for n in range(40)
    ]  # fmt: skip
    a_store(tmp_path, runs).close()
    _, out, _ = call("--db", str(tmp_path / "flakelens.db"), "brief", "it", "--as-of", AS_OF, "--format", "json")
    began = json.loads(out)["began"]
    assert (began["good"]["run"], began["clean_runs"]) == ("1018", 2)


@pytest.mark.parametrize(
    ("rate", "expected"), [(1.0, 1), (0.95, 1), (0.5, 5), (0.1, 29), (0.05, 59), (0.01, 299), (1e-6, 2995731)]
)
def test_repeats_show_a_failure_with_95_percent(rate, expected):
    assert repeats(rate) == expected
    assert 1 - (1 - rate) ** expected >= 0.95


@pytest.mark.parametrize("rate", [0.0, -0.1, 1.1])
def test_a_rate_that_is_none_has_no_repeats(rate):
    with pytest.raises(ValueError, match="rate"):
        repeats(rate)


@pytest.mark.parametrize(("rate", "expected"), [(1.0, 1), (0.5, 7), (0.1, 44)])
def test_a_step_of_the_bisection_misses_a_flake_with_1_percent(rate, expected):
    assert tries(rate) == expected


@pytest.mark.parametrize(("rate", "expected"), [(None, 1), (0.0, 1), (0.1, 2), (0.3, 4), (0.99, 20)])
def test_a_break_is_told_from_the_flakes_before_it_by_failures_in_a_row(rate, expected):
    assert failures_needed(rate) == expected


def test_a_test_without_trouble_has_nothing_to_bisect(tmp_path, call):
    code, _, err = call("--db", team_database(tmp_path), "brief", "checkout", "--bisect", "--as-of", AS_OF)
    assert code == 2
    assert "no trouble to bisect" in err


def test_a_file_that_is_not_ours_is_not_overwritten(tmp_path, call):
    Path("mine.sh").write_text("echo mine\n")
    code, _, err = call("--db", team_database(tmp_path), "brief", "salary", "--bisect", "mine.sh", "--as-of", AS_OF)
    assert code == 2
    assert "not a script of flakelens" in err
    assert Path("mine.sh").read_text() == "echo mine\n"


def test_the_script_is_posix_shell_whatever_the_title_says(tmp_path, call):
    title = "eats $(touch owned) `touch owned` \"double\" 'single' ; \\ \u202e #"
    runs = [a_run(n, outcomes={title: "F" if n >= 5 else "P"}) for n in range(10)]
    a_store(tmp_path, runs).close()
    code, out, _ = call("--db", str(tmp_path / "flakelens.db"), "brief", "eats", "--bisect", "--as-of", AS_OF)
    assert code == 0
    subprocess.run(["/bin/sh", "-n"], input=out.encode(), check=True)
    assert all(line.isprintable() for line in out.splitlines())


# --- the script at work: a real repository, a tool that only looks like npx ---

# Fails on every commit from "bug" on; where "flaky" is there too, in every third try only.
NPX = """#!/bin/sh
case "$*" in *--list*) [ -f src/a.test.ts ] && echo src/a.test.ts; exit 0 ;; esac
printf '%s\\n' "$*" >> "$LOG"
n=$(cat "$COUNT" 2>/dev/null || echo 0)
echo $((n + 1)) > "$COUNT"
if [ -f flaky ]; then [ $((n % 3)) -ne 2 ]; else [ ! -f bug ]; fi
"""
NPM = "#!/bin/sh\n[ ! -f uninstallable ]\n"


def git(folder: Path, *arguments: str, **environment: str) -> str:
    identity = {"GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@b.c", "GIT_COMMITTER_NAME": "a"}
    identity |= {"GIT_COMMITTER_EMAIL": "a@b.c", "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    done = subprocess.run(
        ["git", *arguments], cwd=folder, env={"PATH": os.environ["PATH"], **identity, **environment},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return done.stdout


def repository(folder: Path, marker: str, at: int, *, uninstallable: int, commits: int = 12) -> list[str]:
    """Commits, oldest first; the file `marker` appears with number `at`, one commit cannot be installed."""
    folder.mkdir()
    git(folder, "init", "--quiet")
    (folder / "src").mkdir()
    (folder / "src" / "a.test.ts").write_text("")
    made = []
    for number in range(commits):
        (folder / "n").write_text(str(number))
        if number == at:
            (folder / marker).write_text("")
        if number == uninstallable:
            (folder / "uninstallable").write_text("")
        else:
            (folder / "uninstallable").unlink(missing_ok=True)
        git(folder, "add", "--all")
        git(folder, "commit", "--quiet", "--message", f"commit {number}")
        made.append(git(folder, "rev-parse", "HEAD").strip())
    return made


@pytest.mark.parametrize(("marker", "at"), [("bug", 5), ("bug", 9), ("flaky", 7)])
def test_git_bisect_run_finds_the_commit(tmp_path, call, marker, at):
    commits = repository(tmp_path / "repo", marker, at, uninstallable=3)
    # The branch was tested at its beginning, often, and at its end: the commits between are what bisect is for.
    runs = [a_run(n, outcomes={"it's": "P"}, commit=commits[0], retries=RetryEvidence.NONE) for n in range(30)]
    runs += [
        a_run(n, outcomes={"it's": "F" if marker == "bug" or n % 3 == 0 else "P"}, commit=commits[-1],
              retries=RetryEvidence.NONE)
        for n in range(30, 42)
    ]  # fmt: skip
    a_store(tmp_path, runs).close()
    script = tmp_path / "bisect.sh"
    code, out, _ = call("--db", str(tmp_path / "flakelens.db"), "brief", "it's", "--bisect", str(script))
    assert (code, "Written to bisect.sh" in out) == (0, True)
    start = next(line for line in script.read_text().splitlines() if "git bisect start" in line)
    assert start.split()[-2:] == [commits[-1], commits[0]]
    tools = tmp_path / "tools"
    tools.mkdir()
    for name, text in (("npx", NPX), ("npm", NPM)):
        (tools / name).write_text(text)
        (tools / name).chmod(0o755)
    log = tmp_path / "log"
    environment = {"PATH": f"{tools}:{os.environ['PATH']}", "LOG": str(log), "COUNT": str(tmp_path / "count")}
    git(tmp_path / "repo", *start.split()[2:])
    out = git(tmp_path / "repo", "bisect", "run", str(script), **environment)
    assert f"{commits[at]} is the first bad commit" in out
    assert set(log.read_text().splitlines()) == {"jest src/a.test.ts -t ^it's$"}


def test_a_commit_without_the_test_file_or_without_its_packages_is_skipped(tmp_path, call):
    runs = [a_run(n, outcomes={"it": "F" if n >= 5 else "P"}) for n in range(10)]
    a_store(tmp_path, runs).close()
    _, script, _ = call("--db", str(tmp_path / "flakelens.db"), "brief", "it", "--bisect", "-", "--as-of", AS_OF)
    tools = tmp_path / "tools"
    tools.mkdir()
    for name, text in (("npx", NPX), ("npm", NPM)):
        (tools / name).write_text(text)
        (tools / name).chmod(0o755)
    environment = {"PATH": f"{tools}:{os.environ['PATH']}", "LOG": str(tmp_path / "l"), "COUNT": str(tmp_path / "c")}

    def code() -> int:
        return subprocess.run(["/bin/sh", "-c", script], cwd=tmp_path, env=environment, check=False).returncode

    assert code() == 125
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "a.test.ts").write_text("")
    assert code() == 0
    (tmp_path / "bug").write_text("")
    assert code() == 1
    (tmp_path / "uninstallable").write_text("")
    assert code() == 125


def test_a_test_that_flaked_before_it_broke_is_bad_only_after_failures_in_a_row(tmp_path, call):
    letters = ["K" if n % 4 == 0 else "P" for n in range(40)] + ["F"] * 6
    runs = [a_run(n, outcomes={"it": letter}, retries=RetryEvidence.RECORDED) for n, letter in enumerate(letters)]
    a_store(tmp_path, runs).close()
    _, script, _ = call("--db", str(tmp_path / "flakelens.db"), "brief", "it", "--bisect", "-", "--as-of", AS_OF)
    assert 'repeats="${REPEATS:-4}"' in script
    tools = tmp_path / "tools"
    tools.mkdir()
    for name, text in (("npx", NPX), ("npm", NPM)):
        (tools / name).write_text(text)
        (tools / name).chmod(0o755)
    log = tmp_path / "log"
    environment = {"PATH": f"{tools}:{os.environ['PATH']}", "LOG": str(log), "COUNT": str(tmp_path / "count")}
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "a.test.ts").write_text("")

    def tried() -> tuple[int, int]:
        log.write_text("")
        code = subprocess.run(["/bin/sh", "-c", script], cwd=tmp_path, env=environment, check=False).returncode
        return code, len(log.read_text().splitlines())

    (tmp_path / "flaky").write_text("")
    (tmp_path / "count").write_text("2")
    assert tried() == (0, 2)
    (tmp_path / "flaky").unlink()
    (tmp_path / "bug").write_text("")
    assert tried() == (1, 4)
