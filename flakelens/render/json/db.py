"""`flakelens db ... --format json`: one frozen view per verb, `flakelens.db-info/1` and its like."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import msgspec

from flakelens.render.escape import json_text

if TYPE_CHECKING:
    from flakelens.store import Room, StoreInfo


class RoomView(msgspec.Struct, frozen=True, kw_only=True):
    """How much some runs are."""

    runs: int
    results: int
    bytes: int

    @classmethod
    def of(cls, room: Room) -> RoomView:
        """The view of a Room."""
        return cls(runs=room.runs, results=room.results, bytes=room.size)


class PrunableView(RoomView, frozen=True, kw_only=True):
    """What `db prune --keep-days` would take out."""

    keep_days: int


class InfoView(msgspec.Struct, frozen=True, kw_only=True):
    """`db info`. `branches` counts CI runs, "" is an unknown branch; sizes are bytes.

    `table_bytes` (each with its indexes), `free_bytes` and `other_bytes` add up to `size`. The bytes of `by_branch`,
    `by_month` and `prunable` are estimates: a share of what grows with results, by the number of results.
    """

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
    index_bytes: dict[str, int]
    free_bytes: int
    other_bytes: int
    by_branch: dict[str, RoomView]
    by_month: dict[str, RoomView]
    prunable: PrunableView


def info_json(path: str, info: StoreInfo, pruned: int, days: int) -> str:
    """The document of `db info`; `info.before` are the runs older than `days`."""
    old = info.before
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
            index_bytes=dict(info.index_bytes),
            free_bytes=info.free,
            other_bytes=info.other,
            by_branch={name: RoomView.of(room) for name, room in info.by_branch.items()},
            by_month={month: RoomView.of(room) for month, room in info.by_month.items()},
            prunable=PrunableView(runs=old.runs, results=old.results, bytes=old.size, keep_days=days),
        )
    )


def care_json(verb: str, facts: Mapping[str, object]) -> str:
    """The document of the other verbs: what was found, removed or brought."""
    return _indented({"schema": f"flakelens.db-{verb}/1", **facts})


def _indented(document: object) -> str:
    return json_text(msgspec.json.format(msgspec.json.encode(document), indent=2).decode()) + "\n"
