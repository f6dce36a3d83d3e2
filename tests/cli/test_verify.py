"""`flakelens verify`: has the repair held? The exit code is the answer."""

from __future__ import annotations

import json

import pytest
from rich.cells import cell_len

from flakelens.model import Event, RetryEvidence
from tests.builders import a_commit, a_report, a_run, a_store
from tests.cli.histories import caller
from tests.goldens import same_as_golden

REPAIR = 40  # the run, and the commit, that brought the repairs
RECORDED, NONE, HIDDEN = RetryEvidence.RECORDED, RetryEvidence.NONE, RetryEvidence.HIDDEN


@pytest.fixture
def call(tmp_path, monkeypatch, capsys):
    return caller(tmp_path, monkeypatch, capsys)


def database(folder, before: str, since: str, *, evidence_before=NONE, evidence_since=NONE, steady=0) -> str:
    """One test in letters before and since the repair, beside `steady` tests that pass; O is an outage of them all."""
    folder.mkdir(exist_ok=True)
    runs = []
    for n, letter in enumerate(before + since, REPAIR - len(before)):
        evidence = evidence_before if n < REPAIR else evidence_since
        tests = {"mail > is sent": "F" if letter == "O" else letter}
        tests |= {f"steady {k}": "F" if letter == "O" and k % 2 else "P" for k in range(steady)}
        runs.append(a_run(n, reports=[a_report(n, tests, producer="playwright", retries=evidence, job="e2e")]))
    a_store(folder, runs).close()
    return str(folder / "flakelens.db")


def ask(call, db, *more, test="is sent", since=None, **kwargs):
    return call(
        "--db", db, "verify", test, "--since", since or a_commit(REPAIR)[:9], "--as-of", "2026-11-20", *more, **kwargs
    )


def said(call, db, *more, **kwargs):
    code, out, err = ask(call, db, "--format", "json", *more, **kwargs)
    assert err == ""
    return code, json.loads(out)


EVERY_SIXTH = "PPPPPK" * 6 + "PPPP"


@pytest.mark.parametrize(
    ("before", "since", "code", "state", "clean", "needed"),
    [
        (EVERY_SIXTH, "P" * 25, 11, "too-early", 25, 26),
        (EVERY_SIXTH, "P" * 26, 0, "held", 26, 26),
        (EVERY_SIXTH, "P" * 26 + "K", 10, "again", 26, 26),  # even after it had held
        (EVERY_SIXTH, "K", 10, "again", 0, 26),
        (EVERY_SIXTH, "P" * 20 + "S" * 10, 11, "too-early", 20, 26),  # skipped is no result
        ("P" * 30 + "FFFFF", "PP", 0, "held", 2, 2),  # stood broken: the 30 passes of old times do not dilute it
        ("P" * 30 + "FFFFF", "P", 11, "too-early", 1, 2),
        ("P" * 30 + "FFFFF" + "PP", "PP", 0, "held", 2, 2),  # the commit named is a little late
        ("P" * 40, "P" * 30, 11, "unknown", 30, None),
        ("P" * 40, "PF", 10, "again", 1, None),
    ],
)
def test_the_exit_code_is_the_answer(tmp_path, call, before, since, code, state, clean, needed):
    exit_code, document = said(call, database(tmp_path, before, since))
    assert (exit_code, document["state"], document["clean"], document["needed"]) == (code, state, clean, needed)


def test_a_pass_that_may_be_a_second_attempt_does_not_count_against_a_rate_of_first_attempts(tmp_path, call):
    db = database(tmp_path, EVERY_SIXTH, "P" * 40, evidence_before=RECORDED, evidence_since=HIDDEN)
    code, document = said(call, db)
    assert (code, document["state"], document["clean"], document["hidden"]) == (11, "too-early", 0, 40)
    assert document["before"]["basis"] == "first-attempts"


def test_where_retries_were_always_hidden_results_are_held_against_results(tmp_path, call):
    before = "PPPPPF" * 6 + "PPPP"
    db = database(tmp_path, before, "P" * 26, evidence_before=HIDDEN, evidence_since=HIDDEN)
    code, document = said(call, db)
    assert (code, document["state"], document["hidden"]) == (0, "held", 0)
    assert document["before"] == {
        "basis": "results", "failures": 6, "results": 40, "cautious_rate": pytest.approx(0.1096, abs=1e-4),
        "last_failed_run": "1035",
    }  # fmt: skip


def test_outages_are_neither_the_old_rate_nor_a_failed_repair(tmp_path, call):
    before = EVERY_SIXTH[:10] + "O" + EVERY_SIXTH[11:]
    db = database(tmp_path, before, "P" * 10 + "O" + "P" * 16, steady=40)
    code, document = said(call, db)
    assert (code, document["state"], document["clean"]) == (0, "held", 26)
    assert document["before"]["failures"] == 6
    assert document["before"]["results"] == 39


def test_the_number_asked_for_does_not_move_while_runs_come_in(tmp_path, call):
    before = ("PPPPPPPPPK" * 40)[: REPAIR + 260]  # more than the window of 300 with what follows
    numbers = set()
    for since in (1, 20, 45):
        numbers.add(said(call, database(tmp_path / str(since), before, "P" * since))[1]["needed"])
    assert len(numbers) == 1


def test_the_page(tmp_path, call):
    db = database(tmp_path, EVERY_SIXTH, "P" * 18, evidence_before=RECORDED, evidence_since=RECORDED)
    code, out, err = ask(call, db)
    assert (code, err) == (11, "")
    same_as_golden("cli/verify-early.80.txt", out)
    code, out, _ = ask(call, database(tmp_path / "again", EVERY_SIXTH, "P" * 18 + "FP"))
    assert code == 10
    same_as_golden("cli/verify-again.80.txt", out)
    code, out, _ = ask(call, database(tmp_path / "held", EVERY_SIXTH, "P" * 30), width=140)
    assert code == 0
    same_as_golden("cli/verify-held.140.txt", out)


@pytest.mark.parametrize("width", [60, 80, 140])
def test_no_line_is_wider_than_the_terminal(tmp_path, call, width):
    db = database(tmp_path, "PPPPPPPPPK" * 20, "P" * 150 + "KFKFKFKF", evidence_before=RECORDED)
    _, out, _ = ask(call, db, width=width)
    assert max(cell_len(line) for line in out.splitlines()) <= width


def test_an_unknown_commit_is_an_error_that_names_the_newest_known(tmp_path, call):
    code, out, err = ask(call, database(tmp_path, EVERY_SIXTH, "PP"), since="deadbeef")
    assert (code, out) == (2, "")
    assert f"The newest known is {a_commit(REPAIR + 1)[:12]}." in err


def test_digits_that_fit_several_commits_are_an_error(tmp_path, call):
    runs = [a_run(n, outcomes={"is sent": "F"}, commit=f"abc{n:037x}") for n in range(3)]
    a_store(tmp_path, runs).close()
    code, _, err = ask(call, str(tmp_path / "flakelens.db"), since="abc")
    assert code == 2
    assert "3 commits of main begin with 'abc'" in err


def test_a_commit_of_a_pull_request_is_not_the_one_that_came_to_the_branch(tmp_path, call):
    runs = [a_run(n, outcomes={"is sent": "F"}) for n in range(3)]
    pull = a_run(5, outcomes={"is sent": "P"}, event=Event.PULL_REQUEST, branch="fix", base_branch="main")
    a_store(tmp_path, [*runs, pull]).close()
    code, _, err = ask(call, str(tmp_path / "flakelens.db"), since=a_commit(5))
    assert code == 2
    assert "did not run on main: pull request" in err
