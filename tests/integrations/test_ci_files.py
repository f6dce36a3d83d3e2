"""The ready-made integrations: linted by real tools, free of injection, and their steps run as shell."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from flakelens.cli import COMMANDS
from flakelens.store import open_store
from tests.builders import a_store, a_suite_run
from tests.integrations.steps import ROOT, Ran, a_fake_gh, documents, our_tools, run_action, scripts, shellcheck
from tests.tiny_reports import jest, playwright

ACTION = ROOT / "action.yml"
COMPONENT = ROOT / "templates" / "flakelens.yml"
WORKFLOWS = sorted((ROOT / "docs" / "ci").glob("*.yml"))
WITH_TRIAGE = any(entry.name == "triage" for entry in COMMANDS)
NO_TRIAGE = "the steps call `flakelens triage`, which this version does not have"


# --- lint ---


def lint(schema: str, path: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "check_jsonschema", "--builtin-schema", f"vendor.{schema}", str(path)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    return "" if done.returncode == 0 else done.stdout + done.stderr


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_the_workflows_are_valid(path: Path) -> None:
    assert lint("github-workflows", path) == ""


def test_the_action_is_valid() -> None:
    assert lint("github-actions", ACTION) == ""


def test_the_component_is_valid(tmp_path: Path) -> None:
    """The schema knows no header of a component; the pipeline below it is checked with the inputs' defaults."""
    header, _ = documents(COMPONENT)
    text = COMPONENT.read_text(encoding="utf-8").partition("\n---\n")[2]
    for name, about in header["spec"]["inputs"].items():
        assert about["description"]
        text = text.replace(f"$[[ inputs.{name} ]]", str(about.get("default", "x")).lower().splitlines()[0])
    assert "$[[" not in text
    (tmp_path / "pipeline.yml").write_text(text, encoding="utf-8")
    assert lint("gitlab-ci", tmp_path / "pipeline.yml") == ""


def test_the_lint_notices(tmp_path: Path) -> None:
    text = ACTION.read_text(encoding="utf-8").replace("using: composite", "using: compsite")
    (tmp_path / "action.yml").write_text(text, encoding="utf-8")
    assert "using" in lint("github-actions", tmp_path / "action.yml")


def all_scripts() -> list[Any]:
    found = []
    for path in (ACTION, *WORKFLOWS):
        for number, script in enumerate(scripts(documents(path))):
            found.append(pytest.param("bash", script, id=f"{path.name}-{number}"))
    for number, script in enumerate(documents(COMPONENT)[1]["flakelens"]["script"]):
        found.append(pytest.param("sh", script, id=f"component-{number}"))
    return found


