"""Which reported tests are the same test: canonical names, adopted files, aliases.

A history that splits in two when a team changes a reporter option is worthless. Stored ids stay as reported; the
mapping made here is derived at reading, from all reported tests together, so the order of ingest cannot matter.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, TypeAlias

import msgspec

from flakelens.masks import mask_each
from flakelens.model import TestId

if TYPE_CHECKING:
    from flakelens.facts import TestFacts  # numpy: not for those who only want a name folded
    from flakelens.model import Rename

RunsOf: TypeAlias = Callable[[Sequence[int]], Mapping[int, frozenset[int]]]
_Title: TypeAlias = tuple[str, str]  # folded; and without what changes in every run

_BREAK = "\0"  # stands in no report: XML has no such character

# All that `str.split` takes for white space but the plain one: each is looked for by itself, in no time.
_OTHER_SPACES = (
    "\t\n\v\f\r\x1c\x1d\x1e\x1f\x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000"
)

# What reporters put between the parts of a title path: Jest's and Vitest's " > ", Playwright's " › ".
SEPARATORS = (" > ", " › ")


class Alias(msgspec.Struct, frozen=True):
    """A person's word that the test once called `old` is now called `new`.

    Canonical ids; an empty file or variant of `old` matches any, of `new` keeps that of the test.
    """

    old: TestId
    new: TestId


class Identity(msgspec.Struct, frozen=True):
    """The mapping, and what a person should know about how it came to be."""

    ids: dict[int, TestId]  # TestFacts.key -> canonical id
    adopted: tuple[TestId, ...]  # canonical ids of tests whose file came from another run's report
    ambiguous: tuple[str, ...]  # titles that stand in several files, so that file-less reports cannot be matched
    renamed: tuple[tuple[str, str], ...]  # files whose tests were carried over: old path, new path
    former: dict[int, TestId]  # TestFacts.key -> the id it would have without renames and aliases, where that differs


def canonical_name(name: str, separators: Iterable[str] = SEPARATORS) -> str:
    """The full title with separators folded to one space and surrounding or repeated white space removed.

    Dots are never folded: "v1.2" is a title, and two titles that differ in a dot differ. Folding a canonical name again
    changes nothing.
    """
    separators = tuple(separators)
    while True:
        folded = name
        for separator in separators:
            folded = folded.replace(separator, " ")
        folded = " ".join(folded.split())
        if folded == name:
            return name
        name = folded


def canonical_names(names: Sequence[str], separators: Iterable[str] = SEPARATORS) -> list[str]:
    """`canonical_name` of each, all at once: a suite has thousands, and few that are not canonical already."""
    separators = tuple(separators)
    together = given = _BREAK.join(names)
    if together.count(_BREAK) + 1 != len(names) or any(_BREAK in separator for separator in separators):
        return [canonical_name(name, separators) for name in names]
    for separator in separators:
        together = together.replace(separator, " ")
    # Folding once is enough for names that are plainly spaced afterwards, unless folding made a separator anew.
    spaced = f"{_BREAK}{together}{_BREAK}"
    uneven = any(pair in spaced for pair in ("  ", f" {_BREAK}", f"{_BREAK} "))
    plain = not uneven and not any(space in together for space in _OTHER_SPACES)
    plain = plain and not any(separator in together for separator in separators)
    if not plain:
        return [canonical_name(name, separators) for name in names]
    return list(names) if together == given else together.split(_BREAK)


def resolve(
    tests: Sequence[TestFacts],
    *,
    runs_of: RunsOf,
    aliases: Sequence[Alias] = (),
    renames: Sequence[Rename] = (),
    separators: Iterable[str] = (),
) -> Identity:
    """The canonical id of every reported test.

    `runs_of(keys)` gives, for test keys, the positions of the runs in which they have a result; it is asked only for
    the few tests whose titles carry something that changes in every run, or whose files were renamed. `separators` are
    folded besides the shipped ones: a history holds reports from before and after a team chose its own.
    """
    separators = tuple(dict.fromkeys((*separators, *SEPARATORS)))
    exact = canonical_names([test.id.name for test in tests], separators)
    titles = _Titles([test.key for test in tests], exact, mask_each(exact))
    files, renamed = _renamed_files(tests, titles, renames, runs_of)
    files, adopted, ambiguous = _adopted_files(tests, titles, files, runs_of)
    names = _names(tests, titles, files, runs_of)
    before = {
        test.key: test.id if test.id.name == name and test.id.file == file else TestId(file, name, test.id.variant)
        for test, name, file in zip(tests, names.values(), files.values(), strict=True)
    }
    ids = _apply_aliases(before, aliases)
    changed = tests if aliases else [test for test in tests if files[test.key] != test.id.file] if renamed else ()
    return Identity(
        ids=ids,
        adopted=tuple(sorted({ids[key] for key in adopted})),
        ambiguous=tuple(sorted(ambiguous)),
        renamed=tuple(sorted(renamed)),
        former={
            test.key: own
            for test in changed
            if (own := TestId(test.id.file or files[test.key], names[test.key], test.id.variant)) != ids[test.key]
        },
    )


class _Titles(Mapping[int, _Title]):
    """The title of each test key; put together only where somebody asks, for most suites have nothing to match."""

    def __init__(self, keys: Sequence[int], exact: Sequence[str], masked: Sequence[str]) -> None:
        self.keys_ = keys
        self.exact = exact
        self.masked = masked

    @cached_property
    def _known(self) -> dict[int, _Title]:
        return dict(zip(self.keys_, zip(self.exact, self.masked, strict=True), strict=True))

    def __getitem__(self, key: int) -> _Title:
        return self._known[key]

    def __iter__(self) -> Iterator[int]:
        return iter(self.keys_)

    def __len__(self) -> int:
        return len(self.keys_)


def _names(tests: Sequence[TestFacts], titles: _Titles, files: Mapping[int, str], runs_of: RunsOf) -> dict[int, str]:
    """Names with what changes in every run masked, and numbers behind duplicates.

    Two exact names that mask to the same one are different tests if they stand in one run together and each comes
    back, exactly, in another run (`accepts 2024-01-31T00:00Z`): then they keep their exact form. Otherwise they are
    one title with a random part; where several of them stand in one run they are numbered in document order.
    """
    groups: dict[tuple[str, str, str, str], list[TestFacts]] = defaultdict(list)
    names = dict(zip(titles.keys_, titles.masked, strict=True))
    for test in tests:
        if test.ordinal != 1:
            names[test.key] = _numbered(names[test.key], test.ordinal)
    if titles.masked != titles.exact:
        for test, exact, masked in zip(tests, titles.exact, titles.masked, strict=True):
            if masked != exact:
                groups[test.producer, files[test.key], masked, test.id.variant].append(test)
    groups = {key: group for key, group in groups.items() if len(group) > 1}
    runs = runs_of([test.key for group in groups.values() for test in group]) if groups else {}
    for (_, _, masked, _), group in groups.items():
        lasting = _lasting(group, titles, runs)
        passing = [test for test in group if titles[test.key][0] not in lasting]
        for test in group:
            names[test.key] = _numbered(titles[test.key][0], test.ordinal)
        for key, number in _numbers(passing, runs).items():
            names[key] = _numbered(masked, number)
    return names


def _lasting(group: Sequence[TestFacts], titles: Mapping[int, _Title], runs: Mapping[int, frozenset[int]]) -> set[str]:
    """The exact names of the group that stand in a run together with another lasting one."""
    recurring: dict[str, frozenset[int]] = {}
    for test in group:
        exact = titles[test.key][0]
        recurring[exact] = recurring.get(exact, frozenset()) | runs.get(test.key, frozenset())
    recurring = {name: seen for name, seen in recurring.items() if len(seen) > 1}
    in_run: dict[int, set[str]] = defaultdict(set)
    for name, seen in recurring.items():
        for run in seen:
            in_run[run].add(name)
    return {name for together in in_run.values() if len(together) > 1 for name in together}


def _numbers(group: Sequence[TestFacts], runs: Mapping[int, frozenset[int]]) -> dict[int, int]:
    """The smallest number for each that no other test of one of its runs has.

    Keys grow in document order within a report. A title that came back takes its number first: its key tells which of
    its runs was ingested first, not where it stands in the others.
    """
    taken: dict[int, set[int]] = defaultdict(set)
    numbers: dict[int, int] = {}
    for test in sorted(group, key=lambda t: _age(runs.get(t.key, frozenset()), t)):
        seen = runs.get(test.key, frozenset())
        number = 1
        while any(number in taken[run] for run in seen):
            number += 1
        for run in seen:
            taken[run].add(number)
        numbers[test.key] = number
    return numbers


def _age(seen: frozenset[int], test: TestFacts) -> tuple[int, int, str, int]:
    # The path before the key: of a title with and without one that came together, the keys tell only who was first met.
    return min(seen, default=-1), -len(seen), test.id.file, test.key


def _numbered(name: str, ordinal: int) -> str:
    return name if ordinal == 1 else f"{name} #{ordinal}"


def _adopted_files(
    tests: Sequence[TestFacts], titles: Mapping[int, _Title], known: Mapping[int, str], runs_of: RunsOf
) -> tuple[dict[int, str], list[int], set[str]]:
    """Files per test key. A default jest-junit report has none: its tests adopt the one file that others report.

    The exact title decides where other reports hold it, else the title without what changes in every run. A title that
    several files hold, but never two of them in one run, moved from one to the next: it adopts the file that held it
    nearest to its own runs.
    """
    exact: dict[tuple[str, str, str], dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    masked: dict[tuple[str, str, str], dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    if all(known.values()):
        return dict(known), [], set()
    for test in tests:
        if file := known[test.key]:
            title = titles[test.key]
            exact[test.producer, title[0], test.id.variant][file].append(test.key)
            masked[test.producer, title[1], test.id.variant][file].append(test.key)
    homes: dict[int, Mapping[str, list[int]]] = {}
    for test in tests:
        if not known[test.key]:
            title = titles[test.key]
            homes[test.key] = exact.get((test.producer, title[0], test.id.variant)) or masked.get(
                (test.producer, title[1], test.id.variant), {}
            )
    contested = {key: held for key, held in homes.items() if len(held) > 1}
    asked = [*contested, *{k for held in contested.values() for keys in held.values() for k in keys}]
    runs = runs_of(asked) if asked else {}
    files = dict(known)
    adopted: list[int] = []
    ambiguous: set[str] = set()
    for key, held in homes.items():
        file = _nearest(key, held, runs) if len(held) > 1 else next(iter(held), "")
        if file:
            files[key] = file
            adopted.append(key)
        elif held:
            ambiguous.add(titles[key][1])
    return files, adopted, ambiguous


def _nearest(key: int, homes: Mapping[str, Sequence[int]], runs: Mapping[int, frozenset[int]]) -> str:
    """The file whose runs are nearest to those of the test `key`; "" if two files ever held the title in one run."""
    own = runs.get(key, frozenset())
    seen = {file: frozenset().union(*(runs.get(held, frozenset()) for held in keys)) for file, keys in homes.items()}
    together = sum(len(there) for there in seen.values()) > len(frozenset().union(*seen.values()))
    distance = {
        file: min(abs(one - other) for one in own for other in there) for file, there in seen.items() if own and there
    }
    return "" if together else min(distance, key=lambda file: (distance[file], file), default="")


def _renamed_files(
    tests: Sequence[TestFacts], titles: Mapping[int, _Title], renames: Sequence[Rename], runs_of: RunsOf
) -> tuple[dict[int, str], set[tuple[str, str]]]:
    """Files per test key after renames, and the renames that were used.

    Test by test: a test is carried over only if reports hold its title under the new path, and never together with the
    old one (two files that were swapped, or a new file in the old place, hold different tests). A file that was renamed
    to and fro is known by the path that ran last.
    """
    files = {test.key: test.id.file for test in tests}
    if not renames:
        return files, set()
    later = _later_paths(renames)
    concerned = later.keys() | {path for paths in later.values() for path in paths}
    keys: dict[tuple[str, str, str, int], list[int]] = defaultdict(list)
    for test in tests:
        if test.id.file in concerned:
            keys[test.id.file, titles[test.key][1], test.id.variant, test.ordinal].append(test.key)
    runs = runs_of([key for held in keys.values() for key in held]) if keys else {}
    seen = {place: frozenset().union(*(runs.get(key, frozenset()) for key in held)) for place, held in keys.items()}
    used: set[tuple[str, str]] = set()
    for (file, *title), held in keys.items():
        own = seen[file, *title]  # type: ignore[index]
        heirs = [path for path in later.get(file, ()) if (path, *title) in seen]
        if heirs and later[file][0] in later:  # to and fro
            circle = [file, *heirs] if file in later[later[file][0]] else heirs
            newest = max(circle, key=lambda path: (max(seen[path, *title], default=-1), path))  # type: ignore[index]
            heirs = [newest] if newest != file else []
        heir = next((path for path in heirs if not seen[path, *title] & own), None)  # type: ignore[index]
        if heir is not None:
            used.add((file, heir))
            for key in held:
                files[key] = heir
    return files, used


def _later_paths(renames: Sequence[Rename]) -> dict[str, list[str]]:
    """The paths that each renamed file had afterwards, last first. A file with two new paths is left alone."""
    targets: dict[str, set[str]] = defaultdict(set)
    for rename in renames:
        targets[rename.old].add(rename.new)
    step = {old: next(iter(new)) for old, new in targets.items() if len(new) == 1}
    later: dict[str, list[str]] = {}
    for old, new in step.items():
        path, found = new, [old]
        while path not in found:
            found.append(path)
            path = step.get(path, old)
        later[old] = found[:0:-1]
    return later


def _apply_aliases(ids: dict[int, TestId], aliases: Sequence[Alias]) -> dict[int, TestId]:
    """Ids after aliases, following chains. In a circle the alias written last holds: its new name is the test's."""
    if not aliases:
        return ids
    by_name: dict[str, list[tuple[int, Alias]]] = defaultdict(list)
    for number, alias in enumerate(aliases):
        by_name[alias.old.name].append((number, alias))
    return {key: _alias_of(test, by_name) for key, test in ids.items()}


def _alias_of(test: TestId, by_name: Mapping[str, Sequence[tuple[int, Alias]]]) -> TestId:
    path = [test]
    numbers: list[int] = []
    while True:
        fitting = [(number, alias) for number, alias in by_name.get(path[-1].name, ()) if _means(alias.old, path[-1])]
        if not fitting:
            return path[-1]
        # An alias that names file and variant goes before one for any; of equal ones the one written last.
        number, alias = max(fitting, key=lambda found: (bool(found[1].old.file), bool(found[1].old.variant), found[0]))
        new = TestId(alias.new.file or path[-1].file, alias.new.name, alias.new.variant or path[-1].variant)
        numbers.append(number)
        if new in path:
            circle = path.index(new)
            last = max(range(circle, len(numbers)), key=lambda place: numbers[place])
            return path[last + 1] if last + 1 < len(path) else new
        path.append(new)


def _means(ref: TestId, test: TestId) -> bool:
    return ref.name == test.name and ref.file in ("", test.file) and ref.variant in ("", test.variant)
