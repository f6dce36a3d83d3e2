"""policy: what is silently not applied is worse than none, so every mistake is an error that names the key."""

from __future__ import annotations

import itertools
import tomllib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flakelens.errors import PolicyError
from flakelens.policy import AllPassingPolicy, CompletePolicy, NoLaunderingPolicy, PassRatePolicy, Policy
from flakelens.policy_checks import _certifiable
from flakelens.policy_text import from_canonical, parse, shipped_text
from flakelens.stats.rate import certifiable, limit_of

GATE = "[gates.gate1.criteria."
FOCUS = "[[focus]]\nname = 'a'\ntitles = ['x']\n"


def test_the_shipped_policy_is_gate_1_of_the_design() -> None:
    policy = parse()
    gate = policy.gates["gate1"]
    assert list(gate.criteria) == ["pass-rate", "all-passing", "stable", "reliable", "complete", "no-laundering"]
    assert gate.mode == "enforce"
    assert gate.criteria["pass-rate"] == PassRatePolicy(areas=("*",), threshold=98.0, evidence="e-value")
    assert gate.criteria["all-passing"] == AllPassingPolicy(areas=("AI",), runs=3)
    assert isinstance(gate.criteria["complete"], CompletePolicy)
    assert gate.criteria["no-laundering"] == NoLaunderingPolicy(areas=("*",), threshold=None, baseline_runs=30)
    assert policy.area_names() == ("E2E", "AI", "components")
    assert (policy.quarantine.share, policy.quarantine.areas) == (2.0, {"AI": 0.0})
    assert (policy.waivers.max_hours, policy.waivers.never) == (72, ("AI", "payments"))
    assert (policy.branch, policy.run_key, policy.count_local) == ("", "run", False)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        # unknown keys
        ("brunch = 'main'", "brunch"),
        ("[gates.gate1]\nmod = 'advise'", r"gates.gate1: .*mod"),
        (f"{GATE}pass-rate]\ntreshold = 97", "pass-rate: .*treshold"),
        (f"{GATE}passrate]\nthreshold = 97", "passrate"),
        ("[[areas]]\nname = 'a'\nfile = ['x']", "areas.*file"),
        # quoted numbers and other wrong types
        (f"{GATE}pass-rate]\nthreshold = '97'", "pass-rate.threshold: expected"),
        (f"{GATE}all-passing]\nruns = 3.5", "all-passing.runs"),
        (f"{GATE}all-passing]\nruns = true", "all-passing.runs"),
        (f"{GATE}pass-rate]\nthreshold = true", "pass-rate.threshold"),
        ("count_local = 'no'", "count_local"),
        ("gates = 3", "gates must be tables"),
        ("[gates]\ngate1 = 3", "gates must be tables"),
        ("[gates.gate1]\ncriteria = []", "criteria must be tables"),
        (f"{GATE}x]\nkind = 'no-such'\nareas = ['*']", "criteria.x"),
        ("[gates.gate1]\nmode = 'loud'", "gates.gate1.mode"),
        ("areas = 'AI'", "areas"),
        ("[quarantine]\nareas = 5", "quarantine.areas"),
        ("quarantine = 5", "quarantine"),
        # focuses and sign-offs
        (f"{FOCUS}day = 'soon'", "focuses 'a': day is 'soon'"),
        (f"{FOCUS}day = 0", "focuses 'a': day is '0'"),
        (f"{FOCUS}day = 2026-11-23T10:00:00Z", "day"),
        (f"{FOCUS}match = ['']", "an empty match"),
        ("[[focus]]\nname = 'a'", "focuses 'a' has no pattern"),
        ("[focus]\nname = 'a'", "focus must be tables"),
        (f"{FOCUS}critical = 'yes'", "critical"),
        (f"{GATE}x]\nkind = 'attested'", "what"),
        (f"{GATE}x]\nkind = 'attested'\nwhat = ' '", "x.what is empty"),
        (f"{GATE}x]\nkind = 'attested'\nwhat = 'a'\nareas = ['AI']", "a sign-off is about no test"),
        (f"{GATE}x]\nkind = 'attested'\nwhat = 'a'\nmax_days = 400", "max_days is 400"),
        (f"{GATE}x]\nkind = 'soak'\nareas = ['*']\nhours = 0", "x.hours must be over 0"),
        (f"{GATE}x]\nkind = 'soak'\nareas = ['*']\nmax_gap_hours = 900", "x.max_gap_hours"),
        (f"{GATE}x]\nkind = 'soak'\nareas = ['*']\nfailures = 0", "x.failures is 0"),
        ('[gates.gate1]\nrollback = "a\\nb"', "rollback has several lines"),
        # windows that cannot work
        (f"{GATE}all-passing]\nruns = 0", "all-passing.runs is 0"),
        (f"{GATE}stable]\nruns = 101", "stable.runs is 101"),
        (f"{GATE}no-laundering]\nbaseline_runs = -1", "baseline_runs"),
        (f"{GATE}complete]\nmax_age_hours = 0", "max_age_hours"),
        (f"{GATE}complete]\nmax_age_hours = inf", "max_age_hours"),
        (f"{GATE}complete]\nmax_age_hours = nan", "max_age_hours"),
        ("[waivers]\nmax_hours = 73", "waivers.max_hours is 73"),
        ("[waivers]\nmax_hours = 0", "waivers.max_hours is 0"),
        # percent, not shares; and what 100 clean runs cannot prove
        (f"{GATE}pass-rate]\nthreshold = 0.98", "did you mean 98"),
        (f"{GATE}pass-rate]\nthreshold = 100.1", "pass-rate.threshold is 100.1"),
        (f"{GATE}pass-rate]\nthreshold = nan", "pass-rate.threshold is nan"),
        (f"{GATE}pass-rate]\nthreshold = 99.7", "could not prove it"),
        (f"{GATE}pass-rate]\nthreshold = 100", "could not prove it"),
        ("[quarantine]\nshare = -1", "quarantine.share"),
        ("[quarantine]\nareas = { E2E = 101 }", "quarantine.E2E"),
        # names
        (f"{GATE}stable]\nareas = ['component']", "stable.areas: 'component' is not defined"),
        (f"{GATE}stable]\nfocuses = ['pay']", "stable.focuses: 'pay' is not defined"),
        (f"{GATE}stable]\nareas = ['*', 'AI']", "already means all"),
        ("[quarantine]\nareas = { A1 = 1 }", "quarantine.areas: 'A1' is not defined"),
        ("[waivers]\nnever = ['A1']", "waivers.never: 'A1' is not defined"),
        ("[[areas]]\nname = 'AI'", "has no pattern"),
        ("[[areas]]\nname = 'unassigned'\nfiles = ['x']", "cannot be a name"),
        ("title_separators = [' > ', '']", "title_separators"),
        ("title_separators = [' ']", "title_separators"),
        # retries
        ("[[retries]]\nproducer = 'jest'\nevidence = 'unknown'", "retries.*evidence"),
        ("[[retries]]\nproducer = 'jest'\nevidence = 'none'\nsince = 'yesterday'", "retries.since"),
        ("[[retries]]\nproducer = 'jest'\nevidence = 'none'\nsince = '2026-13-01'", "retries.since"),
        ("[[retries]]\nproducer = 'jest'\nevidence = 'none'\nsince = '2026-10-01Tnoon'", "retries.since"),
        ("[[retries]]\nproducer = 'jest'\nevidence = 'none'\nsince = 2026", "retries.*since"),
        ("[[retries]]\nproducer = 'jest'\nevidence = 'none'\nsince = 07:30:00", "retries.*since"),
        ("[[retries]]\nproducer = 'jest'\nevidence = 'none'\nsince = 'abcdef'", "retries.since"),
        # not TOML
        ("branch = main", "not valid TOML"),
        ("x = " + "[" * 5000, "not valid TOML"),
        ("x = " + "9" * 5000, "not valid TOML"),
    ],
)
def test_a_mistake_is_an_error_that_names_the_key(text: str, says: str) -> None:
    with pytest.raises(PolicyError, match=says) as caught:
        parse(text)
    assert str(caught.value).startswith("flakelens.toml")
    assert caught.value.mend


