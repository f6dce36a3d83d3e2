"""An audit that asked nobody does not look like one that found nothing."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.audit import told
from tests.licences import OURS

SOUND = {"name": "click", "version": "8.2", "vulns": []}
BAD = {"name": "jinja2", "version": "3.0", "vulns": [{"id": "PYSEC-1", "fix_versions": ["3.1.4"], "aliases": []}]}
HOPELESS = {"name": "old", "version": "1", "vulns": [{"id": "PYSEC-2", "fix_versions": []}]}
SKIPPED = {"name": "numpy", "skip_reason": "Dependency not found on PyPI and could not be audited: numpy (2.0)"}
EDITABLE = {"name": OURS, "skip_reason": "distribution marked as editable"}


@pytest.mark.parametrize(
    ("packages", "code", "said"),
    [
        ([SOUND, EDITABLE], 0, ["1 packages audited, no known vulnerability"]),
        ([SOUND, BAD], 1, ["jinja2 3.0: PYSEC-1, mended in 3.1.4", "2 packages audited, 1 with a known vulnerability"]),
        ([HOPELESS], 1, ["old 1: PYSEC-2, mended in no version yet", "1 packages audited, 1 with a known"]),
        ([SKIPPED, EDITABLE], 0, ["NOT AUDITED: 1 of 1 packages: numpy", "not found on PyPI", "nothing was audited"]),
        ([SKIPPED, SOUND], 0, ["NOT AUDITED: 1 of 2 packages", "for example", "1 packages audited, no known"]),
        ([SKIPPED, BAD], 1, ["PYSEC-1", "NOT AUDITED: 1 of 2", "for example", "1 packages audited, 1 with"]),
        ([SKIPPED] * 10, 0, ["numpy and 2 more", "for example", "nothing was audited"]),
    ],
)
def test_what_is_told(packages: list[dict[str, Any]], code: int, said: list[str]) -> None:
    lines, exit_code = told(json.dumps({"dependencies": packages, "fixes": []}))
    assert exit_code == code
    assert len(lines) == len(said)
    for line, expected in zip(lines, said, strict=True):
        assert expected in line


@pytest.mark.parametrize("answer", ["", "{}", "[]", "Traceback", '{"dependencies": null}'])
def test_no_answer_is_no_audit(answer: str) -> None:
    lines, code = told(answer, "urllib3: Name or service not known\nConnectionError: no route\n")
    assert (lines, code) == (["NOT AUDITED: pip-audit gave no answer (ConnectionError: no route)"], 0)
    assert told(answer)[0] == ["NOT AUDITED: pip-audit gave no answer (pip-audit said nothing)"]
