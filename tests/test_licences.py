"""Every package that an installation brings may be used, changed and passed on freely."""

from __future__ import annotations

import pytest

from tests.licences import OURS, installed, licence, may_be_used


def test_every_package_of_an_installation_has_a_free_licence() -> None:
    packages = installed()
    assert {OURS, "click", "numpy", "junitparser", "rich", "markdown-it-py"} <= packages.keys()  # the last through rich
    assert "pytest" not in packages
    assert {name: licence(one) for name, one in packages.items() if not may_be_used(licence(one))} == {}


@pytest.mark.parametrize(
    ("said", "free"),
    [
        ("MIT", True),
        ("BSD-3-Clause AND 0BSD AND MIT", True),
        ("Apache Software License", True),
        ("GPL-3.0-or-later", False),
        ("MIT AND LGPL-2.1", False),
        ("GNU Affero General Public License v3", False),
        ("unknown", False),
        ("Proprietary", False),
    ],
)
def test_licences_are_told_apart(said: str, free: bool) -> None:
    assert may_be_used(said) is free
