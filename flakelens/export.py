"""Frames as files: CSV that no spreadsheet takes for formulas, and Parquet where pyarrow is installed.

A file is written beside its place and put there whole: who reads meanwhile has the old one or the new one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from flakelens.errors import UsageError

if TYPE_CHECKING:
    import pandas as pd

# What makes a spreadsheet calculate instead of show (OWASP, CSV injection).
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


class Exported(msgspec.Struct, frozen=True):
    """One file that was written."""

    name: str
    rows: int
    bytes: int


def export(frames: Mapping[str, pd.DataFrame], folder: Path, *, parquet: bool = False) -> tuple[Exported, ...]:
    """Write every frame to a file of its name in `folder`, which is made if it is missing; older files are replaced.

    `parquet` needs pyarrow (see `need_parquet`). Raises UsageError where the folder cannot be written.
    """
    ending, write = (".parquet", _write_parquet) if parquet else (".csv", _write_csv)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return tuple(_put(frame, folder / f"{name}{ending}", write) for name, frame in frames.items())
    except OSError as error:
        raise UsageError(f"{folder} cannot be written: {error.strerror}.", mend="Name a folder that can be.") from None


def _put(frame: pd.DataFrame, path: Path, write: Callable[[pd.DataFrame, Path], None]) -> Exported:
    part = path.with_name(f"{path.name}.part")
    try:
        write(frame, part)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    return Exported(path.name, len(frame), path.stat().st_size)


def _write_csv(frame: pd.DataFrame, path: Path) -> None:
    """UTF-8, comma, moments as ISO 8601 in UTC, what is missing empty."""
    columns = {}
    for name, column in frame.items():
        if column.dtype.kind == "M":
            columns[name] = column.dt.strftime("%Y-%m-%dT%H:%M:%S.%f").str.slice(0, -3) + "Z"
        elif column.dtype == "object":
            columns[name] = column.map(lambda texts: _no_formula("; ".join(texts)))
        elif column.dtype == "category":
            columns[name] = column.astype("str").map(_no_formula, na_action="ignore")
        elif column.dtype == "str":
            columns[name] = column.map(_no_formula, na_action="ignore")
        else:
            columns[name] = column
    frame.assign(**columns).to_csv(  # type: ignore[arg-type]
        path, index=False, encoding="utf-8", lineterminator="\n"
    )


def _no_formula(text: str) -> str:
    """`text` as a spreadsheet shows it: an apostrophe before what it would take for a formula."""
    return f"'{text}" if text.startswith(_FORMULA) else text


def _write_parquet(frame: pd.DataFrame, path: Path) -> None:
    pyarrow, parquet = _pyarrow()
    table = pyarrow.Table.from_pandas(frame, preserve_index=False)
    if "focus" in table.column_names:  # its type must not depend on whether a test has one
        lists = pyarrow.array([list(names) for names in frame["focus"]], pyarrow.list_(pyarrow.string()))
        table = table.set_column(table.column_names.index("focus"), "focus", lists)
    parquet.write_table(table, path, compression="zstd")


def need_parquet() -> None:
    """Raises UsageError where pyarrow is not installed; to be asked before any work is done."""
    _pyarrow()


def _pyarrow() -> tuple[Any, Any]:
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError:
        raise UsageError(
            "Parquet needs pyarrow, which is not installed here.",
            mend="Install the extra flakelens-junit[parquet]: pip install '.[parquet]' in the checkout.",
        ) from None
    return pyarrow, parquet
