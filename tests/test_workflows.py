"""workflows: which file starts the tests, by what a checkout and a job's environment say."""

from __future__ import annotations

from pathlib import Path

import pytest

from flakelens.workflows import find_workflow

TESTS = "on: [push, workflow_dispatch]\njobs: {t: {steps: [{run: npx playwright test}]}}\n"
DEPLOY = "on:\n  workflow_dispatch:\njobs: {d: {steps: [{run: ./release.sh}]}}\n"
PUSHED = "on: push\njobs: {t: {steps: [{run: npx jest}]}}\n"
COMMENTED = "on: push\n# workflow_dispatch would allow a start by hand\njobs: {t: {steps: [{run: npx jest}]}}\n"
REF = "acme/shop/.github/workflows/{}@refs/heads/main"


@pytest.mark.parametrize(
    ("files", "job", "file", "note"),
    [
        ({"a.yml": TESTS}, "", "a.yml", "the only workflow"),
        ({"a.yml": TESTS, "d.yml": DEPLOY}, "", "a.yml", "the only workflow"),
        ({"a.yml": TESTS, "b.yaml": TESTS}, "", "", "Several workflows can be started by hand: a.yml, b.yaml."),
        ({"a.yml": TESTS, "b.yaml": TESTS}, "b.yaml", "b.yaml", "of this job"),
        ({"a.yml": PUSHED}, "a.yml", "", "add workflow_dispatch"),
        ({"a.yml": COMMENTED}, "", "", "add workflow_dispatch"),
        ({"evil $(x).yml": TESTS, "a.txt": TESTS}, "", "", "add workflow_dispatch"),
    ],
)
def test_the_workflow_of_a_checkout(tmp_path: Path, files, job, file, note):
    folder = tmp_path / ".github/workflows"
    folder.mkdir(parents=True)
    for name, text in files.items():
        (folder / name).write_text(text)
    found = find_workflow([tmp_path / "sub", tmp_path], {"GITHUB_WORKFLOW_REF": REF.format(job)} if job else {})
    assert found is not None
    assert found.file == file
    assert note in found.note


def test_without_a_checkout_the_job_alone_tells(tmp_path: Path):
    assert find_workflow([tmp_path], {}) is None
    found = find_workflow([tmp_path], {"GITHUB_WORKFLOW_REF": REF.format("ci.yml")})
    assert found is not None
    assert found.file == "ci.yml"
    assert find_workflow([tmp_path], {"GITHUB_WORKFLOW_REF": "nonsense$(x).yml"}) is None
