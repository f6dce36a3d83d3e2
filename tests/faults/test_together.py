"""Eight processes that ingest into one database at once, and two that read it meanwhile."""

from __future__ import annotations

import re

from tests.faults.calls import faults


def test_eight_writers_lose_nothing_and_are_shown_no_error() -> None:
    said = faults("together", 3)
    runs, reads = (int(re.search(rf"([\d,]+)  {what}", said)[1].replace(",", "")) for what in ("runs written", "reads"))  # type: ignore[index]
    assert runs >= 8
    assert reads >= 2
