"""From what the user names to reports: nothing lost, nothing twice, nothing unsafe."""

from __future__ import annotations

import gzip
import io
import os
import stat
import tarfile
import zipfile
from pathlib import Path

import pytest

from flakelens.junit import Limits, read_paths

from .helpers import codes

XML = '<testsuite name="s"><testcase name="{}"/></testsuite>'


def xml(name: str = "a") -> bytes:
    return XML.format(name).encode()


def found(*paths: object, **options) -> list[tuple[str, list[str]]]:
    """Name and problem codes of every report."""
    return [(report.name, codes(report)) for report in read_paths([str(path) for path in paths], **options)]


def write(path: Path, data: bytes = b"") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data or xml(path.name))
    return path


def tar_of(members: dict[str, bytes], mode: str = "w:gz") -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode) as archive:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return out.getvalue()


def zip_of(members: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return out.getvalue()


def test_a_folder_in_natural_order_with_relative_names(tmp_path):
    for name in ("run-10/j.xml", "run-2/j.xml", "run-2/b.xml.gz", "run-2/run.json", "run-2/log.txt", "top.xml"):
        write(tmp_path / name, gzip.compress(xml()) if name.endswith("gz") else xml())
    write(tmp_path / "node_modules/x/junit.xml")
    write(tmp_path / "._junit.xml", b"\0\5\x16\7")
    assert found(tmp_path) == [("top.xml", []), ("run-2/b.xml.gz", []), ("run-2/j.xml", []), ("run-10/j.xml", [])]


def test_other_xml_in_a_folder_is_named(tmp_path):
    write(tmp_path / "coverage.xml", b"<coverage/>")
    write(tmp_path / "junit.xml", xml())
    assert found(tmp_path) == [("coverage.xml", ["not-junit"]), ("junit.xml", [])]


def test_files_are_read_whatever_they_are_called(tmp_path):
    plain, packed = write(tmp_path / "report.txt"), write(tmp_path / "packed.xml", gzip.compress(xml()))
    assert found(plain, packed) == [(str(plain), []), (str(packed), [])]


def test_a_file_is_read_once(tmp_path, monkeypatch):
    write(tmp_path / "a.xml")
    monkeypatch.chdir(tmp_path)
    assert found("a.xml", "*.xml", "./a.xml", ".") == [("a.xml", [])]


@pytest.mark.parametrize("pattern", ["*.xml", "**/*.xml", "?.xml", "[a-c].xml"])
def test_globs(tmp_path, monkeypatch, pattern):
    write(tmp_path / "b.xml")
    write(tmp_path / "a.xml")
    monkeypatch.chdir(tmp_path)
    assert found(pattern) == [("a.xml", []), ("b.xml", [])]


def test_a_glob_may_name_folders(tmp_path, monkeypatch):
    write(tmp_path / "shard-1/junit.xml")
    write(tmp_path / "shard-2/junit.xml")
    monkeypatch.chdir(tmp_path)
    assert found("shard-*") == [("shard-1/junit.xml", []), ("shard-2/junit.xml", [])]


def test_a_name_that_looks_like_a_glob_is_a_name_first(tmp_path, monkeypatch):
    write(tmp_path / "report[1].xml")
    monkeypatch.chdir(tmp_path)
    assert found("report[1].xml") == [("report[1].xml", [])]


def test_what_matches_nothing_is_said(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    (tmp_path / "gone.xml").symlink_to("nowhere")
    assert found("none.xml", "*.none", "empty", "gone.xml", "a\0b") == [
        (name, ["no-such-file"]) for name in ("none.xml", "*.none", "empty", "gone.xml", "a\0b")
    ]


def test_links_in_a_folder(tmp_path):
    write(tmp_path / "real/junit.xml")
    (tmp_path / "real/again.xml").symlink_to("junit.xml")
    (tmp_path / "real/loop").symlink_to("..")
    assert found(tmp_path) == [("real/again.xml", [])]  # the same file under its first name


def test_no_regular_file(tmp_path):
    os.mkfifo(tmp_path / "pipe.xml")
    assert found(tmp_path, "/dev/null") == [("pipe.xml", ["unreadable"]), ("/dev/null", ["unreadable"])]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission(tmp_path):
    path = write(tmp_path / "a.xml")
    path.chmod(0)
    assert found(path) == [(str(path), ["unreadable"])]


def test_undecodable_file_names(tmp_path):
    path = os.fsencode(tmp_path) + b"/r\xff.xml"
    Path(os.fsdecode(path)).write_bytes(xml())
    assert found(tmp_path) == [("r\ufffd.xml", [])]


def test_standard_input():
    assert found("-", stdin=io.BytesIO(b"> npm test\n" + xml())) == [("-", ["extra-text"])]
    assert found("-", stdin=io.BytesIO(gzip.compress(xml()))) == [("-", [])]
    assert found("-", stdin=io.BytesIO(zip_of({"a.xml": xml()}))) == [("-!a.xml", [])]
    assert found("-", stdin=io.BytesIO(b"")) == [("-", ["empty-file"])]
    assert found("-") == [("-", ["unreadable"])]
    assert found("-", stdin=io.BytesIO(xml()), limits=Limits(max_bytes=5)) == [("-", ["too-large"])]


MEMBERS = {
    "b/junit.xml": xml(),
    "a.xml.gz": gzip.compress(xml()),
    "log.txt": b"x",
    "inner.zip": zip_of({"c.xml": xml()}),
}


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("r.zip", zip_of(MEMBERS)),
        ("r.tar.gz", tar_of(MEMBERS)),
        ("r.tgz", tar_of(MEMBERS)),
        ("r.tar", tar_of(MEMBERS, "w")),
    ],
)
def test_archives(tmp_path, name, data):
    write(tmp_path / name, data)
    assert found(tmp_path) == [(f"{name}!b/junit.xml", []), (f"{name}!a.xml.gz", [])]


