"""completeness: which runs are an area's, and what a fault of a report means for which areas."""

from __future__ import annotations

from typing import Any

import pytest

from flakelens.area_views import area_views
from flakelens.areas import assign
from flakelens.carriers import shard_numbers
from flakelens.completeness import AreaView
from flakelens.model import RetryEvidence as Shows
from flakelens.policy_text import parse
from flakelens.rules import area_of_file
from tests.letters import Told, flags

POLICY = parse()


def views_of(told: Told) -> dict[str, AreaView]:
    history = told.history(POLICY)
    areas = assign(history.tests, POLICY)

    def area_of(producer: str, job: str, file: str) -> str:
        return area_of_file(producer, job, file, POLICY)

    return area_views(history, areas.names, areas.index, area_of)


AI = {f"src/api/ai/x{n}.test.ts::t{n}": "P" for n in range(6)}
UI = {f"src/components/x{n}.test.ts::t{n}": "P" for n in range(6)}
E2E = {f"login.spec.ts::t{n}@chromium": "P" for n in range(6)}


def test_a_nightly_suite_is_judged_by_its_own_runs() -> None:
    told = Told()
    for run in range(30):
        nightly = [told.report(E2E, producer="playwright", job="e2e")] if run % 10 == 9 else []
        told.run(told.report(AI | UI, job="unit"), *nightly)
    views = views_of(told)
    assert views["E2E"].runs.tolist() == [9, 19, 29]
    assert len(views["AI"].runs) == 30
    assert flags(views["E2E"].complete) == "xxx"
    assert not views["E2E"].gone().any()


def test_split_workflows_carry_their_own_areas() -> None:
    told = Told()
    for _ in range(4):
        told.run(told.report(AI, job="ai"))
        told.run(told.report(UI, job="components"))
    views = views_of(told)
    assert views["AI"].runs.tolist() == [0, 2, 4, 6]
    assert flags(views["AI"].complete) == flags(views["components"].complete) == "xxxx"


@pytest.mark.parametrize(
    ("last", "said"),
    [
        ({"damaged": True}, "junit.xml is empty or was cut off"),
        ({"load_failures": ("src/api/ai/new.test.ts",)}, "src/api/ai/new.test.ts failed to load"),
        ({"earlier_elsewhere": True}, "junit.xml is a copy of an earlier run's report"),
    ],
)
def test_a_fault_makes_only_its_own_area_incomplete(last: dict[str, Any], said: str) -> None:
    told = Told()
    for run in range(3):
        told.run(told.report(AI, job="ai", **(last if run == 2 else {})), told.report(UI, job="components"))
    views = views_of(told)
    assert views["AI"].faults == ("", "", said)
    assert flags(views["AI"].complete) == "xx-"
    assert views["components"].faults == ("", "", "")
    assert flags(views["components"].complete) == "xxx"


def test_an_empty_report_belongs_to_the_areas_that_its_job_usually_has() -> None:
    told = Told()
    for _ in range(2):
        told.run(told.report(AI, job="j1"), told.report(UI, job="j2"))
    told.run(told.report({}, job="j1", damaged=True), told.report(UI, job="j2"))
    views = views_of(told)
    assert views["AI"].runs.tolist() == [0, 1, 2]
    assert views["AI"].faults[2] == "junit.xml is empty or was cut off"
    assert flags(views["components"].complete) == "xxx"


def test_a_report_of_a_new_name_without_tests_belongs_to_the_areas_of_its_producer() -> None:
    told = Told()
    told.run(told.report(AI, name="a-1.xml"))
    told.run(told.report({}, name="b.xml", damaged=True))
    assert views_of(told)["AI"].faults == ("", "b.xml is empty or was cut off")


def test_the_only_suite_of_an_area_that_failed_to_load_is_not_overlooked() -> None:
    told = Told()
    told.run(told.report(AI | UI))
    told.run(told.report(UI, load_failures=("src/api/ai/x0.test.ts",)))
    views = views_of(told)
    assert views["AI"].runs.tolist() == [0, 1]
    assert views["AI"].faults[1] == "src/api/ai/x0.test.ts failed to load"
    assert flags(views["AI"].complete) == "x-"
    assert flags(views["components"].complete) == "xx"


