"""`flakelens show`: one test in the terminal and as a document."""

from __future__ import annotations

import json

import pytest
from msgspec.structs import replace
from rich.cells import cell_len

from flakelens.model import Event
from tests.builders import a_commit, a_report, a_run, a_store
from tests.cli.histories import AS_OF, caller, team_database
from tests.goldens import same_as_golden


@pytest.fixture
def call(tmp_path, monkeypatch, capsys):
    return caller(tmp_path, monkeypatch, capsys)


@pytest.mark.parametrize(
    ("asked", "golden"),
    [("sends a mail", "flaky"), ("salary", "broken"), ("mail > has a footer", "skipped"), ("hides the button", "evil")],
)
def test_the_page_of_a_test(tmp_path, call, asked, golden):
    code, out, err = call("--db", team_database(tmp_path), "show", asked, "--as-of", AS_OF)
    assert (code, err) == (0, "")
    same_as_golden(f"cli/show-{golden}.80.txt", out)


def test_a_long_history_wraps_between_commits_into_labelled_rows(tmp_path, call):
    runs = [a_run(n, outcomes={"it": "P"}, commit=f"{n // 3:040x}") for n in range(100)]
    a_store(tmp_path, runs).close()
    _, out, _ = call("--db", str(tmp_path / "flakelens.db"), "show", "it", "--as-of", "2026-10-06")
    rows = [line for line in out.splitlines() if line.startswith("  run ")]
    assert [row.split()[1] for row in rows] == ["1000", "1051"]
    assert sum(row.count(".") for row in rows) == 100
    assert max(map(len, rows)) <= 80


@pytest.mark.parametrize("width", [60, 80, 140])
@pytest.mark.parametrize("asked", ["sends a mail", "hides the button", "a table of candidates", "brand new"])
def test_no_line_is_wider_than_the_terminal(tmp_path, call, width, asked):
    _, out, _ = call("--db", team_database(tmp_path), "show", asked, "--as-of", AS_OF, width=width)
    assert max(cell_len(line) for line in out.splitlines()) <= width


def test_messages_cannot_steer_the_terminal(tmp_path, call):
    evil = "boom \x1b]0;owned\x07\x1b[2J\u202e\r\n::error::x"
    run = a_run(1, outcomes={"it": "P"})

    a_store(tmp_path, [run, a_run(2, reports=[a_report(2, {"it": "F"}, message=evil)])]).close()
    _, out, _ = call("--db", str(tmp_path / "flakelens.db"), "show", "it", "--as-of", AS_OF)
    assert "boom" in out
    assert not set("\x1b\x07\u202e") & set(out)
    assert "::error::" not in out


def test_the_document(tmp_path, call):
    _, out, _ = call("--db", team_database(tmp_path), "show", "salary", "--as-of", AS_OF, "--format", "json")
    document = json.loads(out)
    assert list(document) == [
        "schema",
        "test",
        "because",
        "price",
        "history",
        "failures",
        "names",
        "duration",
        "events",
    ]
    assert document["schema"] == "flakelens.show/1"
    assert document["test"]["state"] == "broken"
    assert document["test"]["since"]["run"] == "1036"
    assert document["price"]["failed"] == 4
    assert document["price"]["days"] == 30
    assert len(document["history"]) == 40
    assert document["history"][0]["started_at"] == "2026-10-01T06:00:00Z"
    assert document["history"][-1]["outcome"] == "failed"
    for name in ("p_stable", "p_flaky", "p_broken"):
        assert document["history"][-1][name] == document["test"][name]
    assert [max(("p_stable", "p_flaky", "p_broken"), key=run.get) for run in document["history"]] == [
        *["p_stable"] * 36,
        *["p_broken"] * 4,
    ]
    assert [(group["count"], group["first_run"], group["last_run"]) for group in document["failures"]] == [
        (4, "1036", "1039")
    ]
    assert document["names"] == [
        {"file": "src/__tests__/app/offer.test.js", "name": "Offer page > shows the salary", "variant": ""}
    ]


