"""What a gate may look at: scopes cut from one history, with outages, quarantine and acknowledgements applied."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from functools import cached_property

import msgspec
import numpy as np
from msgspec.structs import replace

from flakelens.area_views import area_views
from flakelens.areas import AreaMap, assign, focuses
from flakelens.completeness import AreaView
from flakelens.decisions import Decisions, TestRef
from flakelens.facts import Bools, Int8s, columns, of_tests
from flakelens.gate.criterion import Scope, count_of
from flakelens.gate.moves import find_moved, spans
from flakelens.history import History, Run
from flakelens.model import Event, Outcome, RetryEvidence, TestId
from flakelens.owners import NOBODY, Owners
from flakelens.policy import ALL_AREAS, Policy
from flakelens.rules import area_of_file
from flakelens.stats.disagreement import disagreed
from flakelens.stats.markov import Parameters
from flakelens.stats.outages import Outages, find_outages
from flakelens.stats.probabilities import FitInput, fit_input, fit_to


class Evidence(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """One history and everything that criteria derive from it. Costs are paid when first asked for."""

    history: History
    policy: Policy
    decisions: Decisions
    as_of: datetime
    met_baseline: frozenset[TestId] = frozenset()  # active at the newest MET verdict older than the baseline window
    fitter: Callable[[FitInput], Parameters] = fit_to  # one that remembers saves the work
    owners: Owners = NOBODY  # of the checkout; named beside tests, and no verdict rests on them

    @cached_property
    def areas(self) -> AreaMap:
        """The area of every test."""
        return assign(self.history.tests, self.policy)

    @cached_property
    def focuses(self) -> tuple[tuple[str, ...], ...]:
        """The focuses of every test, by position in `history.tests`."""
        return focuses(self.history.tests, self.policy)

    def owner(self, position: int) -> str:
        """The owners of a test as CODEOWNERS writes them, "@team/web @ada"; "" for none."""
        return self.owners.text_of(self.history.tests[position])

    @cached_property
    def _ids(self) -> list[TestId]:
        return [test.id for test in self.history.tests]

    @cached_property
    def _labels(self) -> list[str]:
        return [label(run) for run in self.history.runs]

    @cached_property
    def _scopes(self) -> dict[str, Scope]:
        return {}

    @cached_property
    def _pools(self) -> dict[tuple[tuple[str, ...], tuple[str, ...]], Scope]:
        return {}

    @cached_property
    def views(self) -> dict[str, AreaView]:
        """The view of each area, `unassigned` included."""
        return area_views(self.history, self.areas.names, self.areas.index, self.area_of, moved=self.moved_in)

    def area_of(self, producer: str, job: str, file: str) -> str:
        """The area that a report or a file belongs to by policy alone; "" where the policy does not say."""
        return area_of_file(producer, job, file, self.policy)

    @cached_property
    def counting(self) -> list[int]:
        """Positions of the runs that count for the gated branch, oldest first."""
        positions: list[int] = np.flatnonzero(self.history.counting).tolist()
        return positions

    @cached_property
    def counted(self) -> Int8s:
        """Outcomes of all tests in the counting runs, (tests, counting runs)."""
        return columns(self.history.whole, self.counting)

    @cached_property
    def outages(self) -> Outages:
        """Outages among the counting runs; positions are those within `counting`."""
        return find_outages(self.counted)

    @cached_property
    def _outage_flags(self) -> tuple[Bools, Bools, Bools]:
        """Confirmed; neither confirmed nor refuted yet; not healed by the run's own reruns. Shapes (runs,)."""
        flags = np.zeros((3, len(self.history.runs)), np.bool_)
        flags[:, self.counting] = self.outages.confirmed, self.outages.open, self.outages.down
        return flags[0], flags[1], flags[2]

    @cached_property
    def retried(self) -> Bools:
        """Where a failure is known to have failed its retry too, because the report records retries. (tests, runs)."""
        tests, runs = len(self.history.tests), len(self.history.runs)
        # A suite's reports are much the same from run to run: what they record of which tests is found once for each.
        alike: dict[tuple[tuple[int, bool], ...], list[int]] = {}
        for place, run in enumerate(self.history.runs):
            kind = tuple(
                (id(report.tests), report.evidence is RetryEvidence.RECORDED)
                for report in run.reports
                if not report.stale
            )
            alike.setdefault(kind, []).append(place)
        found: Bools = np.zeros((tests, runs), np.bool_)
        for places in alike.values():
            recorded = np.zeros(tests, np.bool_)
            for report in self.history.runs[places[0]].reports:
                if not report.stale:
                    recorded[report.tests] = report.evidence is RetryEvidence.RECORDED
            if len(places) == runs:
                found[recorded] = True
            else:
                found[np.flatnonzero(recorded)[:, None], places] = True
        return found

    @cached_property
    def parameters(self) -> Parameters:
        """How often tests of this suite break, are mended and flake, fitted to the counting runs of all areas."""
        counting = self.counting
        return self.fitter(
            fit_input(
                self.counted,
                self.history.commits[counting],
                outage=self.outages.confirmed,
                retries_shown=columns(self.retried, counting),
            )
        )

    @cached_property
    def disagreed(self) -> Bools:
        """Tests that failed and passed on one commit of a pull request of this repository. Shape (tests,)."""
        # A fork's runs are a stranger's word, a laptop's tree is nobody's commit: neither is evidence.
        commits = [
            run.commit if run.event is Event.PULL_REQUEST and run.why_not == "pull request" else ""
            for run in self.history.runs
        ]
        return disagreed(self.history.outcomes, self.history.counting, commits)

    @cached_property
    def quarantined(self) -> Bools:
        """Tests with a quarantine entry that has not expired. Shape (tests,)."""
        result = np.zeros(len(self.history.tests), np.bool_)
        for entry in self.decisions.quarantine:
            if entry.created <= self.as_of < entry.expires:
                result |= self._meant(entry.test)
        return result

    def _meant(self, ref: TestRef) -> Bools:
        """Tests that a decision names; of an empty history none, but booleans still. Shape (tests,)."""
        tests = self.history.tests
        return np.fromiter((ref.matches(test.id) for test in tests), np.bool_, len(tests))

    def quarantine_faults(self, area: str) -> tuple[str, ...]:
        """What is wrong with the quarantine entries of an area, in words."""
        members = self.areas.members(area)
        expired = [entry for entry in self.decisions.quarantine if self.as_of >= entry.expires]
        ids = [self._ids[position] for position in members.tolist()] if expired else []
        faults = [
            f'the quarantine of "{entry.test.name}" has expired'
            for entry in expired
            if any(entry.test.matches(test) for test in ids)
        ]
        active = members[self.views[area].active()]
        used = int(self.quarantined[active].sum())
        share = self.policy.quarantine.areas.get(area, self.policy.quarantine.share)
        if used > share / 100 * len(active) + 1e-9:
            faults.append(f"{count_of(used, 'test')} of {len(active)} in quarantine, {share:g} % at most")
        return tuple(faults)

    def unknown_quarantine(self) -> tuple[str, ...]:
        """Quarantine entries that name no test of this history."""
        return tuple(
            f'the quarantine names "{entry.test.name}", which no run knows'
            for entry in self.decisions.quarantine
            if not any(entry.test.matches(test.id) for test in self.history.tests)
        )

    @cached_property
    def moved(self) -> dict[int, int]:
        """Tests that ceased where the same title and variant began in another file: old position to new."""
        return find_moved(self.history.tests, self.counted)

    @cached_property
    def moved_in(self) -> dict[int, int]:
        """For each moved test the run in which its title began in the other file, as a position in `history.runs`."""
        return {old: self.counting[spans(self.counted, [new])[new][0]] for old, new in self.moved.items()}

    @cached_property
    def acknowledged(self) -> Bools:
        """Tests whose skipping or absence is accounted for: acknowledged by a person, or moved. Shape (tests,)."""
        result = np.zeros(len(self.history.tests), np.bool_)
        for entry in self.decisions.acknowledged:
            result |= self._meant(entry.test)
        result[list(self.moved)] = True
        return result

    def scope(self, area: str) -> Scope:
        """One area as a criterion sees it; made once, because its findings are its cost."""
        if area not in self._scopes:
            self._scopes[area] = self._scope(area, self.views[area], self.quarantine_faults(area))
        return self._scopes[area]

    def pooled(self, areas: Iterable[str], narrowed: Iterable[str] = ()) -> Scope:
        """Several areas (or all) as one, narrowed to tests of one of the focuses if any are named."""
        asked = tuple(areas), tuple(narrowed)
        if asked not in self._pools:
            self._pools[asked] = self._pool(*asked)
        return self._pools[asked]

    def _pool(self, names: tuple[str, ...], narrowed: tuple[str, ...]) -> Scope:
        everything = ALL_AREAS in names
        wanted = [place for place, area in enumerate(self.areas.names) if everything or area in names]
        inside = np.isin(self.areas.index, wanted)
        name = "all" if everything else ", ".join(names)
        if narrowed:
            inside &= np.fromiter((bool(set(narrowed) & set(own)) for own in self.focuses), np.bool_, len(inside))
            name = ", ".join(narrowed) if everything else f"{name} ({', '.join(narrowed)})"
        files = {self.history.tests[test].id.file for test in np.flatnonzero(inside)} if narrowed else set()
        index = np.where(inside, 0, 1).astype(np.int32)

        def area_of(producer: str, job: str, file: str) -> str:
            if narrowed:  # a focus is made of tests: what a job or a new file carries of it nobody knows
                return "" if not file else name if file in files else "other"
            found = self.area_of(producer, job, file)
            return name if everything or found in names else ("" if not found else "other")

        view = area_views(self.history, (name, "other"), index, area_of, moved=self.moved_in)[name]
        if everything and not narrowed:
            view = replace(view, parts=tuple(self.views.values()))
        return self._scope(name, view, ())

    def _scope(self, name: str, view: AreaView, faults: tuple[str, ...]) -> Scope:
        confirmed, suspected, down = self._outage_flags
        tests = view.tests
        ids = tuple(map(self._ids.__getitem__, tests.tolist()))
        return Scope(
            name=name,
            view=view,
            ids=ids,
            outage=confirmed[view.runs],
            down=down[view.runs],
            suspected=suspected[view.runs],
            retried=columns(of_tests(self.retried, tests), view.runs),
            parameters=self.parameters,
            disagreed=self.disagreed[tests],
            quarantined=self.quarantined[tests],
            acknowledged=self.acknowledged[tests],
            baseline=np.fromiter((test in self.met_baseline for test in ids), np.bool_, len(ids))
            if self.met_baseline
            else np.zeros(len(ids), np.bool_),
            quarantine_faults=faults,
            as_of=self.as_of,
            labels=tuple(map(self._labels.__getitem__, view.runs.tolist())),
        )

    def failed_newly_after(self, commit: str) -> tuple[TestId, ...]:
        """Tests that failed in a counting run after the newest run of `commit`, but in none of the 10 runs up to it."""
        positions = [place for place, run in enumerate(self.counting) if self.history.runs[run].commit == commit]
        if not positions:
            return ()
        failed = self.counted == Outcome.FAILED
        newest = positions[-1]
        before = failed[:, max(0, newest - 9) : newest + 1].any(axis=1)
        after = failed[:, newest + 1 :].any(axis=1)
        return tuple(self.history.tests[test].id for test in np.flatnonzero(after & ~before))


def label(run: Run) -> str:
    """How sentences name a run: its number and its commit."""
    return f"run {run.key.run} ({run.commit[:7]})" if run.commit else f"run {run.key.run}"
