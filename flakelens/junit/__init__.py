"""JUnit XML, as the producers really write it -> ParsedReport.

`read_paths` takes what a user names (files, folders, globs, archives, standard input), `read_bytes` what is already in
memory. Neither raises for what a report contains.
"""

from flakelens.junit.limits import Limits
from flakelens.junit.reader import DIALECTS, read_bytes
from flakelens.junit.source import read_paths

__all__ = ["DIALECTS", "Limits", "read_bytes", "read_paths"]
