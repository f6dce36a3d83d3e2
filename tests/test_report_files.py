"""Reports on disk: whole or not at all, the same again, and nothing removed that somebody else put there."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from flakelens import report_files
from flakelens.errors import UsageError
from flakelens.model import GateState
from flakelens.report.nightly import Since

MORNING = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)


def a_night(
    day: str, *, gate: str = "gate1", state: str = "MET", files: tuple[str, ...] = (), **extra: bytes
) -> dict[str, bytes]:
    """The files of a night, as small as they may be."""
    names = ["index.html", "report.json", "charts/all.svg", *files]
    moment = datetime.fromisoformat(f"{day}T02:00+00:00")
    document = {
        "schema": "flakelens.report/1",
        "as_of": moment.isoformat(),
        "files": names,
        "gate": {"gate": gate, "state": state},
        "since": {"moment": (moment - timedelta(days=1)).isoformat(), "report": False, "state": None},
    }
    return dict.fromkeys(names, b"x") | {"report.json": json.dumps(document).encode()} | extra


def tree(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def write(out: Path, *days: str) -> None:
    for day in days:
        report_files.write_night(out, day, a_night(day))


def test_a_night_is_a_folder_with_its_files_and_nothing_else(tmp_path: Path):
    place = report_files.write_night(tmp_path / "new" / "reports", "2026-11-20", a_night("2026-11-20"))
    assert place == tmp_path / "new" / "reports" / "2026-11-20"
    assert tree(place.parent) == {f"2026-11-20/{name}" for name in ("index.html", "report.json", "charts/all.svg")}
    assert report_files.report_days(place.parent) == ("2026-11-20",)


def test_the_folder_may_be_read_by_those_who_may_read_files_here(tmp_path: Path):
    old = os.umask(0o022)
    try:
        place = report_files.write_night(tmp_path, "2026-11-20", a_night("2026-11-20"))
    finally:
        os.umask(old)
    assert place.stat().st_mode & 0o777 == 0o755


def test_a_night_written_again_replaces_its_files_and_leaves_others(tmp_path: Path):
    place = report_files.write_night(tmp_path, "2026-11-20", a_night("2026-11-20", files=("sheet.html",)))
    (place / "notes.md").write_text("mine")
    report_files.write_night(tmp_path, "2026-11-20", a_night("2026-11-20", **{"index.html": b"new"}))
    assert tree(place) == {"index.html", "report.json", "charts/all.svg", "notes.md"}, "the sheet is gone, notes stay"
    assert (place / "index.html").read_bytes() == b"new"


def test_a_write_that_fails_leaves_the_night_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    report_files.write_night(tmp_path, "2026-11-20", a_night("2026-11-20"))
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}

    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    for day in ("2026-11-20", "2026-11-21"):
        with pytest.raises(UsageError, match="cannot be written: No space left on device"):
            report_files.write_night(tmp_path, day, a_night(day))
    monkeypatch.undo()
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before
    assert [path.name for path in tmp_path.iterdir()] == ["2026-11-20"], "no half folder is left"


def test_a_file_where_the_folder_should_be_is_an_error_with_a_mend(tmp_path: Path):
    (tmp_path / "reports").write_text("a file")
    with pytest.raises(UsageError) as error:
        report_files.write_night(tmp_path / "reports", "2026-11-20", a_night("2026-11-20"))
    assert "--out" in error.value.mend


def test_the_newest_reports_are_kept(tmp_path: Path):
    write(tmp_path, "2026-11-17", "2026-11-18", "2026-11-19", "2026-11-20")
    assert report_files.remove_older(tmp_path, 2) == ("2026-11-17", "2026-11-18")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["2026-11-19", "2026-11-20"]
    assert report_files.remove_older(tmp_path, 5) == ()


def test_what_somebody_else_put_there_stays(tmp_path: Path):
    write(tmp_path, "2026-11-18", "2026-11-19", "2026-11-20")
    (tmp_path / "2026-11-18" / "notes.md").write_text("mine")
    (tmp_path / "2026-11-18" / "charts" / "mine.png").write_bytes(b"mine")
    (tmp_path / "2026-10-01").mkdir()
    (tmp_path / "2026-10-01" / "report.json").write_text('{"schema": "somebody.elses/1"}')
    (tmp_path / "2026-10-02").mkdir()
    (tmp_path / "2026-10-02" / "holiday.jpg").write_bytes(b"sun")
    (tmp_path / "example").mkdir()
    assert report_files.remove_older(tmp_path, 1) == ("2026-11-18", "2026-11-19")
    assert tree(tmp_path) >= {
        "2026-11-18/notes.md", "2026-11-18/charts/mine.png", "2026-10-01/report.json", "2026-10-02/holiday.jpg",
    }  # fmt: skip
    assert "2026-11-18/index.html" not in tree(tmp_path)
    assert (tmp_path / "example").is_dir()
    assert not (tmp_path / "2026-11-19").exists()


def test_a_report_that_lists_files_elsewhere_removes_nothing_there(tmp_path: Path):
    (tmp_path / "precious").write_text("mine")
    elsewhere = ("../precious", str(tmp_path / "precious"), "..\\precious", "charts/../../precious")
    files = a_night("2026-11-18")
    document = json.loads(files["report.json"])
    document["files"] += elsewhere
    report_files.write_night(tmp_path, "2026-11-18", files | {"report.json": json.dumps(document).encode()})
    write(tmp_path, "2026-11-19")
    assert report_files.remove_older(tmp_path, 1) == ("2026-11-18",)
    assert (tmp_path / "precious").read_text() == "mine"


def test_a_link_is_not_followed(tmp_path: Path):
    precious = tmp_path / "precious"
    precious.write_text("mine")
    out = tmp_path / "reports"
    write(out, "2026-11-18", "2026-11-19")
    (out / "2026-11-18" / "index.html").unlink()
    (out / "2026-11-18" / "index.html").symlink_to(precious)
    report_files.remove_older(out, 1)
    assert precious.read_text() == "mine"


def test_changes_are_told_from_the_report_before(tmp_path: Path):
    assert report_files.last_report(tmp_path / "none", "2026-11-20", "gate1") is None
    write(tmp_path, "2026-11-17", "2026-11-18")
    (tmp_path / "2026-11-19").mkdir()
    expected = Since(moment=datetime(2026, 11, 18, 2, tzinfo=UTC), report=True, state=GateState.MET)
    assert report_files.last_report(tmp_path, "2026-11-20", "gate1") == expected
    assert report_files.last_report(tmp_path, "2026-11-17", "gate1") == Since(
        moment=datetime(2026, 11, 16, 2, tzinfo=UTC), report=False, state=None
    ), "that night's own report knows best from when it told"


def test_reports_on_another_gate_do_not_count(tmp_path: Path):
    report_files.write_night(tmp_path, "2026-11-18", a_night("2026-11-18", gate="gate3"))
    assert report_files.last_report(tmp_path, "2026-11-20", "gate1") is None


def test_the_overview_is_replaced_whole(tmp_path: Path):
    assert report_files.write_overview(tmp_path, b"one") == tmp_path / "index.html"
    report_files.write_overview(tmp_path, b"two")
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("index.html", b"two")]
