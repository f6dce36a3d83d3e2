from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from store_inputs import T0, E, F, P, RetryEvidence, S, canonical, case, hours, report, run, simple

from flakelens.facts import RunKey
from flakelens.model import (
    Attempt,
    CaseResult,
    Event,
    Problem,
    ProblemCode,
    ReportInfo,
    RunReports,
    TestId,
)
from flakelens.store import GoneError, IngestedRun, Store, open_store

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path


def test_what_a_call_brought(store: Store) -> None:
    odd = Problem(ProblemCode.BAD_TIME, "jest.xml:3", "…")
    cases = (case("a"), case("b", F, P), case("c", F), case("d", E), case("e", S))
    shared = run(7, report("jest.xml", *cases, problems=(odd,)), attempt=2)
    assert store.write_run(shared, ingested_at=T0) == IngestedRun(
        provider="github",
        run="7",
        attempt=2,
        reports=1,
        known=0,
        tests=5,
        passed=1,
        flaky=1,
        failed=1,
        errored=1,
        skipped=1,
        retry_evidence=RetryEvidence.HIDDEN,
        partial=False,
        problems=(odd,),
    )
    again = store.write_run(shared, ingested_at=hours(1))
    assert (again.reports, again.known, again.tests, again.problems) == (0, 1, 0, (odd,))


def test_evidence_is_the_worst_of_the_reports(store: Store) -> None:
    recorded = report("a.xml", retry_evidence=RetryEvidence.RECORDED)
    hidden = report("b.xml", retry_evidence=RetryEvidence.HIDDEN)
    assert store.write_run(run(1, recorded), ingested_at=T0).retry_evidence is RetryEvidence.RECORDED
    assert store.write_run(run(2, recorded, hidden), ingested_at=T0).retry_evidence is RetryEvidence.HIDDEN
    silent = report("c.xml", producer="playwright")
    assert store.write_run(run(3, recorded, silent), ingested_at=T0).retry_evidence is RetryEvidence.UNKNOWN
    jest = report("d.xml", producer="jest")
    assert store.write_run(run(6, recorded, jest), ingested_at=T0).retry_evidence is RetryEvidence.HIDDEN
    declared = run(4, hidden, retries=RetryEvidence.NONE)
    assert store.write_run(declared, ingested_at=T0).retry_evidence is RetryEvidence.NONE
    assert store.write_run(run(5), ingested_at=T0).retry_evidence is RetryEvidence.UNKNOWN


def test_all_that_is_known_comes_back(store: Store) -> None:
    full = report(
        "dir/jest.xml",
        case("one", F, P),
        at=hours(2),
        seconds=3.25,
        retry_evidence=RetryEvidence.HIDDEN,
        damaged=True,
        load_failures=("x.test.ts", "ü"),
    )
    info = run(
        3,
        base_branch="b",
        base_commit="bc",
        environment="production",
        url="https://x/1",
        fork=True,
        dirty=True,
        local=True,
        attempt=4,
        event=Event.PULL_REQUEST,
    ).info
    own = ReportInfo(job="unit", shard="1/2", retries=RetryEvidence.RECORDED, partial=True)
    store.write_run(RunReports(info=info, reports=((own, full),)), ingested_at=hours(5))
    (facts,) = store.read(environment="production").runs
    (stored,) = facts.reports
    assert facts.key == RunKey("github", "3")
    assert facts.infos == (info,)
    assert (stored.attempt, stored.job, stored.shard, stored.name) == (4, "unit", "1/2", "dir/jest.xml")
    assert (stored.declared, stored.shown) == (RetryEvidence.RECORDED, RetryEvidence.HIDDEN)
    assert (stored.partial, stored.damaged, stored.load_failures) == (True, True, ("x.test.ts", "ü"))
    assert (stored.started_at, stored.seconds, stored.ingested_at) == (hours(2), 3.25, hours(5))
    assert stored.sha256 == full.sha256
    assert stored.outcomes.tolist() == [2]


def test_what_a_report_leaves_open_the_run_says(store: Store) -> None:
    store.write_run(run(1, report("a.xml"), job="j", shard="2/3", partial=True), ingested_at=T0)
    (stored,) = store.read().runs[0].reports
    assert (stored.job, stored.shard, stored.partial, stored.tests.tolist()) == ("j", "2/3", True, [])


def test_a_correction_reaches_a_report_that_is_there(store: Store) -> None:
    store.write_run(run(1, report("a.xml", case("a"))), ingested_at=T0)
    store.write_run(run(1, report("a.xml", case("a")), retries=RetryEvidence.RECORDED, job="e2e"), ingested_at=hours(1))
    (stored,) = store.read().runs[0].reports
    assert (stored.declared, stored.job, stored.ingested_at) == (RetryEvidence.RECORDED, "e2e", T0)


