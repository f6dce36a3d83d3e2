"""identity: one test is one test, whatever its reporter's options, its file's name and the order of ingest."""

from __future__ import annotations

import random
import sys
from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flakelens.facts import TestFacts
from flakelens.identity import _OTHER_SPACES, Alias, Identity, canonical_name, canonical_names, resolve
from flakelens.masks import _MAYBE, _maybe, mask, mask_each
from flakelens.model import Rename, TestId

U1, U2, U3, U4 = (f"{digit * 8}-1111-4111-8111-111111111111" for digit in "abcd")
Case = tuple[str, str] | tuple[str, str, str]  # file, name, variant

# Each run is a list of cases in document order; a case that comes twice in a run gets ordinals.


def told(
    *runs: Sequence[Case],
    ingest: Sequence[int] | None = None,
    aliases: Sequence[Alias] = (),
    renames: Sequence[Rename] = (),
    separators: Sequence[str] = (),
    producer: str = "jest",
) -> tuple[list[list[TestId]], Identity]:
    """The canonical ids of each run's cases. Keys are given as a store gives them: by ingest, then document order."""
    keys: dict[tuple[TestId, int], int] = {}
    seen: dict[int, set[int]] = {}
    found: dict[int, list[int]] = {}
    for position in ingest if ingest is not None else range(len(runs)):
        count: dict[TestId, int] = {}
        found[position] = []
        for file, name, *variant in runs[position]:
            test = TestId(file, name, *variant) if variant else TestId(file, name, "")
            count[test] = count.get(test, 0) + 1
            key = keys.setdefault((test, count[test]), len(keys) + 1)
            seen.setdefault(key, set()).add(position)
            found[position].append(key)
    facts = [TestFacts(key, test, ordinal, producer) for (test, ordinal), key in keys.items()]
    if ingest is not None:
        random.Random(0).shuffle(facts)

    def runs_of(asked: Sequence[int]) -> Mapping[int, frozenset[int]]:
        return {key: frozenset(seen[key]) for key in asked if key in seen}

    identity = resolve(facts, runs_of=runs_of, aliases=aliases, renames=renames, separators=separators)
    return [[identity.ids[key] for key in found[position]] for position in range(len(runs))], identity


def one(file: str, name: str, variant: str = "") -> TestId:
    return TestId(file, name, variant)


# ---- names


@pytest.mark.parametrize(
    ("reported", "canonical"),
    [
        ("Cart > total > adds tax", "Cart total adds tax"),
        ("Cart › total › adds tax", "Cart total adds tax"),
        ("Cart total adds tax", "Cart total adds tax"),
        ("Cart  total\tadds tax ", "Cart total adds tax"),
        ("Cart > > adds tax", "Cart adds tax"),
        ("v1.2 parses a.b", "v1.2 parses a.b"),
        ("a>b", "a>b"),
        ("", ""),
    ],
)
def test_separators_between_title_parts_are_one_space_and_dots_stay(reported: str, canonical: str) -> None:
    assert canonical_name(reported) == canonical


@given(st.lists(st.sampled_from(["a", ">", "›", " ", ".", "::", " > "])).map("".join))
def test_a_canonical_name_is_its_own_canonical_name(name: str) -> None:
    for separators in ((" > ", " › "), (" > ", " :: ", "::")):
        once = canonical_name(name, separators)
        assert canonical_name(once, separators) == once


def test_the_teams_own_separator_is_folded_beside_the_usual_ones() -> None:
    ids, _ = told([("a.ts", "Cart > adds")], [("a.ts", "Cart -> adds")], separators=[" -> "])
    assert ids == [[one("a.ts", "Cart adds")], [one("a.ts", "Cart adds")]]


# ---- a reporter option changes half-way