def test_a_suite_of_unknown_area_that_failed_to_load_concerns_all_areas_of_its_report() -> None:
    told = Told()
    told.run(told.report(AI | UI, load_failures=("Some suite",)))
    views = views_of(told)
    assert views["AI"].faults == views["components"].faults == ("Some suite failed to load",)


def test_a_damaged_report_is_mended_by_a_later_attempt_of_its_job() -> None:
    told = Told()
    told.run(told.report(AI, job="ai"))
    told.run(told.report({}, job="ai", damaged=True), told.report(AI, job="ai", attempt=2))
    assert flags(views_of(told)["AI"].complete) == "xx"
    told.run(told.report(AI, job="ai"), told.report({}, job="ai", attempt=2, damaged=True))
    assert flags(views_of(told)["AI"].complete) == "xx-"


def test_a_missing_shard_is_named() -> None:
    told = Told()
    tests = list(E2E.items())
    for there in ((1, 2, 3), (1, 3)):
        told.run(
            *(
                told.report(dict(tests[n * 2 - 2 : n * 2]), producer="playwright", job="e2e", shard=f"{n}/3")
                for n in there
            )
        )
    view = views_of(told)["E2E"]
    assert view.faults == ("", "shard 2/3 of job e2e is missing")
    assert flags(view.complete) == "x-"


def test_a_shard_that_holds_other_areas_is_not_missing() -> None:
    told = Told()
    told.run(told.report(AI, job="unit", shard="1/2"), told.report(UI, job="unit", shard="2/2"))
    views = views_of(told)
    assert views["AI"].faults == views["components"].faults == ("",)


def test_an_area_that_stood_in_the_missing_shard_knows_it() -> None:
    told = Told()
    told.run(told.report(AI, job="unit", shard="1/2"), told.report(UI, job="unit", shard="2/2"))
    told.run(told.report(UI, job="unit", shard="2/2"))
    views = views_of(told)
    assert views["AI"].runs.tolist() == [0, 1]
    assert views["AI"].faults[1] == "shard 1/2 of job unit is missing"


def test_a_shard_that_was_run_again_completes_the_others() -> None:
    told = Told()
    told.run(
        told.report(AI, job="unit", shard="1/2"),
        told.report({}, job="unit", shard="2/2", damaged=True),
        told.report(UI, job="unit", shard="2/2", attempt=2),
    )
    assert views_of(told)["components"].faults == ("",)


def test_a_partial_report_is_no_run_of_its_area() -> None:
    told = Told()
    told.run(told.report(AI))
    told.run(told.report({"src/api/ai/x0.test.ts::t0": "F"}, partial=True))
    assert views_of(told)["AI"].runs.tolist() == [0]


def test_other_branches_and_forks_say_nothing_about_what_a_job_carries() -> None:
    told = Told()
    told.run(told.report(AI, job="ai"), told.report(UI, job="lint"))
    told.run(told.report(AI, job="lint"), branch="feature", fork=True)
    told.run(told.report(AI, job="ai"), told.report({}, job="lint", damaged=True))
    assert views_of(told)["AI"].faults == ("", "")


@pytest.mark.parametrize(
    ("evidence", "shown"),
    [
        ([Shows.RECORDED], "x"),
        ([Shows.NONE], "x"),
        ([Shows.HIDDEN], "-"),
        ([None], "-"),
        ([Shows.RECORDED, Shows.NONE], "x"),
        ([Shows.RECORDED, Shows.HIDDEN], "-"),
    ],
)
def test_first_attempts_are_shown_when_every_report_of_the_area_shows_them(
    evidence: list[Shows | None], shown: str
) -> None:
    told = Told()
    told.run(*(told.report(E2E, producer="playwright", job=f"e2e-{n}", declared=e) for n, e in enumerate(evidence)))
    assert flags(views_of(told)["E2E"].shown) == shown


@pytest.mark.parametrize(
    ("shard", "said"),
    [("2/4", (2, 4)), ("1/1", (1, 1)), ("0/4", None), ("5/4", None), ("", None), ("a/b", None), ("1/99999", None)],
)
def test_shards_are_read_from_text(shard: str, said: tuple[int, int] | None) -> None:
    assert shard_numbers(shard) == said
