"""ci.detect: for every provider, which environment gives which run; hostile values; never raising."""

from __future__ import annotations

import importlib
import json
import re
import unicodedata
from pathlib import Path

import pytest
from ci_tables import BASE, GITHUB_MERGE, HEAD, MERGE, Case, FakeGit
from ci_tables import github as github_table
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import asdict

from flakelens.ci import PROVIDERS, detect
from flakelens.ci.values import LONGEST
from flakelens.model import Event, RunInfo

DOCS = Path(__file__).parents[2] / "docs" / "ci-detection.md"
TITLES = {
    "github": "GitHub Actions",
    "gitlab": "GitLab CI/CD",
    "circleci": "CircleCI",
    "buildkite": "Buildkite",
    "azure": "Azure Pipelines",
    "jenkins": "Jenkins",
    "generic-ci": "Any other CI",
    "local": "No CI",
}


def table(name: str) -> tuple[Case, ...]:
    cases: tuple[Case, ...] = importlib.import_module(f"ci_tables.{name.replace('-', '_')}").CASES
    return cases


ALL = [(provider.NAME, case) for provider in PROVIDERS for case in table(provider.NAME)]


@pytest.mark.parametrize(("name", "case"), ALL, ids=[f"{name}: {case.story}" for name, case in ALL])
def test_each_environment_gives_exactly_these_fields(name: str, case: Case, tmp_path: Path) -> None:
    env = dict(case.env)
    if case.payload is not None:
        event = tmp_path / "event.json"
        event.write_text(json.dumps(case.payload), encoding="utf-8")
        env["GITHUB_EVENT_PATH"] = str(event)
    found = detect(env, case.git)
    assert found.provider == name
    assert asdict(found) == asdict(RunInfo(**case.gives))


@pytest.mark.parametrize("provider", PROVIDERS, ids=lambda each: each.NAME)
def test_every_provider_has_a_table_and_a_heading_in_the_docs(provider: object) -> None:
    name = provider.NAME  # type: ignore[attr-defined]
    assert len(table(name)) >= 3
    assert f"\n## {TITLES[name]} (`{name}`)\n" in DOCS.read_text(encoding="utf-8")


def test_every_variable_a_provider_reads_is_in_the_docs() -> None:
    docs = DOCS.read_text(encoding="utf-8")
    folder = Path(importlib.import_module("flakelens.ci").__file__ or "").parent
    quoted = re.compile(r'"((?:[A-Z]+_[A-Z0-9_]+|ghprb\w+|CI|CIRCLECI|BUILDKITE))"')
    for file in folder.glob("*.py"):
        missing = [name for name in quoted.findall(file.read_text(encoding="utf-8")) if f"`{name}`" not in docs]
        assert not missing, f"{file.name}: {missing}"


@pytest.mark.parametrize("name", [each.NAME for each in PROVIDERS])
def test_no_pull_request_is_ever_stored_by_a_merge_commit(name: str) -> None:
    for case in table(name):
        found = detect(case.env, case.git)
        if found.event is Event.PULL_REQUEST:
            assert found.commit != MERGE, case.story


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b"\xff\xfe", b"[" * 200_000, b'{"pull_request": 3}'])
def test_a_malformed_payload_falls_back_to_the_merges_second_parent(content: bytes, tmp_path: Path) -> None:
    event = tmp_path / "event.json"
    event.write_bytes(content)
    env = github_table.pull_env(GITHUB_EVENT_PATH=str(event))
    assert detect(env, FakeGit((GITHUB_MERGE,))).commit == HEAD
    assert detect(env, FakeGit()).commit == ""


@pytest.mark.parametrize("path", ["/nowhere/event.json", ".", "a\0b", "/dev/zero"])
def test_a_payload_that_is_no_readable_file_falls_back(path: str) -> None:
    found = detect(github_table.pull_env(GITHUB_EVENT_PATH=path), FakeGit((GITHUB_MERGE,)))
    assert (found.commit, found.base_commit, found.branch) == (HEAD, BASE, "feature")