def test_a_gate_that_asks_nothing_is_an_error() -> None:
    criteria = parse().gates["gate1"].criteria
    nothing = "\n".join(f"{GATE}{ident}]\nareas = []" for ident in criteria)
    with pytest.raises(PolicyError, match="no criterion is left"):
        parse(nothing)
    with pytest.raises(PolicyError, match=r"gates.smoke.criteria: no criterion is left"):
        parse("[gates.smoke]\ntitle = 'Smoke'")


def test_an_empty_list_of_areas_removes_one_criterion_openly() -> None:
    policy = parse(f"{GATE}reliable]\nareas = []")
    assert policy.gates["gate1"].criteria["reliable"].areas == ()


# ---- a project's own file over the defaults


def test_tables_are_merged_and_lists_replaced() -> None:
    policy = parse(
        f"{GATE}pass-rate]\nthreshold = 97\n[quarantine.areas]\nE2E = 5\n[[focuses]]\nname = 'pay'\ntitles = ['pay']\n"
        "[waivers]\nnever = ['pay']\n"
    )
    assert policy.gates["gate1"].criteria["pass-rate"] == PassRatePolicy(areas=("*",), threshold=97.0)
    assert policy.quarantine.areas == {"AI": 0.0, "E2E": 5.0}
    assert policy.quarantine.share == 2.0
    assert [rule.name for rule in policy.focuses] == ["pay"]