def test_a_history_does_not_split_when_jest_junit_options_change() -> None:
    default = [("", "Cart adds tax"), ("", "Cart rounds")]
    with_file = [("src/cart.test.ts", "Cart adds tax"), ("src/cart.test.ts", "Cart rounds")]
    separator = [("src/cart.test.ts", "Cart › adds tax"), ("src/cart.test.ts", "Cart › rounds")]
    ids, identity = told(default, default, with_file, separator)
    expected = [one("src/cart.test.ts", "Cart adds tax"), one("src/cart.test.ts", "Cart rounds")]
    assert ids == [expected] * 4
    assert list(identity.adopted) == sorted(expected)
    assert identity.ambiguous == ()


def test_a_title_in_two_files_is_listed_and_not_guessed() -> None:
    ids, identity = told([("", "renders")], [("a.ts", "renders"), ("b.ts", "renders")])
    assert ids == [[one("", "renders")], [one("a.ts", "renders"), one("b.ts", "renders")]]
    assert identity.ambiguous == ("renders",)
    assert identity.adopted == ()


def test_the_same_title_in_another_project_does_not_make_a_file_ambiguous() -> None:
    ids, identity = told([("", "t", "node")], [("a.ts", "t", "node"), ("b.ts", "t", "web")])
    assert ids[0] == [one("a.ts", "t", "node")]
    assert identity.ambiguous == ()


def test_a_renamed_file_is_one_home_and_not_two() -> None:
    ids, identity = told([("", "t")], [("old.ts", "t")], [("new.ts", "t")], renames=[Rename("old.ts", "new.ts", "c1")])
    assert ids == [[one("new.ts", "t")]] * 3
    assert identity.ambiguous == ()


def test_cases_of_test_each_with_one_title_adopt_the_file_too() -> None:
    ids, _ = told([("", "t"), ("", "t"), ("", "t")], [("a.ts", "t"), ("a.ts", "t"), ("a.ts", "t")])
    assert ids[0] == ids[1] == [one("a.ts", "t"), one("a.ts", "t #2"), one("a.ts", "t #3")]


def test_browsers_stay_apart() -> None:
    ids, _ = told([("a.spec.ts", "t", "chromium"), ("a.spec.ts", "t", "firefox")], producer="playwright")
    assert ids == [[one("a.spec.ts", "t", "chromium"), one("a.spec.ts", "t", "firefox")]]


# ---- what changes in every run


def test_a_title_with_a_random_part_is_one_test() -> None:
    ids, _ = told(*([("a.ts", f"saves {uuid}")] for uuid in (U1, U2, U3)))
    assert ids == [[one("a.ts", "saves <uuid>")]] * 3


def test_two_random_titles_of_one_run_are_numbered_in_document_order() -> None:
    ids, _ = told(
        [("a.ts", f"saves {U2}"), ("a.ts", f"saves {U1}")], [("a.ts", f"saves {U3}"), ("a.ts", f"saves {U4}")]
    )
    assert ids == [[one("a.ts", "saves <uuid>"), one("a.ts", "saves <uuid> #2")]] * 2


def test_exact_titles_that_stand_together_and_come_back_keep_their_form() -> None:
    run = [("a.ts", "accepts 2024-01-31T00:00Z"), ("a.ts", "accepts 2024-02-29T00:00Z")]
    ids, _ = told(run, run)
    assert ids == [[one(*case) for case in run]] * 2


def test_one_exact_title_that_comes_back_alone_is_masked() -> None:
    ids, _ = told([("a.ts", f"saves {U1}")], [("a.ts", f"saves {U1}")])
    assert ids == [[one("a.ts", "saves <uuid>")]] * 2


def test_a_recurring_and_a_random_title_of_one_run_never_become_one_test() -> None:
    ids, _ = told([("a.ts", f"saves {U1}")], [("a.ts", f"saves {U2}"), ("a.ts", f"saves {U1}")])
    assert len(set(ids[1])) == 2
    assert ids[0][0] == ids[1][1]


def test_lasting_exact_titles_survive_a_change_of_reporter_options() -> None:
    titles = ["accepts 2024-01-31T00:00Z", "accepts 2024-02-29T00:00Z"]
    ids, _ = told([("", t) for t in titles], *([("a.ts", t) for t in titles],) * 2)
    assert ids == [[one("a.ts", t) for t in titles]] * 3


