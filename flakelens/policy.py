"""The policy: areas, focuses and gates, as frozen types. `policy_text` makes them from TOML."""

from __future__ import annotations

import hashlib
from typing import Literal, TypeAlias

import msgspec

ALL_AREAS = "*"
UNASSIGNED = "unassigned"


class _Strict(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    pass


class Rule(_Strict, frozen=True, kw_only=True):
    """Which tests belong to an area or focus: any one pattern that matches is enough."""

    name: str
    files: tuple[str, ...] = ()  # globs on the canonical file
    producers: tuple[str, ...] = ()  # "playwright", "jest"..
    jobs: tuple[str, ...] = ()  # globs on CI job names
    titles: tuple[str, ...] = ()  # text within the title, case ignored
    variants: tuple[str, ...] = ()  # globs on the variant


class Focus(Rule, frozen=True, kw_only=True):
    """Tests that somebody looks after together, across areas. With a day, an owner or `critical` it has a line of its
    own in every verdict.
    """

    match: tuple[str, ...] = ()  # a glob on the file where it has a slash or a star, else text in title or file
    owner: str = ""  # who brings it in order
    day: str = ""  # when, in a stabilisation week: ISO date, or the number of a day
    critical: bool = False  # held to "every test passed" instead of to a rate

    @property
    def planned(self) -> bool:
        """Does somebody look after it? Only then it is judged."""
        return bool(self.owner or self.day or self.critical)


class RetriesRule(_Strict, frozen=True, kw_only=True):
    """What the reports of a producer can show of retries, where they cannot say it themselves."""

    producer: str
    evidence: Literal["recorded", "hidden", "none"]
    since: str = ""  # ISO date, or a commit of the gated branch (7 to 40 hex digits); "": always


class QuarantinePolicy(_Strict, frozen=True, kw_only=True):
    """How much may be in quarantine: percent of an area's tests."""

    share: float = 2.0
    areas: dict[str, float] = {}


class WaiverPolicy(_Strict, frozen=True, kw_only=True):
    """How long a waiver may last, and the areas and focuses whose failures nobody can waive."""

    max_hours: float = 72.0
    never: tuple[str, ...] = ()


class RedactPolicy(_Strict, frozen=True, kw_only=True):
    """Which secrets are masked in what reports say, before it is stored or shown."""

    enabled: bool = True
    environment: bool = True  # values of environment variables whose name looks secret
    shapes: bool = True  # tokens that can be told by their shape
    names: tuple[str, ...] = ()  # globs: further variables whose values are secret, case ignored
    keep: tuple[str, ...] = ()  # globs: variables whose values are none
    prefixes: tuple[str, ...] = ()  # beginnings of the project's own tokens, such as "acme_live_"


class _Criterion(_Strict, frozen=True, kw_only=True, tag_field="kind"):
    areas: tuple[str, ...]  # () removes the criterion, openly; ("*",) means every test
    focuses: tuple[str, ...] = ()  # narrows the areas to tests of one of these


class PassRatePolicy(_Criterion, frozen=True, kw_only=True, tag="pass-rate"):
    """Pass rate after retries over all the areas together."""

    threshold: float
    evidence: Literal["e-value", "observed"] = "e-value"


class AllPassingPolicy(_Criterion, frozen=True, kw_only=True, tag="all-passing"):
    """Every active test passed in each of the newest complete runs of the area."""

    runs: int = 3


class StablePolicy(_Criterion, frozen=True, kw_only=True, tag="stable"):
    """Nothing broken, nothing newly broken, and the area's own pass rate."""

    threshold: float
    runs: int = 10
    evidence: Literal["e-value", "observed"] = "e-value"


class ReliablePolicy(_Criterion, frozen=True, kw_only=True, tag="reliable"):
    """First-attempt pass rate over the runs whose retries can be seen, and nothing broken."""

    threshold: float
    evidence: Literal["e-value", "observed"] = "e-value"


class CompletePolicy(_Criterion, frozen=True, kw_only=True, tag="complete"):
    """The newest run of each area is whole and recent, and quarantine is within its limits."""

    max_age_hours: float = 72.0


class NoLaunderingPolicy(_Criterion, frozen=True, kw_only=True, tag="no-laundering"):
    """Tests that were there before and are now skipped or gone count as failed."""

    threshold: float | None = None  # None: that of the gate's pass-rate criterion
    baseline_runs: int = 30


class SoakPolicy(_Criterion, frozen=True, kw_only=True, tag="soak"):
    """The newest commit has been checked for so many hours on end, and no test failed in checks in a row."""

    hours: float = 24.0
    max_gap_hours: float = 2.0  # from one check to the next, and from the newest to now
    failures: int = 2  # checks in a row that a test must fail; fewer may be a flake of the check


class AttestedPolicy(_Criterion, frozen=True, kw_only=True, tag="attested"):
    """A person signed off what no test can show."""

    what: str  # "security audit of the release"
    areas: tuple[str, ...] = ("*",)  # () removes it, as any criterion; it is about no test
    by: tuple[str, ...] = ()  # who may sign off; (): anybody
    max_days: float = 90.0  # the longest that a sign-off may last


CriterionPolicy: TypeAlias = (
    PassRatePolicy
    | AllPassingPolicy
    | StablePolicy
    | ReliablePolicy
    | CompletePolicy
    | NoLaunderingPolicy
    | SoakPolicy
    | AttestedPolicy
)


class GatePolicy(_Strict, frozen=True, kw_only=True):
    """One gate: its criteria by id."""

    title: str
    criteria: dict[str, CriterionPolicy]
    mode: Literal["enforce", "advise", "observe"] = "enforce"
    environment: str = ""  # "": CI history; else only runs of that environment
    rollback: str = ""  # the command that takes a deployment back; shown when the gate is NOT_MET, never run

    @property
    def pass_rate_threshold(self) -> float:
        """What its pass-rate criteria ask for, in percent: the highest; 98 where there is none."""
        asked = [policy.threshold for policy in self.criteria.values() if isinstance(policy, PassRatePolicy)]
        return max(asked, default=98.0)


class Policy(_Strict, frozen=True, kw_only=True):
    """All that a project decides beforehand. Made by `parse`."""

    areas: tuple[Rule, ...]
    gates: dict[str, GatePolicy]
    branch: str = ""  # "": main, or else master
    count_local: bool = False
    run_key: Literal["run", "commit"] = "run"
    title_separators: tuple[str, ...] = ()
    focuses: tuple[Focus, ...] = ()
    retries: tuple[RetriesRule, ...] = ()
    quarantine: QuarantinePolicy = QuarantinePolicy()
    waivers: WaiverPolicy = WaiverPolicy()
    redact: RedactPolicy = RedactPolicy()

    @property
    def sha256(self) -> str:
        """Hash of what the policy says; comments and the order of keys do not enter."""
        return hashlib.sha256(self.canonical()).hexdigest()

    def canonical(self) -> bytes:
        """The whole policy, defaults included, as JSON with sorted keys: what is hashed, and what a verdict carries."""
        return msgspec.json.encode(self, order="sorted")

    def area_names(self) -> tuple[str, ...]:
        """The areas in the order of their rules, without `unassigned`; a name with several rules once."""
        return tuple(dict.fromkeys(rule.name for rule in self.areas))
