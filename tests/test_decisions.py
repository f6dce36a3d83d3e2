"""decisions: what people decided has a person, a reason and a time that means the same everywhere."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flakelens.decisions import Decisions, TestRef, from_canonical, parse
from flakelens.errors import DecisionsError
from flakelens.identity import Alias
from flakelens.model import TestId

WAIVER: dict[str, str] = {
    "gate": "'gate1'", "criterion": "'stable'", "commit": "'1234567'", "by": "'Ann'", "reason": "'fix is in review'",
    "created": "2026-10-01T08:00:00Z", "expires": "2026-10-02T08:00:00Z",
}  # fmt: skip
QUARANTINE: dict[str, str] = {
    "test": "{ name = 'Cart adds', file = 'a.ts' }", "owner": "'Ann'", "reason": "'see 12'",
    "created": "2026-10-01", "expires": "2026-10-15",
}  # fmt: skip


def entry(kind: str, base: dict[str, str], **changed: str | None) -> str:
    lines = [f"{key} = {value}" for key, value in (base | changed).items() if value is not None]
    return f"[[{kind}]]\n" + "\n".join(lines) + "\n"


def test_no_file_is_no_decision() -> None:
    assert parse("") == Decisions()


def test_every_kind_of_entry_is_read() -> None:
    text = (
        entry("waivers", WAIVER)
        + entry("quarantine", QUARANTINE)
        + "[[acknowledged]]\ntest = { name = 'old' }\nby = 'Bo'\nreason = 'feature removed'\ncreated = 2026-10-01\n"
        + "[[aliases]]\nold = { name = 'Cart > add' }\nnew = { name = 'Cart › adds', file = 'a.ts' }\n"
    )
    decisions = parse(text)
    assert decisions.waivers[0].expires == datetime(2026, 10, 2, 8, tzinfo=UTC)
    assert decisions.quarantine[0].created == datetime(2026, 10, 1, tzinfo=UTC)
    assert decisions.acknowledged[0].test == TestRef(name="old")
    assert decisions.identity_aliases() == (Alias(TestId("", "Cart add", ""), TestId("a.ts", "Cart adds", "")),)
    assert from_canonical(decisions.canonical()) == decisions
    assert from_canonical(decisions.canonical()).sha256 == decisions.sha256
    assert parse("# reviewed\n" + text).sha256 == decisions.sha256
    assert parse(entry("waivers", WAIVER)).sha256 != decisions.sha256


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (entry("waivers", WAIVER, by="''"), r"waivers\[0\]: a decision needs a person"),
        (entry("waivers", WAIVER, reason="' '"), r"waivers\[0\]: a decision needs a person"),
        (entry("waivers", WAIVER, reason=None), "waivers.*reason"),
        (entry("waivers", WAIVER) + entry("waivers", WAIVER, commit="'12'"), r"waivers\[1\].commit"),
        (entry("waivers", WAIVER, expires="2026-10-01T08:00:00Z"), "expires is not after created"),
        (entry("waivers", WAIVER, expires="2026-10-01T09:59:00+02:00"), "expires is not after created"),
        (entry("waivers", WAIVER, expires="'soon'"), "waivers.*expires"),
        (entry("waivers", WAIVER, expires="'2026-10-09T08:00:00'"), "waivers.*expires.*timezone"),
        (entry("waivers", WAIVER, untill="2026-10-09"), "waivers.*untill"),
        (entry("waiver", WAIVER), "waiver"),
        (entry("quarantine", QUARANTINE, owner="''"), r"quarantine\[0\]"),
        (entry("quarantine", QUARANTINE, test="'Cart adds'"), "quarantine.*test"),
        (entry("quarantine", QUARANTINE, test="{ file = 'a.ts' }"), "quarantine.*name"),
        ("waivers = 3", "waivers"),
        ("[[", "not valid TOML"),
        ("x = " + "[" * 5000, "not valid TOML"),
        (".".join("a" * 3000) + " = 1", "not valid TOML"),
        ("x = " + "9" * 5000, "not valid TOML"),
    ],
)
def test_a_mistake_is_an_error_that_names_the_entry(text: str, says: str) -> None:
    with pytest.raises(DecisionsError, match=says) as caught:
        parse(text)
    assert str(caught.value).startswith("flakelens-decisions.toml")
    assert caught.value.mend


@pytest.mark.parametrize(
    ("ref", "matches"),
    [
        (TestRef(name="Cart adds"), True),
        (TestRef(name="Cart > adds"), True),
        (TestRef(name="Cart adds", file="a.ts", variant="chromium"), True),
        (TestRef(name="Cart adds", file="b.ts"), False),
        (TestRef(name="Cart adds", variant="firefox"), False),
        (TestRef(name="Cart"), False),
    ],
)
def test_an_empty_file_or_variant_matches_any(ref: TestRef, matches: bool) -> None:
    assert ref.matches(TestId("a.ts", "Cart adds", "chromium")) is matches


EXTREMES = [
    "0001-01-01T00:00:00+23:59",
    "9999-12-31T23:59:59-23:59",
    "2026-10-01",
    "2026-10-01T08:00:00",
    "'2026-10-01T08:00:00Z'",
]


@given(st.sampled_from(EXTREMES), st.sampled_from(EXTREMES))
def test_any_two_times_can_be_compared(created: str, expires: str) -> None:
    try:
        (waiver,) = parse(entry("waivers", WAIVER, created=created, expires=expires)).waivers
    except DecisionsError:
        return
    assert waiver.created < waiver.expires


VALUES: st.SearchStrategy[Any] = st.sampled_from(
    ["1", "-1.5", "nan", "true", "''", "'x'", "2026-10-01", "07:30:00", "[]", "{}", "[[1]]", "[{}]", "{ name = 3 }"]
)


@settings(max_examples=200)
@given(
    st.sampled_from(["waivers", "quarantine", "acknowledged", "aliases"]),
    st.dictionaries(st.sampled_from([*WAIVER, *QUARANTINE, "old", "new", "issue"]), VALUES),
)
def test_a_wrong_type_anywhere_is_a_decisions_error_and_nothing_else(kind: str, changed: dict[str, str]) -> None:
    base = WAIVER if kind == "waivers" else QUARANTINE
    try:
        parse(entry(kind, base, **changed))
    except DecisionsError:
        return


@given(st.text())
def test_any_text_is_decisions_or_a_decisions_error(text: str) -> None:
    try:
        parse(text)
    except DecisionsError:
        return