def test_exact_titles_find_their_own_files_though_their_masks_are_the_same() -> None:
    filed = [("a.ts", "accepts 2024-01-31T00:00Z"), ("b.ts", "accepts 2024-02-29T00:00Z")]
    ids, identity = told([("", "accepts 2024-02-29T00:00Z")], filed)
    assert [test.file for test in ids[0]] == ["b.ts"]
    assert identity.ambiguous == ()


# ---- renamed files


def rename(*pairs: str) -> list[Rename]:
    return [Rename(*pair.split(">"), f"c{number}") for number, pair in enumerate(pairs)]


@pytest.mark.parametrize(
    ("files", "renames", "canonical"),
    [
        ("a b", ["a>b"], "b b"),
        ("a b c", ["a>b", "b>c"], "c c c"),
        ("a b c", ["b>c", "a>b"], "c c c"),
        ("a c", ["a>b", "b>c"], "c c"),  # no report ever came from b
        ("a b", ["a>b", "b>c"], "b b"),  # none from c yet: renamed away from view
        ("a", ["a>b"], "a"),
        ("a b a", ["a>b", "b>a"], "a a a"),  # to and fro
        ("b a b", ["a>b", "b>a"], "b b b"),
        ("a b c b", ["a>b", "b>c", "c>b"], "b b b b"),
        ("a b c", ["a>b", "a>c"], "a b c"),  # two new paths: nobody knows
        ("a b", ["b>a"], "a a"),  # a branch that is not merged yet
        ("ab ab", ["a>b"], "ab ab"),  # a new file in the old place, or two files swapped
        ("ab ab", ["a>b", "b>a"], "ab ab"),
    ],
)
def test_renames_carry_a_test_over(files: str, renames: list[str], canonical: str) -> None:
    runs = [[(file, "t") for file in run] for run in files.split()]
    expected = [[one(file, "t") for file in run] for run in canonical.split()]
    for order in (renames, renames[::-1]):
        assert told(*runs, renames=rename(*order))[0] == expected


def test_a_rename_leaves_alone_the_titles_that_the_new_file_does_not_hold() -> None:
    ids, identity = told([("a", "t"), ("a", "dropped")], [("b", "t")], renames=rename("a>b"))
    assert ids == [[one("b", "t"), one("a", "dropped")], [one("b", "t")]]
    assert identity.renamed == (("a", "b"),)


# ---- aliases


def alias(old: str, new: str, variant: str = "", files: tuple[str, str] = ("", "")) -> Alias:
    return Alias(TestId(files[0], old, variant), TestId(files[1], new, variant))


@pytest.mark.parametrize(
    ("aliases", "now"),
    [
        ([("a", "b")], "b"),
        ([("a", "b"), ("b", "c")], "c"),
        ([("b", "c"), ("a", "b")], "c"),
        ([("x", "y")], "a"),
        ([("a", "a")], "a"),
        ([("a", "b"), ("b", "a")], "a"),
        ([("b", "a"), ("a", "b")], "b"),
        ([("a", "b"), ("a", "c")], "c"),  # the one written last
        ([("a", "b"), ("b", "c"), ("c", "b")], "b"),
    ],
)
def test_aliases_follow_chains_and_in_a_circle_the_last_one_holds(aliases: list[tuple[str, str]], now: str) -> None:
    entries = [alias(*pair) for pair in aliases]
    ids, _ = told([("f.ts", "a", "chromium")], aliases=entries)
    assert ids == [[one("f.ts", now, "chromium")]]
    if {"b"} <= {name for pair in aliases for name in pair} and now != "c":  # the other end of a circle goes with it
        assert told([("f.ts", "b")], aliases=entries)[0] == [[one("f.ts", now)]]


def test_an_alias_without_file_and_variant_keeps_those_of_each_test() -> None:
    ids, _ = told([("f.ts", "old", "chromium"), ("g.ts", "old", "")], aliases=[alias("old", "new")])
    assert ids == [[one("f.ts", "new", "chromium"), one("g.ts", "new")]]


