"""JUnit XML, as the producers really write it -> ParsedReport.

`read_paths` takes what a user names (files, folders, globs, archives, standard input), `read_bytes` what is already in
memory. Neither raises for what a report contains. `find` and `read_named` are `read_paths` in two steps: which files,
and what is in one.
"""

from flakelens.junit.limits import Limits
from flakelens.junit.reader import DIALECTS, read_bytes
from flakelens.junit.source import Named, find, read_named, read_paths

__all__ = ["DIALECTS", "Limits", "Named", "find", "read_bytes", "read_named", "read_paths"]
