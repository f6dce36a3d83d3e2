"""The options that say what is known of a run, for every command that brings reports in."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from typing import Any, TypeVar

import click

_Function = TypeVar("_Function", bound=Callable[..., Any])

_OPTIONS = (
    click.option("--provider", metavar="NAME", help="Where the run was made: github, gitlab.."),
    click.option("--run", metavar="ID", help="The run's id; the same id for all its jobs and shards."),
    click.option("--attempt", type=click.IntRange(min=1), metavar="N", help="1, and 2.. for re-runs of the same run."),
    click.option("--commit", metavar="SHA", help="The commit that was tested."),
    click.option("--branch", metavar="NAME", help="Its branch; in a pull request the head branch."),
    click.option("--base-branch", metavar="NAME", help="The branch a pull request wants to enter."),
    click.option("--event", metavar="EVENT", help="push, schedule, merge_queue, manual, pull_request or other."),
    click.option("--job", metavar="NAME", help="The CI job that made these reports."),
    click.option("--shard", metavar="K/N", help="Which part of how many, such as 2/4."),
    click.option(
        "--retries", type=click.Choice(["recorded", "hidden", "none"]), help="What the reports show of retries."
    ),
    click.option("--environment", metavar="NAME", help="For checks after a deployment: production.. Not for CI runs."),
    click.option("--started-at", metavar="TIME", help="When the run started, such as 2026-11-20T18:00Z."),
    click.option("--url", metavar="URL", help="The run's page."),
    click.option("--partial", is_flag=True, help="A filtered run (-t, one file): what is missing was not removed."),
)


def metadata_options(function: _Function) -> _Function:
    """--provider to --partial; their values are what `run_metadata.options` takes."""
    return reduce(lambda inner, option: option(inner), reversed(_OPTIONS), function)
