"""flakelens as a library: a database opened for reading, its frames, statistics and charts.

import flakelens

with flakelens.open("flakelens.db") as lens:
    lens.daily, lens.tests        # pandas frames
    lens.verdict().verdict.state  # what `flakelens gate` says
    lens.rate_chart(area="E2E")   # shows itself in a notebook; .save("e2e.svg")
"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Self

import msgspec

from flakelens.decisions import Decisions
from flakelens.errors import UsageError
from flakelens.owners import NOBODY, Owners
from flakelens.policy import Policy

if TYPE_CHECKING:
    from collections.abc import Collection
    from types import TracebackType

    import pandas as pd
    from matplotlib.figure import Figure

    from flakelens.analyze.show import Found
    from flakelens.gate.evidence import Evidence
    from flakelens.render.charts import ThemeName
    from flakelens.report import AreaLine, GateReport, ShowReport, TestsReport
    from flakelens.report.causes import CausesReport, PlanReport
    from flakelens.report.events import EventsReport
    from flakelens.store import Store

FIRST_GATE = "gate1"


def open(  # noqa: A001 - it opens as the built-in does
    db: str | Path,
    *,
    policy: str | Path | Policy | None = None,
    decisions: str | Path | Decisions | None = None,
    as_of: datetime | None = None,
    environment: str = "",
    checkout: str | Path | None = None,
) -> Lens:
    """Open the database `db` for reading, or the lake in the folder `db`; use the result as a context manager.

    `policy`, `decisions`: a file each, or what was parsed from one; None is the shipped policy, and no decisions. No
    folder is searched, unlike on the command line. `as_of`: the moment from which everything is seen (UTC where it has
    no zone; None: now). `environment`: whose runs the frames hold; "" for those of CI. `checkout`: a folder in a
    checkout whose CODEOWNERS says who owns tests; None: nobody does.

    Raises DatabaseError (missing, damaged, not ours, made by a newer flakelens), PolicyError, DecisionsError.
    """
    from flakelens import policy_text
    from flakelens.rule_files import read_decisions, read_policy

    if policy is None:
        policy = policy_text.parse()
    elif not isinstance(policy, Policy):
        policy = read_policy(Path(policy))
    if decisions is None:
        decisions = Decisions()
    elif not isinstance(decisions, Decisions):
        decisions = read_decisions(Path(decisions))
    moment = as_of or datetime.now(UTC)
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    owners = NOBODY
    if checkout is not None:
        from flakelens.checkout import Checkout

        found = Checkout.find(Path(checkout))
        owners = found.owners() if found else NOBODY
    return Lens(_opened(Path(db)), policy, decisions, moment, environment, owners)


def _opened(db: Path) -> Store:
    if db.is_dir():
        from flakelens.lake import open_lake

        return open_lake(db)
    from flakelens.store import open_store

    return open_store(db, read_only=True)


class Lens:
    """An open database seen under one policy at one moment; made by `flakelens.open`. For one thread.

    Frames are made when first asked for and kept; what a caller changes in one, it changes for itself. Every method
    may raise DatabaseError, and UsageError once it is closed.
    """

    def __init__(
        self,
        store: Store,
        policy: Policy,
        decisions: Decisions,
        as_of: datetime,
        environment: str = "",
        owners: Owners = NOBODY,
    ) -> None:
        self._opened: Store | None = store
        self.policy = policy
        self.decisions = decisions
        self.as_of = as_of
        self.environment = environment
        self.owners = owners

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the database. Twice does no harm; frames that were made stay."""
        if self._opened is not None:
            self._opened.close()
        self._opened = None

    # --- frames: columns and dtypes in docs/library.md ---

    @cached_property
    def runs(self) -> pd.DataFrame:
        """Every run of the environment, of any branch and event, in the order of the history."""
        from flakelens.frames import runs_frame

        return runs_frame(self._everything)

    @cached_property
    def tests(self) -> pd.DataFrame:
        """Every test of the newest 300 runs with its state and rates, most urgent first: as `flakelens tests`."""
        from flakelens.frames import tests_frame
        from flakelens.policy import UNASSIGNED

        return tests_frame(self.states(), (*self.policy.area_names(), UNASSIGNED))

    @cached_property
    def results(self) -> pd.DataFrame:
        """Every result: one row per run and test."""
        from flakelens.frames import results_frame

        return results_frame(self._store, self._everything)

    @cached_property
    def daily(self) -> pd.DataFrame:
        """Per day and area the rates of the runs that count for the gated branch, with intervals over runs."""
        from flakelens.frames import daily_frame

        return daily_frame(self._everything)

    # --- statistics: what the commands of the same names say ---

    def states(
        self, *, area: Collection[str] = (), focus: Collection[str] = (), state: Collection[str] = ()
    ) -> TestsReport:
        """The tests with their states and rates, most urgent first; of some areas, focuses and states only.

        Raises UsageError for a name that does not exist.
        """
        from flakelens.analyze.causes import causes_of_tests
        from flakelens.analyze.tests import tests_report

        return tests_report(
            self._store,
            self.policy,
            self.decisions,
            as_of=self.as_of,
            area=area,
            focus=focus,
            state=state,
            owners=self.owners,
            causes_of=causes_of_tests,
        )

    def verdict(self, gate: str = FIRST_GATE) -> GateReport:
        """Is the gate met? Judged now, not recorded. Raises UsageError for a gate that the policy does not define."""
        from flakelens.analyze.gate import judge_gate

        return judge_gate(self._store, self.policy, self.decisions, gate, as_of=self.as_of).report

    def rates(self, gate: str = FIRST_GATE) -> tuple[AreaLine, ...]:
        """Each area over its newest 30 runs: the table below a verdict."""
        return self.verdict(gate).areas

    def show(self, test: str) -> ShowReport:
        """All about one test, by its name or a part that only it contains. Raises UsageError for none or several."""
        from flakelens.analyze.show import page_of

        return page_of(self._store, self._found(test))

    def events(self, *, area: Collection[str] = (), kind: Collection[str] = (), since: str = "") -> EventsReport:
        """What happened to tests in the newest 300 runs, newest first: regressed, fixed, new, gone.. with its commits.

        `since`: a date or time, a run, a commit, or "7d". Raises UsageError for a name that does not exist.
        """
        from flakelens.analyze.events import events_report

        return events_report(
            self._store, self.policy, self.decisions, as_of=self.as_of, area=area, kind=kind, since=since
        )

    def causes(self, *, area: Collection[str] = (), focus: Collection[str] = ()) -> CausesReport:
        """What makes tests fail: tests that fail together, what they say, and where they strike."""
        from flakelens.analyze.causes import causes_report
        from flakelens.analyze.filters import Filter

        return causes_report(
            self._store,
            self.policy,
            self.decisions,
            as_of=self.as_of,
            asked=Filter(area=area, focus=focus),
            owners=self.owners,
        )

    def plan(self, gate: str = FIRST_GATE) -> PlanReport:
        """The fewest causes whose repair meets the gate's pass rate. Raises UsageError for a gate without one."""
        from flakelens.plan import plan_report

        return plan_report(self._store, self.policy, self.decisions, gate, as_of=self.as_of, owners=self.owners)

    # --- charts ---

    def rate_chart(
        self, *, area: str = "", focus: str = "", gate: str = FIRST_GATE, theme: ThemeName = "light", width: int = 720
    ) -> Chart:
        """Pass rate and first-attempt rate over the newest 300 runs: of an area, a focus, or (neither) every test.

        `gate`: whose thresholds and changes of policy are marked. Raises UsageError for a name that does not exist.
        """
        from flakelens.analyze.filters import known_names
        from flakelens.analyze.gate import gate_policy
        from flakelens.analyze.trends import rate_series
        from flakelens.analyze.verdict_trends import policy_changes, verdicts_of
        from flakelens.policy import UNASSIGNED
        from flakelens.render.charts import rate_chart

        known_names([area] if area else [], (*self.policy.area_names(), UNASSIGNED), "area")
        known_names([focus] if focus else [], tuple(rule.name for rule in self.policy.focuses), "focus")
        series = rate_series(
            self._newest,
            area=area,
            focus=focus,
            gate=gate_policy(self.policy, gate),
            policy_changes=policy_changes(verdicts_of(self._store, gate)),
        )
        return Chart(rate_chart(series, theme=theme, width=width))

    def verdict_chart(self, gate: str = FIRST_GATE, *, theme: ThemeName = "light", width: int = 720) -> Chart:
        """The recorded verdicts of a gate by day, and what they saw beside what was asked."""
        from flakelens.analyze.verdict_trends import verdict_series, verdicts_of
        from flakelens.render.charts import verdict_chart

        series = verdict_series(gate, verdicts_of(self._store, gate))
        return Chart(verdict_chart(series, theme=theme, width=width))

    def strip_chart(self, test: str, *, theme: ThemeName = "light", width: int = 720) -> Chart:
        """One test's results run by run, and how likely it was flaky or broken after each. `test` as for `show`."""
        from flakelens.analyze.trends_of_test import series_of_test
        from flakelens.render.charts import strip_chart

        case = self._found(test).case
        return Chart(strip_chart(series_of_test(case.evidence, case.position), theme=theme, width=width))

    def duration_chart(self, test: str, *, theme: ThemeName = "light", width: int = 720) -> Chart:
        """How long one test took when it passed, run by run, and where that changed. `test` as for `show`."""
        from flakelens.analyze.trends_of_test import durations_of_test
        from flakelens.render.charts import duration_chart

        case = self._found(test).case
        series = durations_of_test(self._store, case.evidence, case.position)
        return Chart(duration_chart(series, theme=theme, width=width))

    # --- what all of this rests on ---

    @property
    def _store(self) -> Store:
        if self._opened is None:
            raise UsageError("This database was closed.", mend="Ask within the with block, or open it again.")
        return self._opened

    @cached_property
    def _newest(self) -> Evidence:
        """What the commands look at: the newest 300 runs of the gated branch and those beside them."""
        from flakelens.analyze.evidence import load

        return load(
            self._store,
            self.policy,
            self.decisions,
            as_of=self.as_of,
            environment=self.environment,
            any_branch=True,
            owners=self.owners,
        ).evidence

    @cached_property
    def _everything(self) -> Evidence:
        from flakelens.analyze.evidence import load

        return load(
            self._store, self.policy, self.decisions, as_of=self.as_of, environment=self.environment, every_run=True
        ).evidence

    def _found(self, test: str) -> Found:
        from flakelens.analyze.show import locate

        return locate(self._store, self._newest, test)


class Chart(msgspec.Struct, frozen=True):
    """A chart that shows itself in a notebook and can be saved."""

    figure: Figure  # matplotlib's, to be changed by those who want it otherwise

    @property
    def description(self) -> str:
        """What it shows, in words."""
        from flakelens.render.charts import description

        return description(self.figure)

    def svg(self) -> str:
        """As an SVG element: the same bytes for the same chart."""
        from flakelens.render.charts import to_svg

        return to_svg(self.figure)

    def png(self) -> bytes:
        """As PNG, two pixels for each of CSS."""
        from flakelens.render.charts import to_png

        return to_png(self.figure)

    def save(self, path: str | Path) -> None:
        """Write it to a file, by its ending: .svg or .png. Raises UsageError for another one, OSError."""
        path = Path(path)
        if path.suffix == ".svg":
            path.write_text(self.svg(), encoding="utf-8", newline="\n")
        elif path.suffix == ".png":
            path.write_bytes(self.png())
        else:
            raise UsageError(f"A chart cannot be written as {path.suffix or 'a file without an ending'}.",
                             mend="Name the file .svg or .png.")  # fmt: skip

    def _repr_svg_(self) -> str:
        return self.svg()
