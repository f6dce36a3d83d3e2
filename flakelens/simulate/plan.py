"""What to simulate, and which plans make no sense."""

from __future__ import annotations

import msgspec

from flakelens.errors import UsageError
from flakelens.model import RetryEvidence

_RUN_LIMIT, _TEST_LIMIT = 10_000, 50_000


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What to simulate. Shares are fractions from 0 to 1."""

    tests: int = 120
    runs: int = 60
    seed: int = 0
    flaky: float = 0.05  # of the tests
    broken: float = 0.02  # of the tests: broken for some commits, once
    outages: float = 0.03  # of the runs
    retries: RetryEvidence = RetryEvidence.RECORDED  # E2E alone is retried; where HIDDEN, every test
    pull_requests: float = 0.0  # of the commits: each is a pull request's, and the others are the main branch's
    pr_broken: float = 0.2  # of the pull requests: they break tests, which stay whole on the main branch
    shards: int = 1  # parts of the E2E job, each with a report of its own

    def check(self, browser_tests: int) -> None:
        """Raises UsageError for a plan that makes no sense; `browser_tests` are what the shards have to share."""
        if not 4 <= self.tests <= _TEST_LIMIT:
            raise UsageError(f"{self.tests} tests cannot be simulated.", mend=f"From 4 to {_TEST_LIMIT:,}.")
        if not 1 <= self.runs <= _RUN_LIMIT:
            raise UsageError(f"{self.runs} runs cannot be simulated.", mend=f"From 1 to {_RUN_LIMIT:,}.")
        for name in ("flaky", "broken", "outages", "pull_requests", "pr_broken"):
            if not 0 <= getattr(self, name) <= 1:
                option = f"--{name.replace('_', '-')}"
                raise UsageError(f"{option} {getattr(self, name):g} is not a share.", mend="Write 0.05 for 5 %.")
        if self.flaky + self.broken > 1:
            raise UsageError("More tests would be flaky or broken than there are.", mend="Lower --flaky or --broken.")
        if not 1 <= self.shards <= browser_tests:
            raise UsageError(
                f"{self.shards} shards cannot share {browser_tests} E2E tests.",
                mend=f"From 1 to {browser_tests} shards, or more --tests: one in five is an E2E test.",
            )
