"""Waivers and acknowledgements: appended without touching the rest, refused before anything is written."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from flakelens import decisions
from flakelens import policy_text as policy
from flakelens.decide import acknowledge, expiry
from flakelens.decide_gate import waive
from flakelens.decisions import TestRef
from flakelens.decisions_file import Written
from flakelens.errors import DecisionsError, UsageError
from flakelens.history import Test
from flakelens.model import TestId

NOW = datetime(2026, 11, 20, 12, 0, 0, 123456, tzinfo=UTC)
COMMIT = "0123456789abcdef0123456789abcdef01234567"

WITH_COMMENTS = """\
# Ask Ann before you add anything here.
[[quarantine]]  # flaky since the upgrade
test = { name = "uploads a file" }
owner = "Ann"
reason = "see the board"
created = 2026-11-01T00:00:00Z
expires = 2026-12-01T00:00:00Z
# the end"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "flakelens-decisions.toml"


@pytest.fixture
def waived(file: Path) -> Callable[..., Written]:
    def call(text: str = "", **given: str) -> Written:
        arguments = {
            "gate": "gate1", "criterion": "stable", "commit": COMMIT, "by": "Ann", "reason": "known", "expires": "24h",
        }  # fmt: skip
        return waive(file, policy.parse(text), now=NOW, **{**arguments, **given})  # type: ignore[arg-type]

    return call


def a_test(name: str, *, file: str = "src/a.test.ts", variant: str = "", reported: str = "") -> Test:
    ident = TestId(file, name, variant)
    return Test(
        id=ident, reported=ident._replace(name=reported or name), producer="jest", jobs=(), title_file="", stack_file=""
    )


def test_a_waiver_is_written_as_the_gate_reads_it(waived: Callable[..., Written], file: Path) -> None:
    written = waived(reason='he said "go"\nand went')
    (waiver,) = decisions.parse(file.read_text()).waivers
    assert waiver == written.decisions.waivers[0]
    assert (waiver.gate, waiver.criterion, waiver.commit, waiver.by) == ("gate1", "stable", COMMIT, "Ann")
    assert waiver.reason == 'he said "go"\nand went'
    assert waiver.created == NOW.replace(microsecond=0)
    assert waiver.expires - waiver.created == timedelta(hours=24)


def test_everything_that_stood_in_the_file_stands_there_byte_for_byte(
    waived: Callable[..., Written], file: Path
) -> None:
    file.write_text(WITH_COMMENTS)
    waived()
    waived(commit="abcdef0")
    acknowledge(file, None, ["gone"], by="Bob", reason="removed", now=NOW)
    waived(criterion="reliable")
    text = file.read_text()
    assert text.startswith(WITH_COMMENTS + "\n\n[[waivers]]\n")
    assert "\n\n\n" not in text
    read = decisions.parse(text)
    assert [waiver.criterion for waiver in read.waivers] == ["stable", "stable", "reliable"]
    assert len(read.quarantine) == len(read.acknowledged) == 1


def test_windows_line_ends_stay_what_they_are(waived: Callable[..., Written], file: Path) -> None:
    file.write_bytes(WITH_COMMENTS.replace("\n", "\r\n").encode())
    waived()
    assert b"\n" not in file.read_bytes().replace(b"\r\n", b"")
    assert len(decisions.parse(file.read_bytes().decode()).waivers) == 1


def test_an_array_of_inline_tables_is_extended_in_its_own_form(file: Path) -> None:
    file.write_text(
        'acknowledged = [ # gone for good\n  { test = { name = "a" }, by = "B", reason = "r", '
        "created = 2026-11-01T00:00:00Z },\n]\n"
    )
    acknowledge(file, None, ["b"], by="Bob", reason="removed", now=NOW)
    text = file.read_text()
    assert "# gone for good" in text
    assert [entry.test.name for entry in decisions.parse(text).acknowledged] == ["a", "b"]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"gate": "gate9"}, "no gate 'gate9'"),
        ({"criterion": "speed"}, "asks no criterion 'speed'"),
        ({"criterion": "all-passing"}, "about AI, and that cannot be waived"),
        ({"criterion": "complete"}, "about AI, and that cannot be waived"),
        ({"commit": "abc123"}, "not a commit"),
        ({"commit": "--help-me-out"}, "not a commit"),
        ({"by": "  "}, "needs a person and a reason"),
        ({"reason": ""}, "needs a person and a reason"),
        ({"expires": "73h"}, "72 h at most"),
        ({"expires": "4d"}, "72 h at most"),
        ({"expires": "0h"}, "cannot end before it begins"),
        ({"expires": "2026-11-19"}, "cannot end before it begins"),
        ({"expires": "soon"}, "neither a duration nor a time"),
    ],
)
def test_what_the_policy_does_not_allow_is_refused_and_nothing_is_written(
    waived: Callable[..., Written], file: Path, given: dict[str, str], said: str
) -> None:
    with pytest.raises(UsageError, match=said) as refused:
        waived(**given)
    assert refused.value.mend
    assert not file.exists()


