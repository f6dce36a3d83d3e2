"""Who owns a file: the pattern table of GitHub's documentation, GitLab's sections, and what nobody can break."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from flakelens.model import TestId
from flakelens.owners import NOBODY, Owners, is_owned, parse


def owner(text: str, path: str, where: str = "CODEOWNERS") -> str | None:
    found = parse(text, where).of(path)
    return None if found is None else " ".join(found)


@pytest.mark.parametrize(
    ("pattern", "inside", "outside"),
    [
        ("*", ["a.ts", "src/a.ts", "a/b/c.ts"], []),
        ("*.js", ["a.js", "src/deep/a.js"], ["a.jsx", "js"]),
        ("/build/logs/", ["build/logs/a", "build/logs/x/a"], ["src/build/logs/a", "build/logs"]),
        ("docs/*", ["docs/start.md"], ["docs/build/help.md", "src/docs/start.md", "docs"]),
        ("apps/", ["apps/a.ts", "src/apps/deep/a.ts"], ["apps", "myapps/a.ts"]),
        ("/docs/", ["docs/a.md", "docs/deep/a.md"], ["src/docs/a.md"]),
        ("/scripts", ["scripts", "scripts/a.sh", "scripts/deep/a.sh"], ["src/scripts", "scripts2/a"]),
        ("**/logs", ["logs/a", "build/logs/a", "deeply/nested/logs/a"], ["catalogs/a"]),
        ("e2e", ["e2e/a.spec.ts", "packages/web/e2e/a.spec.ts", "e2e"], ["e2e2/a.spec.ts"]),
        ("src/**/*.test.ts", ["src/a.test.ts", "src/x/y/a.test.ts"], ["a.test.ts", "lib/src/a.test.ts"]),
        ("src/**", ["src/a", "src/x/y"], ["src", "lib/src/a"]),
        ("**", ["a", "src/a"], []),
        ("/src/*/api/", ["src/x/api/a"], ["src/api/a", "src/x/y/api/a"]),
        ("a/**/b/**/c.ts", ["a/b/c.ts", "a/x/b/y/z/c.ts", "a/b/b/c.ts"], ["a/c.ts", "b/c.ts", "a/b/x.ts"]),
        ("file?.ts", ["file1.ts", "src/fileA.ts"], ["file.ts", "file/.ts"]),
        ("*pay*form*.ts", ["prepay-form.ts", "x/pay.form.test.ts"], ["form-pay.ts", "pay/form.ts"]),
        (r"my\ tests/*.ts", ["my tests/a.ts"], ["my/tests/a.ts"]),
        (r"a\*b.ts", ["a*b.ts"], ["axb.ts"]),
        ("/app/[slug]/page.test.tsx", ["app/[slug]/page.test.tsx"], ["app/s/page.test.tsx"]),
        ("README.md", ["README.md", "docs/README.md"], ["readme.md", "README.mdx"]),
    ],
)
def test_a_pattern_matches_what_github_says(pattern, inside, outside):
    text = f"{pattern} @it"
    assert {path: owner(text, path) for path in inside} == dict.fromkeys(inside, "@it")
    assert {path: owner(text, path) for path in outside} == dict.fromkeys(outside)


FILE = """\
# The whole project
*            @org/everyone

/e2e/        @org/qa ada@example.org   # two of them
/e2e/upload* @bob
/src/generated/
"""


def test_the_last_rule_that_matches_wins_and_nobody_is_an_answer():
    assert owner(FILE, "README.md") == "@org/everyone"
    assert owner(FILE, "e2e/pay.spec.ts") == "@org/qa ada@example.org"
    assert owner(FILE, "e2e/upload.spec.ts") == "@bob"
    assert owner(FILE, "src/generated/a.test.ts") == ""
    assert owner("/e2e/ @org/qa", "src/a.test.ts") is None


def test_a_line_that_cannot_be_understood_is_skipped_and_named():
    owners = parse("* @all\n!/e2e/ @qa\n/src/ team-web\n/a/***/b @x\n/ @root\n")
    assert [(fault.line, fault.why.split(" ")[0]) for fault in owners.faults] == [
        (2, "a"),
        (3, "'team-web'"),
        (4, "three"),
        (5, "the"),
    ]
    assert owners.of("e2e/a.spec.ts") == owners.of("src/a.test.ts") == ("@all",)


SECTIONS = """\
* @org/everyone

[E2E] @qa
/e2e/
/e2e/upload/ @bob

^[Money][2] @ledger
*.pay.ts
!/e2e/fake/

