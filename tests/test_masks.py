"""masks: what changes in every run is replaced, what is the same in every run is left alone."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from flakelens.masks import mask

UUID = "550e8400-e29b-41d4-a716-446655440000"


@pytest.mark.parametrize(
    ("title", "masked"),
    [
        # ids
        (f"saves order {UUID}", "saves order <uuid>"),
        (f"saves order {UUID.upper()}!", "saves order <uuid>!"),
        (f"user_{UUID}_avatar", "user_<uuid>_avatar"),
        (f"a {UUID} b {UUID}", "a <uuid> b <uuid>"),
        # times
        ("at 2026-10-01T12:30:00Z", "at <time>"),
        ("at 2026-10-01T12:30:00.123Z now", "at <time> now"),
        ("at 2026-10-01 12:30", "at <time>"),
        ("at 2026-10-01T12:30:00+02:00.", "at <time>."),
        ("report_2026-10-01T12:30:00Z.csv", "report_<time>.csv"),
        # epoch milliseconds
        ("user1760000000000@example.com", "user<epoch>@example.com"),
        ("user_1760000000000", "user_<epoch>"),
        ("uploads 1760000000000.mp4", "uploads <epoch>.mp4"),
        ("took 1760000000000ms", "took <epoch>ms"),
        # hex
        ("commit 3f2a9c81d7e4b6", "commit <hex>"),
        ("sha_3f2a9c81d7e4b6.png", "sha_<hex>.png"),
        ("tx 0x3f2a9c81d7e4b6", "tx <hex>"),
    ],
)
def test_what_changes_in_every_run_is_masked(title: str, masked: str) -> None:
    assert mask(title) == masked


@pytest.mark.parametrize(
    "title",
    [
        "",
        "adds 1 and 2",
        "formats 2026-10-01",  # a date is a case, not a clock
        "v1.2.3 > works",
        "rounds 0.1760000000000123",
        "rounds 3.1415926535897",
        "rounds 1760000000000.25",
        "accepts account 1234567890123456",
        "spells deadbeefcafe",
        "a port 65535 and a zip 12345678",
        "hashes 3f2a9c8",  # a short hash is too short to be told from a word
        "an almost-uuid 550e8400-e29b-41d4-a716-44665544000",
    ],
)
def test_what_is_the_same_in_every_run_stays(title: str) -> None:
    assert mask(title) == title


PIECES = st.sampled_from(
    [UUID, "2026-10-01T12:30:00Z", "1760000000000", "3f2a9c81d7e4b6", "a", "0", "_", "-", " ", ".", "T", ":", "ff"]
)


@example("G1000000000000A00000000000")
@given(st.one_of(st.text(), st.lists(PIECES, max_size=8).map("".join)))
def test_masking_twice_changes_nothing_more(title: str) -> None:
    assert mask(mask(title)) == mask(title)
