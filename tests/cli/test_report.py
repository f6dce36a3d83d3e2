"""`flakelens report`: what it writes, what it says, when it fails."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from flakelens.render import nightly_charts
from tests.cli.histories import AS_OF, Call, caller, team_database
from tests.goldens import same_as_golden

DAY = "2026-10-05"


@pytest.fixture
def call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Call:
    (tmp_path / "work").mkdir()
    monkeypatch.delenv("CI", raising=False)
    return caller(tmp_path / "work", monkeypatch, capsys)


@pytest.fixture(autouse=True)
def without_charts(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Charts take a second per report and are looked at elsewhere; one test here draws them."""
    if "charts" not in request.node.name:
        monkeypatch.setattr(nightly_charts, "draw", lambda _: ())


@pytest.fixture
def db(tmp_path: Path) -> str:
    return team_database(tmp_path)


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("width", [80, 120])
def test_it_says_the_morning_s_minute_and_where_the_rest_is(call: Call, db: str, width: int):
    code, out, err = call("--db", db, "report", "--as-of", AS_OF, width=width)
    assert (code, err) == (0, "")
    same_as_golden(f"cli/report.{width}.txt", out)
    assert all(len(line) <= width for line in out.splitlines())


def test_it_writes_the_night_and_the_overview_with_charts(call: Call, db: str):
    call("--db", db, "report", "--as-of", AS_OF, "--out", "out")
    names = set(contents(Path("out")))
    assert {
        "index.html",
        f"{DAY}/index.html",
        f"{DAY}/report.md",
        f"{DAY}/report.json",
        f"{DAY}/charts/all.svg",
    } <= names
    assert f"{DAY}/sheet.html" not in names
    call("--db", db, "report", "--as-of", AS_OF, "--out", "out", "--sheet")
    assert (Path("out") / DAY / "sheet.html").is_file()


def test_quiet_says_nothing(call: Call, db: str):
    assert call("-q", "--db", db, "report", "--as-of", AS_OF) == (0, "", "")


def test_a_night_again_gives_the_same_bytes_even_when_older_ones_are_gone(call: Call, db: str):
    call("--db", db, "report", "--as-of", "2026-10-03", "--sheet")
    call("--db", db, "report", "--as-of", AS_OF, "--sheet", "--keep", "1")
    before = contents(Path("reports"))
    assert not [name for name in before if name.startswith("2026-10-03")]
    call("--db", db, "report", "--as-of", AS_OF, "--sheet", "--keep", "1")
    assert contents(Path("reports")) == before


def test_the_next_night_tells_from_the_last_report(call: Call, db: str):
    call("--db", db, "report", "--as-of", "2026-10-02T12:00Z")
    call("--db", db, "report", "--as-of", AS_OF)
    since = json.loads(Path("reports", DAY, "report.json").read_text())["since"]
    assert since["moment"] == "2026-10-02T12:00:00.000Z"
    assert since["report"] is True


def test_its_verdict_is_on_record_and_replays(call: Call, db: str):
    call("--db", db, "report", "--as-of", AS_OF)
    number = json.loads(Path("reports", DAY, "report.json").read_text())["verdict_number"]
    code, _, err = call("--db", db, "gate", "--replay", str(number))
    assert code == 0
    assert "replays exactly" in err


def test_the_overview_keeps_nights_whose_reports_are_gone(call: Call, db: str):
    for day in ("2026-10-02T01:00Z", "2026-10-02T20:00Z", "2026-10-03"):
        call("--db", db, "report", "--as-of", day)
    _, out, _ = call("--db", db, "report", "--as-of", AS_OF, "--keep", "2")
    assert "Taken away: 1 older report, 2026-10-02 to 2026-10-02." in out
    page = Path("reports", "index.html").read_text()
    assert "3 nights: " in page, "of a day with several verdicts the newest counts"
    assert 'href="2026-10-02/index.html"' not in page
    assert 'href="2026-10-03/index.html"' in page


def test_the_exit_code_follows_the_gate_only_when_asked(call: Call, db: str):
    assert call("--db", db, "report", "--as-of", AS_OF)[0] == 0
    assert call("--db", db, "report", "--as-of", AS_OF, "--exit-from", "gate")[0] == 10
    Path("flakelens.toml").write_text('[gates.gate1]\nmode = "observe"\n')
    assert call("--db", db, "report", "--as-of", AS_OF, "--exit-from", "gate")[0] == 0


def test_without_a_database_the_report_is_empty_and_says_so(call: Call):
    code, out, err = call("--db", "none.db", "report", "--as-of", AS_OF, "--sheet")
    assert code == 0
    assert "INCONCLUSIVE" in out
    assert "there is no database none.db yet" in err
    assert not Path("none.db").exists()
    document = json.loads(Path("reports", DAY, "report.json").read_text())
    assert document["tests"] == []
    assert document["distance"] is None
    assert document["verdict_number"] is None
    page = Path("reports", DAY, "index.html").read_text()
    assert "there is no pass rate" in page
    assert "No verdict is on record yet" in Path("reports", "index.html").read_text()


def test_owners_of_the_checkout_are_named(call: Call, db: str):
    Path(".git").mkdir()
    Path("CODEOWNERS").write_text("*.test.js @team/web\n")
    call("--db", db, "report", "--as-of", AS_OF)
    document = json.loads(Path("reports", DAY, "report.json").read_text())
    assert {test["owner"] for test in document["tests"] if test["file"].endswith(".test.js")} == {"@team/web"}
    assert "@team/web" in Path("reports", DAY, "index.html").read_text()


def test_waivers_and_what_ends_soon_are_shown(call: Call, db: str):
    Path("flakelens-decisions.toml").write_text(
        """
        [[waivers]]
        gate = "gate1"
        criterion = "complete"
        commit = "abcdef0"
        by = "Ada"
        reason = "the runner is being replaced"
        created = 2026-10-04T20:00:00Z
        expires = 2026-10-06T20:00:00Z

        [[quarantine]]
        test = { name = "referral sends a mail" }
        owner = "@web"
        reason = "under repair"
        created = 2026-10-01
        expires = 2026-10-09

        [[quarantine]]
        test = { name = "checkout pays" }
        owner = "@web"
        reason = "far away"
        created = 2026-10-01
        expires = 2026-12-01
        """
    )
    call("--db", db, "report", "--as-of", AS_OF)
    expiries = json.loads(Path("reports", DAY, "report.json").read_text())["expiries"]
    assert [(one["kind"], one["what"], one["holds"]) for one in expiries] == [
        ("waiver", "complete", False),
        ("quarantine", "referral sends a mail", True),
    ]
    for name in ("index.html", "report.md"):
        text = Path("reports", DAY, name).read_text()
        assert "the runner is being replaced" in text
        assert "far away" not in text


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["gate9"], "There is no gate 'gate9'"),
        (["--as-of", "yesterday"], "is not a time"),
        (["--keep", "0"], "0 is not in the range"),
        (["--out", "taken"], "taken cannot be written"),
    ],
)
def test_what_makes_no_sense_is_an_error(call: Call, db: str, arguments: list[str], said: str):
    Path("taken").write_text("a file")
    code, out, err = call("--db", db, "report", *arguments)
    assert (code, out) == (2, "")
    assert said in err
