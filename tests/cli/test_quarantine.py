"""`flakelens quarantine` and `flakelens alias`: what is refused, what is written, and what becomes of it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from flakelens import decisions
from flakelens.decide import quarantine, release
from flakelens.decisions_file import Written
from flakelens.errors import DecisionsError, UsageError
from tests.builders import a_report, a_run, a_store
from tests.cli.histories import AS_OF, caller, team_database
from tests.goldens import same_as_golden

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
ADD = ("--owner", "Ann", "--reason", "known", "--expires", "14d")
ENTRY = """
[[quarantine]]
test = {{ name = "{name}" }}
owner = "Ann"
reason = "the stub answers late"
issue = "{issue}"
created = 2026-10-01T00:00:00Z
expires = {expires}
"""


@pytest.fixture
def call(tmp_path, monkeypatch, capsys):
    return caller(tmp_path, monkeypatch, capsys)


def entries() -> list[str]:
    path = Path("flakelens-decisions.toml")
    return [entry.test.name for entry in decisions.parse(path.read_text()).quarantine] if path.exists() else []


def decide(*kept: tuple[str, str], more: str = "") -> None:
    said = "".join(ENTRY.format(name=name, expires=expires, issue="https://example.test/12") for name, expires in kept)
    Path("flakelens-decisions.toml").write_text(said + more)


# A share that leaves room for one test of a small team.
ROOM = "[quarantine]\nshare = 50\n"


@pytest.mark.parametrize("width", [80, 140])
def test_the_list_says_what_became_of_each_test(tmp_path, call, width):
    base = team_database(tmp_path)
    decide(
        ("referral sends a mail", "2026-10-06T12:00:00Z"),
        ("checkout pays", "2026-10-20T00:00:00Z"),
        ("Offer page shows the salary", "2026-10-04T00:00:00Z"),
        ("nobody knows it", "2026-10-20T00:00:00Z"),
    )
    code, out, err = call("--db", base, "quarantine", "list", "--as-of", AS_OF, width=width)
    assert (code, err) == (0, "")
    same_as_golden(f"cli/quarantine-list.{width}.txt", out)
    assert max(map(len, out.splitlines())) <= width


def test_check_exits_with_10_and_names_each_fault(tmp_path, call):
    base = team_database(tmp_path)
    Path("flakelens.toml").write_text(ROOM)
    decide(("referral sends a mail", "2026-10-20T00:00:00Z"))
    code, out, _ = call("--db", base, "quarantine", "check", "--as-of", AS_OF)
    assert (code, out.splitlines()[0]) == (0, "✓ the quarantine keeps its limits")
    decide(("referral sends a mail", "2026-10-04T00:00:00Z"), ("nobody knows it", "2026-10-20T00:00:00Z"))
    code, out, _ = call("--db", base, "quarantine", "check", "--as-of", AS_OF)
    assert code == 10
    assert '"referral sends a mail" has expired' in out
    assert '"nobody knows it", which no run knows' in " ".join(out.split())
    Path("flakelens.toml").write_text("")
    decide(("referral sends a mail", "2026-10-20T00:00:00Z"))
    code, out, _ = call("--db", base, "quarantine", "check", "--as-of", AS_OF)
    assert code == 10
    assert "1 test of 2 in quarantine, 2 % at most" in out


def test_decisions_about_an_empty_history_break_nothing(tmp_path, call):
    a_store(tmp_path).close()
    decide(("anything", "2026-10-20T00:00:00Z"))
    base = ("--db", str(tmp_path / "flakelens.db"))
    assert call(*base, "gate", "--as-of", AS_OF)[0] == 10
    code, out, _ = call(*base, "quarantine", "check", "--as-of", AS_OF)
    assert (code, "which no run knows" in out) == (10, True)


def test_without_a_database_only_ends_are_checked(call):
    decide(("anything", "2026-10-04T00:00:00Z"), ("other", "2026-10-20T00:00:00Z"))
    code, out, _ = call("quarantine", "check", "--as-of", AS_OF)
    assert (code, "only the ends were checked" in out) == (10, True)
    decide(("other", "2026-10-20T00:00:00Z"))
    assert call("quarantine", "check", "--as-of", AS_OF)[0] == 0


def test_the_document_of_list_and_check(tmp_path, call):
    base = team_database(tmp_path)
    decide(("checkout pays", "2026-10-20T00:00:00Z"))
    code, out, _ = call("--db", base, "quarantine", "check", "--as-of", AS_OF, "--format", "json")
    assert code == 10
    document = json.loads(out)
    assert document["schema"] == "flakelens.quarantine/1"
    assert document["entries"] == [
        {
            "name": "checkout pays", "file": None, "variant": None, "owner": "Ann", "reason": "the stub answers late",
            "issue": "https://example.test/12", "created": "2026-10-01T00:00:00.000Z",
            "expires": "2026-10-20T00:00:00.000Z", "status": "active", "states": ["stable"], "release": True,
        }
    ]  # fmt: skip
    assert len(document["faults"]) == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("referral sends a mail", "--owner", "Ann", "--reason", "known"), "Missing option '--expires'"),
        (("referral sends a mail", "--owner", " ", "--reason", "r", "--expires", "14d"), "needs a person and a reason"),
        (("referral sends a mail", "--owner", "Ann", "--reason", "r", "--expires", "0d"), "cannot end before"),
        (("referral sends a mail", "--owner", "Ann", "--reason", "r", "--expires", "soon"), "neither a duration"),
        (("referral sends a male", *ADD), "Did you mean 'referral sends a mail'?"),
        (("AI chat answers within the budget", *ADD), "a test of AI, and none of these may be in quarantine"),
    ],
)
def test_what_is_refused_is_not_written(tmp_path, call, arguments, said):
    code, out, err = call("--db", team_database(tmp_path), "quarantine", "add", *arguments)
    assert (code, out) == (2, "")
    assert said in err
    assert entries() == []


def test_an_entry_is_added_once_and_removed_again(tmp_path, call):
    base = team_database(tmp_path)
    Path("flakelens.toml").write_text(ROOM)
    code, out, _ = call("--db", base, "quarantine", "add", "referral.spec.ts > referral sends a mail [Pixel 7]", *ADD)
    assert (code, entries()) == (0, ["referral sends a mail"])
    assert "Commit it" in out
    code, _, err = call("--db", base, "quarantine", "add", "referral sends a mail", *ADD)
    assert (code, "in quarantine already" in err) == (2, True)
    code, out, _ = call("quarantine", "remove", "referral > sends a mail")
    assert (code, entries()) == (0, [])
    assert out.startswith("[[quarantine]]")
    code, _, err = call("quarantine", "remove", "referral sends a mail")
    assert (code, "is not in quarantine" in err) == (2, True)


def test_too_long_and_too_many_are_said_at_once(tmp_path, call):
    base = team_database(tmp_path)
    arguments = (*ADD[:-1], "91d")
    _, out, _ = call("--db", base, "quarantine", "add", "referral sends a mail", *arguments)
    assert "more than 90 days" in out
    assert "complete is NOT_MET with it: 1 test of 2 in quarantine" in out


def test_a_title_in_two_browsers_gives_two_entries_with_one_line_between(tmp_path, call):
    reports = [
        a_report(1, {"pays": "P"}, file="pay.spec.ts", producer="playwright", variant=variant)
        for variant in ("chromium", "webkit")
    ]
    a_store(tmp_path, [a_run(1, reports=reports)]).close()
    call("--db", str(tmp_path / "flakelens.db"), "quarantine", "add", "pays", *ADD)
    text = Path("flakelens-decisions.toml").read_text()
    assert text.count("[[quarantine]]") == 2
    assert "\n\n\n" not in text


def test_flaky_tests_are_suggested_as_far_as_there_is_room_broken_and_ai_never(tmp_path, call):
    base = team_database(tmp_path)
    Path("flakelens.toml").write_text("[quarantine]\nshare = 40\n")
    ask = ("--db", base, "quarantine", "suggest", "--as-of", AS_OF)
    _, out, _ = call(*ask, "--format", "json")
    document = json.loads(out)
    assert document["schema"] == "flakelens.quarantine-suggest/1"
    assert "referral sends a mail" not in [test["name"] for test in document["suggested"]]  # 40 % of 2 tests is none
    Path("flakelens.toml").write_text(ROOM)
    document = json.loads(call(*ask, "--format", "json")[1])
    suggested = {test["name"]: test["state"] for test in document["suggested"]}
    assert suggested["referral sends a mail"] == "flaky"
    assert set(suggested.values()) == {"flaky"}
    assert document["flaky_without_quarantine"] == 1
    assert document["broken"] == 1
    _, out, _ = call(*ask)
    same_as_golden("cli/quarantine-suggest.80.txt", out)


# --- the file ---

COMMENTED = """\
# Ask Ann first.
[[quarantine]]  # one
test = { name = "one" }
owner = "Ann"
reason = "[[quarantine]]"
created = 2026-11-01T00:00:00Z
expires = 2026-12-01T00:00:00Z

