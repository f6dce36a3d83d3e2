"""What failures cost and repairs save, in sentences."""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil

from flakelens.gate.criterion import count_of
from flakelens.stats.price import DAYS, Price, Saving

PRICE = f"Its price in {DAYS} days"


def price(cost: Price) -> tuple[str, ...]:
    """What a test cost, in sentences; none when no run failed with it."""
    if not cost.failed:
        return ()
    runs = f"{cost.failed} of {count_of(cost.runs, 'run')} failed with it"
    if cost.alone == cost.failed:
        lines = [f"{runs}, and nothing else failed there"]
    elif cost.alone:
        lines = [f"{runs}, {cost.alone} of them with nothing else"]
    else:
        lines = [f"{runs}, always beside other failures"]
    if cost.reruns:
        lines.append(f"{count_of(cost.reruns, 're-run attempt')} after such a failure")
    if cost.minutes is None:
        lines.append("how long these runs took is not in the reports")
    else:
        of = "" if cost.timed == cost.failed else f" ({cost.timed} of these runs: the others' reports do not say)"
        took = f"{cost.minutes:,.1f} minutes" if cost.minutes >= 1 else count_of(ceil(cost.minutes * 60), "second")
        lines.append(f"test time lost: {took}{of}")
    if cost.pull_request_runs:
        pulls = count_of(cost.pull_requests, "pull request")
        lines.append(f"{count_of(cost.pull_request_runs, 'run')} of {pulls} blocked")
    return tuple(lines)


def cost(price: Price) -> str:
    """What a cause cost, in one line: "cost 7 red runs (5 by it alone), 6 re-runs.. in 30 days"; "" for nothing."""
    if not price.failed:
        return ""
    alone = "" if price.alone == price.failed else f" ({price.alone or 'none'} by it alone)"
    parts = [f"{count_of(price.failed, 'red run')}{alone}", *_waste(price)]
    return f"cost {', '.join(parts)} in {DAYS} days"


def saving(saved: Saving, verb: str = "saves") -> str:
    """What a repair saves, in one line: "saves 9 red runs, 14 re-runs, 6.2 runner hours.. in 30 days"."""
    if not saved.runs:
        return f"{verb} no run of the last {DAYS} days: none failed by this alone"
    return f"{verb} {', '.join((count_of(saved.runs, 'red run'), *_waste(saved)))} in {DAYS} days"


def _waste(lost: Price | Saving) -> Iterator[str]:
    if lost.reruns:
        yield count_of(lost.reruns, "re-run")
    if lost.minutes:
        least = "" if lost.timed == (lost.failed if isinstance(lost, Price) else lost.runs) else "at least "
        yield f"{least}{runner_time(lost.minutes)}"
    if lost.pull_requests:
        yield count_of(lost.pull_requests, "blocked pull request")


def runner_time(minutes: float) -> str:
    """How long runners worked: "6.2 runner hours", "35 runner minutes", "12 runner seconds"."""
    if minutes >= 90:
        return f"{minutes / 60:,.1f} runner hours"
    return count_of(round(minutes), "runner minute") if minutes >= 1 else count_of(ceil(minutes * 60), "runner second")
