"""The files of a made-up history: the reports of each run with its run.json, and truth.json."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from flakelens.junit.write import jest_bytes, playwright_bytes
from flakelens.model import CaseResult, RetryEvidence
from flakelens.simulate.events import PullRequest, Timeline
from flakelens.simulate.plan import Plan
from flakelens.simulate.suite import Test

SCHEMA = "flakelens.truth/1"
START = datetime(2026, 1, 5, 6, 0, tzinfo=UTC)  # of the first run: the same bytes for the same seed, on every day
BETWEEN = timedelta(hours=2)
MAIN = "main"

# What truth.json calls the tests whose first attempt failed, by cause.
FIELDS = {
    "flake": "flake",
    "broken": "broken",
    "outage": "outage_failures",
    "pull_request": "pull_request_failures",
}


def write_run(
    plan: Plan,
    place: Path,
    number: int,
    commit: int,
    pull: PullRequest | None,
    tests: Sequence[Test],
    cases: Sequence[tuple[int, CaseResult]],
) -> None:
    """The folder of one run: jest.xml, playwright.xml (or one per shard) and run.json."""
    started = START + number * BETWEEN
    browser = [case for position, case in cases if tests[position].area == "E2E"]
    unit = [case for position, case in cases if tests[position].area != "E2E"]
    (place / "jest.xml").write_bytes(jest_bytes(unit, started_at=started))
    # Jest cannot record: where retries are recorded, its tests are not retried.
    of_jest = RetryEvidence.HIDDEN if plan.retries is RetryEvidence.HIDDEN else RetryEvidence.NONE
    reports = {"jest.xml": {"job": "unit", "retries": str(of_jest)}}
    for shard in range(plan.shards):
        name = "playwright.xml" if plan.shards == 1 else f"playwright-{shard + 1}.xml"
        # Always the same tests in a shard: a runner divides them by their order, which does not change.
        (place / name).write_bytes(playwright_bytes(browser[shard :: plan.shards], started_at=started))
        reports[name] = {"job": "e2e", "retries": str(plan.retries)}
        if plan.shards > 1:
            reports[name]["shard"] = f"{shard + 1}/{plan.shards}"
    run: dict[str, Any] = {
        "provider": "simulated",
        "run": run_id(number),
        "commit": sha_of(plan.seed, commit),
        "branch": pull.branch if pull else MAIN,
        **({"base_branch": MAIN} if pull else {}),
        "event": "pull_request" if pull else "push",
        "started_at": started.isoformat().replace("+00:00", "Z"),
        "reports": reports,
    }
    (place / "run.json").write_bytes(_json(run))


def truth_of_run(
    plan: Plan, number: int, commit: int, pull: PullRequest | None, causes: Sequence[str], *, outage: bool
) -> dict[str, Any]:
    """What truth.json says of one run."""
    return {
        "run": run_id(number),
        "commit": sha_of(plan.seed, commit),
        "pull_request": pull.branch if pull else None,
        "outage": outage,
        **{
            name: [position for position, found in enumerate(causes) if found == cause]
            for cause, name in FIELDS.items()
        },
    }


def write_truth(
    plan: Plan, folder: Path, tests: Sequence[Test], timeline: Timeline, runs: Sequence[dict[str, Any]]
) -> None:
    """truth.json: what really happened."""
    truth = {
        "schema": SCHEMA,
        "plan": {
            "tests": plan.tests,
            "runs": plan.runs,
            "seed": plan.seed,
            "flaky": plan.flaky,
            "broken": plan.broken,
            "outages": plan.outages,
            "retries": str(plan.retries),
            "pull_requests": plan.pull_requests,
            "pr_broken": plan.pr_broken,
            "shards": plan.shards,
        },
        "tests": [
            {
                "file": test.id.file,
                "name": test.id.name,
                "variant": test.id.variant,
                "area": test.area,
                "flake_rate": test.flake_rate,
                "broken": None
                if test.broken is None
                else [sha_of(plan.seed, timeline.main[commit]) for commit in test.broken],
                "slower": None if test.slower is None else {"run": run_id(test.slower[0]), "times": test.slower[1]},
            }
            for test in tests
        ],
        "pull_requests": [
            {
                "branch": pull.branch,
                "commit": sha_of(plan.seed, pull.commit),
                "base_branch": MAIN,
                "base_commit": sha_of(plan.seed, timeline.main[pull.base]),
                "breaks": list(pull.breaks),
            }
            for pull in timeline.pulls.values()
        ],
        "runs": runs,
    }
    (folder / "truth.json").write_bytes(_json(truth))


def run_id(number: int) -> str:
    """The id of a run, counted from 0."""
    return str(number + 1)


def sha_of(seed: int, commit: int) -> str:
    """The name of a commit, counted from 0 over all branches."""
    return hashlib.sha1(f"{seed} {commit}".encode(), usedforsecurity=False).hexdigest()


def _json(document: dict[str, Any]) -> bytes:
    return (json.dumps(document, indent=1, ensure_ascii=True) + "\n").encode()
