"""Has a repair held? How many clean results in a row it takes to believe so, and what is known by now.

A test that fails with probability p gets through n runs unhurt with probability (1 - p)^n. So n is fixed by the rate of
before, once and for all: asking after every run cannot turn chance into proof, because the only way to "held" is that
none of the first n results failed.
"""

from __future__ import annotations

import math
from enum import StrEnum
from functools import lru_cache

from flakelens.stats.intervals import beta_quantile, incomplete_beta

VERIFY_ERROR = 0.05  # chance that a test still as bad as before passes a verification
VERIFY_QUANTILE = 0.20  # of the old rate's posterior: a verification must not lean on a rate that may be too high


class Repair(StrEnum):
    """What can be said of a repair."""

    HELD = "held"
    AGAIN = "again"  # it failed since
    EARLY = "too-early"
    UNKNOWN = "unknown"  # it never failed before: nothing to hold the results since against


class RateBasis(StrEnum):
    """What the rate before a repair was counted over."""

    FIRST_ATTEMPTS = "first-attempts"  # results whose reports show failed first attempts
    RESULTS = "results"  # results after retries
    BROKEN = "broken"  # the failures on end that the repair ended


def old_rate(failures: int, results: int) -> float:
    """The cautious reading of an old rate: the 20 % quantile of Beta(failures + 1/2, results - failures + 1/2).

    0 <= failures <= results (Jeffreys prior); in (0, 1).
    """
    return beta_quantile(VERIFY_QUANTILE, failures + 0.5, results - failures + 0.5)


def clean_runs_to_verify(failures: int, results: int) -> int:
    """Clean results in a row after which a repair is believed: n = ceil(ln .05 / ln(1 - p)), p the `old_rate`."""
    return _clean_runs(failures, results)


@lru_cache(maxsize=65536)
def believed(failures: int, results: int, clean: int) -> bool:
    """Are `clean` results in a row as many as `clean_runs_to_verify` asks for? By one look at the distribution.

    ceil(ln .05 / ln(1 - p)) <= n   <=>   p >= 1 - .05^(1/n)   <=>   the posterior has at most 20 % below that
    """
    if clean < 1:
        return False
    enough = -math.expm1(math.log(VERIFY_ERROR) / clean)
    return incomplete_beta(failures + 0.5, results - failures + 0.5, enough) <= VERIFY_QUANTILE


@lru_cache(maxsize=65536)
def _clean_runs(failures: int, results: int) -> int:
    rate = old_rate(failures, results)
    return max(1, math.ceil(math.log(VERIFY_ERROR) / math.log1p(-min(rate, 1 - 1e-12))))


def judge_repair(failures: int, results: int, *, clean: int, again: int) -> Repair:
    """`failures` of `results` before the repair; `clean` results and `again` failing ones since.

    Any failure since is AGAIN; without one before nothing can be verified.
    """
    if again:
        return Repair.AGAIN
    if not failures:
        return Repair.UNKNOWN
    return Repair.HELD if clean >= clean_runs_to_verify(failures, results) else Repair.EARLY