@pytest.mark.parametrize(("shell", "script"), all_scripts())
def test_the_scripts_pass_shellcheck(shell: str, script: str) -> None:
    program = shellcheck()
    if program is None:
        pytest.skip("shellcheck is not installed: the scripts were NOT checked")
    # 2086 in the component is meant: its paths are split at line ends on purpose
    done = subprocess.run(
        [program, f"--shell={shell}", "--exclude=SC2086,SC2048" if shell == "sh" else "--severity=style", "-"],
        input=script, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("path", [ACTION, *WORKFLOWS], ids=lambda path: path.name)
def test_nothing_that_somebody_else_chose_is_pasted_into_a_script(path: Path) -> None:
    for script in scripts(documents(path)):
        assert "${{" not in script


def test_the_component_pastes_inputs_into_variables_only() -> None:
    job = documents(COMPONENT)[1]["flakelens"]
    assert all("$[[" not in script for script in job["script"])


def test_every_input_is_described_and_every_output_leads_somewhere() -> None:
    (action,) = documents(ACTION)
    ids = {step["id"] for step in action["runs"]["steps"] if "id" in step}
    assert all(about["description"] for about in action["inputs"].values())
    for about in action["outputs"].values():
        (step,) = re.findall(r"steps\.(\w+)\.outputs", about["value"])
        assert step in ids
    used = set(re.findall(r"inputs\.([\w-]+)", ACTION.read_text(encoding="utf-8")))
    assert used == set(action["inputs"])


def test_a_comment_on_a_forks_artifacts_gives_the_strangers_files_no_way_out() -> None:
    """The workflow that may comment checks out no foreign code, unpacks nothing, and can write no code."""
    text = (ROOT / "docs" / "ci" / "pull-request-comment.yml").read_text(encoding="utf-8")
    assert "unzip" not in text
    assert "download-artifact" not in text
    assert "ref:" not in text
    assert "contents: read" in text
    assert "contents: write" not in text


# --- the steps of the action ---


PUSHED = {"sha": "c" * 40, "ref": "refs/heads/main", "repository": "team/app", "event_name": "push", "event": {}}


def a_pull_request(fork: bool) -> dict[str, Any]:
    head = {"sha": "d" * 40, "ref": "feature", "repo": {"full_name": "stranger/app" if fork else "team/app"}}
    base = {"sha": "c" * 40, "ref": "main", "repo": {"full_name": "team/app"}}
    return {
        "sha": "e" * 40, "ref": "refs/pull/7/merge", "repository": "team/app", "event_name": "pull_request",
        "event": {"pull_request": {"number": 7, "head": head, "base": base}},
    }  # fmt: skip


class Job:
    """A job on a runner: a checkout with reports, our tools, and the action's steps."""

    def __init__(self, tmp_path: Path) -> None:
        self.folder = tmp_path / "work"
        self.folder.mkdir()
        self.tools = our_tools(tmp_path / "tools")
        self.log = a_fake_gh(self.tools, {"/comments?": ""})

    def run(self, github: dict[str, Any], **inputs: str) -> Ran:
        event = self.folder.parent / "event.json"
        event.write_text(json.dumps(github["event"]), encoding="utf-8")
        hidden = ("GITHUB_", "CI", "GITLAB_", "FLAKELENS_", "PLAYWRIGHT_")
        environ = {name: value for name, value in os.environ.items() if not name.startswith(hidden)} | {
            "GITHUB_ACTIONS": "true", "GITHUB_RUN_ID": "55", "GITHUB_RUN_ATTEMPT": "1", "GITHUB_JOB": "test",
            "GITHUB_SHA": github["sha"], "GITHUB_REF": github["ref"], "GITHUB_EVENT_NAME": github["event_name"],
            "GITHUB_REPOSITORY": github["repository"], "GITHUB_EVENT_PATH": str(event), "PYTHONPATH": str(ROOT),
            "GITHUB_HEAD_REF": "feature" if github["event_name"] == "pull_request" else "", "COLUMNS": "100",
            "GITHUB_BASE_REF": "main" if github["event_name"] == "pull_request" else "",
        }  # fmt: skip
        (action,) = documents(ACTION)
        without = ("Install flakelens",) if WITH_TRIAGE else ("Install flakelens", "Triage")
        return run_action(
            action, self.folder, inputs={"remote": f"dir:{self.folder.parent / 'shared'}", **inputs},
            github={**github, "job": "test", "token": "t", "action_path": str(ROOT)}, environ=environ,
            tools=self.tools, without=without,
        )  # fmt: skip

    def shared(self) -> int:
        return len(list((self.folder.parent / "shared").rglob("*.pack")))


@pytest.fixture
def job(tmp_path: Path) -> Job:
    return Job(tmp_path)


def test_a_push_is_ingested_judged_and_shared(job: Job) -> None:
    jest(job.folder / "results" / "a b" / "junit.xml", {"adds": "P"}, file="src/a.test.ts")
    playwright(job.folder / "e2e.xml", {"signs in": "P"})
    ran = job.run(PUSHED, reports="results/a b\n\n  e2e.xml  \n", shard="", **{"fail-on": "gate"})
    assert ran.outputs["gate"]["state"] == "INCONCLUSIVE"
    assert ran.code == 11, ran.out
    assert "Stored 2 reports of 1 run" in ran.out
    assert job.shared() == 2  # the run and its verdict
    assert "INCONCLUSIVE" in ran.summary
    with open_store(job.folder / ".flakelens" / "flakelens.db") as store:
        (run,) = store.read(branch="main").runs
    assert (run.key.run, run.infos[0].commit, {report.job for report in run.reports}) == ("55", "c" * 40, {"test"})


def test_the_next_job_has_the_history_of_the_first(job: Job) -> None:
    jest(job.folder / "junit.xml", {"adds": "P"}, file="src/a.test.ts")
    job.run(PUSHED, reports="junit.xml")
    (job.folder / ".flakelens" / "flakelens.db").unlink()
    ran = job.run({**PUSHED, "sha": "d" * 40}, reports="", **{"fail-on": "never"})
    assert ran.code == 0, ran.out
    assert "Pulled 1 run" in ran.out
    assert "No reports to ingest." in ran.out


@pytest.mark.parametrize("fork", [False, True])
def test_a_forks_pull_request_only_reads(job: Job, fork: bool) -> None:
    jest(job.folder / "junit.xml", {"adds": "F"}, file="src/a.test.ts")
    ran = job.run(a_pull_request(fork), reports="junit.xml", comment="true", **{"fail-on": "never"})
    assert ran.code == 0, ran.out
    assert ("Push to the shared history" in ran.ran) is not fork
    assert ("Comment" in ran.ran) is not fork
    assert (job.shared() > 0) is not fork
    with open_store(job.folder / ".flakelens" / "flakelens.db") as store:
        (run,) = store.read().runs
    assert (run.infos[0].fork, run.infos[0].commit) == (fork, "d" * 40)
    assert job.log.exists() is (WITH_TRIAGE and not fork)


def test_an_empty_remote_and_gate_are_left_out(job: Job) -> None:
    jest(job.folder / "junit.xml", {"adds": "P"}, file="src/a.test.ts")
    ran = job.run(PUSHED, reports="junit.xml", remote="", gate="")
    assert ran.code == 0, ran.out
    assert not {"Pull the shared history", "Gate", "Push to the shared history"} & set(ran.ran)


def test_no_report_is_a_warning_and_the_gate_says_the_rest(job: Job) -> None:
    ran = job.run(PUSHED, reports="nowhere.xml")
    assert "::warning::flakelens found no readable JUnit report" in ran.out
    assert ran.code == 11


@pytest.mark.parametrize(
    ("inputs", "code"), [({"shard": "nonsense"}, 2), ({"fail-on": "sometimes"}, 2), ({"remote": "ftp:x"}, 2)]
)
def test_a_wrong_input_fails_the_step(job: Job, inputs: dict[str, str], code: int) -> None:
    jest(job.folder / "junit.xml", {"adds": "P"})
    assert job.run(PUSHED, reports="junit.xml", **inputs).code == code


HOSTILE = ["""$(touch pwned)`touch pwned`; touch pwned; '; touch pwned; '"; touch pwned; " *""", "--help",
           "a\ntouch pwned"]  # fmt: skip


@pytest.mark.parametrize("value", HOSTILE)
@pytest.mark.parametrize("name", ["reports", "gate", "remote", "job", "shard", "policy", "window", "fail-on"])
def test_no_input_becomes_shell(job: Job, name: str, value: str) -> None:
    jest(job.folder / "junit.xml", {"adds": "P"})
    job.run(PUSHED, **{"reports": "junit.xml", name: value})
    assert not list(job.folder.parent.rglob("pwned"))


@pytest.mark.skipif(not WITH_TRIAGE, reason=NO_TRIAGE)
def test_the_triage_becomes_a_comment_that_is_updated(job: Job) -> None:
    jest(job.folder / "junit.xml", {"adds": "F"}, file="src/a.test.ts")
    github = a_pull_request(fork=False)
    job.run(github, reports="junit.xml", comment="true", **{"fail-on": "never"})
    assert "-X POST repos/team/app/issues/7/comments -F body=@" in job.log.read_text(encoding="utf-8")
    a_fake_gh(job.tools, {"/comments?": "4711\n"})
    ran = job.run(github, reports="junit.xml", comment="true", **{"fail-on": "triage"})
    assert "-X PATCH repos/team/app/issues/comments/4711 -F body=@" in job.log.read_text(encoding="utf-8")
    assert ran.code == 10
    assert ran.outputs["triage"]["explained"] == "false"
    assert (job.folder.parent / "runner-temp" / "flakelens-triage.md").read_text().startswith("<!-- flakelens:triage")


# --- the GitLab component ---


def test_the_components_script_ingests_judges_and_shares(tmp_path: Path) -> None:
    work = tmp_path / "work"
    (work / ".flakelens").mkdir(parents=True)
    a_store(work / ".flakelens", [a_suite_run(n) for n in range(3)]).close()
    jest(work / "a b.xml", {"adds": "P"}, file="src/a.test.ts")
    tools = our_tools(tmp_path / "tools")
    hidden = ("GITHUB_", "CI", "GITLAB_", "FLAKELENS_")
    environ = {name: value for name, value in os.environ.items() if not name.startswith(hidden)} | {
        "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}", "PYTHONPATH": str(ROOT), "GITLAB_CI": "true", "CI": "true",
        "CI_PIPELINE_ID": "9", "CI_COMMIT_SHA": "c" * 40, "CI_COMMIT_BRANCH": "main", "CI_PIPELINE_SOURCE": "push",
        "FL_REPORTS": "a b.xml\n*.nothing", "FL_REMOTE": f"dir:{tmp_path / 'shared'}", "FL_GATE": "gate1",
        "FL_PUSH": "true", "FL_SOURCE": "",
    }  # fmt: skip
    _, pipeline = documents(COMPONENT)
    script = "set -e\n" + "\n".join(pipeline["flakelens"]["script"][2:])
    done = subprocess.run(["sh", "-c", script], cwd=work, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 11, done.stdout + done.stderr
    assert "Stored 1 report of 1 run" in done.stdout
    assert "<testsuites" in (work / "flakelens-gate.xml").read_text(encoding="utf-8")
    assert len(list((tmp_path / "shared" / "runs").rglob("*.pack"))) == 4
