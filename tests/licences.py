"""`python -m tests.licences`: what an installation of flakelens brings, each with its version and licence.

From the metadata of the installed packages, without the network. Exits with 1 for a licence that is not among those
which may be used, changed and passed on freely.
"""

from __future__ import annotations

import re
import sys
from importlib.metadata import Distribution, distribution

OURS = "flakelens-junit"
FREE = re.compile(
    r"\b(MIT|BSD|Apache|PSF|Python Software Foundation|ISC|MPL|Mozilla Public|Zlib|CC0|0BSD|Unlicense|HPND"
    r"|Public Domain)",
    re.IGNORECASE,
)
NOT_FREE = re.compile(r"\b(A?GPL|LGPL|GNU|SSPL|BUSL|proprietary|commercial)", re.IGNORECASE)
# A requirement's name, and whether it only holds for an extra.
_REQUIREMENT = re.compile(r"^([A-Za-z0-9._-]+)")


def installed(name: str = OURS) -> dict[str, Distribution]:
    """Our distribution and all that it needs on this machine, by name; extras left out."""
    found: dict[str, Distribution] = {}
    waiting = [name]
    while waiting:
        one = waiting.pop()
        key = re.sub(r"[-_.]+", "-", one).lower()
        if key in found:
            continue
        try:
            found[key] = distribution(one)
        except ModuleNotFoundError:
            continue  # for another platform or Python
        for requirement in found[key].requires or ():
            matched = _REQUIREMENT.match(requirement)
            if matched and "extra ==" not in requirement:
                waiting.append(matched[1])
    return dict(sorted(found.items()))


def licence(package: Distribution) -> str:
    """What the package says of its licence: the expression, else the classifiers, else the first line of the text."""
    metadata = package.metadata
    if expression := metadata.get("License-Expression"):
        return expression
    told = [
        each.rpartition(" :: ")[2] for each in metadata.get_all("Classifier") or () if each.startswith("License ::")
    ]
    return ", ".join(told) or str(metadata.get("License") or "unknown").strip().splitlines()[0]


def may_be_used(said: str) -> bool:
    """Is the licence a permissive or weak one, as far as its name tells?"""
    return bool(FREE.search(said)) and not NOT_FREE.search(said)


def main() -> int:
    """Print the list."""
    bad = 0
    for name, package in installed().items():
        said = licence(package)
        bad += not may_be_used(said)
        print(f"{name:24} {package.version:12} {said}{'' if may_be_used(said) else '   <- not among the free ones'}")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
