"""The runs of the past, from where their artifacts are kept, so that the first verdict comes on the first day."""

from flakelens.backfill.gh import Gh
from flakelens.backfill.github import Backfilled, backfill

__all__ = ["Backfilled", "Gh", "backfill"]