UNSAFE = ["../a.xml", "x/../../a.xml", "/etc/a.xml", "\\a.xml", "C:\\a.xml", "C:/a.xml", "x\\..\\..\\a.xml"]


@pytest.mark.parametrize("pack", [zip_of, tar_of])
def test_members_that_lead_outside_are_refused(tmp_path, pack):
    path = write(tmp_path / "r", pack({**dict.fromkeys(UNSAFE, xml()), "..a/ok..xml.xml": xml()}))
    reports = found(path)
    assert [problems for _, problems in reports] == [["unsafe-member"]] * len(UNSAFE) + [[]]


def test_links_in_archives_are_refused(tmp_path):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        for name, kind in (("sym.xml", tarfile.SYMTYPE), ("hard.xml", tarfile.LNKTYPE), ("pipe.xml", tarfile.FIFOTYPE)):
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, "/etc/passwd"
            archive.addfile(info)
    info = zipfile.ZipInfo("sym.xml")
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    zipped = io.BytesIO()
    with zipfile.ZipFile(zipped, "w") as archive:
        archive.writestr(info, "/etc/passwd")
    tar, packed = write(tmp_path / "r.tgz", out.getvalue()), write(tmp_path / "r.zip", zipped.getvalue())
    assert [problems for _, problems in found(tar, packed)] == [["unsafe-member"]] * 4


def test_bombs(tmp_path):
    bomb = b"<testsuite>" + b" " * 5_000_000
    limits = Limits(max_bytes=1_000_000)
    files = [
        write(tmp_path / "r.zip", zip_of({"bomb.xml": bomb, "after.xml": xml()})),
        write(tmp_path / "r.tgz", tar_of({"bomb.xml": bomb, "after.xml": xml()})),
        write(tmp_path / "r.xml.gz", gzip.compress(bomb)),
        write(tmp_path / "member.tar", tar_of({"bomb.xml.gz": gzip.compress(bomb), "after.xml": xml()}, "w")),
        write(tmp_path / "r.xml", bomb),
    ]
    problems = [problems for _, problems in found(*files, limits=limits)]
    assert problems == [["too-large"], [], ["too-large"], [], ["too-large"], ["too-large"], [], ["too-large"]]