def test_a_report_belongs_to_the_lowest_attempt_that_brought_it(store: Store) -> None:
    for attempt in (3, 1, 2):
        store.write_run(run(1, report("a.xml", case("a")), attempt=attempt), ingested_at=T0)
    (facts,) = store.read().runs
    assert [one.attempt for one in facts.reports] == [1]
    assert sorted(info.attempt for info in facts.infos) == [1, 2, 3]


def test_the_same_bytes_in_another_run_are_reported(store: Store) -> None:
    stale = report("a.xml", case("a"), at=T0)
    store.write_run(run(1, stale), ingested_at=T0)
    problems = store.write_run(run(2, stale), ingested_at=T0).problems
    assert [problem.code for problem in problems] == [ProblemCode.REPEATED_REPORT]
    assert "Run 1" in problems[0].message
    assert [one.reports[0].earlier_elsewhere for one in store.read().runs] == [False, True]
    empty = report("empty.xml")
    store.write_run(run(1, empty), ingested_at=T0)
    assert store.write_run(run(2, empty), ingested_at=T0).problems == ()


def test_two_cases_with_one_number_become_two_tests(store: Store) -> None:
    twice = report("a.xml", case("a"), case("a", F), case("a", S, ordinal=2))
    assert store.write_run(run(1, twice), ingested_at=T0).tests == 3
    facts = store.read()
    assert [test.ordinal for test in facts.tests] == [1, 2, 3]
    assert facts.runs[0].reports[0].outcomes.tolist() == [1, 3, 4]


@pytest.mark.parametrize("seconds", [float("nan"), float("inf"), -1.0, 1e300, None])
def test_impossible_durations_are_unknown(store: Store, seconds: float | None) -> None:
    odd = CaseResult(TestId("f", "n", ""), 1, (Attempt(P, seconds, "", ""),))
    store.write_run(run(1, report("a.xml", odd)), ingested_at=T0)
    assert [total.timed for total in store.totals().values()] == [0]


def test_hostile_texts_are_stored(store: Store) -> None:
    name = "'; DROP TABLE run; -- \udcff ☃ \U0001f600"
    odd = CaseResult(TestId(name, name, name), 1, (Attempt(F, 1.0, name, name + "\0"),))
    hostile = run(1, report(name, odd, load_failures=(name,)), branch=name, commit=name, job=name, url=name)
    for _ in range(2):
        store.write_run(hostile, ingested_at=T0)
    with open_store(store.path) as other:
        other.write_run(replace(hostile, info=replace(hostile.info, run="2")), ingested_at=T0)
    clean = name.replace("\udcff", "?")
    facts = store.read()
    assert [test.id for test in facts.tests] == [TestId(clean, clean, clean)]
    assert facts.runs[0].infos[0].branch == clean
    ((stored,),) = store.messages([(facts.runs[0].reports[0].key, facts.tests[0].key)]).values()
    assert stored.text == clean + "\0"
    assert store.check() == []


def test_files_found_for_a_test(store: Store) -> None:
    a = case("a", F, file="", stack_file="src/a.test.ts")
    hints = {a.id: "src/a.test.ts"}
    store.write_run(run(1, report("1.xml", a, at=hours(1))), ingested_at=T0, hints=hints)
    moved = a._replace(stack_file="new/a.test.ts")
    store.write_run(run(2, report("2.xml", moved, at=hours(2))), ingested_at=T0)
    (test,) = store.read().tests
    assert (test.title_file, test.stack_file) == ("src/a.test.ts", "new/a.test.ts")


def test_a_call_that_fails_leaves_nothing_behind(store: Store) -> None:
    store.write_run(simple(1), ingested_at=T0)
    before = canonical(store.read())
    bad = run(2, report("a.xml", case("new one")), report("b.xml", case("b"), sha256="no hex"))
    with pytest.raises(ValueError, match="hex"):
        store.write_run(bad, ingested_at=T0)
    assert canonical(store.read()) == before
    store.write_run(run(2, report("a.xml", case("another"), case("new one"))), ingested_at=T0)
    assert [test.id.name for test in store.read().tests] == ["one", "two", "another", "new one"]
    assert store.check() == []


def test_known_reports_need_no_parsing(store: Store) -> None:
    first = report("a.xml", case("a"))
    store.write_run(run(1, first), ingested_at=T0)
    known = store.known_reports("github", "1", ingested_at=T0)
    assert known == {first.sha256: replace(first, cases=(), stored=True)}
    assert store.known_reports("github", "2", ingested_at=T0) == {}


