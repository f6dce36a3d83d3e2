"""When the tests that a renamed file or an alias joined began to be called by another name."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import NamedTuple

from flakelens.facts import RunKey
from flakelens.identity import Identity, RunsOf
from flakelens.model import TestId


class Renamed(NamedTuple):
    """A test that reports call by another file or name since a run: by a file's rename, or by a person's alias."""

    test: TestId  # canonical
    old: TestId
    new: TestId
    run: RunKey  # the first counting run under the new name, after the last under the old one


def find_renames(names: Identity, *, runs_of: RunsOf, counting: Mapping[int, RunKey]) -> tuple[Renamed, ...]:
    """The renames that happened on the gated branch, by test.

    `runs_of(keys)` gives the positions of the runs with a result of each test key; `counting` the runs that count, by
    position. A file that was renamed to and fro counts from its last change on.
    """
    if not names.former:
        return ()
    concerned = {names.ids[key] for key in names.former}
    keys = [key for key, test in names.ids.items() if test in concerned]
    forms: dict[TestId, dict[TestId, set[int]]] = defaultdict(lambda: defaultdict(set))
    for key, seen in runs_of(keys).items():
        test = names.ids[key]
        forms[test][names.former.get(key, test)] |= seen & counting.keys()
    found = []
    for test, by_form in forms.items():
        for old, seen_old in by_form.items():
            later = [
                (run, new)
                for new, runs in by_form.items()
                if new != old and seen_old
                for run in runs
                if run > max(seen_old)
            ]
            if later:
                run, new = min(later)
                found.append(Renamed(test, old, new, counting[run]))
    return tuple(sorted(found))
