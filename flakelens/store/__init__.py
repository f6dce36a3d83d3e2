"""The store: runs in an SQLite database. What goes in are `model.RunReports`, what comes out are `facts.Facts`.

with open_store(path, create=True) as store:
    store.write_run(run, ingested_at=now)
    facts = store.read(branch="main", last=300)
"""

from flakelens.store.care import DERIVED, Extent, Room, StoreInfo
from flakelens.store.connection import exists
from flakelens.store.store import Store, open_store
from flakelens.store.sums import Totals
from flakelens.store.texts import StoredMessage
from flakelens.store.verdicts import StoredVerdict, VerdictOutline
from flakelens.store.write import GoneError, IngestedRun

__all__ = [
    "DERIVED",
    "Extent",
    "GoneError",
    "IngestedRun",
    "Room",
    "Store",
    "StoreInfo",
    "StoredMessage",
    "StoredVerdict",
    "Totals",
    "VerdictOutline",
    "exists",
    "open_store",
]