def test_a_payload_beyond_the_size_limit_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    event = tmp_path / "event.json"
    event.write_text(json.dumps(github_table.pull()), encoding="utf-8")
    monkeypatch.setattr("flakelens.ci.payload.LARGEST", 10)
    assert detect(github_table.pull_env(GITHUB_EVENT_PATH=str(event)), FakeGit()).commit == ""


def test_github_takes_the_payload_from_an_injected_reader() -> None:
    from flakelens.ci import github

    env = github_table.pull_env(GITHUB_EVENT_PATH="event")
    found = github.read(
        env, FakeGit(), lambda path: json.dumps(github_table.pull()).encode() if path == "event" else b""
    )
    assert found.commit == HEAD


@pytest.mark.parametrize(
    "name", ["ma\x1bin", "ma\x00in", "ma\u200bin", "ma\x85in", "ma\u202ein", "ma\udc80in", "main\u00a0", "main\u200b"]
)
def test_a_branch_with_hidden_characters_neither_reaches_a_terminal_nor_passes_for_main(name: str) -> None:
    found = detect(github_table.env("push", GITHUB_REF=f"refs/heads/{name}"), FakeGit())
    assert found.branch != "main"
    assert not set(found.branch) & set("\x1b\x00\u200b\x85\u202e\udc80")
    found.branch.encode("utf-8")


def test_a_very_long_value_is_cut_to_a_thousand_characters() -> None:
    found = detect(github_table.env("push", GITHUB_REF="refs/heads/" + "x" * 5_000, GITHUB_JOB="j" * 5_000), FakeGit())
    assert len(found.branch) <= LONGEST
    assert len(found.job) == LONGEST


@pytest.mark.parametrize("sha", ["HEAD", "--output=x", "abc123", "0" * 40, "g" * 40, HEAD + "0"])
def test_what_is_no_full_commit_id_is_no_commit(sha: str) -> None:
    assert detect(github_table.env("push", GITHUB_SHA=sha), FakeGit()).commit == ""


@pytest.mark.parametrize("count", ["", "0", "-1", "1.5", "²", "9" * 30, "two"])
def test_an_attempt_that_is_no_positive_number_is_the_first(count: str) -> None:
    assert detect(github_table.env("push", GITHUB_RUN_ATTEMPT=count), FakeGit()).attempt == 1


KEYS = sorted({key for _, case in ALL for key in case.env} | {"GITHUB_EVENT_PATH", "CI_COMMIT_REF_PATH", "CHANGE_FORK"})
VALUES = st.one_of(
    st.text(max_size=30),
    st.sampled_from(sorted({value for _, case in ALL for value in case.env.values()})),
    st.sampled_from(["true", "HEAD", "refs/pull/1/merge", "refs/heads/", ":", "//", "0", "https://[", "\ud800"]),
)


@given(
    env=st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=10), VALUES, max_size=25),
    mark=st.sampled_from(
        ["GITHUB_ACTIONS", "GITLAB_CI", "CIRCLECI", "BUILDKITE", "TF_BUILD", "JENKINS_URL", "CI", "-"]
    ),
    git=st.sampled_from([FakeGit(), FakeGit((GITHUB_MERGE,))]),
)
def test_whatever_the_environment_says_detect_answers(env: dict[str, str], mark: str, git: FakeGit) -> None:
    found = detect({**env, mark: "true"}, git)
    assert found.attempt >= 1
    assert found.started_at is None
    assert not found.dirty
    for value in asdict(found).values():
        if isinstance(value, str):
            value.encode("utf-8")
            # A few fields are joined from two values.
            assert len(value) <= 3 * LONGEST
            assert not {unicodedata.category(character) for character in value} & {"Cc", "Cf", "Cs", "Zl", "Zp"}


def test_the_room_never_reads_the_environment_of_the_process_itself() -> None:
    folder = Path(importlib.import_module("flakelens.ci").__file__ or "").parent
    for file in folder.glob("*.py"):
        assert not re.search(r"^\s*(import os|from os)\b", file.read_text(encoding="utf-8"), re.MULTILINE), file.name


def test_the_first_provider_that_matches_wins_and_a_known_one_beats_a_bare_ci() -> None:
    found = detect({**github_table.env("push"), "CI": "true", "JENKINS_URL": "https://ci.example/"}, FakeGit())
    assert found.provider == "github"
