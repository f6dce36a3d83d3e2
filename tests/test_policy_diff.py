"""A pull request that asks less says so, point by point; one that asks more says nothing."""

from __future__ import annotations

import pytest

from flakelens.policy_diff import loosenings
from flakelens.policy_text import parse

CRITERION = "[gates.gate1.criteria.{}]\n{}"


NEXT = """
[gates.next]
environment = "production"
rollback = "back"
[gates.next.criteria.audit]
kind = "attested"
what = "audit"
by = ["Sam"]
max_days = 30
[gates.next.criteria.watch]
kind = "soak"
areas = ["*"]
hours = 24
max_gap_hours = 1
failures = 2
"""
WEEK = '[[focus]]\nname = "auth"\nmatch = ["sign in"]\nowner = "Ann"\nday = 3\ncritical = true\n'


def criterion(ident: str, line: str) -> str:
    return CRITERION.format(ident, line)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("", criterion("pass-rate", "threshold = 95"),
         ["pass-rate threshold 98 -> 95", "no-laundering threshold 98 -> 95"]),
        (criterion("no-laundering", "threshold = 99"), "", ["no-laundering threshold 99 -> 98"]),
        ("", criterion("stable", "threshold = 97.5"), ["stable threshold 98 -> 97.5"]),
        ("", criterion("reliable", 'evidence = "observed"'), ["reliable evidence e-value -> observed"]),
        ("", criterion("all-passing", "runs = 1"), ["all-passing runs 3 -> 1"]),
        ("", criterion("stable", "runs = 5"), ["stable runs 10 -> 5"]),
        ("", criterion("complete", "max_age_hours = 200"), ["complete max_age_hours 72 -> 200"]),
        ("", criterion("no-laundering", "baseline_runs = 10"), ["no-laundering baseline_runs 30 -> 10"]),
        ("", criterion("all-passing", "areas = []"), ["all-passing is removed"]),
        ("", criterion("complete", 'areas = ["AI"]'), ["complete no longer asks components, E2E"]),
        ("", criterion("pass-rate", 'areas = ["AI"]'), ["pass-rate asks AI instead of all areas"]),
        ("", criterion("stable", 'focuses = ["uploads"]'), ["stable is narrowed to the focuses uploads"]),
        ("", '[gates.gate1]\nmode = "observe"', ["mode enforce -> observe"]),
        ("", '[gates.gate1]\nenvironment = "staging"', ["environment CI -> staging"]),
        ("", "[quarantine]\nshare = 5", ["quarantine.share 2 -> 5"]),
        ("", "[quarantine.areas]\nAI = 1", ["quarantine of AI 0 -> 1"]),
        ("", '[waivers]\nnever = ["AI"]', ["waivers.never no longer holds payments"]),
        ("[waivers]\nmax_hours = 8", "", ["waivers.max_hours 8 -> 72"]),
        ("", 'branch = "develop"', ["branch by default -> develop"]),
        ("", "count_local = true", ["count_local: runs made on laptops count"]),
        ("", 'run_key = "commit"', ["run_key run -> commit"]),
        (NEXT, NEXT.replace("max_days = 30", "max_days = 60"), ["next audit max_days 30 -> 60"]),
        (NEXT, NEXT.replace('by = ["Sam"]', 'by = ["Sam", "Ann"]'),
         ["next audit may be signed off by Sam, Ann instead of Sam"]),
        (NEXT, NEXT.replace('by = ["Sam"]', ""), ["next audit may be signed off by anybody instead of Sam"]),
        (NEXT, NEXT.replace('"audit"', '"a look"'), ["next audit asks to sign off 'a look' instead of 'audit'"]),
        (NEXT, NEXT.replace("hours = 24", "hours = 12", 1), ["next watch hours 24 -> 12"]),
        (NEXT, NEXT.replace("max_gap_hours = 1", "max_gap_hours = 6"), ["next watch max_gap_hours 1 -> 6"]),
        (NEXT, NEXT.replace("failures = 2", "failures = 5"), ["next watch failures 2 -> 5"]),
        (NEXT, NEXT.replace('rollback = "back"', ""), ["next rollback back -> none"]),
        (WEEK, WEEK.replace("critical = true", ""), ["no longer critical: auth"]),
        (WEEK, WEEK.replace('"sign in"', '"log in"'),
         ["focuses changed: which tests or first attempts are judged may differ"]),
        (
            "",
            '[[retries]]\nproducer = "jest"\nevidence = "none"',
            ["retries changed: which tests or first attempts are judged may differ"],
        ),
    ],
)  # fmt: skip
def test_a_loosening_is_named(old: str, new: str, said: list[str]) -> None:
    assert list(loosenings(parse(old), parse(new))) == said


@pytest.mark.parametrize(
    "stricter",
    [
        "# only a comment",
        criterion("pass-rate", "threshold = 99"),
        criterion("all-passing", "runs = 5"),
        criterion("complete", "max_age_hours = 24"),
        criterion("no-laundering", "baseline_runs = 50"),
        "[waivers]\nmax_hours = 1",
        '[waivers]\nnever = ["AI", "payments", "E2E"]',
        "[quarantine]\nshare = 0",
        criterion("extra", 'kind = "reliable"\nareas = ["AI"]\nthreshold = 95'),
    ],
)
def test_asking_more_is_no_loosening(stricter: str) -> None:
    assert loosenings(parse(), parse(stricter)) == ()
    if "extra" not in stricter and "#" not in stricter:
        assert loosenings(parse(stricter), parse()) != ()


def test_another_owner_or_day_lowers_nothing() -> None:
    later = WEEK.replace("Ann", "Bo").replace("day = 3", "day = 4")
    assert loosenings(parse(WEEK), parse(later)) == ()
    assert loosenings(parse(WEEK.replace("critical = true", "")), parse(WEEK)) == ()


def test_another_gate_is_named_with_its_criterion() -> None:
    second = (
        '[gates.smoke]\ntitle = "Smoke"\n[gates.smoke.criteria.rate]\nkind = "pass-rate"\nareas = ["*"]\nthreshold = {}'
    )
    assert loosenings(parse(second.format(99)), parse(second.format(98.5))) == ("smoke rate threshold 99 -> 98.5",)
    assert loosenings(parse(second.format(99)), parse()) == ("gate smoke is removed",)


def test_a_criterion_of_another_kind_is_named() -> None:
    old = criterion("extra", 'kind = "stable"\nareas = ["E2E"]\nthreshold = 98')
    new = criterion("extra", 'kind = "reliable"\nareas = ["E2E"]\nthreshold = 98')
    assert loosenings(parse(old), parse(new)) == ("extra is of another kind",)