def test_a_project_with_other_areas_need_not_mention_the_shipped_ones_limits() -> None:
    policy = parse(
        "[[areas]]\nname = 'api'\nfiles = ['api/**']\n"
        f"{GATE}all-passing]\nareas = ['api']\n{GATE}stable]\nareas = []\n{GATE}reliable]\nareas = []\n"
        f"{GATE}complete]\nareas = ['api']\n"
    )
    assert policy.quarantine.areas == {}
    assert policy.waivers.never == ("payments",)


def test_criteria_of_areas_that_are_gone_must_be_removed_openly() -> None:
    with pytest.raises(PolicyError, match=r"all-passing.areas: 'AI' is not defined"):
        parse("[[areas]]\nname = 'api'\nfiles = ['api/**']\n")


def test_the_policy_of_a_pyproject_stands_in_its_table() -> None:
    table = ("tool", "flakelens")
    assert parse("[tool.flakelens]\nbranch = 'trunk'\n[tool.ruff]\n", table=table).branch == "trunk"
    assert parse("[project]\nname = 'x'", table=table) == parse()
    for text in ("tool = 3", "[tool]\nflakelens = 'on'", "[[tool]]", "[[tool.flakelens]]"):
        with pytest.raises(PolicyError, match="must be a table"):
            parse(text, where="pyproject.toml", table=table)


def test_a_second_gate_stands_beside_the_first() -> None:
    policy = parse(
        "[gates.smoke]\ntitle='Smoke'\nenvironment='production'\n"
        "[gates.smoke.criteria.up]\nkind='all-passing'\nareas=['E2E']"
    )
    assert set(policy.gates) == {"gate1", "smoke"}
    assert policy.gates["smoke"].environment == "production"


# ---- hash and round trip


def test_the_hash_sees_what_is_said_and_not_how() -> None:
    one = parse("# why\nbranch = 'trunk'\n[quarantine]\nshare = 1\nareas = {AI = 0.0, E2E = 3}\n")
    other = parse(
        "[quarantine]\nareas = {E2E = 3.0, AI = 0}\nshare = 1.0 # percent\n\n[waivers]\nmax_hours=72\n"
    ).sha256
    assert one.sha256 != other
    assert one.sha256 == parse("branch='trunk'\nquarantine = {areas = {E2E = 3, AI = 0.0}, share = 1.0}").sha256
    assert parse(shipped_text()).sha256 == parse().sha256


