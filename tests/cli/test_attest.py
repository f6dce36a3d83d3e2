"""`flakelens attest`: who may sign off what, what is written, and what the gate makes of it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from flakelens import decisions
from flakelens.decisions import Attestation
from flakelens.gate.attested import judge
from flakelens.model import GateState
from flakelens.policy import AttestedPolicy
from tests.cli.histories import caller

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
POLICY = """
[gates.next]
[gates.next.criteria.audit]
kind = "attested"
what = "security audit"
by = ["Sam Secure", "Kim Keys"]
max_days = 30
[gates.next.criteria.rehearsal]
kind = "attested"
what = "rollback rehearsal"
"""
AUDIT = ("attest", "next", "--criterion", "audit", "--by", "Sam Secure", "--evidence", "https://example.test/7")


@pytest.fixture
def call(tmp_path, monkeypatch, capsys):
    for name in ("CI", "GITHUB_ACTIONS"):
        monkeypatch.delenv(name, raising=False)
    call = caller(tmp_path, monkeypatch, capsys)
    Path("flakelens.toml").write_text(POLICY)
    return call


def state_of(call, criterion: str) -> tuple[str, str]:
    document = json.loads(call("gate", "next", "--format", "json")[1])
    (found,) = [each for each in document["criteria"] if each["id"] == criterion]
    return found["state"], found["why"]


def test_a_sign_off_is_shown_written_and_read_by_the_gate(call) -> None:
    assert state_of(call, "audit") == ("INCONCLUSIVE", "Nobody has signed off: security audit.")
    code, out, err = call(*AUDIT, "--expires", "30d")
    assert (code, err) == (0, "")
    assert out.startswith('[[attested]]\ngate = "next"\ncriterion = "audit"\nby = "Sam Secure"\n')
    assert "Commit it" in out
    (entry,) = decisions.parse(Path("flakelens-decisions.toml").read_text()).attested
    assert (entry.evidence, entry.result) == ("https://example.test/7", "passed")
    state, why = state_of(call, "audit")
    assert state == "MET"
    assert why.startswith("Sam Secure signed off security audit on ")
    assert call("gate", "next")[0] == 11  # the rehearsal is still missing
    call("attest", "next", "--criterion", "rehearsal", "--by", "Ann", "--evidence", "protocol 3", "--expires", "7d")
    code, out, _ = call("gate", "next")
    assert code == 0
    assert "signed" in out


def test_a_refusal_stops_until_somebody_signs(call) -> None:
    call(*AUDIT, "--expires", "30d")
    call(*(part if part != "Sam Secure" else "Kim Keys" for part in AUDIT), "--expires", "3d", "--failed")
    assert state_of(call, "audit")[0] == "NOT_MET"
    code, out, _ = call("gate", "next")
    assert code == 10
    assert "Kim Keys refused to sign off security audit" in " ".join(out.split())
    call(*AUDIT, "--expires", "30d")
    assert state_of(call, "audit")[0] == "MET"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((*AUDIT, "--expires", "31d"), "lasts 30 days at most"),
        ((*AUDIT, "--expires", "0d"), "cannot end before it begins"),
        ((*(part if part != "Sam Secure" else "Ann" for part in AUDIT), "--expires", "7d"), "Ann may not sign off"),
        ((*(part if part != "https://example.test/7" else " " for part in AUDIT), "--expires", "7d"), "its evidence"),
        (("attest", "gate1", "--criterion", "stable", "--by", "A", "--evidence", "b", "--expires", "7d"),
         "judged by test runs"),
        (("attest", "next", "--criterion", "nothing", "--by", "A", "--evidence", "b", "--expires", "7d"),
         "asks no criterion"),
        (("attest", "nowhere", "--criterion", "audit", "--by", "A", "--evidence", "b", "--expires", "7d"),
         "no gate 'nowhere'"),
    ],
)  # fmt: skip
def test_what_is_refused_is_not_written(call, arguments: tuple[str, ...], says: str) -> None:
    code, out, err = call(*arguments)
    assert (code, out) == (2, "")
    assert says in err
    assert not Path("flakelens-decisions.toml").exists()


def test_a_hostile_name_stays_text(call) -> None:
    call(
        "attest",
        "next",
        "--criterion",
        "rehearsal",
        "--by",
        "Ann\x1b[31m ::error::x",
        "--evidence",
        "<b>",
        "--expires",
        "7d",
    )
    for format_ in ("text", "markdown", "github", "junit"):
        _, out, _ = call("-v", "gate", "next", "--format", format_)
        assert "\x1b" not in out
        assert "Ann" in out or format_ in {"github", "junit"}
        assert not any(line.startswith("::error::") for line in out.splitlines())


def an_entry(**given: object) -> Attestation:
    values: dict[str, object] = {
        "gate": "next", "criterion": "audit", "by": "Sam", "evidence": "e",
        "created": datetime(2026, 11, 1, tzinfo=UTC),
        "expires": datetime(2026, 12, 1, tzinfo=UTC),
    }  # fmt: skip
    return Attestation(**{**values, **given})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("entries", "state"),
    [
        ([], GateState.INCONCLUSIVE),
        ([an_entry()], GateState.MET),
        ([an_entry(result="failed")], GateState.NOT_MET),
        ([an_entry(expires=datetime(2026, 11, 19, tzinfo=UTC))], GateState.INCONCLUSIVE),
        ([an_entry(expires=datetime(2027, 11, 19, tzinfo=UTC))], GateState.INCONCLUSIVE),  # for longer than 90 days
        ([an_entry(created=datetime(2026, 11, 21, tzinfo=UTC))], GateState.INCONCLUSIVE),  # not yet given
        ([an_entry(gate="other")], GateState.INCONCLUSIVE),
        ([an_entry(criterion="other")], GateState.INCONCLUSIVE),
        ([an_entry(), an_entry(created=datetime(2026, 11, 2, tzinfo=UTC), result="failed")], GateState.NOT_MET),
        ([an_entry(created=datetime(2026, 11, 2, tzinfo=UTC)), an_entry(result="failed")], GateState.MET),
        ([an_entry(), an_entry(result="failed")], GateState.NOT_MET),  # of one moment: the one further down
        # A newer sign-off that has ended does not bring the older one back.
        ([an_entry(), an_entry(created=datetime(2026, 11, 5, tzinfo=UTC), expires=datetime(2026, 11, 6, tzinfo=UTC))],
         GateState.INCONCLUSIVE),
    ],
)  # fmt: skip
def test_the_newest_word_speaks(entries: list[Attestation], state: GateState) -> None:
    policy = AttestedPolicy(what="audit")
    assert judge("audit", policy, entries, gate="next", as_of=NOW).state is state


def test_the_word_of_somebody_else_is_named_and_does_not_count() -> None:
    finding = judge("audit", AttestedPolicy(what="audit", by=("Kim",)), [an_entry()], gate="next", as_of=NOW)
    assert finding.state is GateState.INCONCLUSIVE
    assert finding.evidence == ("The sign-off of Sam does not count: it takes Kim.",)
    assert finding.repair_first == ("let Kim sign off: audit",)
