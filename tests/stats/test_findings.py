"""stats.findings: what is told of all tests at once, beside what each of them says by itself."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flakelens.facts import Bools
from flakelens.stats.findings import Findings, find_states
from flakelens.stats.probabilities import find_posterior
from flakelens.stats.states import TestState
from tests.letters import matrix

RUNS = 30
KINDS = ("P" * RUNS, "." * RUNS, "P" * 26 + "FFFF", "PPPPK" * 6, "PF" + "P" * 28, "S" * RUNS, "." * 25 + "P" * 5)


def find(rows: list[str], *, elsewhere: Bools, gone: Bools, disagreed: Bools) -> Findings:
    outcomes = matrix(*rows)
    commits = np.arange(RUNS, dtype=np.int32)
    outage = np.zeros(RUNS, np.bool_)
    posterior = find_posterior(outcomes, commits, outage=outage, disagreed=disagreed)
    return find_states(
        outcomes, commits, outage=outage, elsewhere=elsewhere, gone=gone, disagreed=disagreed, posterior=posterior
    )


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(st.sampled_from(KINDS), *[st.booleans()] * 4), min_size=1, max_size=12))
def test_states_counted_in_one_go_are_those_of_the_tests_one_by_one(
    suite: list[tuple[str, bool, bool, bool, bool]],
) -> None:
    rows, *flags = zip(*suite, strict=True)
    elsewhere, gone, disagreed, asked = (np.array(flag, np.bool_) for flag in flags)
    findings = find(list(rows), elsewhere=elsewhere, gone=gone, disagreed=disagreed)
    states = [finding.state for finding in findings]
    assert findings.by_state(asked) == Counter(state for state, wanted in zip(states, asked, strict=True) if wanted)
    assert list(findings.by_state(asked)) == sorted(findings.by_state(asked))
    for state in (TestState.FLAKY, TestState.BROKEN):
        assert findings.being(state, asked) == [test for test in np.flatnonzero(asked) if states[test] is state]
    calm = set(range(len(rows))) - set(findings.troubled(np.ones(len(rows), np.bool_)))
    assert not any(findings[test].spells or findings[test].evidence for test in calm)


def test_findings_are_a_sequence() -> None:
    nobody = np.zeros(len(KINDS), np.bool_)
    findings = find(list(KINDS), elsewhere=nobody, gone=nobody, disagreed=nobody)
    assert len(findings) == len(list(findings)) == len(KINDS)
    assert findings[-1] == findings[len(KINDS) - 1] == findings[2:][-1]
    assert findings[2] is findings[2], "worked out once"
    with pytest.raises(IndexError):
        findings[len(KINDS)]
