"""`flakelens db`: care for the database."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from flakelens.cli.app import App, as_of_option, format_option
from flakelens.cli.exit_codes import BAD_DATABASE, DONE
from flakelens.errors import UsageError

if TYPE_CHECKING:
    from flakelens.export import Exported
    from flakelens.lake.export import Put
    from flakelens.store import Store
    from flakelens.store.merge import Merged

PRUNED_DAYS = 90  # `info` says what `prune --keep-days 90` would take out
_FRAMES = ("runs", "tests", "results", "daily")
_AGE = re.compile(r"(\d{1,5})\s*(d|days?|w|weeks?)")


@click.group("db")
def command() -> None:
    """Care for the database: what is in it, is it sound, make it smaller, join it with others."""


@command.command("info")
@format_option("text", "json")
@click.pass_obj
def info(app: App, format_: str) -> int:
    """What is in the database and how much room it takes."""
    with _opened(app, read_only=True) as store:
        found = store.info(app.now() - timedelta(days=PRUNED_DAYS))
        pruned = len(store.pruned_runs())
    if format_ == "json":
        from flakelens.render.json.db import info_json

        click.echo(info_json(str(app.db), found, pruned, PRUNED_DAYS), nl=False)
    else:
        from flakelens.render.text.db import info_text

        text = info_text(str(app.db), found, pruned, days=PRUNED_DAYS, width=app.width, colour=app.colour)
        click.echo(text, nl=False)
    return DONE


@command.command("check")
@format_option("text", "json")
@click.pass_obj
def check(app: App, format_: str) -> int:
    """Read the whole database and name every damage. Exits with 5 if there is any."""
    with _opened(app, read_only=True) as store:
        damage = store.check()
    mend = "flakelens db rebuild mends what can be made again from the facts; else restore a backup."
    _say(app, format_, "check", {"damage": damage}, [*damage, mend] if damage else ["The database is sound."])
    return BAD_DATABASE if damage else DONE


@command.command("merge")
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@format_option("text", "json")
@click.pass_obj
def merge(app: App, files: tuple[str, ...], format_: str) -> int:
    """Bring all that other flakelens databases hold, or lakes (folders of Parquet files). Twice is once."""
    from flakelens.lake import is_lake
    from flakelens.store import exists

    for file in files:
        if not exists(Path(file)) or (Path(file).is_dir() and not is_lake(Path(file))):
            raise UsageError(f"There is no database or lake at {file}.", mend="Check the path; nothing was merged.")
    counts = {"runs": 0, "reports": 0, "verdicts": 0, "skipped": 0}
    with _opened(app, create=True) as store:
        for file in files:
            brought = _merge_lake(Path(file), store) if Path(file).is_dir() else store.merge(file)
            counts = {key: number + getattr(brought, key) for key, number in counts.items()}
    brought_in = [_count(counts[what], what.removesuffix("s")) for what in ("runs", "reports", "verdicts")]
    said = [f"Merged {', '.join(brought_in)} that were not there."]
    if counts["skipped"]:
        said.append(f"Left out {_count(counts['skipped'], 'run')} that this database has pruned.")
    _say(app, format_, "merge", dict(counts), said)
    return DONE


def _merge_lake(folder: Path, store: Store) -> Merged:
    from flakelens.lake.merging import merge

    return merge(folder, store)


@command.command("rebuild")
@format_option("text", "json")
@click.pass_obj
def rebuild(app: App, format_: str) -> int:
    """Make all derived tables again from the facts, and check the result. Exits with 5 if damage remains."""
    with _opened(app) as store:
        store.rebuild()
        damage = store.check()
    _say(app, format_, "rebuild", {"damage": damage}, damage or ["The derived tables were made again from the facts."])
    return BAD_DATABASE if damage else DONE


@command.command("prune")
@click.option("--keep-runs", type=click.IntRange(min=1), metavar="N", help="Keep the newest N runs.")
@click.option(
    "--keep-days",
    type=click.IntRange(1, 99_999),
    metavar="N",
    help="Keep the runs of the last N days. With --keep-runs, a run stays that either keeps.",
)
@click.option(
    "--older-than", metavar="AGE", help="Remove what started before, whatever is kept: 90d, 12w, or an ISO date."
)
@format_option("text", "json")
@click.pass_obj
def prune(app: App, keep_runs: int | None, keep_days: int | None, older_than: str | None, format_: str) -> int:
    """Remove old runs whole. Their sums per test stay; a removed run does not come back by merging.

    The file is packed anew and becomes smaller; while others are reading it, with the next writing after that.
    """
    if keep_runs is None and keep_days is None and not older_than:
        raise UsageError("What may go?", mend="Give --keep-days 90, --keep-runs N, --older-than DATE, or several.")
    since = app.now() - timedelta(days=keep_days) if keep_days else None
    before = _before(older_than, app.now(), app.moment) if older_than else None
    with _opened(app) as store:
        size = app.db.stat().st_size
        removed = store.prune(keep_runs=keep_runs, keep_since=since, older_than=before)
        left = len(store.run_keys())
        packed = store.extent(app.now()).size
    now = app.db.stat().st_size
    freed, later = max(0, size - now), max(0, now - packed)
    said = f"Removed {_count(removed, 'run')}, {left:,} left"
    said += f"; the file is {freed / 1e6:.1f} MB smaller." if freed >= 50_000 else "."
    if later >= 50_000:
        said += (
            f" Somebody is reading the file: it becomes {later / 1e6:.1f} MB smaller with the next writing after that."
        )
    _say(app, format_, "prune", {"removed": removed, "left": left, "freed_bytes": freed, "later_bytes": later}, [said])
    return DONE


@command.command("backup")
@click.argument("file", metavar="FILE")
@format_option("text", "json")
@click.pass_obj
def backup(app: App, file: str, format_: str) -> int:
    """Copy the database, as it is now, to a new FILE; others may go on reading and writing meanwhile."""
    with _opened(app, read_only=True) as store:
        store.backup(file)
    size = Path(file).stat().st_size
    _say(app, format_, "backup", {"file": file, "bytes": size}, [f"Copied to {file} ({size / 1e6:.1f} MB)."])
    return DONE


@command.command("export")
@click.argument("folder", metavar="FOLDER", type=click.Path(path_type=Path, file_okay=False))
@click.option(
    "--parquet",
    is_flag=True,
    help="Parquet instead of CSV, and all facts as a lake (needs the extra flakelens-junit[parquet]).",
)
@click.option(
    "--only",
    type=click.Choice((*_FRAMES, "facts")),
    multiple=True,
    help="Only this frame, or with --parquet the facts; may be repeated.",
)
@as_of_option
@format_option("text", "json")
@click.pass_obj
def export_(app: App, folder: Path, parquet: bool, only: tuple[str, ...], as_of: str | None, format_: str) -> int:
    """Write runs, tests, results and daily rates into FOLDER, as CSV or Parquet. docs/library.md has the columns.

    With --parquet FOLDER becomes a lake besides: all facts, results by bucket and month, which --db takes in place of a
    database. What it holds already is not written again. docs/lake.md has its tables.
    """
    from flakelens.export import export, need_parquet

    if parquet:
        need_parquet()
    elif "facts" in only:
        raise UsageError("The facts are exported as Parquet alone.", mend="Add --parquet.")
    frames = [name for name in _FRAMES if not only or name in only]
    written: tuple[Exported, ...] = ()
    if frames:
        from flakelens import api

        with api.open(
            app.db, policy=app.policy(), decisions=app.decisions(), as_of=app.moment(as_of), checkout=app.folder
        ) as lens:
            written = export({name: getattr(lens, name) for name in frames}, folder, parquet=parquet)
    brought = _export_facts(app, folder) if parquet and (not only or "facts" in only) else None
    told: dict[str, object] = {
        "folder": str(folder),
        "files": [{"name": f.name, "rows": f.rows, "bytes": f.bytes} for f in written],
    }
    said = [f"Wrote {len(written)} {'file' if len(written) == 1 else 'files'} to {app.shown(folder)}:"] * bool(frames)
    said += [f"{file.name}: {_count(file.rows, 'row')}, {file.bytes / 1e3:,.0f} kB" for file in written]
    if brought is not None:
        told["facts"] = brought._asdict()
        said.append(f"{app.shown(folder)} is a lake of {_count(brought.runs, 'run')}; new in it:"
                    f" {_count(brought.results, 'result')}.")  # fmt: skip
    _say(app, format_, "export", told, said)
    return DONE


def _export_facts(app: App, folder: Path) -> Put:
    from flakelens.cli.progress import Bar
    from flakelens.lake.export import export

    with _opened(app, read_only=True) as store, Bar(shown=app.interactive) as bar:
        return export(store, folder, lambda done, of: bar(done, of, "facts"))


def _opened(app: App, *, create: bool = False, read_only: bool = False) -> Store:
    from flakelens.store import open_store

    return open_store(app.db, create=create, read_only=read_only)


def _before(text: str, now: datetime, moment: Callable[[str], datetime]) -> datetime:
    """The moment that --older-than means. Raises UsageError."""
    if found := _AGE.fullmatch(text.strip()):
        days = int(found[1]) * (7 if found[2].startswith("w") else 1)
        return now - timedelta(days=days)  # five digits of weeks stay within what a date can be
    try:
        return moment(text)
    except UsageError:
        raise UsageError(f"{text!r} is neither an age nor a date.", mend="Write 90d, 12w, or 2026-09-01.") from None


def _say(app: App, format_: str, verb: str, facts: dict[str, object], said: list[str]) -> None:
    if format_ == "json":
        from flakelens.render.json.db import care_json

        click.echo(care_json(verb, facts), nl=False)
        return
    from flakelens.render.text.db import care_text

    click.echo(care_text(said, width=app.width), nl=False)


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun if number == 1 else noun + 's'}"
