"""report.md and report.json on the recorded runs; and that they, the page and the commands say the same."""

from __future__ import annotations

import base64
import json
import re
import zlib
from typing import Any

import pytest

from flakelens import cli, report_files
from flakelens.render.json.nightly import nightly_bytes, nightly_json, packed
from flakelens.render.markdown.nightly import nightly_markdown
from tests.browser.histories import NIGHT
from tests.goldens import same_as_golden
from tests.nightly.conftest import Recorded, report_of

FILES = ["index.html", "report.md", "report.json"]


@pytest.fixture(scope="module")
def document(recorded: Recorded) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(nightly_json(nightly_bytes(recorded.report, FILES)))
    return found


@pytest.fixture(scope="module")
def written(recorded: Recorded) -> dict[str, bytes]:
    """All files of the night."""
    return report_files.files_of(recorded.report, sheet=True)


def island(page: bytes, name: str = "data") -> Any:
    """What the page carries."""
    found = re.search(rf'<script type="application/json" id="{name}">(.*?)</script>', page.decode(), re.DOTALL)
    assert found
    return json.loads(zlib.decompress(base64.b64decode(json.loads(found[1])["data"])))


def said_by(recorded: Recorded, monkeypatch, capsys, tmp_path, *arguments: str) -> Any:
    """The JSON of a command at the moment of the report, called where no policy and no checkout is."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)
    cli.run(["--db", str(recorded.path), *arguments, "--as-of", NIGHT.isoformat(), "--format", "json"])
    return json.loads(capsys.readouterr().out)


def test_the_markdown_is_as_it_was_read_last(recorded: Recorded):
    same_as_golden("nightly/report.md", nightly_markdown(recorded.report))


def test_the_json_is_as_it_was_read_last(document: dict[str, Any]):
    """Whole but for the tests: of these the first five, one of each area, for the file would be a megabyte."""
    areas = {test["area"]: test for test in reversed(document["tests"])}
    short = {**document, "tests": [*document["tests"][:5], *areas.values()], "runs": document["runs"][-8:]}
    short["groups"] = [{**group, "trend": group["trend"][-2:]} for group in document["groups"]]
    short["causes"] = document["causes"][:3]
    same_as_golden("nightly/report.json", json.dumps(short, indent=2, ensure_ascii=True) + "\n")


def test_the_page_carries_report_json(written: dict[str, bytes]):
    assert island(written["index.html"]) == json.loads(written["report.json"])


def test_every_file_is_listed_and_every_listed_file_is_there(written: dict[str, bytes]):
    assert set(json.loads(written["report.json"])["files"]) == set(written)


def test_its_gate_is_that_of_the_command(recorded, document, monkeypatch, capsys, tmp_path):
    assert document["gate"] == said_by(recorded, monkeypatch, capsys, tmp_path, "gate", "--no-record")


def test_its_tests_are_those_of_the_command(recorded, document, monkeypatch, capsys, tmp_path):
    said = said_by(recorded, monkeypatch, capsys, tmp_path, "tests")["tests"]
    shared = [{key: test[key] for key in said[0]} for test in document["tests"]]
    assert shared == said


def test_its_causes_are_those_of_the_command(recorded, document, monkeypatch, capsys, tmp_path):
    said = said_by(recorded, monkeypatch, capsys, tmp_path, "causes")["causes"]
    assert document["causes"][: len(said)] == said


def test_its_plan_is_that_of_the_command(recorded, document, monkeypatch, capsys, tmp_path):
    steps = said_by(recorded, monkeypatch, capsys, tmp_path, "plan")["steps"][:3]
    assert [action["cause"] for action in document["actions"]] == [step["cause"]["id"] for step in steps]
    assert [action["after"] for action in document["actions"]] == [step["after"] for step in steps]
    assert [action["price"] for action in document["actions"]] == [step["cause"]["price"] for step in steps]


def test_its_changes_are_those_of_the_command(recorded, document, monkeypatch, capsys, tmp_path):
    since = document["since"]["moment"]
    said = said_by(recorded, monkeypatch, capsys, tmp_path, "events", "--since", since)["groups"]
    assert sorted(document["changes"], key=str) == sorted(said, key=str)


def test_the_figures_one_reads_are_those_of_the_document(written: dict[str, bytes], document: dict[str, Any]):
    page = written["index.html"].decode()
    for finding in document["gate"]["criteria"]:
        assert finding["why"].replace('"', "&#34;") in page.replace("&quot;", "&#34;")
    for group in document["groups"]:
        rate = group["pass_rate"]
        assert f"{rate['passed']:,}/{rate['executed']:,}" in page
    markdown = written["report.md"].decode()
    for group in document["groups"]:
        assert f"{group['pass_rate']['passed']:,}/{group['pass_rate']['executed']:,}" in markdown


def test_every_row_of_the_grid_has_a_cell_for_every_run(document: dict[str, Any]):
    for test in document["tests"]:
        cells = sum(int(number or 1) for _, number in re.findall(r"([PKFS.])(\d*)", test["history"]))
        assert cells == len(document["runs"])


@pytest.mark.parametrize(("letters", "short"), [("", ""), ("P", "P"), ("PPPFF.", "P3F2."), ("K" * 12 + "S", "K12S")])
def test_repeated_letters_become_a_number(letters: str, short: str):
    assert packed(letters) == short


def test_writing_a_night_again_gives_the_same_bytes(recorded: Recorded, written: dict[str, bytes]):
    assert report_files.files_of(report_of(recorded.store), sheet=True) == written


def test_every_message_has_its_text_and_its_runs(document: dict[str, Any]):
    said = [entry for test in document["tests"] for entry in test["failures_said"]]
    assert len(said) > 30
    assert all(entry["message"] and entry["count"] >= entry["runs"] >= 1 for entry in said)
