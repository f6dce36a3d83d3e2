"""What lies where in a lake, and what the columns of its tables mean. docs/lake.md is held to this file by a test.

    FOLDER/flakelens-lake.json                                 marks a lake: its version, how many buckets
    FOLDER/facts/commit/<name>.json                            names the parts that belong to the lake
    FOLDER/facts/<table>/<name>.parquet                        the small tables, a part per commit
    FOLDER/facts/result/bucket=NN/month=YYYY-MM/<name>.parquet the results

A part is named by the hash of its bytes, a commit by the hash of what it says. Tables and columns are those of the
database (docs/database.md) wherever it has them; numbers that mean nothing outside of one database are not there.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from secrets import token_hex
from typing import Any, Final, Literal, NamedTuple

from flakelens.errors import DatabaseError

VERSION: Final = 1
BUCKETS: Final = 64
MARKER: Final = "flakelens-lake.json"
FACTS: Final = "facts"

Kind = Literal["text", "word", "int", "flag", "real", "moment", "texts"]


class Column(NamedTuple):
    """One column: its name, what kind of values it has, and what they mean. A "word" is a text that recurs."""

    name: str
    kind: Kind
    meaning: str

    @property
    def may_miss(self) -> bool:
        """Are there rows without a value? Then its meaning says what that means."""
        return "missing" in self.meaning


_TEST: Final = (
    Column("file", "word", "test file as reported, empty where the report does not say"),
    Column("name", "word", "full title path as reported"),
    Column("variant", "word", "browser, Playwright project, jest displayName, or empty"),
    Column("ordinal", "int", "1; 2, 3.. for further cases of the same id in one report"),
    Column("producer", "word", "of the report: jest, playwright.., unknown"),
)
_RUN: Final = (
    Column("provider", "word", "github, gitlab.., local, or given for metadata given by hand"),
    Column("run", "word", "the provider's id of the pipeline"),
)
_REPORT: Final = Column("report", "word", "SHA-256 of the report's decompressed bytes, hex")
_SINCE: Final = Column("known_since", "moment", "the ingest that brought it; the earliest holds")
_ATTEMPT: Final = Column("attempt", "word", "hash of the metadata record that it came with")

TABLES: Final[dict[str, tuple[Column, ...]]] = {
    "result": (
        *_RUN, _REPORT, *_TEST,
        Column("try", "int", "1, 2.. attempts of the test within the report; count tests where it is 1"),
        Column("status", "word", "of this attempt: passed, failed, errored, skipped"),
        Column("outcome", "word", "of the test in this report, the same for all its attempts: passed, flaky, failed, "
               "skipped"),
        Column("ms", "int", "duration; missing where the report does not say"),
        Column("type", "word", "exception or failure type; missing for none"),
        Column("message", "word", "what the attempt said; missing for nothing"),
    ),
    "attempt": (
        *_RUN, _ATTEMPT,
        Column("number", "int", "attempt of the run as the provider counts"),
        Column("commit_sha", "word", "head commit, empty where unknown"),
        Column("branch", "word", "head branch, empty where unknown"),
        Column("base_branch", "word", "of a pull request"),
        Column("base_commit", "word", "of a pull request"),
        Column("event", "word", "push, schedule, merge_queue, manual, pull_request, other"),
        Column("environment", "word", "empty for CI"),
        Column("started_at", "moment", "missing where not given"),
        Column("url", "text", "of the run at its provider"),
        Column("fork", "flag", "it comes from another repository"),
        Column("dirty", "flag", "the working tree had uncommitted changes"),
        Column("local", "flag", "a laptop's run"),
        _SINCE,
    ),
    "report": (
        *_RUN, _REPORT, _ATTEMPT,
        Column("size", "int", "decompressed bytes"),
        Column("name", "text", "path inside what was given to ingest"),
        Column("job", "word", "CI job, empty where unknown"),
        Column("shard", "word", "2/4, or empty"),
        Column("producer", "word", "jest, playwright.., unknown"),
        Column("declared", "word", "retry evidence declared from outside; missing for nothing declared"),
        Column("shown", "word", "retry evidence that the file itself shows; missing for none"),
        Column("partial", "flag", "a filtered run wrote it: no evidence of absence"),
        Column("damaged", "flag", "truncated, empty or not readable whole"),
        Column("load_failures", "texts", "files or suites that the tool could not load"),
        Column("started_at", "moment", "earliest time stamp in the report; missing where it has none"),
        Column("seconds", "real", "wall time; missing where the report does not say"),
        Column("month", "word", "of the partition that holds its results"),
        Column("results", "int", "how many of its results lie in this commit; missing where the lake had them before"),
        _SINCE,
    ),
    "test": _TEST,
    "test_file": (
        *_TEST,
        Column("kind", "int", "1: the only file of the checkout with this title; 2: first test file of a stack trace"),
        Column("found", "word", "the file that was found"),
        Column("first_seen_at", "moment", "time of the earliest report it goes with. The newest of these holds"),
        _SINCE,
    ),
    "problem": (
        *_RUN, _ATTEMPT,
        Column("report", "word", "as in report; missing if it belongs to no stored report"),
        Column("code", "word", "heading in docs/problems.md"),
        Column("place", "text", "path, archive.zip!member, path:line, or a test's name"),
        Column("message", "text", "what it means and how to mend it"),
        _SINCE,
    ),
    "rename": (
        Column("old", "text", "path before"),
        Column("new", "text", "path after"),
        Column("commit_sha", "word", "the commit that renamed it"),
        _SINCE,
    ),
    "verdict": (
        Column("gate", "word", "name of the gate"),
        Column("as_of", "moment", "the moment it speaks of"),
        Column("recorded_at", "moment", "when it was given"),
        Column("state", "word", "MET, NOT_MET, INCONCLUSIVE"),
        Column("decision", "word", "PROCEED, WAIVED, STOP"),
        Column("commit_sha", "word", "the commit asked for, empty for none"),
        Column("policy", "word", "the policy's text"),
        Column("decisions", "word", "the text of the decisions file"),
        Column("data_sha256", "word", "of the data it rests on"),
        Column("version", "word", "of flakelens"),
        Column("active", "word", "JSON list of [file, name, variant]: the tests that were active then"),
        Column("json", "text", "the verdict as it was given"),
    ),
}  # fmt: skip


def is_lake(folder: Path) -> bool:
    """Is there a lake in this folder?"""
    return (folder / MARKER).is_file()


def lake_of(folder: Path, *, create: bool = False) -> Path:
    """The folder, after looking at its marker; `create` makes a missing one.

    Raises DatabaseError: no lake, one of another version, or a folder that cannot be made or read.
    """
    marker = folder / MARKER
    said = {"schema": f"flakelens.lake/{VERSION}", "buckets": BUCKETS}
    try:
        if create and not marker.is_file():
            folder.mkdir(parents=True, exist_ok=True)
            put(marker, (json.dumps(said) + "\n").encode())
        found = json.loads(marker.read_text(encoding="utf-8"))
    except OSError as error:
        raise DatabaseError(
            f"There is no lake at {folder}: {error.strerror}.",
            mend="flakelens ingest --to-parquet and flakelens db export --parquet make one.",
        ) from None
    except ValueError:
        found = None
    if found != said:
        raise DatabaseError(
            f"{marker} is not that of a lake which this flakelens reads (version {VERSION}, {BUCKETS} buckets).",
            mend="Install a newer flakelens, or export the database again into another folder.",
        )
    return folder


def put(path: Path, data: bytes) -> None:
    """Write `data` whole or not at all; of several writers of one name the last holds. Raises OSError."""
    part = path.with_name(f".{path.name}.{token_hex(6)}.part")
    try:
        with part.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def schema(table: str) -> Any:
    """The Arrow schema of a table."""
    import pyarrow as pa

    kinds = {
        "text": pa.string(),
        "word": pa.dictionary(pa.int32(), pa.string()),
        "int": pa.int64(),
        "flag": pa.bool_(),
        "real": pa.float64(),
        "moment": pa.timestamp("ms", tz="UTC"),
        "texts": pa.list_(pa.string()),
    }
    return pa.schema([(column.name, kinds[column.kind]) for column in TABLES[table]])
