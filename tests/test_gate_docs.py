"""docs/gate.md and docs/decisions.md say what the code does: kinds, keys, names, codes, entries."""

from __future__ import annotations

import json
import re
from pathlib import Path

import click
import msgspec
import pytest

from flakelens import decisions
from flakelens.cli import exit_codes
from flakelens.cli.gate import command
from flakelens.gate.verdict import KINDS
from flakelens.policy import GatePolicy
from flakelens.render.json.gate import gate_json
from tests.render.gate_reports import deployment, waived

DOCS = Path(__file__).parent.parent / "docs"
GATE = (DOCS / "gate.md").read_text(encoding="utf-8")
DECISIONS = (DOCS / "decisions.md").read_text(encoding="utf-8")


def section(text: str, heading: str) -> str:
    """The text below a heading, up to the next of its level or above; fails if there is none."""
    level = heading.partition(" ")[0]
    found = re.search(rf"^{re.escape(heading)}$(.*?)(?=^#{{1,{len(level)}}} |\Z)", text, re.MULTILINE | re.DOTALL)
    assert found is not None, f"there is no heading {heading!r}"
    return found[1]


@pytest.mark.parametrize(("kind", "policy"), [(kind, policy) for kind, policy, _ in KINDS])
def test_every_kind_says_what_it_asks_when_it_is_met_and_what_to_do(kind: str, policy: type[msgspec.Struct]) -> None:
    text = section(GATE, f"### {kind}")
    for part in ("?*", "- MET: ", "- NOT_MET: ", "- INCONCLUSIVE: ", "- What to do: "):
        assert part in text
    own = {field.name for field in msgspec.structs.fields(policy)} - {"areas", "focuses"}
    assert own <= set(re.findall(r"`(\w+)`", text.partition("- MET")[0]))


def test_no_kind_is_documented_that_does_not_exist() -> None:
    headings = re.findall(r"^### (.+)$", section(GATE, "## The criteria"), re.MULTILINE)
    assert headings == [*(kind for kind, _, _ in KINDS), "commit"]


def test_every_mode_has_its_row() -> None:
    rows = re.findall(r"^\| `(\w+)` \|", section(GATE, "## Modes"), re.MULTILINE)
    field = next(field for field in msgspec.structs.fields(GatePolicy) if field.name == "mode")
    assert rows == list(field.type.__args__)


def test_every_option_and_format_of_the_command_is_named() -> None:
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            assert any(name in GATE for name in parameter.opts), parameter.opts
            if isinstance(parameter.type, click.Choice):
                assert all(str(choice) in GATE for choice in parameter.type.choices)


def test_the_exit_codes_are_those_of_the_code() -> None:
    codes = {int(code) for code in re.findall(r"^\| (\d+) \|", section(GATE, "## Exit codes"), re.MULTILINE)}
    assert codes == {
        exit_codes.DONE, exit_codes.UNEXPECTED, exit_codes.USAGE, exit_codes.BAD_POLICY, exit_codes.BAD_DATABASE,
        exit_codes.NOT_MET, exit_codes.INCONCLUSIVE,
    }  # fmt: skip


def test_every_name_of_the_json_is_explained() -> None:
    explained = set(re.findall(r"`([\w.\[\]]+)`", section(GATE, "## JSON")))
    document = json.loads(gate_json(waived()))
    document["focuses"] = json.loads(gate_json(deployment()))["focuses"]
    names = set(document) | set(document["provenance"])
    names |= {key for part in ("criteria", "areas", "waivers", "focuses") for item in document[part] for key in item}
    names |= set(document["criteria"][0]["observed"]) | set(document["areas"][0]["pass_rate"])
    assert {name for name in names if name not in explained and f"{name}[]" not in explained} == set()


def test_every_kind_of_decision_has_an_example_that_is_valid() -> None:
    shown = decisions.parse("\n".join(re.findall(r"```toml\n(.*?)```", DECISIONS, re.DOTALL)))
    for field in msgspec.structs.fields(decisions.Decisions):
        assert len(getattr(shown, field.name)) == 1, field.name
        for entry in getattr(shown, field.name):
            absent = [name for name in entry.__struct_fields__ if name not in DECISIONS]
            assert absent == []
