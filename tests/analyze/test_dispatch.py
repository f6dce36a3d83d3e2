"""analyze.dispatch: commands as a person would type them."""

from __future__ import annotations

import shlex

import pytest

from flakelens.analyze.dispatch import Startable, start_commands

TESTS = Startable("tests.yml", "")


@pytest.mark.parametrize(
    ("provider", "url", "command"),
    [
        ("github", "https://github.com/a/s/actions/runs/7", "gh workflow run tests.yml --repo a/s --ref main"),
        ("github", "https://g.it/a/s/actions/runs/7", "gh workflow run tests.yml --repo g.it/a/s --ref main"),
        ("github", "", "gh workflow run tests.yml --ref main"),
        ("github", "https://github.com/a/$(x)/actions/runs/7", "gh workflow run tests.yml --ref main"),
        ("gitlab", "https://gitlab.com/acme/web/shop/-/pipelines/7", "glab ci run --branch main --repo acme/web/shop"),
        ("gitlab", "https://git.acme.org:8443/a/s/-/pipelines/7", "glab ci run --branch main --repo https://git.acme.org:8443/a/s"),
        ("gitlab", "javascript:alert(1)", "glab ci run --branch main"),
    ],
)  # fmt: skip
def test_one_run(provider, url, command):
    assert start_commands(provider, url, "main", 1, TESTS).commands == (command,)


def test_several_runs_are_a_loop():
    start = start_commands("gitlab", "", "main", 3, None)
    assert start.commands == ("for i in $(seq 3); do glab ci run --branch main; done",)


def test_an_unknown_workflow_is_a_placeholder_and_said_so():
    start = start_commands("github", "", "main", 1, None)
    assert start.commands == ("gh workflow run WORKFLOW.yml --ref main",)
    assert start.notes == ("WORKFLOW.yml stands for the workflow that runs your tests: the runs do not name it.",)
    start = start_commands("github", "", "main", 1, Startable("", "None can be started by hand."))
    assert start.notes[0] == "None can be started by hand."


def test_a_branch_is_one_word_to_the_shell():
    (command,) = start_commands("github", "", "a b;$(c)'\"", 1, TESTS).commands
    assert shlex.split(command) == ["gh", "workflow", "run", "tests.yml", "--ref", "a b;$(c)'\""]


@pytest.mark.parametrize("provider", ["jenkins", "given", ""])
def test_elsewhere_there_is_no_command(provider):
    start = start_commands(provider, "", "main", 2, TESTS)
    assert start.commands == ()
    assert (provider or "unknown") in start.notes[0]
