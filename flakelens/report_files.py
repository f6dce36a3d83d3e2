"""Where nightly reports go: one folder per night, an overview over all nights, and what is taken away again.

Nothing is ever half there: a night is written beside its place and renamed, a file that is replaced is whole before and
after. Nothing is ever deleted that was not written here: each report.json lists the files that belong to it.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path, PurePosixPath
from tempfile import mkdtemp

import msgspec

from flakelens.errors import UsageError
from flakelens.model import GateState
from flakelens.report.nightly import NightLine, Nightly, Since

DOCUMENT = "report.json"
PAGE = "index.html"
MARKDOWN = "report.md"
SHEET = "sheet.html"
OVERVIEW = "index.html"
_SCHEMA = "flakelens.report/"
_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_TEMPORARY = ".flakelens-"  # beginning of the names of folders that are being written


class _Gate(msgspec.Struct, frozen=True):
    gate: str
    state: GateState


class _Since(msgspec.Struct, frozen=True):
    moment: datetime
    report: bool
    state: GateState | None


class _Written(msgspec.Struct, frozen=True):
    """What an earlier report says of itself; the rest of it is not looked at."""

    schema: str
    as_of: datetime
    files: list[str]
    gate: _Gate
    since: _Since


def last_report(out: Path, day: str, gate: str) -> Since | None:
    """The moment from which the report of `day` tells changes, as far as the reports in `out` know it.

    The report of that day that is there already knows it best, so that writing a night again gives the same; else it
    is the newest report of an earlier day on the same gate.
    """
    again = _read(out / day)
    if again is not None and again.gate.gate == gate:
        return Since(moment=again.since.moment, report=again.since.report, state=again.since.state)
    for earlier in reversed(report_days(out)):
        if earlier < day and (found := _read(out / earlier)) is not None and found.gate.gate == gate:
            return Since(moment=found.as_of, report=True, state=found.gate.state)
    return None


def report_days(out: Path) -> tuple[str, ...]:
    """The days of which a report is in `out`, oldest first."""
    if not out.is_dir():
        return ()
    return tuple(sorted(path.name for path in out.iterdir() if _DAY.fullmatch(path.name) and _read(path)))


def write_night(out: Path, day: str, files: Mapping[str, bytes]) -> Path:
    """Write one night's files (relative names with "/") and return its folder.

    A new night appears whole, by one rename. In a night that is there already each file is replaced, the page last,
    and what the earlier report wrote and this one does not is taken away; other files stay. Raises UsageError where
    the folder cannot be written or is not a folder.
    """
    place = out / day
    try:
        out.mkdir(parents=True, exist_ok=True)
        fresh = Path(mkdtemp(prefix=f"{_TEMPORARY}{day}-", dir=out))
    except OSError as error:
        raise _cannot(out, error) from None
    try:
        for name, data in files.items():
            target = fresh / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data)
        fresh.chmod(0o777 & ~_umask())
        if not place.exists():
            fresh.rename(place)
        else:
            _replace(place, fresh, files)
    except OSError as error:
        raise _cannot(place, error) from None
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    return place


def write_overview(out: Path, page: bytes) -> Path:
    """Write the page over all nights and return its path. Raises UsageError."""
    target = out / OVERVIEW
    fresh = out / f"{_TEMPORARY}{OVERVIEW}"
    try:
        fresh.write_bytes(page)
        fresh.replace(target)
    except OSError as error:
        raise _cannot(target, error) from None
    return target


def remove_older(out: Path, keep: int) -> tuple[str, ...]:
    """Take away all but the newest `keep` reports (at least 1) and return the days that went.

    Only what a report lists as its own goes; a folder in which something else lies stays with that.
    """
    gone = report_days(out)[: -max(1, keep)]
    for day in gone:
        folder = out / day
        written = _read(folder)
        # Its list of files goes last: a removal that was cut short can be taken up again.
        names = [name for name in _own(written.files if written else ()) if name != DOCUMENT]
        _remove(folder, [*names, DOCUMENT])
    return gone


def _replace(place: Path, fresh: Path, files: Mapping[str, bytes]) -> None:
    before = _read(place)
    for name in sorted(files, key=lambda name: (name == PAGE, name == DOCUMENT, name)):
        target = place / name
        target.parent.mkdir(parents=True, exist_ok=True)
        (fresh / name).replace(target)
    _remove(place, [name for name in _own(before.files if before else ()) if name not in files])


def _remove(folder: Path, names: Iterable[str]) -> None:
    for name in names:
        path = folder / name
        if path.is_file() and not path.is_symlink():
            path.unlink()
    for below in sorted((path for path in folder.rglob("*") if path.is_dir()), reverse=True):
        _drop_if_empty(below)
    _drop_if_empty(folder)


def _drop_if_empty(folder: Path) -> None:
    if not folder.is_symlink() and not any(folder.iterdir()):
        folder.rmdir()


def _own(names: Iterable[str]) -> list[str]:
    """Names that lie inside the night's folder: a report.json may have been edited by anybody."""
    inside = (name for name in names if name and not PurePosixPath(name).is_absolute())
    return [name for name in inside if ".." not in PurePosixPath(name).parts and "\\" not in name]


def _read(folder: Path) -> _Written | None:
    """What the report in a folder says of itself; None where there is none of ours."""
    try:
        written = msgspec.json.decode((folder / DOCUMENT).read_bytes(), type=_Written)
    except (OSError, msgspec.MsgspecError):
        return None
    return written if written.schema.startswith(_SCHEMA) else None


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _cannot(path: Path, error: OSError) -> UsageError:
    return UsageError(f"{path} cannot be written: {error.strerror}.", mend="Name another folder with --out.")


def files_of(report: Nightly, *, sheet: bool = False) -> dict[str, bytes]:
    """Everything that one night's folder holds, by name."""
    from flakelens.render.html import nightly_page, sheet_page
    from flakelens.render.json.nightly import nightly_bytes, nightly_json
    from flakelens.render.markdown.nightly import nightly_markdown
    from flakelens.render.nightly_charts import chart_files, draw

    charts = draw(report)
    pictures = chart_files(charts)
    names = [PAGE, MARKDOWN, DOCUMENT, *([SHEET] if sheet else ()), *sorted(pictures)]
    document = nightly_bytes(report, names)
    page = nightly_page(report, document, charts=charts, files=names[1:])
    return {
        PAGE: page,
        MARKDOWN: nightly_markdown(report).encode(),
        DOCUMENT: nightly_json(document).encode(),
        **({SHEET: sheet_page(report)} if sheet else {}),
        **pictures,
    }


def overview_of(out: Path, report: Nightly, nights: Sequence[NightLine]) -> bytes:
    """The page over all nights: those on record, linked where their reports are in `out`."""
    from flakelens.render.html import nights_page

    return nights_page(nights, title=report.gate.verdict.title, folders=frozenset(report_days(out)))