def test_an_alias_that_names_the_file_goes_before_one_for_any() -> None:
    entries = [alias("old", "exact", files=("f.ts", "h.ts")), alias("old", "any")]
    ids, _ = told([("f.ts", "old"), ("g.ts", "old")], aliases=entries)
    assert ids == [[one("h.ts", "exact"), one("g.ts", "any")]]


def test_a_title_with_and_without_a_path_in_one_run_is_numbered_the_same_in_any_order_of_ingest() -> None:
    runs = [[("", f"id {U1}", ""), ("a.ts", f"id {U1}", "")], [("a.ts", f"id {U1}", "")], [("", f"id {U1}", "")]]
    assert told(*runs)[0] == told(*runs, ingest=[1, 2, 0])[0] == told(*runs, ingest=[2, 1, 0])[0]


# ---- properties

FILES = st.sampled_from(["", "a.ts", "b.ts"])
NAMES = st.sampled_from(
    ["t", "x > y", "x › y", f"id {U1}", f"id {U2}", f"id {U3}", "at 2024-01-31T00:00Z", "at 2024-02-29T00:00Z"]
)
CASES = st.tuples(FILES, NAMES, st.sampled_from(["", "v"]))
RUNS = st.lists(st.lists(CASES, min_size=1, max_size=5), min_size=1, max_size=5)


@given(RUNS, st.randoms(use_true_random=False))
def test_the_order_of_ingest_cannot_matter(runs: list[list[Case]], order: random.Random) -> None:
    # A report's document order is in the keys only for titles that are new with it, so each run keeps sorted order.
    runs = [sorted(run) for run in runs]
    ingest = list(range(len(runs)))
    order.shuffle(ingest)
    renames = rename("a.ts>b.ts")
    as_they_came, one_way = told(*runs, renames=renames)
    another_way, other = told(*runs, ingest=ingest, renames=renames)
    assert as_they_came == another_way
    lists = [(found.adopted, found.ambiguous, found.renamed) for found in (one_way, other)]
    assert lists[0] == lists[1]
    pairs = [{(found.former[key], found.ids[key]) for key in found.former} for found in (one_way, other)]
    assert pairs[0] == pairs[1]


@given(RUNS)
def test_two_titles_that_differ_in_a_random_part_are_two_tests_of_a_run(runs: list[list[Case]]) -> None:
    ids, _ = told(*runs)
    for run, names in zip(runs, ids, strict=True):
        random_ones = {
            (case, test) for case, test in zip(run, names, strict=True) if case[0] and case[1].startswith("id")
        }
        assert len({test for _, test in random_ones}) >= len({case for case, _ in random_ones})


TITLES = st.text(alphabet="ab \t\n\u00a0\0>›~.", max_size=9)


@given(st.lists(TITLES, max_size=6), st.lists(st.sampled_from([" > ", " › ", "~", "a", ""]), max_size=3))
def test_titles_folded_together_are_those_folded_one_by_one(names: list[str], separators: list[str]) -> None:
    assert canonical_names(names, separators) == [canonical_name(name, separators) for name in names]


def test_every_white_space_is_known() -> None:
    assert set(_OTHER_SPACES) == {char for char in map(chr, range(sys.maxunicode + 1)) if char.isspace()} - {" "}
    assert canonical_names([f"a{space}b" for space in _OTHER_SPACES]) == ["a b"] * len(_OTHER_SPACES)


@given(st.lists(st.text("0123456789abcfgF-\u00e9\ud800 ", max_size=14), max_size=4))
def test_titles_with_digits_masked_together_are_those_masked_one_by_one(names: list[str]) -> None:
    assert mask_each(names) == [mask(name) for name in names]
    joined = "\0".join(names)
    assert _maybe(joined) == bool(_MAYBE.search(joined))


@given(st.lists(st.sampled_from(["saves", "at 2026-01-31T10:00Z", f"of {U1}", "", "1760000000000", "\0"]), max_size=5))
def test_titles_masked_together_are_those_masked_one_by_one(names: list[str]) -> None:
    assert mask_each(names) == [mask(name) for name in names]
