"""areas: every test has exactly one area, by the best evidence there is, and any number of focuses."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flakelens.areas import assign, focuses
from flakelens.history import Test
from flakelens.model import TestId
from flakelens.policy import Policy
from flakelens.policy_text import parse
from flakelens.rules import area_of_file

SHIPPED = parse()


def a_test(file: str = "", name: str = "t", variant: str = "", **known: Any) -> Test:
    test = TestId(file, name, variant)
    return Test(
        id=test, reported=test, **({"producer": "jest", "jobs": (), "title_file": "", "stack_file": ""} | known)
    )


def area(test: Test, policy: Policy = SHIPPED) -> str:
    found = assign([test], policy)
    return found.names[found.index[0]]


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("src/app/api/ai/chat.test.ts", "AI"),
        ("api/ai/chat.test.ts", "AI"),
        ("src/api/aid/chat.test.ts", "unassigned"),
        ("src/__tests__/app/page.test.tsx", "components"),
        ("components/Button.test.tsx", "components"),
        ("src/components/ai/Button.test.tsx", "components"),
        ("SRC/Components/Button.test.tsx", "components"),
        ("e2e/login.spec.ts", "E2E"),
        ("apps/web/e2e/login.spec.ts", "E2E"),
        ("e2e/api/ai/chat.spec.ts", "E2E"),  # the first rule that matches wins
        ("src/lib/money.test.ts", "unassigned"),
        ("", "unassigned"),
    ],
)
def test_files_decide_by_the_shipped_rules(file: str, name: str) -> None:
    assert area(a_test(file)) == name


@pytest.mark.parametrize(
    ("known", "name"),
    [
        ({"producer": "playwright", "file": "login.spec.ts"}, "E2E"),  # its paths begin at testDir
        ({"producer": "playwright", "file": "components/x.spec.ts"}, "E2E"),
        ({"title_file": "src/api/ai/x.test.ts"}, "AI"),
        ({"jobs": ("lint", "components-fast")}, "components"),
        ({"stack_file": "src/components/x.test.tsx"}, "components"),
        # better evidence goes before worse
        ({"file": "src/api/ai/x.test.ts", "jobs": ("e2e",), "stack_file": "components/x.ts"}, "AI"),
        ({"title_file": "components/x.ts", "jobs": ("ai",), "stack_file": "e2e/x.ts"}, "components"),
        ({"jobs": ("ai",), "stack_file": "e2e/x.ts"}, "AI"),
        ({"file": "src/lib/x.test.ts", "jobs": ("ai",)}, "AI"),
    ],
)
def test_a_test_without_a_telling_file_is_placed_by_the_next_best_evidence(known: dict[str, Any], name: str) -> None:
    assert area(a_test(**known)) == name


@pytest.mark.parametrize(
    ("rule", "test", "matches"),
    [
        ("titles = ['PAY']", a_test(name="can pay"), True),
        ("titles = ['pay']", a_test(name="Cart"), False),
        ("variants = ['*iPhone*']", a_test(variant="iPhone 15"), True),
        ("variants = ['*']", a_test(), False),
        ("producers = ['vitest']", a_test(producer="vitest"), True),
        ("files = ['src/*.ts']", a_test("src/a/b.ts"), False),
        ("files = ['src/**']", a_test("src/a/b.ts"), True),
        ("files = ['src/?.ts']", a_test("src/a.ts"), True),
        ("files = ['src/**/b.ts']", a_test("src/b.ts"), True),
        ("files = ['a.ts']", a_test("xa.ts"), False),
        ("files = ['a+b(1).ts']", a_test("a+b(1).ts"), True),
        ("jobs = ['unit-*']", a_test(jobs=("unit-20",)), True),
    ],
)
def test_one_pattern_of_a_rule_is_enough(rule: str, test: Test, matches: bool) -> None:
    policy = parse(
        f"[[areas]]\nname = 'mine'\n{rule}\n"
        + "".join(f"[gates.gate1.criteria.{ident}]\nareas = []\n" for ident in ("all-passing", "stable", "reliable"))
        + "[gates.gate1.criteria.complete]\nareas = ['mine']\n"
    )
    assert (area(test, policy) == "mine") is matches


def test_focuses_cut_across_areas() -> None:
    found = focuses(
        [
            a_test("src/api/ai/payment.test.ts", "uploads an invoice"),
            a_test("login.spec.ts", "t", "Mobile Safari", producer="playwright"),
            a_test("src/lib/x.test.ts"),
        ],
        SHIPPED,
    )
    assert found == (("payments", "openai-mocks", "uploads"), ("mobile",), ())


@pytest.mark.parametrize(
    ("match", "file", "title", "matches"),
    [
        ("openai", "src/x.test.ts", "asks OpenAI once", True),  # text in the title, whatever its case
        ("openai", "src/openai.test.ts", "t", True),  # or in the file
        ("**/api/ai/**", "src/API/ai/x.test.ts", "t", True),
        ("**/api/ai/**", "src/api/air/x.test.ts", "t", False),
        ("**/api/ai/**", "", "api/ai/x", False),  # a glob is about files
        ("*match*", "match.test.ts", "t", True),
        ("form", "src/x.test.ts", "performs", True),  # a text is a text: choose one that tells
        ("a.b", "src/axb.test.ts", "t", False),
    ],
)
def test_a_focus_matches_files_by_globs_and_everything_by_text(
    match: str, file: str, title: str, matches: bool
) -> None:
    policy = parse(f"[[focus]]\nname = 'mine'\nmatch = ['{match}']\n")
    assert ("mine" in focuses([a_test(file, title)], policy)[0]) is matches


def test_the_members_of_an_area() -> None:
    found = assign([a_test("api/ai/a.ts"), a_test("x.ts"), a_test("api/ai/b.ts")], SHIPPED)
    assert found.names == ("E2E", "AI", "components", "unassigned")
    assert found.members("AI").tolist() == [0, 2]
    assert found.members("unassigned").tolist() == [1]
    assert found.members("no such area").tolist() == []


@pytest.mark.parametrize(
    ("producer", "job", "file", "name"),
    [
        ("playwright", "", "", "E2E"),
        ("jest", "ai-tests", "", "AI"),
        ("jest", "", "src/api/ai/x.test.ts", "AI"),
        ("jest", "", "", ""),
        ("jest", "lint", "x.ts", ""),
    ],
)
def test_the_area_of_a_report_without_tests(producer: str, job: str, file: str, name: str) -> None:
    assert area_of_file(producer, job, file, SHIPPED) == name


def test_the_file_of_a_suite_says_more_than_the_job_that_ran_it() -> None:
    assert area_of_file("jest", "ai", "src/components/x.test.tsx", SHIPPED) == area(
        a_test("src/components/x.test.tsx", jobs=("ai",))
    )


@given(st.lists(st.builds(a_test, st.text(max_size=8), st.text(max_size=8), st.text(max_size=4)), max_size=5))
def test_every_test_has_exactly_one_area(tests: list[Test]) -> None:
    found = assign(tests, SHIPPED)
    assert sorted(place for name in found.names for place in found.members(name)) == list(range(len(tests)))


TESTS = st.builds(
    a_test,
    st.sampled_from(["", "src/api/ai/x.test.ts", "src/components/x.test.tsx"]),
    st.sampled_from(["pays", "chats"]),
    st.sampled_from(["", "chromium"]),
    producer=st.sampled_from(["jest", "playwright"]),
    jobs=st.sampled_from([(), ("components-fast",)]),
    title_file=st.sampled_from(["", "src/api/ai/x.test.ts"]),
    stack_file=st.sampled_from(["", "e2e/x.spec.ts"]),
)
BY_TITLE = parse(
    '[[areas]]\nname = "AI"\ntitles = ["pays"]\n[[areas]]\nname = "E2E"\nvariants = ["chrom*"]\n'
    '[[areas]]\nname = "components"\njobs = ["components-*"]'
)


@given(st.lists(TESTS, max_size=12), st.sampled_from([SHIPPED, BY_TITLE]))
def test_a_suite_is_assigned_as_each_of_its_tests_would_be(tests: list[Test], policy: Policy) -> None:
    """What is alike is looked up once; each test alone has nobody to be alike with."""
    found = assign(tests, policy)
    assert [found.names[area] for area in found.index] == [area(test, policy) for test in tests]