# Two is Bob's.
[[quarantine]]
test = { name = "two", variant = "webkit" }
owner = "Bob"
reason = "see the board"
created = 2026-11-01T00:00:00Z
expires = 2026-12-01T00:00:00Z

# A word about waivers.
[[aliases]]
old = { name = "a" }
new = { name = "b" }
"""


@pytest.mark.parametrize(
    ("name", "left"),
    [
        ("one", '# Ask Ann first.\n\n# Two is Bob\'s.\n[[quarantine]]\ntest = { name = "two"'),
        ("two [webkit]", "expires = 2026-12-01T00:00:00Z\n\n# Two is Bob's.\n\n# A word about waivers.\n[[aliases]]"),
    ],
)
def test_removing_an_entry_leaves_every_other_line_as_it_was(tmp_path, name, left):
    file = tmp_path / "d.toml"
    file.write_text(COMMENTED)
    release(file, [name])
    text = file.read_text()
    assert left in text
    assert set(text.splitlines()) < set(COMMENTED.splitlines())
    assert len(decisions.parse(text).quarantine) == 1


def test_both_may_go_and_the_file_stays_valid(tmp_path):
    file = tmp_path / "d.toml"
    file.write_text(COMMENTED)
    written = release(file, ["one", "two"])
    assert isinstance(written, Written)
    assert decisions.parse(file.read_text()).quarantine == ()
    assert len(decisions.parse(file.read_text()).aliases) == 1


def test_an_array_of_inline_tables_loses_the_one_entry(tmp_path):
    file = tmp_path / "d.toml"
    times = "created = 2026-11-01T00:00:00Z, expires = 2026-12-01T00:00:00Z"
    line = f'{{ test = {{ name = "%s" }}, owner = "A", reason = "r", {times} }}'
    file.write_text(f"# all of them\nquarantine = [\n  {line % 'one'},\n  {line % 'two'},\n]\n")
    release(file, ["one"])
    assert file.read_text().startswith("# all of them\n")
    assert [entry.test.name for entry in decisions.parse(file.read_text()).quarantine] == ["two"]


def test_a_file_that_is_not_valid_is_left_as_it_is(tmp_path):
    file = tmp_path / "d.toml"
    file.write_text("surprise = true\n")
    with pytest.raises(DecisionsError):
        release(file, ["one"])
    assert file.read_text() == "surprise = true\n"


def test_an_expired_entry_is_no_obstacle_to_a_new_one(tmp_path):
    file = tmp_path / "d.toml"
    given = {"owner": "Ann", "reason": "known", "expires": "14d"}
    quarantine(file, None, ["one"], now=NOW, **given)
    with pytest.raises(UsageError, match="already, until 2026-12-04"):
        quarantine(file, None, ["one"], now=NOW + timedelta(days=13), **given)
    quarantine(file, None, ["one"], now=NOW + timedelta(days=14), **given)
    assert len(decisions.parse(file.read_text()).quarantine) == 2


# --- aliases ---


def renamed(folder: Path) -> str:
    runs = [a_run(n, outcomes={"old name" if n < 10 else "new name": "P", "other": "P"}) for n in range(20)]
    a_store(folder, runs).close()
    return str(folder / "flakelens.db")


def test_an_alias_joins_two_histories(tmp_path, call):
    base = renamed(tmp_path)
    code, out, _ = call("--db", base, "alias", "old name", "new name")
    assert code == 0
    assert '[[aliases]]\nold = {name = "old name", file = "src/a.test.ts"}\nnew = {name = "new name"}' in out
    _, out, _ = call("--db", base, "show", "new name", "--as-of", AS_OF, "--format", "json")
    assert json.loads(out)["test"]["runs"] == 20


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("old name", "newer name", "No run knows"),
        ("oldest name", "new name", "No run knows"),
        ("new name", "new name", "Both names are one already"),
        ("other", "new name", "Both ran in run 1010"),
    ],
)
def test_an_alias_that_cannot_be_meant_is_refused(tmp_path, call, old, new, said):
    code, _, err = call("--db", renamed(tmp_path), "alias", old, new)
    assert (code, said in err) == (2, True)
    assert not Path("flakelens-decisions.toml").exists()


def test_a_title_in_several_files_must_be_named_with_its_file(tmp_path, call):
    runs = [a_run(n, outcomes={f"src/{place}.test.ts::old": "P" for place in "ab"}) for n in range(3)]
    runs += [a_run(n, outcomes={f"src/{place}.test.ts::new": "P" for place in "ab"}) for n in range(3, 6)]
    a_store(tmp_path, runs).close()
    base = str(tmp_path / "flakelens.db")
    code, _, err = call("--db", base, "alias", "old", "new")
    assert (code, "stands in several files" in err) == (2, True)
    assert call("--db", base, "alias", "src/a.test.ts > old", "src/a.test.ts > new")[0] == 0
    (entry,) = decisions.parse(Path("flakelens-decisions.toml").read_text()).aliases
    assert (entry.old.file, entry.old.name, entry.new.file, entry.new.name) == ("src/a.test.ts", "old", "", "new")


def test_without_a_database_a_circle_is_still_seen(call):
    assert call("alias", "a", "b")[0] == 0
    code, _, err = call("alias", "b", "a")
    assert (code, "itself the old name" in err) == (2, True)


def test_a_name_that_was_given_up_in_one_file_may_be_taken_in_another(tmp_path, call):
    Path("flakelens-decisions.toml").write_text(
        '[[aliases]]\nold = { name = "new", file = "src/b.test.ts" }\nnew = { name = "newest" }\n'
    )
    runs = [a_run(n, outcomes={f"src/a.test.ts::{'old' if n < 3 else 'new'}": "P"}) for n in range(6)]
    a_store(tmp_path, runs).close()
    assert call("--db", str(tmp_path / "flakelens.db"), "alias", "old", "new")[0] == 0
