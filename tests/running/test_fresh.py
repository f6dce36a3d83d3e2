"""What counts as written by a command: new and changed report files, nothing that lay there before."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

from flakelens.running import Places, look
from tests.tiny_reports import jest

JUNIT = "<testsuites></testsuites>"


def written(folder: Path, *, during: dict[str, bytes], named: tuple[str, ...] = ()) -> list[str]:
    places = Places(folder=folder, named=named)
    before = look(places)
    for name, data in during.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return [str(Path(path).relative_to(folder)) for path in look(places).written_since(before)]


def test_new_and_changed_reports_and_not_the_old_ones(tmp_path: Path) -> None:
    jest(tmp_path / "old.xml", {"adds": "P"})
    jest(tmp_path / "again.xml", {"adds": "P"})
    assert written(tmp_path, during={"a/new.xml": JUNIT.encode(), "again.xml": JUNIT.encode()}) == [
        "a/new.xml",
        "again.xml",
    ]
    places = Places(folder=tmp_path)
    assert [Path(path).name for path in look(places).old_since(look(places))] == ["new.xml", "again.xml", "old.xml"]


def test_a_report_replaced_by_one_of_the_same_size_and_an_older_time_is_new(tmp_path: Path) -> None:
    report = jest(tmp_path / "junit.xml", {"adds": "P"})
    before = look(Places(folder=tmp_path))
    copy = tmp_path / "copy"
    copy.write_bytes(report.read_bytes())
    os.utime(copy, (1_000_000_000, 1_000_000_000))
    copy.replace(report)
    assert look(Places(folder=tmp_path)).written_since(before) == (str(report),)


def test_other_xml_is_no_report_unless_somebody_says_so(tmp_path: Path) -> None:
    files = {
        "coverage/clover.xml": b"<coverage></coverage>",
        "sitemap.xml.gz": gzip.compress(b"<urlset/>"),
        "cut.xml.gz": gzip.compress(JUNIT.encode())[:15],
        "utf16.xml": JUNIT.encode("utf-16"),
        "good.xml.gz": gzip.compress(JUNIT.encode()),
        "empty.xml": b"",
    }
    assert written(tmp_path / "one", during=files) == ["good.xml.gz", "utf16.xml"]
    named = written(tmp_path / "two", during=files, named=("empty.xml", "*.gz"))
    assert named == ["cut.xml.gz", "empty.xml", "good.xml.gz", "sitemap.xml.gz", "utf16.xml"]


def test_dependencies_and_our_own_folder_are_not_searched(tmp_path: Path) -> None:
    files = {f"{place}/junit.xml": JUNIT.encode() for place in ("node_modules/x", ".git", ".flakelens/run-1", "src")}
    assert written(tmp_path / "one", during=files) == ["src/junit.xml"]
    assert written(tmp_path / "two", during=files, named=(".flakelens/run-1",)) == [
        ".flakelens/run-1/junit.xml",
        "src/junit.xml",
    ]


def test_links_to_folders_are_not_followed(tmp_path: Path) -> None:
    (tmp_path / "team").mkdir()
    (tmp_path / "team" / "loop").symlink_to(tmp_path / "team")
    (tmp_path / "team" / "out").symlink_to(tmp_path)
    assert written(tmp_path / "team", during={"junit.xml": JUNIT.encode()}) == ["junit.xml"]