def test_a_header_that_would_fill_the_memory(tmp_path):
    info = tarfile.TarInfo("a.xml")
    info.pax_headers = {"comment": "x" * 3_000_000}
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz", format=tarfile.PAX_FORMAT) as archive:
        archive.addfile(info)
    path = write(tmp_path / "r.tgz", out.getvalue())
    assert found(path) == [(str(path), ["too-large"])]


def test_limits_smaller_than_what_is_looked_at_first(tmp_path):
    path = write(tmp_path / "r.xml.gz", gzip.compress(xml() * 100))
    assert found(path, limits=Limits(max_bytes=100)) == [(str(path), ["too-large"])]


@pytest.mark.parametrize("pack", [zip_of, tar_of])
def test_an_archive_as_a_whole_is_bounded(tmp_path, pack):
    members = {f"{i}.xml": xml() + b" " * 50_000 for i in range(10)}
    path = write(tmp_path / "r", pack(members))
    reports = found(path, limits=Limits(max_archive_bytes=200_000))
    assert reports[-1] == (str(path), ["too-large"])
    assert 2 <= len(reports) <= 6
    assert found(path, limits=Limits(max_members=3))[-1] == (str(path), ["too-large"]) or pack is zip_of
    assert ["too-large"] in [problems for _, problems in found(path, limits=Limits(max_members=3))]


def test_skipping_what_is_no_report_is_bounded_too(tmp_path):
    path = write(tmp_path / "r.tgz", tar_of({"zeros.bin": b"\0" * 5_000_000, "a.xml": xml()}))
    assert found(path, limits=Limits(max_archive_bytes=1_000_000)) == [(str(path), ["too-large"])]


@pytest.mark.parametrize(
    "data",
    [
        zip_of(MEMBERS)[:-30],
        zip_of({"a.xml": xml() * 50})[:20] + b"garbage" + zip_of({"a.xml": xml() * 50})[27:],
        tar_of(MEMBERS)[:-50],
        tar_of({"a.xml": xml() * 1000}, "w")[:2000],
        gzip.compress(xml() * 50)[:40],
        gzip.compress(xml())[:-4] + b"\1\1\1\1",
        tar_of({"log.txt": b"x" * 512, "a.xml": xml()}, "w")[: 2 * 512],  # ends without its end
        tar_of({"log.txt": b"x" * 512, "a.xml": xml()}, "w")[: 2 * 512 + 100],
        tar_of({"log.txt": b"x" * 512, "a.xml": xml()}, "w")[: 2 * 512] + b"garbage " * 500,
        b"\x1f\x8b",
        b"PK\x03\x04",
    ],
    ids=range(11),
)
def test_damaged_archives_are_a_problem(tmp_path, data):
    reports = found(write(tmp_path / "r.bin", data))
    assert reports
    assert reports[-1][1] == ["bad-archive"]


def test_an_encrypted_member_is_a_problem(tmp_path):
    data = bytearray(zip_of({"a.xml": xml()}))
    data[6] |= 1
    data[data.index(b"PK\1\2") + 8] |= 1
    assert found(write(tmp_path / "r.zip", bytes(data)))[0][1] == ["bad-archive"]


def test_an_archive_without_reports(tmp_path):
    paths = write(tmp_path / "a.zip", zip_of({"log.txt": b"x"})), write(tmp_path / "b.zip", zip_of({}))
    assert found(*paths) == [(str(path), ["no-such-file"]) for path in paths]


def test_one_bad_file_leaves_the_others(tmp_path):
    write(tmp_path / "a.xml", b"<testsuite>")
    write(tmp_path / "b.xml")
    reports = list(read_paths([str(tmp_path)]))
    assert [report.damaged for report in reports] == [True, False]


def test_reports_come_one_at_a_time(tmp_path):
    for name in ("a.xml", "b.xml"):
        write(tmp_path / name)
    reports = read_paths([str(tmp_path)])
    assert next(reports).name == "a.xml"
    (tmp_path / "b.xml").unlink()
    assert codes(next(reports)) == ["no-such-file"]