[e2e]
/e2e/fake/ @mock
"""


def test_in_gitlab_each_section_has_its_say_and_may_name_owners_for_its_rules():
    assert owner(SECTIONS, "src/a.ts") == "@org/everyone"
    assert owner(SECTIONS, "e2e/a.ts") == "@org/everyone @qa"
    assert owner(SECTIONS, "e2e/upload/a.ts") == "@org/everyone @bob"
    assert owner(SECTIONS, "e2e/a.pay.ts") == "@org/everyone @qa @ledger"
    assert owner(SECTIONS, "e2e/fake/a.pay.ts") == "@org/everyone @mock"


def test_words_behind_a_section_that_are_no_owners_own_nothing():
    assert owner("[Docs] for all of us @doc\n/docs/\n", "docs/a.md") == "@doc"


def test_in_gitlab_a_pattern_without_a_leading_slash_matches_in_any_folder():
    text = "docs/guide/ @it"
    assert owner(text, "src/docs/guide/a.md", where=".gitlab/CODEOWNERS") == "@it"
    assert owner(text, "src/docs/guide/a.md") is None


def a_test(file: str = "", title_file: str = "", stack_file: str = "") -> SimpleNamespace:
    id_ = TestId(file, "it works", "")
    return SimpleNamespace(id=id_, producer="jest", jobs=(), title_file=title_file, stack_file=stack_file)


def test_a_test_is_owned_through_the_best_known_of_its_files():
    owners = parse("/src/ @src\n/e2e/ @qa")
    assert owners.text_of(a_test("src/a.test.ts", "e2e/a.spec.ts")) == "@src"
    assert owners.text_of(a_test("", "e2e/a.spec.ts", "src/a.test.ts")) == "@qa"
    assert owners.text_of(a_test("", "", "src/a.test.ts")) == "@src"
    assert owners.text_of(a_test()) == ""
    assert owners.of_test(a_test()) is owners.of_test(a_test("lib/a.ts")) is None


def test_a_path_from_a_folder_of_the_reports_is_found_in_the_checkout():
    owners = replace(parse("/e2e/ @qa"), locate={"pay.spec.ts": "e2e/pay.spec.ts"}.get)
    assert owners.text_of(a_test("pay.spec.ts")) == "@qa"
    assert owners.text_of(a_test("other.spec.ts")) == ""


@pytest.mark.parametrize(
    ("owners", "asked", "yes"),
    [
        ("@org/qa @ada", ("@ada",), True),
        ("@org/qa @ada", ("Ada",), True),
        ("@org/qa @ada", ("qa",), False),
        ("@org/qa", ("bob", "org/QA"), True),
        ("", ("none",), True),
        ("@ada", ("none",), False),
        ("@none", ("none",), True),
        ("", ("ada",), False),
    ],
)
def test_people_ask_with_or_without_the_at_sign(owners, asked, yes):
    assert is_owned(owners, asked) is yes


def test_without_a_file_nobody_owns_anything():
    assert NOBODY.of("src/a.ts") is None
    assert parse("").rules == parse("# nothing\n\n").rules == ()


@given(st.text(alphabet="ab*?/\\[]!#^@ .-\n\x00\u202e", max_size=200), st.text(alphabet="ab/. \n*", max_size=60))
def test_no_text_and_no_path_is_too_strange(text, path):
    owners = parse(text)
    assert isinstance(owners, Owners)
    owners.of(path)


@given(st.lists(st.sampled_from(["a", "b", "*", "**", "a*"]), min_size=1, max_size=5), st.data())
def test_a_pattern_with_two_stars_matches_as_a_search_over_all_splits_does(parts, data):
    """The atomic groups of the expression against the plain definition: a "**" is any number of folders."""
    path = data.draw(st.lists(st.sampled_from(["a", "b", "ab"]), min_size=1, max_size=6))

    def fits(pattern: list[str], rest: list[str]) -> bool:
        if not pattern:
            return True  # a folder holds for all below it
        head, more = pattern[0], pattern[1:]
        if head == "**":
            return any(fits(more, rest[skip:]) for skip in range(len(rest))) if more else bool(rest)
        if not rest:
            return False
        one = head == rest[0] or head == "*" or (head == "a*" and rest[0].startswith("a"))
        return one and (fits(more, rest[1:]) if more else head != "*" or len(rest) == 1)

    pattern = "/" + "/".join(parts)
    assert (parse(f"{pattern} @it").of("/".join(path)) is not None) is fits(parts, path)


def test_a_hostile_pattern_costs_little():
    owners = parse(f"{'*a' * 300}*b @x\n/{'**/a*/' * 300}b @y\n{'a?' * 500} @z\n")
    assert owners.of("a" * 2_000) is None  # it would take years if the search went back
    assert owners.of("a/" * 1_000 + "c") is None
