"""Files that cannot be read or written: a sentence that names them, and nothing is lost."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from flakelens import checkout, cli, decisions_file, report_files
from flakelens.checkout import Checkout
from flakelens.cli import COMMANDS
from flakelens.errors import DecisionsError, FlakelensError
from flakelens.identity import TestId

ENTRY = decisions_file.decisions_room.parse(
    '[[acknowledged]]\ntest = {name = "a"}\nby = "ada"\nreason = "moved"\ncreated = 2026-11-20T00:00:00Z\n'
).acknowledged


def test_a_decisions_file_that_is_no_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "flakelens-decisions.toml").mkdir()
    with pytest.raises(DecisionsError, match=r"flakelens-decisions.toml cannot be read: Is a directory"):
        decisions_file.append(tmp_path / "flakelens-decisions.toml", "acknowledged", ENTRY)


def test_a_decisions_file_in_another_encoding_is_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "flakelens-decisions.toml"
    path.write_bytes("# Äpfel\n".encode("latin-1"))
    with pytest.raises(DecisionsError, match="is not UTF-8 text"):
        decisions_file.append(path, "acknowledged", ENTRY)
    assert path.read_bytes() == b"# \xc4pfel\n"


def test_a_full_disk_leaves_the_decisions_as_they_were(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "flakelens-decisions.toml"
    path.write_text("# ours\n", encoding="utf-8")

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(DecisionsError, match="cannot be written: No space left on device"):
        decisions_file.append(path, "acknowledged", ENTRY)
    assert path.read_text(encoding="utf-8") == "# ours\n"
    assert [each.name for each in tmp_path.iterdir()] == [path.name], "no half of a file stays"


def test_nothing_picked_writes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "flakelens-decisions.toml"
    written = decisions_file.remove(path, "acknowledged", lambda _: True)
    assert written.entry == ""
    assert not path.exists()


def test_a_report_goes_nowhere_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "reports").write_text("mine", encoding="utf-8")
    with pytest.raises(FlakelensError, match="reports"):
        report_files.write_night(tmp_path / "reports", "2026-11-20", {"report.md": b"x"})
    assert (tmp_path / "reports").read_text(encoding="utf-8") == "mine"


def test_a_checkout_with_too_many_files_gives_no_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / "a.test.ts").write_text("it('adds', () => {})", encoding="utf-8")
    test = TestId("", "adds", "")
    found = Checkout.find(tmp_path)
    assert found is not None
    assert found.files_of([test]) == {test: "a.test.ts"}
    assert found.files_of([test]) == {test: "a.test.ts"}, "read once, asked twice"
    monkeypatch.setattr(checkout, "MOST_ENTRIES", 0)
    other = Checkout.find(tmp_path)
    assert other is not None
    assert other.files_of([test]) == {}


def test_a_test_file_that_went_meanwhile_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".git").mkdir()
    for name in ("a", "b"):
        (tmp_path / f"{name}.test.ts").write_text(f"it('adds {name}', () => {{}})", encoding="utf-8")
    read = Path.read_text

    def gone(path: Path, **given: str) -> str:
        if path.name == "a.test.ts":
            raise FileNotFoundError(errno.ENOENT, "No such file or directory")
        return read(path, **given)

    monkeypatch.setattr(Path, "read_text", gone)
    found = Checkout.find(tmp_path)
    assert found is not None
    tests = [TestId("", "adds a", ""), TestId("", "adds b", "")]
    assert found.files_of(tests) == {tests[1]: "b.test.ts"}


def test_without_a_git_program_there_are_no_renames(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".git").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path))
    found = Checkout.find(tmp_path)
    assert found is not None
    assert found.renames() == []


def test_owners_that_cannot_be_read_are_a_fault_and_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / "CODEOWNERS").write_text("* @ada\n", encoding="utf-8")
    opened = Path.open

    def refused(path: Path, *given: str) -> object:
        if path.name == "CODEOWNERS":
            raise PermissionError(errno.EACCES, "Permission denied")
        return opened(path, *given)

    monkeypatch.setattr(Path, "open", refused)
    found = Checkout.find(tmp_path)
    assert found is not None
    owners = found.owners()
    assert [fault.why for fault in owners.faults] == ["it cannot be read: Permission denied"]


def test_quiet_and_verbose_exclude_each_other(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["-q", "-v", "tests"]) == 2
    assert "-q and -v exclude each other" in capsys.readouterr().err


def test_help_lists_every_command_the_first_ones_first(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["--help"]) == 0
    shown = capsys.readouterr().out
    first, more = shown.index("Commands:"), shown.index("More:")
    for entry in COMMANDS:
        place = shown.index(f"\n  {entry.name} ")
        assert (first < place < more) is entry.first, entry.name


def test_a_reader_of_a_pipe_that_has_seen_enough_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise BrokenPipeError

    monkeypatch.setattr(cli.cli, "main", broken)
    monkeypatch.setattr("sys.stderr", Path("/dev/null").open("w", encoding="utf-8"))  # noqa: SIM115 - `run` closes it
    assert cli.run(["tests"]) == 0