def test_probabilities_belong_to_results_on_the_gated_branch_alone(tmp_path, call):
    """Of a run beside the branch or without a result there is nothing to say: null, and not zero."""
    runs = [a_run(n, outcomes={"one": "." if n == 5 else "P", "other": "P"}) for n in range(12)]
    beside = a_run(20, outcomes={"one": "F", "other": "P"}, branch="feat", base_branch="main", event=Event.PULL_REQUEST)
    a_store(tmp_path, [*runs, beside]).close()
    db = str(tmp_path / "flakelens.db")
    _, out, _ = call("--db", db, "show", "one", "--as-of", AS_OF, "--format", "json")
    history = json.loads(out)["history"]
    told = {run["run"]: [run["p_stable"], run["p_flaky"], run["p_broken"]] for run in history}
    assert told.pop("1005") == told.pop("1020") == [None, None, None]
    assert len(told) == 11
    assert all(sum(three) == pytest.approx(1, abs=1e-5) for three in told.values())


def test_verbose_tells_when_it_was_what(tmp_path, call):
    _, out, _ = call("--db", team_database(tmp_path), "show", "salary", "--as-of", AS_OF)
    assert "Most likely" not in out
    _, out, _ = call("-v", "--db", team_database(tmp_path), "show", "salary", "--as-of", AS_OF)
    told = out.split("Most likely, by all that is known now\n")[1].split("\n\n")[0]
    assert told.splitlines() == ["  run 1000 to 1035: P(stable) 96 %", "  run 1036 to 1039: P(broken) 99 %"]


def timed_run(n, seconds, letter="P"):
    info, report = a_report(n, {"slow one": letter, "other": "P"})
    cases = tuple(
        case._replace(attempts=tuple(attempt._replace(seconds=seconds) for attempt in case.attempts))
        if case.id.name == "slow one"
        else case
        for case in report.cases
    )
    return a_run(n, reports=[(info, replace(report, cases=cases))])


def test_a_test_that_became_slower_says_so_in_one_line(tmp_path, call):
    runs = [timed_run(n, 1.1 + n % 3 / 100 if n < 30 else 1.8 + n % 2 / 50) for n in range(50)]
    a_store(tmp_path, runs).close()
    db = str(tmp_path / "flakelens.db")
    _, out, _ = call("--db", db, "show", "slow one", "--as-of", AS_OF)
    assert f"  takes 1.8 s since run 1030 ({a_commit(30)[:7]}), 1.1 s before" in out.splitlines()
    _, out, _ = call("--db", db, "show", "slow one", "--as-of", AS_OF, "--format", "json")
    assert json.loads(out)["duration"] == {
        "seconds": pytest.approx(1.81), "runs": 20, "before": pytest.approx(1.11),
        "since": {"run": "1030", "commit": a_commit(30)},
    }  # fmt: skip
    _, out, _ = call("--db", db, "show", "other", "--as-of", AS_OF)
    assert "takes" not in out


def test_waiting_for_a_time_out_is_no_duration(tmp_path, call):
    runs = [timed_run(n, 1.1 if n < 30 else 30.0, "P" if n < 30 else "F") for n in range(50)]
    a_store(tmp_path, runs).close()
    _, out, _ = call("--db", str(tmp_path / "flakelens.db"), "show", "slow one", "--as-of", AS_OF, "--format", "json")
    assert json.loads(out)["duration"] == {"seconds": 1.1, "runs": 30, "before": None, "since": None}


def test_several_matches_are_a_usage_error_without_live_control_characters(tmp_path, call):
    code, out, err = call("--db", team_database(tmp_path), "show", "Offer page", "--as-of", AS_OF)
    assert (code, out) == (2, "")
    assert "2 tests match 'Offer page'" in err
    assert not set("\x1b\u202e") & set(err)


def test_without_a_database_no_test_matches(call):
    code, _, err = call("show", "anything")
    assert code == 2
    assert "No test matches 'anything'." in err
