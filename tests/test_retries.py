"""retries: declared, then the file, then the policy, then the nearest earlier run, else unknown."""

from __future__ import annotations

from typing import Any

import pytest

from flakelens.model import Event
from flakelens.model import RetryEvidence as Shows
from tests.letters import Told

R, H, N, U = Shows.RECORDED, Shows.HIDDEN, Shows.NONE, Shows.UNKNOWN
POLICY = '[[retries]]\nproducer = "{}"\nevidence = "{}"\n'


def of_last(told: Told, policy: str = "") -> Shows:
    """The evidence of the last report of the last run."""
    return told.history(policy).runs[-1].reports[-1].evidence


@pytest.mark.parametrize(
    ("declared", "shown", "policy", "earlier", "evidence"),
    [
        (N, R, "hidden", H, N),
        (None, R, "none", H, R),
        (None, H, "recorded", R, H),
        (None, None, "recorded", H, R),
        (None, None, "none", R, N),
        (None, None, "", R, R),
        (None, None, "", N, N),
        (None, None, "", None, U),
        (U, R, "none", R, U),  # somebody who says "unknown" says something
    ],
)
def test_the_first_that_says_something_decides(
    declared: Shows | None, shown: Shows | None, policy: str, earlier: Shows | None, evidence: Shows
) -> None:
    told = Told()
    told.run(told.report("P", producer="playwright", shown=earlier))
    told.run(told.report("P", producer="playwright", declared=declared, shown=shown))
    assert of_last(told, POLICY.format("playwright", policy) if policy else "") is evidence


@pytest.mark.parametrize(
    ("declared", "shown", "policy", "evidence"),
    [
        (None, None, "", H),  # its reporter cannot show retries
        (N, None, "", N),
        (None, None, "none", N),
        (R, None, "", H),  # `--retries recorded` for a whole run is meant for its Playwright reports
        (None, None, "recorded", H),
        (R, R, "", R),  # some other reporter did show them
        (None, R, "", R),
    ],
)
def test_jest_hides_its_retries_unless_they_are_declared_to_be_off(
    declared: Shows | None, shown: Shows | None, policy: str, evidence: Shows
) -> None:
    told = Told()
    told.run(told.report("P", producer="jest", declared=declared, shown=shown))
    assert of_last(told, POLICY.format("jest", policy) if policy else "") is evidence


@pytest.mark.parametrize(
    ("earlier", "evidence"),
    [
        ([{"job": "e2e", "producer": "playwright", "shown": R}], R),
        (
            [
                {"job": "e2e", "producer": "playwright", "shown": R},
                {"job": "e2e", "producer": "playwright", "shown": H},
            ],
            H,
        ),
        ([{"job": "smoke", "producer": "playwright", "shown": R}], U),  # another job has another configuration
        ([{"job": "e2e", "producer": "vitest", "shown": R}], U),
        ([], U),
    ],
)
def test_the_nearest_earlier_run_of_the_same_producer_and_job(earlier: list[dict[str, Any]], evidence: Shows) -> None:
    told = Told()
    for fields in earlier:
        told.run(told.report("P", **fields))
    told.run(told.report("P", job="e2e", producer="playwright"))
    assert of_last(told) is evidence


def test_a_later_run_says_nothing_about_an_earlier_one() -> None:
    told = Told()
    told.run(told.report("P", producer="playwright"))
    told.run(told.report("P", producer="playwright", shown=R))
    assert [run.reports[0].evidence for run in told.history().runs] == [U, R]


def test_earlier_means_run_order_and_not_the_order_of_ingest() -> None:
    told = Told()
    told.run(told.report("P", producer="playwright", shown=R), hours=9)
    told.run(told.report("P", producer="playwright"), hours=3)
    assert [run.reports[0].evidence for run in told.history().runs] == [U, R]


def test_a_shard_that_shows_a_retry_speaks_for_the_others() -> None:
    told = Told()
    shards = [told.report("P", producer="playwright", shard=f"{n}/3", shown=R if n == 2 else None) for n in (1, 2, 3)]
    told.run(*shards)
    assert [report.evidence for report in told.history().runs[0].reports] == [R, R, R]


# ---- since


def since(*rules: tuple[str, str]) -> str:
    tables = [
        POLICY.format("playwright", evidence) + (f"since = {since}\n" if since else "") for evidence, since in rules
    ]
    return "\n".join(tables)


def letters_of(told: Told, policy: str) -> str:
    return "".join(run.reports[0].evidence.name[0] for run in told.history(policy).runs)


def four_days() -> Told:
    """Runs on 1, 2, 3 and 4 October at 8:00 of commits aaaaaaa.. to ddddddd.."""
    told = Told()
    for day, letter in enumerate("abcd"):
        told.run(told.report("P", producer="playwright"), hours=24 * day, commit=letter * 40)
    return told


@pytest.mark.parametrize(
    ("rules", "evidence"),
    [
        ([("recorded", "")], "RRRR"),
        ([("recorded", "2026-10-03")], "UURR"),
        ([("recorded", '"2026-10-03"')], "UURR"),
        ([("recorded", '"2026-10-03T08:00:00Z"')], "UURR"),
        ([("recorded", "2026-10-03T08:00:01Z")], "UUUR"),
        ([("recorded", '"2026-10-03T10:30:00+02:00"')], "UUUR"),
        ([("recorded", '"ccccccc"')], "UURR"),
        ([("recorded", '"CCCCCCC"')], "UURR"),
        ([("recorded", '"eeeeeee"')], "RRRR"),  # not in this window: it lies before it
        ([("hidden", ""), ("recorded", "2026-10-03")], "HHRR"),
        ([("recorded", "2026-10-03"), ("hidden", "")], "HHRR"),
        ([("recorded", "2026-10-04"), ("none", '"bbbbbbb"'), ("hidden", "")], "HNNR"),
        ([("recorded", "2026-09-02"), ("none", "2026-09-01")], "RRRR"),
    ],
)
def test_a_rule_holds_from_its_day_or_commit_and_the_newest_one_wins(
    rules: list[tuple[str, str]], evidence: str
) -> None:
    assert letters_of(four_days(), since(*rules)) == evidence


def test_only_the_gated_branch_begins_a_rule() -> None:
    told = Told()
    fork: dict[str, Any] = {"event": Event.PULL_REQUEST, "fork": True, "branch": "feature", "commit": "c" * 40}
    told.run(told.report("P", producer="playwright"), **fork)
    told.run(told.report("P", producer="playwright"), commit="a" * 40)
    told.run(told.report("P", producer="playwright"), commit="c" * 40)
    assert letters_of(told, since(("recorded", '"ccccccc"'))) == "UUR"
