"""The documents say what the program does: nothing missing, nothing left over."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from flakelens import policy as policies
from flakelens.cli import COMMANDS, exit_codes
from flakelens.doctor import CHECKS
from flakelens.gate.verdict import KINDS
from flakelens.model import GateState
from flakelens.policy import Focus, GatePolicy, Policy, QuarantinePolicy, RedactPolicy, RetriesRule, Rule, WaiverPolicy
from flakelens.stats.changes import ChangeKind

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"


def text_of(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


def section(name: str, heading: str) -> str:
    """The text below a heading up to the next one of any level."""
    found = re.search(rf"^#+ {re.escape(heading)}\n(.*?)(?=^#+ |\Z)", text_of(name), re.MULTILINE | re.DOTALL)
    assert found, f"docs/{name} has no heading {heading!r}"
    return found[1]


def test_every_check_of_doctor_has_its_heading_and_every_heading_its_check():
    headings = re.findall(r"^## (.+)$", text_of("doctor.md"), re.MULTILINE)
    assert sorted(headings) == sorted(code for code, _ in CHECKS)


def test_every_command_has_its_heading():
    headings = set(re.findall(r"^## (.+)$", text_of("cli.md"), re.MULTILINE))
    assert {entry.name for entry in COMMANDS} <= headings


def test_the_table_of_exit_codes_is_that_of_the_program():
    documented = {int(code) for code in re.findall(r"^\| (\d+) \|", section("cli.md", "Exit codes"), re.MULTILINE)}
    used = {value for name, value in vars(exit_codes).items() if name.isupper() and isinstance(value, int)}
    assert documented == used


def test_every_state_of_a_gate_has_its_exit_code():
    assert set(exit_codes.OF_STATE) == set(GateState)


def test_every_kind_of_event_is_explained():
    documented = re.findall(r"^\| `(\w+)` \|", text_of("events.md"), re.MULTILINE)
    assert documented == [str(kind) for kind in ChangeKind]


@pytest.mark.parametrize("name", ["cli.md", "lake.md", "policy.md"])
def test_what_the_program_writes_into_documents_is_in_step(name):
    command = [sys.executable, "-m", "cogapp", "--check", f"docs/{name}"]
    done = subprocess.run(
        command, cwd=ROOT, env={"PYTHONPATH": str(ROOT), "PATH": ""}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{done.stdout}{done.stderr}\nrun: python -m cogapp -r docs/{name}"


TABLES = [
    ("Keys at the top", Policy),
    ("Rules: [[areas]] and [[focuses]]", Rule),
    ("[[focus]]", Focus),
    ("[[retries]]", RetriesRule),
    ("[redact]", RedactPolicy),
    ("[quarantine]", QuarantinePolicy),
    ("[waivers]", WaiverPolicy),
    ("[gates.NAME]", GatePolicy),
    *((kind, policy) for kind, policy, _ in KINDS),
]
OF_EVERY_CRITERION = {"kind", "areas", "focuses"}


@pytest.mark.parametrize(("heading", "struct"), TABLES)
def test_every_key_of_the_policy_is_explained_where_it_belongs(heading, struct):
    documented = set(re.findall(r"^\| `(\w+)` \|", section("policy.md", heading), re.MULTILINE))
    keys = {field.name for field in msgspec.structs.fields(struct)}
    criteria = {policy for _, policy, _ in KINDS}
    if struct in criteria:
        keys -= OF_EVERY_CRITERION
    if struct is Focus:
        keys -= {field.name for field in msgspec.structs.fields(Rule)}
    if struct is GatePolicy:
        keys |= OF_EVERY_CRITERION
    assert documented == keys


def test_no_type_of_the_policy_is_forgotten():
    structs = {
        value
        for name, value in vars(policies).items()
        if isinstance(value, type) and issubclass(value, msgspec.Struct) and not name.startswith("_")
    }
    assert structs == {struct for _, struct in TABLES}


@pytest.mark.parametrize("name", sorted(path.name for path in DOCS.glob("*.md")))
def test_every_link_between_documents_leads_somewhere(name):
    for target in re.findall(r"\]\((?!https?:)([^)#\s]+)", text_of(name)):
        assert (DOCS / target).exists(), f"docs/{name} links to {target}"


def test_every_name_of_the_triage_and_every_verdict_is_explained():
    from flakelens.render.json.triage import FailureView, LostView, NewTestsView, OutageView, RerunView, TriageView
    from flakelens.stats.triage import CAUSES, TriageVerdict

    explained = set(re.findall(r"`([\w-]+)`", section("triage.md", "JSON")))
    views = (FailureView, LostView, NewTestsView, OutageView, RerunView, TriageView)
    names = {field.name for view in views for field in msgspec.structs.fields(view)} - {"schema"}
    assert names | set(CAUSES) <= explained
    verdicts = re.findall(r"^\| `([\w-]+)` \|", section("triage.md", "The verdicts"), re.MULTILINE)
    assert set(verdicts) == {verdict.value for verdict in TriageVerdict}
