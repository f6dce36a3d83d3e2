"""What tests cost, as programs read it in several documents."""

from __future__ import annotations

import msgspec

from flakelens.stats.price import DAYS, Price, Saving


class PriceView(msgspec.Struct, frozen=True, kw_only=True):
    """What it cost in the 30 days before: see docs/cli.md. `minutes` null: no report says how long it took."""

    days: int
    runs: int
    failed: int
    alone: int
    reruns: int
    minutes: float | None
    timed: int
    pull_request_runs: int
    pull_requests: int


class SavingView(msgspec.Struct, frozen=True, kw_only=True):
    """What a repair would have saved in the 30 days before: runs that failed by it alone. See docs/causes.md."""

    days: int
    runs: int
    reruns: int
    minutes: float | None
    timed: int
    pull_request_runs: int
    pull_requests: int


def price_view(price: Price) -> PriceView:
    """A price as programs read it."""
    return PriceView(
        days=DAYS,
        runs=price.runs,
        failed=price.failed,
        alone=price.alone,
        reruns=price.reruns,
        minutes=price.minutes,
        timed=price.timed,
        pull_request_runs=price.pull_request_runs,
        pull_requests=price.pull_requests,
    )


def saving_view(saved: Saving) -> SavingView:
    """A saving as programs read it."""
    return SavingView(
        days=DAYS,
        runs=saved.runs,
        reruns=saved.reruns,
        minutes=saved.minutes,
        timed=saved.timed,
        pull_request_runs=saved.pull_request_runs,
        pull_requests=saved.pull_requests,
    )
