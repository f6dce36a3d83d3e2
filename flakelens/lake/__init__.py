"""The lake: stored facts as Parquet files in a folder that many machines write to and read from. docs/lake.md.

Names follow content and only what a commit names is read, so that work done twice counts once. form: what lies where;
batch, parts, commits: calls of `Store.write_run` in, one commit out; store, calls, buckets: the store's own answers,
results from the lake; workers: Dask; bringing: reports on workers; export, merging: a database to a lake and back.
pyarrow and dask are imported when they are needed.
"""

from flakelens.lake.form import is_lake
from flakelens.lake.store import open_lake

__all__ = ["is_lake", "open_lake"]
