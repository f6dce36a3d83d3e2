"""A lake that is not what its commits say: the place is named, and nothing is counted that was not meant."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet

from flakelens.errors import DamagedError, DatabaseError
from flakelens.lake import open_lake
from flakelens.lake.commits import commits
from flakelens.store import open_store
from tests.cli.histories import caller
from tests.lake.lakes import a_batch, a_lake, parts, told
from tests.sync.histories import a_call, a_database


@pytest.fixture
def lake(tmp_path) -> Path:
    return a_lake(tmp_path / "lake", [a_call(n) for n in range(3)])


def read(folder: Path) -> object:
    with open_lake(folder) as opened:
        return told(opened.read())


def rewrite(folder: Path, path: Path, **changed: str | None) -> None:
    """Another value in every row of a part, and the commit told of its size: damage that only reading finds."""
    rows = parquet.ParquetFile(path).read()
    for name, value in changed.items():
        place = rows.column_names.index(name)
        column = pa.array([value] * len(rows)).cast(pa.string()).dictionary_encode()
        rows = rows.set_column(place, name, column)
    parquet.write_table(rows, path, compression="zstd")
    for place in (folder / "facts" / "commit").iterdir():
        commit = json.loads(place.read_text())
        for part in commit["parts"][path.relative_to(folder / "facts").parts[0]]:
            if path.match(part["path"]):
                part["bytes"] = path.stat().st_size
        place.write_text(json.dumps(commit))


def test_a_part_that_no_commit_names_is_not_there(lake):
    """What a call that was killed for good leaves behind: its parts, without a commit."""
    before = read(lake)
    other = a_lake(lake.parent / "other", [a_call(7)])
    shutil.copytree(other / "facts" / "result", lake / "facts" / "result", dirs_exist_ok=True)
    assert read(lake) == before
    (lake / "facts" / "commit" / ".x.json.part").write_text("half a commit")
    assert read(lake) == before
    assert a_batch(lake, [a_call(7)]).write(lake)  # the same call again names them
    with a_database(lake.parent / "a.db", [a_call(n) for n in (0, 1, 2, 7)]) as store:
        assert read(lake) == told(store.read())


def test_a_part_that_two_commits_name_is_counted_once(lake, tmp_path):
    """Two jobs bring the same reports at once, each before it sees the other's commit; their metadata differ."""
    calls = [a_call(5), a_call(5, late=3.0, rename="src/old.test.ts")]
    for call in calls:
        a_batch(lake, [call], looks=False).write(lake)
    named = [part.path for commit in commits(lake) for part in commit.parts.get("result", ())]
    assert len(named) > len(set(named))
    with a_database(tmp_path / "a.db", [*(a_call(n) for n in range(3)), *calls]) as store:
        assert read(lake) == told(store.read())


@pytest.mark.parametrize("table", ["result", "report", "attempt", "test"])
@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (lambda path: path.unlink(), "No such file"),
        (lambda path: path.write_bytes(path.read_bytes()[:-1]), "bytes instead of"),
        (lambda path: path.write_bytes(b"\0" * path.stat().st_size), "Parquet"),
    ],
    ids=["missing", "cut", "zeros"],
)
def test_a_part_that_is_not_what_was_written(lake, table, harm, said):
    (path, *_) = parts(lake, table)
    harm(path)
    with pytest.raises(DamagedError, match=said) as error:
        read(lake)
    assert str(path) in str(error.value)
    assert "again" in error.value.mend


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"outcome": "perhaps"}, "an outcome that means nothing"),
        ({"name": "t9"}, "no commit names the test"),
        ({"report": "f" * 64}, "has not the results that it came with"),
    ],
    ids=["outcome", "test", "report"],
)
def test_results_that_cannot_be(lake, change, said):
    rewrite(lake, parts(lake)[0], **change)
    with pytest.raises(DamagedError, match=said):
        read(lake)


@pytest.mark.parametrize(
    ("table", "change", "said"),
    [
        ("report", {"producer": None}, "is not the part that its commit names"),
        ("attempt", {"event": "eclipse"}, "'eclipse' is not a valid Event"),
        ("report", {"declared": "sworn"}, "'sworn' is not a valid RetryEvidence"),
    ],
    ids=["nothing", "event", "evidence"],
)
def test_values_that_flakelens_never_writes(lake, table, change, said):
    rewrite(lake, parts(lake, table)[0], **change)
    with pytest.raises(DamagedError, match=said):
        read(lake)


def test_a_lost_result_is_not_merged_either(lake, tmp_path):
    rewrite(lake, parts(lake)[0], report="f" * 64)
    from flakelens.lake.merging import merge

    with open_store(tmp_path / "a.db", create=True) as store, pytest.raises(DamagedError, match="results, not"):
        merge(lake, store)


@pytest.mark.parametrize(
    "change",
    [
        lambda said: said | {"schema": "flakelens.lake-commit/2"},
        lambda said: said | {"parts": {"secrets": []}},
        lambda said: said | {"parts": {"report": [{"path": "../../../etc/passwd", "rows": 1, "bytes": 1}]}},
        lambda said: said | {"parts": {"result": [{"path": "/etc/passwd.parquet", "rows": 1, "bytes": 1}]}},
        lambda said: said | {"parts": 7},
        lambda said: [said],
    ],
    ids=["newer", "table", "way out", "absolute", "type", "list"],
)
def test_a_commit_that_is_none(lake, change):
    (place, *_) = (lake / "facts" / "commit").iterdir()
    place.write_text(json.dumps(change(json.loads(place.read_text()))))
    with pytest.raises(DamagedError) as error:
        read(lake)
    assert str(place) in str(error.value)


@pytest.mark.parametrize("said", ['{"schema": "flakelens.lake/2", "buckets": 64}', '{"buckets": 8}', "no json"])
def test_a_lake_of_another_kind_is_left_alone(lake, said):
    (lake / "flakelens-lake.json").write_text(said)
    with pytest.raises(DatabaseError, match="is not that of a lake which this flakelens reads"):
        open_lake(lake, create=True)
    assert (lake / "flakelens-lake.json").read_text() == said


def test_a_folder_that_may_not_be_written(lake, tmp_path, monkeypatch, capsys):
    call = caller(tmp_path, monkeypatch, capsys)
    (tmp_path / "file").write_text("")
    (tmp_path / "junit.xml").write_text('<testsuites><testsuite name="a"><testcase name="b"/></testsuite></testsuites>')
    code, _, err = call("ingest", "--to-parquet", "file", "junit.xml")
    assert (code, "There is no lake at file" in err) == (5, True)
    for path in parts(lake, "attempt"):
        path.unlink()
    (lake / "facts" / "attempt").rmdir()
    (lake / "facts" / "attempt").write_text("in the way")
    with pytest.raises(DatabaseError, match="cannot be written") as error:
        a_batch(lake.parent / "none", [a_call(9)]).write(lake)
    assert "What has landed stays" in error.value.mend
