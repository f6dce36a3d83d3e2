"""Which reported tests are the same test: canonical names, adopted files, aliases.

A history that splits in two when a team changes a reporter option is worthless. Stored ids stay as reported; the
mapping made here is derived at reading, from all reported tests together, so the order of ingest cannot matter.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from flakelens.masks import mask
from flakelens.model import TestId

if TYPE_CHECKING:
    from flakelens.facts import RenameFacts, TestFacts  # numpy: not for those who only want a name folded

# What reporters put between the parts of a title path: Jest's and Vitest's " > ", Playwright's " › ".
SEPARATORS = (" > ", " › ")


class Alias(NamedTuple):
    """A person's word that the test once called `old` is now called `new` (canonical ids; file "" matches any)."""

    old: TestId
    new: TestId


class Identity(NamedTuple):
    """The mapping, and what a person should know about how it came to be."""

    ids: dict[int, TestId]  # TestFacts.key -> canonical id
    adopted: tuple[TestId, ...]  # canonical ids of tests whose file came from another run's report
    ambiguous: tuple[str, ...]  # titles that stand in several files, so that file-less reports cannot be matched
    renamed: tuple[tuple[str, str], ...]  # files whose tests were carried over: old path, new path


def canonical_name(name: str, separators: Iterable[str] = SEPARATORS) -> str:
    """The full title with separators folded to one space and surrounding or repeated white space removed.

    Dots are never folded: "v1.2" is a title, and two titles that differ in a dot differ.
    """
    for separator in separators:
        name = name.replace(separator, " ")
    return " ".join(name.split())


def resolve(
    tests: Sequence[TestFacts],
    *,
    runs_of: Callable[[Sequence[int]], Mapping[int, frozenset[int]]],
    aliases: Sequence[Alias] = (),
    renames: Sequence[RenameFacts] = (),
    separators: Iterable[str] = SEPARATORS,
) -> Identity:
    """The canonical id of every reported test.

    `runs_of(keys)` gives, for test keys, the positions of the runs in which they have a result; it is asked only for
    the few tests whose titles carry something that changes in every run.
    """
    separators = tuple(separators)
    folded = {test.key: canonical_name(test.id.name, separators) for test in tests}
    names = _masked_names(tests, folded, runs_of)
    files, adopted_keys, ambiguous = _adopted_files(tests, names)
    moved = _final_paths(renames)
    ids: dict[int, TestId] = {}
    used: set[tuple[str, str]] = set()
    known_files = {test.id.file for test in tests}
    for test in tests:
        file = files[test.key]
        target = moved.get(file)
        # A rename is applied only if reports really use the new path; otherwise it was renamed away from view.
        if target is not None and target in known_files:
            used.add((file, target))
            file = target
        ids[test.key] = TestId(file, names[test.key], test.id.variant)
    ids = _apply_aliases(ids, aliases)
    return Identity(
        ids=ids,
        adopted=tuple(sorted({ids[key] for key in adopted_keys})),
        ambiguous=tuple(sorted(ambiguous)),
        renamed=tuple(sorted(used)),
    )


def _masked_names(
    tests: Sequence[TestFacts],
    folded: Mapping[int, str],
    runs_of: Callable[[Sequence[int]], Mapping[int, frozenset[int]]],
) -> dict[int, str]:
    """Names with what changes in every run masked, and numbers behind duplicates.

    Two exact names that mask to the same one are different tests if they stand in one run together and each comes
    back, exactly, in another run (`accepts 2024-01-31T00:00Z`): then they keep their exact form. Otherwise they are
    one title with a random part; where several of them stand in one run they are numbered in document order.
    """
    groups: dict[tuple[str, str, str, str], list[TestFacts]] = defaultdict(list)
    names: dict[int, str] = {}
    for test in tests:
        masked = mask(folded[test.key])
        names[test.key] = _numbered(masked, test.ordinal)
        if masked != folded[test.key]:
            groups[test.producer, test.id.file, masked, test.id.variant].append(test)
    asked = [test.key for group in groups.values() if len(group) > 1 for test in group]
    runs = runs_of(asked) if asked else {}
    for (_, _, masked, _), group in groups.items():
        if len(group) == 1:
            continue
        exact = _lasting(group, folded, runs)
        rank: dict[int, int] = defaultdict(int)
        # Keys grow in document order within a report, and a random title has its first result in one run only.
        for test in sorted(group, key=lambda t: t.key):
            if folded[test.key] in exact:
                names[test.key] = _numbered(folded[test.key], test.ordinal)
                continue
            first = min(runs.get(test.key, frozenset()), default=-1)
            rank[first] += 1
            names[test.key] = _numbered(masked, rank[first])
    return names


def _lasting(group: Sequence[TestFacts], folded: Mapping[int, str], runs: Mapping[int, frozenset[int]]) -> set[str]:
    """The exact names of the group that stand in a run together with another lasting one."""
    recurring: dict[str, frozenset[int]] = {}
    for test in group:
        if test.ordinal == 1:
            seen = runs.get(test.key, frozenset())
            recurring[folded[test.key]] = recurring.get(folded[test.key], frozenset()) | seen
    recurring = {name: seen for name, seen in recurring.items() if len(seen) > 1}
    in_run: dict[int, set[str]] = defaultdict(set)
    for name, seen in recurring.items():
        for run in seen:
            in_run[run].add(name)
    return {name for together in in_run.values() if len(together) > 1 for name in together}


def _numbered(name: str, ordinal: int) -> str:
    return name if ordinal == 1 else f"{name} #{ordinal}"


def _adopted_files(tests: Sequence[TestFacts], names: Mapping[int, str]) -> tuple[dict[int, str], list[int], set[str]]:
    """Files per test key. A default jest-junit report has none: its tests adopt the one file that others report."""
    homes: dict[tuple[str, str, str], set[str]] = defaultdict(set)
    for test in tests:
        if test.id.file:
            homes[test.producer, _unnumbered(names[test.key], test.ordinal), test.id.variant].add(test.id.file)
    files: dict[int, str] = {}
    adopted: list[int] = []
    ambiguous: set[str] = set()
    for test in tests:
        files[test.key] = test.id.file
        if test.id.file:
            continue
        title = _unnumbered(names[test.key], test.ordinal)
        candidates = homes.get((test.producer, title, test.id.variant), set())
        if len(candidates) == 1:
            files[test.key] = next(iter(candidates))
            adopted.append(test.key)
        elif candidates:
            ambiguous.add(title)
    return files, adopted, ambiguous


def _unnumbered(name: str, ordinal: int) -> str:
    return name if ordinal == 1 else name.removesuffix(f" #{ordinal}")


def _final_paths(renames: Sequence[RenameFacts]) -> dict[str, str]:
    """Where each renamed file ended up, following chains; a path that was renamed to and fro is left alone."""
    step = {rename.old: rename.new for rename in renames}
    final: dict[str, str] = {}
    for old in step:
        seen = {old}
        path = old
        while path in step and step[path] not in seen:
            path = step[path]
            seen.add(path)
        if path not in step:
            final[old] = path
    return final


def _apply_aliases(ids: dict[int, TestId], aliases: Sequence[Alias]) -> dict[int, TestId]:
    if not aliases:
        return ids
    exact = {alias.old: alias.new for alias in aliases if alias.old.file}
    anywhere = {(alias.old.name, alias.old.variant): alias.new for alias in aliases if not alias.old.file}
    result = {}
    for key, old in ids.items():
        test, seen = old, {old}
        while (new := exact.get(test) or anywhere.get((test.name, test.variant))) is not None and new not in seen:
            test = new
            seen.add(test)
        result[key] = test
    return result
