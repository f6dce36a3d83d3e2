"""`flakelens doctor`: every check finds what it is for, and keeps silent where all is well."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest

from flakelens import policy_text as policies
from flakelens.decisions import Decisions
from flakelens.decisions import parse as parse_decisions
from flakelens.doctor import CHECKS, doctor
from flakelens.doctor.growth import large_database
from flakelens.model import Event, Problem, ProblemCode, RetryEvidence
from flakelens.owners import NOBODY
from flakelens.owners import parse as parse_owners
from flakelens.store import Extent
from tests.builders import a_report, a_run, a_store, a_suite_run, started_at
from tests.cli.histories import AS_OF, caller, team_database
from tests.goldens import same_as_golden

LATER = started_at(1000)
NO_RETRIES = RetryEvidence.NONE


def found(folder, runs, *, policy="", as_of=LATER, decisions="", owned=NOBODY):
    with a_store(folder, runs) as store:
        report = doctor(store, policies.parse(policy), parse_decisions(decisions), as_of=as_of, owned=owned)
    return {finding.code: finding for finding in report.findings}


def healthy(count=12):
    return [a_suite_run(n) for n in range(count)]


def test_a_healthy_team_has_nothing_to_mend(tmp_path):
    assert found(tmp_path, healthy()) == {}


def with_report(*reports, n=12):
    run = a_suite_run(n)
    return type(run)(info=run.info, reports=(*run.reports, *reports))


def test_no_database_at_all():
    report = doctor(None, policies.parse(), Decisions(), as_of=LATER)
    assert [finding.code for finding in report.findings] == ["no-runs"]
    assert report.findings[0].serious


def test_runs_of_other_branches_only(tmp_path):
    findings = found(tmp_path, [a_suite_run(n, branch="trunk") for n in range(3)])
    assert findings["no-runs"].serious
    assert "3 branch trunk" in findings["no-runs"].message
    assert 'branch = "NAME"' in findings["no-runs"].mend


def test_runs_of_an_unknown_branch(tmp_path):
    findings = found(tmp_path, [*healthy(), a_suite_run(13, branch="")])
    assert findings["unknown-branch"].serious
    assert "--branch" in findings["unknown-branch"].mend


def test_runs_that_do_not_count_are_explained(tmp_path):
    pull = a_suite_run(13, branch="feat", event=Event.PULL_REQUEST)
    fork = a_suite_run(14, fork=True)
    finding = found(tmp_path, [*healthy(), pull, fork])["not-counted"]
    assert "2 runs beside the gated branch" in finding.message
    assert "1 pull request" in finding.message
    assert "1 from a fork" in finding.message
    assert not finding.serious


def test_a_clock_that_is_ahead(tmp_path):
    findings = found(tmp_path, healthy(), as_of=started_at(10))
    assert findings["clock"].serious
    assert findings["clock"].message.startswith("1 run ")


def test_a_missing_shard_in_the_newest_run(tmp_path):
    shards = [
        a_run(
            n,
            reports=[
                a_report(
                    n, {f"{shard} of it": "P"}, file="e2e/a.spec.ts", producer="playwright", job="e2e",
                    shard=f"{shard}/2", name=f"{shard}.xml", retries=NO_RETRIES,
                )
                for shard in ((1, 2) if n < 5 else (1,))
            ],
        )
        for n in range(6)
    ]  # fmt: skip
    finding = found(tmp_path, shards)["incomplete-run"]
    assert "shard 2/2 of job e2e is missing" in finding.message
    assert finding.serious


def test_tests_that_vanish_from_the_newest_run(tmp_path):
    gone = {f"AI {number}": "." for number in range(1, 10)}
    finding = found(tmp_path, [*healthy(), a_suite_run(12, gone)])["incomplete-run"]
    assert "9 expected tests without a result" in finding.message
    assert "flakelens acknowledge" in finding.mend


@pytest.mark.parametrize(("n", "serious"), [(12, True), (8, False)])
def test_a_damaged_report_is_serious_in_the_newest_run(tmp_path, n, serious):
    runs = [a_suite_run(number) for number in range(13) if number != n]
    broken = with_report(a_report(n, {}, name="cut.xml", damaged=True, retries=NO_RETRIES), n=n)
    finding = found(tmp_path, [*runs, broken])["damaged-report"]
    assert "cut.xml cannot be read whole" in finding.message
    assert finding.serious is serious


def test_a_file_left_over_from_an_earlier_run(tmp_path):
    old = a_report(3, {"left over": "P"}, file="src/components/x.test.ts", retries=NO_RETRIES)
    runs = [a_suite_run(number) for number in range(12) if number != 3]
    finding = found(tmp_path, [*runs, with_report(old, n=3), with_report(old, n=12)])["repeated-report"]
    assert "1 report" in finding.message
    assert finding.serious


@pytest.mark.parametrize(
    ("producer", "file", "serious", "mend"),
    [
        ("playwright", "e2e/pay.spec.ts", True, "includeRetries: true"),
        ("jest", "src/components/a.test.ts", False, 'producer = "jest"'),
        ("vitest", "src/components/a.test.ts", False, 'producer = "vitest"'),
    ],
)
def test_hidden_retries_are_serious_where_first_attempts_are_asked(tmp_path, producer, file, serious, mend):
    runs = [a_run(n, reports=[a_report(n, {"it": "P"}, file=file, producer=producer)]) for n in range(3)]
    finding = found(tmp_path, runs)["hidden-retries"]
    assert finding.where == producer
    assert finding.serious is serious
    assert mend in finding.mend


def test_a_declared_retry_setting_ends_the_finding(tmp_path):
    runs = [a_run(n, outcomes={"it": "P"}) for n in range(3)]
    policy = '[[retries]]\nproducer = "jest"\nevidence = "none"\n'
    assert "hidden-retries" not in found(tmp_path, runs, policy=policy)


def test_reports_without_paths(tmp_path):
    runs = [a_run(n, reports=[a_report(n, {"it": "P", "other": "P"}, file="")]) for n in range(3)]
    finding = found(tmp_path, runs)["no-file-paths"]
    assert "2 tests of 2" in finding.message
    assert "addFileAttribute" in finding.mend


def test_tests_without_an_area_and_the_line_for_the_policy(tmp_path):
    runs = [a_run(n, outcomes={"it": "P"}, file="src/lib/deep/money.test.ts") for n in range(3)]
    finding = found(tmp_path, runs)["unassigned-tests"]
    assert '"it"' in finding.message
    assert 'files = ["src/lib/deep/**"]' in finding.mend


def test_an_area_that_matches_nothing_is_serious_where_a_criterion_asks_for_it(tmp_path):
    runs = [a_run(n, outcomes={"it": "P"}, file="src/components/a.test.ts") for n in range(3)]
    with a_store(tmp_path, runs) as store:
        report = doctor(store, policies.parse(), Decisions(), as_of=LATER)
    empty = {finding.where: finding.serious for finding in report.findings if finding.code == "empty-area"}
    assert empty == {"E2E": True, "AI": True}


def test_an_area_that_takes_everything(tmp_path):
    runs = [a_run(n, outcomes={"it": "P", "other": "P"}, file="e2e/a.spec.ts") for n in range(3)]
    assert found(tmp_path, runs)["area-takes-all"].where == "E2E"


def test_titles_in_several_files(tmp_path):
    with_paths = a_report(1, {"a.test.ts::saves": "P", "b.test.ts::saves": "P"}, retries=NO_RETRIES)
    without = a_report(2, {"saves": "P"}, file="", retries=NO_RETRIES)
    finding = found(tmp_path, [a_run(1, reports=[with_paths]), a_run(2, reports=[without])])["ambiguous-titles"]
    assert '"saves"' in finding.message


def test_a_moved_test_and_an_entry_that_is_valid_as_it_stands(tmp_path):
    title = 'says "hi" \\ twice'
    runs = [
        a_run(n, reports=[a_report(n, {title: "P", "stays": "P"}, file="old.test.ts" if n < 3 else "new.test.ts")])
        for n in range(6)
    ]
    finding = found(tmp_path, runs)["moved-tests"]
    toml = finding.mend.partition("\n")[2]
    entries = parse_decisions("\n".join(line.strip() for line in toml.splitlines())).aliases
    assert {(entry.old.name, entry.old.file, entry.new.file) for entry in entries} == {
        (title, "old.test.ts", "new.test.ts"),
        ("stays", "old.test.ts", "new.test.ts"),
    }


def test_runs_without_a_time(tmp_path):
    run = a_suite_run(12)
    run = type(run)(
        info=run.info, reports=run.reports, problems=(Problem(ProblemCode.START_UNKNOWN, "run-12", "no time"),)
    )
    assert "1 run without any time stamp" in found(tmp_path, [*healthy(), run])["start-unknown"].message


ENTRY = """
[[quarantine]]
test = {{ name = "{name}" }}
owner = "{owner}"
reason = "r"
created = 2026-10-01
expires = {expires}
"""


def test_faults_of_the_quarantine_are_serious(tmp_path):
    entries = ENTRY.format(name="components 1", owner="Ann", expires="2026-10-02") + ENTRY.format(
        name="nobody knows it", owner="Ann", expires="2027-10-02"
    )
    finding = found(tmp_path, healthy(), decisions=entries)["quarantine"]
    assert finding.serious
    assert "2 faults" in finding.message
    assert '"nobody knows it", which no run knows' in finding.message
    assert 'components: the quarantine of "components 1" has expired' in finding.message


FOCUS = '[[focus]]\nname = "refunds"\nmatch = ["refund"]\n'
ASKED = '[gates.gate1.criteria.x]\nkind = "all-passing"\nareas = ["*"]\nfocuses = ["refunds"]\n'


def test_a_focus_that_matches_nothing_is_serious_where_a_criterion_asks_for_it(tmp_path):
    (tmp_path / "b").mkdir()
    assert not found(tmp_path, healthy(), policy=FOCUS)["empty-focus"].serious
    finding = found(tmp_path / "b", healthy(), policy=FOCUS + ASKED)["empty-focus"]
    assert finding.serious
    assert "can never be met" in finding.message


def test_a_focus_of_an_environment_alone_is_not_looked_for_in_ci(tmp_path):
    gate = ASKED.replace("gate1", "next") + '[gates.next]\nenvironment = "production"\n'
    assert found(tmp_path, healthy(), policy=FOCUS + gate) == {}


def test_shipped_focuses_may_be_empty(tmp_path):
    assert "empty-focus" not in found(tmp_path, healthy())


@pytest.mark.parametrize(
    ("policy", "where"),
    [
        ('[[focus]]\nname = "a"\nmatch = ["AI"]\n[[focus]]\nname = "a"\nmatch = ["refund"]\n', "rule 8 (a)"),
        ('[[retries]]\nproducer = "vitest"\nevidence = "none"\n', "retries (vitest)"),
    ],
)
def test_a_rule_that_matches_nothing(tmp_path, policy, where):
    finding = found(tmp_path, healthy(), policy=policy)["rule-unused"]
    assert where in finding.where
    assert not finding.serious


def test_a_rule_of_an_area_beside_one_that_matches(tmp_path):
    rules = "".join(
        f'[[areas]]\nname = "{name}"\nfiles = ["{files}"]\n'
        for name, files in (("E2E", "e2e/**"), ("AI", "**/api/ai/**"), ("components", "src/componenst/**"),
                            ("components", "src/components/**"))
    )  # fmt: skip
    finding = found(tmp_path, healthy(), policy=rules)["rule-unused"]
    assert finding.where == "areas, rule 3 (components)"
    assert '"src/componenst/**"' in finding.message


@pytest.mark.parametrize(
    ("before", "now", "moved"), [(30, 23, "-23 %"), (30, 25, ""), (30, 37, "+23 %"), (30, 36, ""), (6, 4, "")]
)
def test_an_area_whose_size_moved(tmp_path, before, now, moved):
    def run(n):
        size = before if n < 20 else now
        titles = {f"components {number}": "P" for number in range(size)}
        return a_run(n, reports=[a_report(n, titles, file="src/components/a.test.ts", retries=NO_RETRIES)])

    policy = "".join(f"[gates.gate1.criteria.{name}]\nareas = []\n" for name in ("all-passing", "reliable"))
    policy += '[gates.gate1.criteria.complete]\nareas = ["components"]\n'
    finding = found(tmp_path, [run(n) for n in range(30)], policy=policy).get("area-moved")
    assert (finding is not None) is bool(moved)
    if finding:
        assert moved in finding.message
        assert not finding.serious


def test_sign_offs_and_waivers_about_nothing(tmp_path):
    text = (
        '[[attested]]\ngate = "next"\ncriterion = "audit"\nby = "A"\nevidence = "e"\ncreated = 2026-10-01\n'
        "expires = 2026-10-09\n"
        f'[[waivers]]\ngate = "gate1"\ncriterion = "stabel"\ncommit = "{"a" * 40}"\nby = "A"\nreason = "r"\n'
        "created = 2026-10-01\nexpires = 2026-10-02\n"
    )
    with a_store(tmp_path, healthy()) as store:
        report = doctor(store, policies.parse(), parse_decisions(text), as_of=LATER)
    unused = {finding.where: finding.message for finding in report.findings if finding.code == "decision-unused"}
    assert "gate1 stabel" in unused["flakelens-decisions.toml, waivers"]
    assert "next audit" in unused["flakelens-decisions.toml, attested"]


def test_owners_that_codeowners_does_not_name(tmp_path):
    owned = parse_owners("* @org/web @ada\n", where="CODEOWNERS")
    policy = FOCUS.replace("refund", "AI") + 'owner = "@org/wbe"\n'
    entries = ENTRY.format(name="components 1", owner="@Org/Web Ann", expires="2027-10-02")
    limits = "[quarantine]\nshare = 50\n"
    finding = found(tmp_path, healthy(), policy=policy + limits, decisions=entries, owned=owned)["owner-unknown"]
    assert finding.message.startswith("1 owner that no rule of it names: @org/wbe (the focus AIs)")
    assert "@ada, @org/web" in finding.mend


@pytest.mark.parametrize(
    ("size", "runs", "lately", "found_"),
    [(999_000_000, 5_000, 60, False), (1_000_000_000, 5_000, 60, True), (500_000_000, 1_000, 1_100, True)],
)
def test_a_large_database_says_how_to_make_it_smaller(size, runs, lately, found_):
    findings = list(large_database(SimpleNamespace(size=Extent(size, runs, lately, 30))))
    assert bool(findings) is found_
    for finding in findings:
        assert "flakelens db prune --older-than 180d" in finding.mend
        assert not finding.serious


def test_the_extent_is_that_of_the_file(tmp_path):
    with a_store(tmp_path, healthy(40)) as store:
        extent = store.extent(started_at(20))
        assert (extent.runs, extent.lately, extent.days) == (40, 21, 30)
        assert extent.size == store.info().size


def test_each_code_is_named_once():
    codes = [code for code, _ in CHECKS]
    assert len(codes) == len(set(codes))


@pytest.fixture
def call(tmp_path, monkeypatch, capsys):
    return caller(tmp_path, monkeypatch, capsys)


def test_the_page(tmp_path, call):
    code, out, err = call("--db", team_database(tmp_path), "doctor", "--as-of", AS_OF)
    assert (code, err) == (0, "")
    same_as_golden("cli/doctor.80.txt", out)


def test_a_serious_finding_ends_with_10(call):
    code, out, _ = call("doctor")
    assert code == 10
    assert out.startswith("✗ serious  no-runs  branch main\n")


def test_the_document(call):
    code, out, _ = call("doctor", "--format", "json")
    document = json.loads(out)
    assert code == 10
    assert list(document) == ["schema", "branch", "runs", "counting", "findings"]
    assert document["schema"] == "flakelens.doctor/1"
    assert list(document["findings"][0]) == ["code", "serious", "where", "message", "mend"]


def test_nothing_to_mend_is_said(tmp_path, call):
    a_store(tmp_path, healthy()).close()
    code, out, _ = call("--db", str(tmp_path / "flakelens.db"), "doctor", "--as-of", AS_OF)
    assert code == 0
    assert out == "Looked at 12 runs, 12 of them counting for main: nothing keeps flakelens from\nseeing flakes.\n"
