"""`flakelens db ... --format json`: one frozen view per verb, `flakelens.db-info/1` and its like."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import msgspec

from flakelens.render.escape import json_text

if TYPE_CHECKING:
    from flakelens.store import StoreInfo


class InfoView(msgspec.Struct, frozen=True, kw_only=True):
    """`db info`. `branches` counts runs, "" is an unknown branch; sizes are bytes."""

    schema: str
    path: str
    store_schema: int
    size: int
    runs: int
    first_run: str | None
    last_run: str | None
    pruned_runs: int
    branches: dict[str, int]
    rows: dict[str, int]
    table_bytes: dict[str, int]


def info_json(path: str, info: StoreInfo, pruned: int) -> str:
    """The document of `db info`."""
    return _indented(
        InfoView(
            schema="flakelens.db-info/1",
            path=path,
            store_schema=info.schema,
            size=info.size,
            runs=info.rows["run"],
            first_run=info.first_run.isoformat().replace("+00:00", "Z") if info.first_run else None,
            last_run=info.last_run.isoformat().replace("+00:00", "Z") if info.last_run else None,
            pruned_runs=pruned,
            branches=dict(info.branches),
            rows=dict(info.rows),
            table_bytes=dict(info.table_bytes),
        )
    )


def care_json(verb: str, facts: Mapping[str, object]) -> str:
    """The document of the other verbs: what was found, removed or brought."""
    return _indented({"schema": f"flakelens.db-{verb}/1", **facts})


def _indented(document: object) -> str:
    return json_text(msgspec.json.format(msgspec.json.encode(document), indent=2).decode()) + "\n"
