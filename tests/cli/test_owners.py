"""Owners and causes beside tests: from the CODEOWNERS of the checkout that a command is called in."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.causes_histories import AS_OF, failing_database
from tests.cli.histories import caller

RULES = """\
*                        @org/everyone
/src/__tests__/app/      @org/app
/src/__tests__/app/pay*  @ada bob@example.org
/src/__tests__/api/
/e2e/                    @org/qa
"""


@pytest.fixture
def call(tmp_path, monkeypatch, capsys):
    return caller(tmp_path, monkeypatch, capsys)


def checkout(folder: Path, rules: str = RULES) -> None:
    (folder / ".git").mkdir()
    (folder / ".github").mkdir()
    (folder / ".github" / "CODEOWNERS").write_text(rules)
    (folder / "e2e").mkdir()
    (folder / "e2e" / "checkout.spec.ts").write_text("")


@pytest.fixture
def ask(tmp_path, call):
    """Calls a command as of the end of the history, on its database, inside a checkout with owners."""
    checkout(tmp_path)
    db = failing_database(tmp_path)

    def asked(command: str, *more: str, width: int = 80, verbose: bool = False) -> str:
        flags = ("-v",) if verbose else ()
        code, out, err = call(*flags, "--db", db, command, *more, "--as-of", AS_OF, width=width)
        assert (code, err) == (0, "")
        return out

    return asked


def names_of(text: str) -> set[str]:
    return {test["name"] for test in json.loads(text)["tests"]}


def test_each_test_names_its_owner_and_the_cause_that_it_shares(ask):
    tests = {test["name"]: test for test in json.loads(ask("tests", "--format", "json"))["tests"]}
    assert tests["payment shows the total in USD"]["owner"] == "@ada bob@example.org"
    assert tests["job detail shows the salary in pounds"]["owner"] == "@org/app"
    assert tests["AI match finds the best"]["owner"] is None  # a rule without owners: nobody's on purpose
    assert tests["checkout pays"]["owner"] == "@org/qa"  # reported as checkout.spec.ts, from the testDir
    together = {name for name, test in tests.items() if test["cluster"]}
    assert together == {
        "payment shows the total in USD",
        "payment shows the total in GBP",
        "job detail shows the salary in dollars",
        "job detail shows the salary in pounds",
    }
    causes = json.loads(ask("causes", "--format", "json"))["causes"]
    assert {tests[name]["cluster"] for name in together} == {causes[0]["id"]}
    assert tests["checkout pays"]["cluster"] is None  # it fails alone


def test_tests_are_narrowed_to_owners_and_to_a_cause(ask):
    assert names_of(ask("tests", "--format", "json", "--owner", "org/qa", "--owner", "@ADA")) == {
        "checkout pays",
        "payment shows the total in USD",
        "payment shows the total in GBP",
    }
    assert names_of(ask("tests", "--format", "json", "--owner", "none")) == {
        "AI match finds the best",
        "AI match finds the worst",
    }
    causes = json.loads(ask("causes", "--format", "json"))["causes"]
    for cause in causes:
        assert names_of(ask("tests", "--format", "json", "--cluster", cause["id"])) == {
            test["name"] for test in cause["tests"]
        }
    assert "4 of 21 tests match" in ask("tests", "--cluster", causes[0]["id"])


@pytest.mark.parametrize("width", [80, 140])
def test_the_table_says_it_when_asked_for_more(ask, width):
    line = "@ada bob@example.org · fails together with 3 others: cause c"
    assert line in ask("tests", width=width, verbose=True)
    assert "@ada" not in ask("tests", width=width)


def test_the_page_of_a_test_says_it(ask):
    page = ask("show", "total in USD")
    assert "components · focus payments · owner @ada bob@example.org" in page
    assert "fails together with 3 others: cause c" in page
    assert "together" not in ask("show", "checkout pays")
    document = json.loads(ask("show", "total in USD", "--format", "json"))
    assert document["test"]["owner"] == "@ada bob@example.org"
    assert document["test"]["cluster"] is not None


def test_a_title_of_several_tests_is_narrowed_by_area_and_owner(ask, tmp_path, call):
    db = str(tmp_path / "flakelens.db")
    code, _, err = call("--db", db, "show", "shows the", "--as-of", AS_OF)
    assert code == 2
    assert "4 tests match" in err
    code, _, err = call("--db", db, "show", "shows the", "--owner", "@ada", "--as-of", AS_OF)
    assert "2 tests match" in err
    assert "AI match > finds the best" in ask("show", "best", "--area", "AI")
    assert call("--db", db, "show", "best", "--area", "E2E", "--as-of", AS_OF)[0] == 2


def test_an_unknown_cause_and_a_missing_codeowners_name_the_mend(tmp_path, call):
    db = failing_database(tmp_path)
    code, _, err = call("--db", db, "tests", "--cluster", "c000000", "--as-of", AS_OF)
    assert code == 2
    assert "There is no cause 'c000000'." in err
    assert "flakelens causes --over lists them" in err
    code, _, err = call("--db", db, "tests", "--owner", "ada", "--as-of", AS_OF)
    assert code == 2
    assert ".github/CODEOWNERS" in err


def test_owners_are_a_strangers_text(tmp_path, call):
    checkout(tmp_path, "* @a\u202eb ::error::x@y.z \x1b[2J@x.y\n* @fine\n")
    db = failing_database(tmp_path)
    out = call("-v", "--db", db, "tests", "--as-of", AS_OF)[1]
    assert "@fine" in out
    assert not set("\x1b\u202e") & set(out)


def test_doctor_names_what_no_rule_covers_and_rules_that_match_nothing(tmp_path, call):
    checkout(tmp_path, "/src/__tests__/app/ @org/app\n/src/tests/old/ @org/app\n/docs/ @doc\n/e2e/ team-qa\n")
    db = failing_database(tmp_path)
    out = call("--db", db, "doctor", "--as-of", AS_OF, "--format", "json")[1]
    findings = {finding["code"]: finding for finding in json.loads(out)["findings"]}
    assert findings["no-owner"]["message"] == (
        "No rule covers 2 test files: e2e/checkout.spec.ts, src/__tests__/api/ai/match.test.js."
    )
    assert "/e2e/ @NAME" in findings["no-owner"]["mend"]
    assert findings["owners-unread"]["where"] == ".github/CODEOWNERS, line 4"
    assert "'team-qa' is neither" in findings["owners-unread"]["message"]
    assert findings["owner-rule-unused"]["message"] == "1 rule for tests match none: line 2 (/src/tests/old/)."
    assert not any(finding["serious"] for finding in findings.values() if "owner" in finding["code"])


def test_doctor_is_silent_without_a_codeowners_and_where_every_test_is_covered(tmp_path, call):
    db = failing_database(tmp_path)
    assert "owner" not in call("--db", db, "doctor", "--as-of", AS_OF)[1]
    checkout(tmp_path)
    assert "owner" not in call("--db", db, "doctor", "--as-of", AS_OF)[1]


ADD = ("quarantine", "add", "--reason", "the rates are slow", "--expires", "14d")


def test_a_quarantine_is_its_owners_unless_somebody_else_is_named(tmp_path, call):
    checkout(tmp_path)
    (tmp_path / "flakelens.toml").write_text("[quarantine]\nshare = 90\n")
    db = failing_database(tmp_path)
    both = ("payment shows the total in USD", "checkout pays")
    assert call("--db", db, *ADD, *both)[0] == 0
    text = Path("flakelens-decisions.toml").read_text()
    assert 'owner = "@ada bob@example.org"' in text
    assert 'owner = "@org/qa"' in text
    assert call("--db", db, *ADD, "calm test 3", "--owner", "Ann")[0] == 0
    assert 'owner = "Ann"' in Path("flakelens-decisions.toml").read_text()


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        (None, "there is no CODEOWNERS here"),
        ("/e2e/ @qa\n", ".github/CODEOWNERS names no owner of src/__tests__/app/pay.test.js"),
        ("* @all\n/src/\n", ".github/CODEOWNERS names no owner of src/__tests__/app/pay.test.js"),
    ],
)
def test_a_quarantine_that_nobody_would_own_is_refused(tmp_path, call, rules, said):
    if rules is not None:
        checkout(tmp_path, rules)
    (tmp_path / "flakelens.toml").write_text("[quarantine]\nshare = 90\n")
    code, _, err = call("--db", failing_database(tmp_path), *ADD, "payment shows the total in USD")
    assert code == 2
    assert said in err
    assert "--owner NAME" in err
    assert not Path("flakelens-decisions.toml").exists()


def test_a_suggestion_names_the_owner(ask):
    Path("flakelens.toml").write_text("[quarantine]\nshare = 90\n")
    said = ask("quarantine", "suggest")
    assert "pay.test.js, @ada bob@example.org" in " ".join(said.split())
    assert "quarantine add TEST --reason" in said
