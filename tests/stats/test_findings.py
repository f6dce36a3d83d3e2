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


LETTERS = st.text("PPPPPPKFF.S", min_size=RUNS, max_size=RUNS)


@settings(deadline=None, max_examples=100)
@given(
    st.lists(LETTERS, min_size=1, max_size=5),
    st.lists(st.booleans(), min_size=RUNS, max_size=RUNS),
    st.sets(st.integers(0, RUNS - 1), max_size=3),
    st.booleans(),
)
def test_a_state_that_counting_tells_is_that_of_the_whole_finding(
    rows: list[str], new: list[bool], down: set[int], disagreed: bool
) -> None:
    """Also beside reruns of a commit and outages, where only some of the tests can be told by counting."""
    outcomes = matrix(*rows)
    commits = np.cumsum(new).astype(np.int32)
    outage = np.isin(np.arange(RUNS), list(down))
    said = np.full(len(rows), disagreed)
    nobody, everybody = np.zeros(len(rows), np.bool_), np.ones(len(rows), np.bool_)
    posterior = find_posterior(outcomes, commits, outage=outage, disagreed=said)
    findings = find_states(
        outcomes, commits, outage=outage, elsewhere=nobody, gone=nobody, disagreed=said, posterior=posterior
    )
    assert [findings.state(test) for test in range(len(rows))] == [finding.state for finding in findings]
    spelled = findings.spelled(everybody)
    assert not any(findings[test].spells for test in set(range(len(rows))) - set(spelled))


def test_where_every_run_was_an_outage_nothing_is_told() -> None:
    outcomes, commits = matrix("FP", "PP"), np.arange(2, dtype=np.int32)
    down, nobody, said = np.ones(2, np.bool_), np.zeros(2, np.bool_), np.ones(2, np.bool_)
    posterior = find_posterior(outcomes, commits, outage=down, disagreed=said)
    findings = find_states(
        outcomes, commits, outage=down, elsewhere=nobody, gone=nobody, disagreed=said, posterior=posterior
    )
    assert [findings.state(test) for test in (0, 1)] == [finding.state for finding in findings]


def test_findings_are_a_sequence() -> None:
    nobody = np.zeros(len(KINDS), np.bool_)
    findings = find(list(KINDS), elsewhere=nobody, gone=nobody, disagreed=nobody)
    assert len(findings) == len(list(findings)) == len(KINDS)
    assert findings[-1] == findings[len(KINDS) - 1] == findings[2:][-1]
    assert findings[2] is findings[2], "worked out once"
    with pytest.raises(IndexError):
        findings[len(KINDS)]