def test_criteria_come_in_one_order_however_the_file_has_them() -> None:
    extra = [f"{GATE}{name}]\nkind = 'all-passing'\nareas = ['E2E']\n" for name in ("zz", "aa")]
    orders = {tuple(parse("".join(order)).gates["gate1"].criteria) for order in itertools.permutations(extra)}
    assert len(orders) == 1
    policy = parse("".join(extra))
    assert tuple(from_canonical(policy.canonical()).gates["gate1"].criteria) in orders


@pytest.mark.parametrize(
    "text", ["", "[[retries]]\nproducer='jest'\nevidence='none'\nsince=2026-10-01", "run_key='commit'"]
)
def test_a_recorded_policy_replays_as_it_was(text: str) -> None:
    policy = parse(text)
    again = from_canonical(policy.canonical())
    assert again == policy
    assert again.canonical() == policy.canonical()


@given(st.floats(50, 100, allow_nan=False))
def test_what_can_be_proven_is_what_the_statistics_can_prove(threshold: float) -> None:
    if abs(threshold - 99.6) > 0.05:  # the two round differently just at the border
        assert _certifiable(1 - threshold / 100) == certifiable(limit_of(threshold / 100))


# ---- hostile files

SCALARS: st.SearchStrategy[Any] = st.one_of(
    st.text(max_size=5),
    st.integers(),
    st.integers(min_value=10**300, max_value=10**320),
    st.floats(),
    st.booleans(),
    st.dates(),
    st.datetimes(),
    st.times(),
    st.none(),
)
ANYTHING = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=2), st.dictionaries(st.text(max_size=3), inner, max_size=2)),
)


def places(table: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [path] if path else []
    items = table.items() if isinstance(table, dict) else enumerate(table) if isinstance(table, list) else ()
    for key, value in items:
        found += places(value, (*path, key))
    return found


MORE = """
[[focus]]
name = "sign-in"
match = ["sign in", "**/auth/**"]
owner = "@web"
day = 3
critical = true
[gates.next]
environment = "production"
rollback = "back"
[gates.next.criteria.audit]
kind = "attested"
what = "audit"
by = ["Ann"]
max_days = 30
[gates.next.criteria.watch]
kind = "soak"
areas = ["*"]
hours = 24
max_gap_hours = 2
failures = 2
"""
WHOLE = shipped_text() + MORE
PLACES = places(tomllib.loads(WHOLE))


@settings(max_examples=300)
@given(st.sampled_from(PLACES), ANYTHING)
def test_a_wrong_type_anywhere_is_a_policy_error_and_nothing_else(place: tuple[Any, ...], value: Any) -> None:
    own: Any = tomllib.loads(WHOLE)
    inner = own
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = value
    with pytest.MonkeyPatch.context() as patch:
        real = tomllib.loads
        patch.setattr("flakelens.policy_text.tomllib.loads", lambda text: own if text == "own" else real(text))
        try:
            policy = parse("own")
        except PolicyError:
            return
    assert isinstance(policy, Policy)
    assert from_canonical(policy.canonical()) == policy


@given(st.text())
def test_any_text_is_a_policy_or_a_policy_error(text: str) -> None:
    try:
        parse(text)
    except PolicyError:
        return


def test_a_deep_table_is_refused() -> None:
    with pytest.raises(PolicyError):
        parse("[quarantine]\nareas." + ".".join("a" * 3000) + " = 1")


def test_a_focus_is_added_or_takes_the_place_of_its_name() -> None:
    shipped = [focus.name for focus in parse().focuses]
    policy = parse(
        "[[focus]]\nname = 'payments'\nmatch = 'pay'\nday = 2026-11-23\n"
        "[[focus]]\nname = 'forms'\nmatch = ['form']\nday = 3"
    )
    assert [focus.name for focus in policy.focuses] == [
        *(name for name in shipped if name != "payments"), "payments", "forms",
    ]  # fmt: skip
    assert [(focus.match, focus.day) for focus in policy.focuses[-2:]] == [(("pay",), "2026-11-23"), (("form",), "3")]
    alone = parse("[[focuses]]\nname = 'one'\ntitles = ['x']\n[waivers]\nnever = []")
    assert [focus.name for focus in alone.focuses] == ["one"]
