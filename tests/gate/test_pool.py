"""A pool of areas and focuses: whose is a suite that could not be loaded?

Five runs of one report with all tests; in the sixth it also names a suite that failed to load. The table says of which
pools that is a fault.
"""

from __future__ import annotations

from datetime import timedelta

import pytest

from flakelens.decisions import Decisions
from flakelens.gate.evidence import Evidence
from flakelens.policy import ALL_AREAS
from flakelens.policy_text import parse
from tests.letters import T0, Told

POLICY = parse()
TESTS = {
    **{f"src/api/ai/x{n}.test.ts::t{n}": "P" for n in range(3)},
    **{f"src/components/payment{n}.test.tsx::t{n}": "P" for n in range(3)},
    **{f"src/lib/x{n}.test.ts::t{n}": "P" for n in range(3)},
}

AI, UI, OTHER, NEW_AI = (
    "src/api/ai/x0.test.ts",
    "src/components/payment0.test.tsx",
    "src/lib/x0.test.ts",
    "src/api/ai/new.test.ts",
)
NO_FILE = "Some suite"


@pytest.mark.parametrize(
    ("areas", "focuses", "faulty"),
    [
        # What no rule names may be of any area that the report has.
        (("AI",), (), {AI, NEW_AI, OTHER, NO_FILE}),
        (("components",), (), {UI, OTHER, NO_FILE}),
        (("AI", "components"), (), {AI, NEW_AI, UI, OTHER, NO_FILE}),
        ((ALL_AREAS,), (), {AI, NEW_AI, UI, OTHER, NO_FILE}),
        # A focus is made of the tests that are known: nobody knows whether another file has one of them.
        ((ALL_AREAS,), ("payments",), {UI}),
        (("components",), ("payments",), {UI}),
        (("AI",), ("payments",), set()),
        ((ALL_AREAS,), ("payments", "openai-mocks"), {UI, AI}),
    ],
)
def test_whose_is_a_suite_that_did_not_load(areas: tuple[str, ...], focuses: tuple[str, ...], faulty: set[str]) -> None:
    found = set()
    for suite in (AI, UI, OTHER, NEW_AI, NO_FILE):
        told = Told()
        for _ in range(5):
            told.run(told.report(TESTS))
        told.run(told.report(TESTS, load_failures=(suite,)))
        evidence = Evidence(
            history=told.history(POLICY), policy=POLICY, decisions=Decisions(), as_of=T0 + timedelta(days=9)
        )
        faults = evidence.pooled(areas, focuses).view.faults
        assert not any(faults[:-1])
        if any(faults):
            assert faults[-1] == f"{suite} failed to load"
            found.add(suite)
    assert found == faulty
