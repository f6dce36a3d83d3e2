"""States, rates and order of tests, from stores a reader can see through."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from flakelens import policy_text as policies
from flakelens.analyze import show, tests
from flakelens.decisions import Decisions
from flakelens.decisions import parse as parse_decisions
from flakelens.errors import UsageError
from flakelens.model import Event, Outcome, RetryEvidence
from flakelens.report import ShowReport, TestLine, TestsReport
from flakelens.stats.states import TestState
from tests.builders import a_commit, a_report, a_run, a_store, started_at

LATER = started_at(1000)
FILE = "src/components/card.test.tsx"


def report_of(folder: Path, runs: list, **filters) -> TestsReport:
    with a_store(folder, runs) as store:
        return tests.tests_report(store, policies.parse(), Decisions(), as_of=LATER, **filters)


def line_of(
    folder: Path, letters: str, *, same_commit: int = 1, retries: RetryEvidence | None = None, producer: str = "jest"
) -> TestLine:
    """The line of one test whose runs ended as `letters` say; `same_commit` runs share a commit."""
    runs = [
        a_run(
            n,
            outcomes={"it": letter, "beside": "P"},
            commit=a_commit(n // same_commit),
            file=FILE,
            retries=retries,
            producer=producer,
        )
        for n, letter in enumerate(letters)
    ]
    return next(line for line in report_of(folder, runs).tests if line.id.name == "it")


def shown(folder: Path, runs: list, name: str) -> ShowReport:
    with a_store(folder, runs) as store:
        return show.show_report(store, policies.parse(), Decisions(), as_of=LATER, test=name)


@pytest.mark.parametrize(
    ("letters", "same_commit", "state", "since"),
    [
        ("P" * 20, 1, TestState.STABLE, None),
        ("P" * 19, 1, TestState.UNSURE, None),
        ("PPKPP", 1, TestState.FLAKY, "1002"),
        ("PPFPPP", 2, TestState.FLAKY, "1002"),
        ("PPPFF", 1, TestState.BROKEN, "1003"),
        ("PPPF", 1, TestState.UNSURE, None),
        ("PPP......", 1, TestState.GONE, "1003"),
        ("SSSS", 1, TestState.UNSURE, None),
    ],
)
def test_the_state_is_that_of_the_gate(tmp_path, letters, same_commit, state, since):
    line = line_of(tmp_path, letters, same_commit=same_commit)
    assert line.finding.state is state
    assert (line.since_run.run if line.since_run else None) == since


def test_rates_count_executed_runs_and_nothing_else(tmp_path):
    line = line_of(tmp_path, "PKFS.PPPPPPP", retries=RetryEvidence.RECORDED, producer="vitest")
    assert (line.runs, line.failures, line.flaky_runs) == (10, 1, 1)
    assert (line.pass_rate.passed, line.pass_rate.executed) == (9, 10)
    assert (line.first_attempt_pass_rate.passed, line.first_attempt_pass_rate.executed) == (8, 10)
    assert line.pass_rate.low < 0.9 < line.pass_rate.high
    assert line.strip == "PKFS.PPPPPPP"


def test_first_attempts_are_not_claimed_where_the_reporter_hides_them(tmp_path):
    line = line_of(tmp_path, "PPPP")  # jest hides retries unless somebody says that there are none
    assert line.pass_rate.value == 1
    assert line.first_attempt_pass_rate is None


def test_first_attempts_are_counted_over_the_runs_that_show_them(tmp_path):
    runs = [
        a_run(
            n,
            outcomes={"it": "P"},
            producer="vitest",
            retries=RetryEvidence.RECORDED if n >= 3 else RetryEvidence.HIDDEN,
        )
        for n in range(5)
    ]
    (line,) = report_of(tmp_path, runs).tests
    assert (line.pass_rate.executed, line.first_attempt_pass_rate.executed) == (5, 2)


def test_no_result_is_no_rate(tmp_path):
    line = line_of(tmp_path, "SS")
    assert line.pass_rate is None
    assert line.last_outcome is Outcome.SKIPPED


def test_a_confirmed_outage_is_left_out_of_every_number(tmp_path):
    names = [f"t{n}" for n in range(20)]
    runs = [a_run(n, outcomes=dict.fromkeys(names, "F" if n == 15 else "P")) for n in range(20)]
    line = report_of(tmp_path, runs).tests[0]
    assert (line.runs, line.failures, line.pass_rate.value) == (19, 0, 1)
    assert "F" in line.strip


def test_what_only_a_pull_request_ran_is_branch_only(tmp_path):
    runs = [a_run(n, outcomes={"old": "P"}) for n in range(3)]
    runs.append(a_run(4, outcomes={"old": "P", "new": "F"}, branch="feat", event=Event.PULL_REQUEST))
    found = {line.id.name: line for line in report_of(tmp_path, runs).tests}
    assert found["new"].finding.state is TestState.BRANCH_ONLY
    assert found["new"].last_outcome is Outcome.FAILED
    assert found["new"].pass_rate is None
    assert found["old"].runs == 3


def test_a_laptop_without_any_counting_run_still_sees_its_tests(tmp_path):
    report = report_of(tmp_path, [a_run(n, outcomes={"it": "P"}, local=True) for n in range(3)])
    assert [line.finding.state for line in report.tests] == [TestState.BRANCH_ONLY]
    assert report.runs == 0


def test_a_missing_database_is_an_empty_history():
    report = tests.tests_report(None, policies.parse(), Decisions(), as_of=LATER)
    assert (report.tests, report.total, report.runs) == ((), 0, 0)


def six_kinds(n: int) -> dict[str, str]:
    return {
        "d stable": "P",
        "a broken": "F" if n >= 27 else "P",
        "c flaky": "K" if n % 7 == 1 else "P",
        "b healing": "K" if n in (0, 7) else "P",
        "e suspicious": "F" if n == 29 else "P",
        "f new": "P" if n >= 28 else ".",
    }


def test_urgency_puts_broken_first_then_flaky_then_what_is_not_understood(tmp_path):
    report = report_of(tmp_path, [a_run(n, outcomes=six_kinds(n)) for n in range(30)])
    assert [line.id.name for line in report.tests] == [
        "a broken",
        "c flaky",
        "e suspicious",
        "b healing",
        "f new",
        "d stable",
    ]


@pytest.mark.parametrize(
    ("sort", "first", "last"),
    [
        ("name", "a broken", "f new"),
        ("rate", "a broken", "d stable"),
        ("failures", "a broken", "d stable"),
        ("flakes", "c flaky", "d stable"),
    ],
)
def test_other_orders(tmp_path, sort, first, last):
    report = report_of(tmp_path, [a_run(n, outcomes=six_kinds(n)) for n in range(30)], sort=sort)
    assert (report.tests[0].id.name, report.tests[-1].id.name) == (first, last)


@pytest.mark.parametrize(
    ("filters", "names"),
    [
        ({"state": ["broken"]}, {"a broken"}),
        ({"state": ["flaky"]}, {"c flaky", "b healing"}),
        ({"state": ["healing"]}, {"b healing"}),
        ({"state": ["broken", "stable"]}, {"a broken", "d stable"}),
        ({"area": ["AI"]}, set()),
        ({"area": ["unassigned"], "limit": 1}, {"a broken"}),
        ({"focus": ["payments"]}, set()),
    ],
)
def test_filters(tmp_path, filters, names):
    report = report_of(tmp_path, [a_run(n, outcomes=six_kinds(n)) for n in range(30)], **filters)
    assert {line.id.name for line in report.tests} == names
    assert report.total == 6


@pytest.mark.parametrize("wrong", [{"area": ["Payroll"]}, {"focus": ["x"]}, {"state": ["bad"]}, {"sort": "mood"}])
def test_a_filter_that_does_not_exist_is_an_error_that_names_what_does(wrong):
    with pytest.raises(UsageError) as error:
        tests.tests_report(None, policies.parse(), Decisions(), as_of=LATER, **wrong)
    assert error.value.mend.startswith("Known here: ")


def test_quarantine_marks_a_test(tmp_path):
    decisions = parse_decisions(
        '[[quarantine]]\ntest = { name = "it" }\nowner = "Ada"\nreason = "known"\n'
        f"created = {(LATER - timedelta(days=1)).isoformat()}\nexpires = {(LATER + timedelta(days=1)).isoformat()}\n"
    )
    with a_store(tmp_path, [a_run(1, outcomes={"it": "P", "beside": "P"})]) as store:
        report = tests.tests_report(store, policies.parse(), decisions, as_of=LATER)
    assert {line.id.name: line.quarantined for line in report.tests} == {"it": True, "beside": False}


# ---- show: which test


def two_forms(n: int) -> object:
    """A reporter that gets better: no paths and spaces first, then paths and " > "."""
    if n < 5:
        return a_run(n, reports=[a_report(n, {"form checks input": "P", "form saves": "P"}, file="")])
    return a_run(n, reports=[a_report(n, {"form > checks input": "P", "form > saves": "P"}, file="src/form.test.ts")])


@pytest.mark.parametrize(
    "asked",
    [
        "form checks input",
        "form > checks input",
        "src/form.test.ts > form > checks input",
        "src/form.test.ts > form checks input",
        "checks",
        "CHECKS inp",
    ],
)
def test_a_test_is_found_by_every_name_it_ever_had(tmp_path, asked):
    report = shown(tmp_path, [two_forms(n) for n in range(8)], asked)
    assert report.line.id.name == "form checks input"
    assert report.line.reported.name == "form > checks input"
    assert [name.file for name in report.names] == ["", "src/form.test.ts"]
    assert report.line.runs == 8


def test_several_matches_are_listed_as_they_can_be_typed(tmp_path):
    titles = {f"saves number {n:02}": "P" for n in range(12)}
    with pytest.raises(UsageError) as error:
        shown(tmp_path, [a_run(1, outcomes=titles)], "saves")
    text = str(error.value)
    assert text.startswith("12 tests match 'saves'")
    assert text.count("src/a.test.ts > saves number") == 10
    assert "and 2 more" in text
    listed = text.splitlines()[1].strip()
    (tmp_path / "again").mkdir()
    assert shown(tmp_path / "again", [a_run(1, outcomes=titles)], listed).line.id.name == "saves number 00"


def test_a_whole_name_goes_before_a_part_of_another(tmp_path):
    report = shown(tmp_path, [a_run(1, outcomes={"saves": "P", "saves twice": "P"})], "saves")
    assert report.line.id.name == "saves"


def test_browsers_are_told_apart_by_their_name_in_brackets(tmp_path):
    run = a_run(
        1, reports=[a_report(1, {"pays": "P"}, producer="playwright", variant=v, name=f"{v}.xml") for v in ("ff", "cr")]
    )
    assert shown(tmp_path, [run], "pays [cr]").line.id.variant == "cr"


@pytest.mark.parametrize("asked", ["nobody", "", "  "])
def test_what_no_test_matches_is_said(tmp_path, asked):
    with pytest.raises(UsageError):
        shown(tmp_path, [a_run(1, outcomes={"it": "P"})], asked)


# ---- show: because


def because(folder: Path, letters: str, same_commit: int = 1) -> str:
    runs = [
        a_run(n, outcomes={"it": letter, "beside": "P"}, commit=a_commit(n // same_commit), retries=RetryEvidence.NONE)
        for n, letter in enumerate(letters)
    ]
    return "\n".join(shown(folder, runs, "it").because)


@pytest.mark.parametrize(
    ("letters", "same_commit", "sentence"),
    [
        ("PKPPKPK", 1, "failed, then passed on retry in 3 runs (run 1001, 1004, 1006)"),
        ("PPPFPP", 2, f"failed and passed on commit {a_commit(1)[:7]} (run 1002, 1003)"),
        ("PPPFFFF", 1, f"failed in the last 4 runs since run 1003 ({a_commit(3)[:7]})"),
        ("PPPFF", 1, f"what broke it lies in {a_commit(2)[:7]}..{a_commit(3)[:7]}"),
        ("PPF", 1, "3 results so far: cannot tell flaky from broken yet; one rerun on the same commit would settle it"),
        ("PFP", 1, "3 results only: cannot tell what it is yet; 32 more clean results would make it stable"),
        ("PPP", 1, "3 results only, all passed; 17 more clean results would make it stable"),
        ("P" * 25, 1, "passed in all 25 runs"),
        ("PFFPPPPPPPPPPPPPPPPPPPPPPP", 1, f"was broken from run 1001 ({a_commit(1)[:7]}) to run 1002, repaired"),
        ("KPPPK" + "P" * 12, 1, "12 clean results since;"),
        ("PPPPSSS", 1, "skipped in its newest 3 runs"),
        ("SSS", 1, "never executed: skipped in every run"),
        ("PPP......", 1, f"no result in the newest 6 runs of unassigned; its last was run 1002 ({a_commit(2)[:7]})"),
    ],
)
def test_the_evidence_is_said_in_sentences(tmp_path, letters, same_commit, sentence):
    assert sentence in because(tmp_path, letters, same_commit)


def test_hidden_retries_are_named_as_a_doubt(tmp_path):
    report = shown(tmp_path, [a_run(n, outcomes={"it": "P"}) for n in range(3)], "it")
    assert "the reports of all runs hide retries" in report.because[-1]


def test_an_outage_is_named_and_left_out(tmp_path):
    names = [f"t{n}" for n in range(20)]
    runs = [a_run(n, outcomes=dict.fromkeys(names, "F" if n == 15 else "P")) for n in range(20)]
    report = shown(tmp_path, runs, "t1 ".strip())
    assert "it failed in run 1015 too, but that was a confirmed outage and is left out" in report.because
    assert [cell.run.run for cell in report.cells if cell.outage] == ["1015"]


# ---- show: messages and cells


def test_messages_are_grouped_by_what_stays_the_same_in_their_first_line(tmp_path):
    def failing(n: int) -> object:
        uuid = f"0b5c7a5e-2222-4222-8222-1234567890{n:02}"
        text = f"no user {uuid}\n  at line {n}" if n < 3 else "timeout"
        return a_run(n, reports=[a_report(n, {"it": "F"}, message=text)])

    groups = shown(tmp_path, [failing(n) for n in range(5)], "it").messages
    assert [(group.count, group.runs, group.first.run, group.last.run) for group in groups] == [
        (2, 2, "1003", "1004"),
        (3, 3, "1000", "1002"),
    ]
    assert groups[1].text.endswith("at line 2")


def test_cells_hold_the_branch_and_beside_it_what_else_ran_the_test(tmp_path):
    runs = [a_run(n, outcomes={"it": "P"}) for n in range(3)]
    runs.append(a_run(5, outcomes={"it": "F"}, branch="feat", event=Event.PULL_REQUEST))
    runs.append(a_run(6, outcomes={"other": "P"}, branch="feat", event=Event.PULL_REQUEST))
    runs.append(a_run(7, reports=[a_report(7, {"it": "P"}, partial=True)]))
    cells = shown(tmp_path, runs, "it").cells
    assert [(cell.run.run, cell.counts, cell.partial, cell.why_not) for cell in cells] == [
        ("1000", True, False, ""),
        ("1001", True, False, ""),
        ("1002", True, False, ""),
        ("1005", False, False, "pull request"),
        ("1007", True, True, ""),
    ]