def test_what_would_be_said_again_is_parsed_again(store: Store) -> None:
    odd = report("odd.xml", case("a"), problems=(Problem(ProblemCode.BAD_TIME, "odd.xml", "One duration is none."),))
    store.write_run(
        run(
            1,
            odd,
            report("cut.xml", case("a"), damaged=True),
            report("empty.xml"),
            report("not-loaded.xml", case("a"), load_failures=("b.test.ts",)),
            report("no-file.xml", case("b", file="")),
        ),
        ingested_at=hours(1),
    )

    def names(**how: object) -> list[str]:
        return [known.name for known in store.known_reports("github", "1", **{"ingested_at": hours(1)} | how).values()]

    assert names() == ["no-file.xml"]
    assert names(with_files=True) == []
    assert names(ingested_at=T0) == []  # it came before what is stored: the earliest moment holds, for test files too


def test_a_report_that_is_known_and_gone_is_never_taken_for_stored(store: Store) -> None:
    store.write_run(run(1, report("a.xml", case("a"))), ingested_at=T0)
    (known,) = store.known_reports("github", "1", ingested_at=T0).values()
    with pytest.raises(GoneError):
        store.write_run(run(2, known), ingested_at=T0)
    assert len(store.run_keys()) == 1


def test_a_known_run_writes_nothing(store: Store, path: Path) -> None:
    store.write_run(simple(1, F), ingested_at=T0)
    with sqlite3.connect(path) as db:
        version = db.execute("PRAGMA data_version").fetchone()
        store.write_run(simple(1, F), ingested_at=hours(1))
        assert db.execute("PRAGMA data_version").fetchone() == version
    db.close()


@st.composite
def reports(draw: st.DrawFn) -> tuple[ReportInfo, object]:
    name = draw(st.sampled_from(["x.xml", "y.xml", "z.xml"]))
    at = draw(st.sampled_from([None, hours(1), hours(2)]))
    # the same bytes are always the same cases: they follow from the name
    rows = {"x.xml": [("a", [P]), ("b", [F, P])], "y.xml": [("a", [F])], "z.xml": []}[name]
    cases = [
        case(
            title,
            *statuses,
            file="" if name == "y.xml" else "a.ts",
            stack_file=f"{name}.{at}.ts" if F in statuses else "",
        )
        for title, statuses in rows
    ]
    info = ReportInfo(
        job=draw(st.sampled_from(["", "unit", "e2e"])),
        shard=draw(st.sampled_from(["", "1/2", "2/2"])),
        retries=draw(st.sampled_from([None, *RetryEvidence])),
        partial=draw(st.booleans()),
    )
    return info, report(name, *cases, at=at)


@st.composite
def calls(draw: st.DrawFn) -> tuple[RunReports, datetime]:
    info = run(
        draw(st.sampled_from([1, 2])),
        attempt=draw(st.integers(1, 2)),
        branch=draw(st.sampled_from(["", "main", "topic"])),
        commit=draw(st.sampled_from(["", "c1", "c2"])),
        event=draw(st.sampled_from([Event.OTHER, Event.PUSH, Event.PULL_REQUEST])),
        started_at=draw(st.sampled_from([None, hours(1), hours(3)])),
        fork=draw(st.booleans()),
    ).info
    shares = tuple(draw(st.lists(reports(), max_size=3)))
    problems = tuple(draw(st.lists(st.just(Problem(ProblemCode.CLOCK, "run", "late")), max_size=2)))
    return RunReports(info=info, reports=shares, problems=problems), hours(draw(st.integers(0, 50)))


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_the_order_of_calls_cannot_matter(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    given_calls = data.draw(st.lists(calls(), min_size=1, max_size=5))
    shuffled = data.draw(st.permutations(given_calls))
    again = data.draw(st.lists(st.sampled_from(given_calls), max_size=2))
    folder = tmp_path_factory.mktemp("order")
    found = []
    for name, order in (("one.db", given_calls), ("two.db", [*shuffled, *again])):
        with open_store(folder / name, create=True) as store:
            for share, at in order:
                backwards = RunReports(info=share.info, reports=share.reports[::-1], problems=share.problems)
                hints = {TestId("", "a", ""): f"hint-{share.info.branch}.ts"} if share.info.branch else {}
                store.write_run(share if name == "one.db" else backwards, ingested_at=at, hints=hints)
            totals = sorted(row[1:] for row in store.totals().values())
            chosen = store.read(branch="main", last=1, alongside=True)
            past = store.read(known_at=hours(20))
            found.append(
                (
                    canonical(store.read()),
                    canonical(chosen)[0],
                    canonical(past),
                    store.problems(),
                    totals,
                    store.check(),
                )
            )
    assert found[0] == found[1]
    assert found[0][-1] == []