def test_a_criterion_narrowed_to_payments_cannot_be_waived(waived: Callable[..., Written]) -> None:
    with pytest.raises(UsageError, match="about payments"):
        waived('[gates.gate1.criteria.stable]\nfocuses = ["payments"]')


def test_a_criterion_that_the_policy_leaves_out_cannot_be_waived(waived: Callable[..., Written]) -> None:
    with pytest.raises(UsageError, match="asks no criterion 'stable'"):
        waived("[gates.gate1.criteria.stable]\nareas = []")


def test_a_policy_may_allow_less_than_72_hours(waived: Callable[..., Written]) -> None:
    with pytest.raises(UsageError, match="lasts 12 h at most"):
        waived("[waivers]\nmax_hours = 12", expires="13h")
    assert waived("[waivers]\nmax_hours = 12", expires="12h").decisions.waivers


@pytest.mark.parametrize("text", ["[[waivers", "[[waivers]]\ngate = 1\n", "surprise = true\n"])
def test_a_file_that_is_not_valid_is_left_as_it_is(waived: Callable[..., Written], file: Path, text: str) -> None:
    file.write_text(text)
    with pytest.raises(DecisionsError):
        waived()
    assert file.read_text() == text
    assert [path.name for path in file.parent.iterdir()] == [file.name]


def test_permissions_and_links_of_the_file_stay(waived: Callable[..., Written], file: Path) -> None:
    real = file.with_name("real.toml")
    real.write_text("")
    real.chmod(0o600)
    file.symlink_to(real)
    waived()
    assert file.is_symlink()
    assert real.stat().st_mode & 0o777 == 0o600
    assert decisions.parse(real.read_text()).waivers


@pytest.mark.parametrize(
    ("text", "hours"),
    [("24h", 24), ("90m", 1.5), ("90 min", 1.5), ("3d", 72), ("2026-11-21T12:00Z", 24), ("2026-11-21T12:00", 24)],
)
def test_durations_and_times_say_when_a_waiver_ends(text: str, hours: float) -> None:
    now = NOW.replace(microsecond=0)
    assert expiry(text, now) - now == timedelta(hours=hours)


def test_a_test_is_acknowledged_by_its_full_id_whichever_form_was_given(file: Path) -> None:
    tests = [a_test("chat answers", reported="chat > answers"), a_test("other")]
    for form in ("chat answers", "chat > answers", "chat › answers"):
        written = acknowledge(file, tests, [form], by="Bob", reason="removed", now=NOW)
        assert written.decisions.acknowledged[-1].test == TestRef(name="chat answers", file="src/a.test.ts")


def test_a_title_in_several_files_and_browsers_is_acknowledged_in_each(file: Path) -> None:
    tests = [a_test("pays", file="a.spec.ts", variant="chromium"), a_test("pays", file="a.spec.ts", variant="webkit")]
    written = acknowledge(file, tests, ["pays", "pays"], by="Bob", reason="removed", now=NOW)
    assert [entry.test.variant for entry in written.decisions.acknowledged] == ["chromium", "webkit"]


def test_an_unknown_title_is_refused_with_the_ones_that_are_close(file: Path) -> None:
    with pytest.raises(UsageError, match="No run knows") as refused:
        acknowledge(file, [a_test("uploads a file")], ["upload a file"], by="Bob", reason="gone", now=NOW)
    assert "uploads a file" in refused.value.mend
    assert not file.exists()
