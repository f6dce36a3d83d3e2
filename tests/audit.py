"""`python -m tests.audit`: known vulnerabilities in the packages of this environment, by pip-audit.

pip-audit calls a package that its service does not answer for "skipped" and exits with 0, so that an audit that asked
nobody looks like one that found nothing. Here it says how many were audited. Exits with 1 for a known vulnerability;
what could not be audited is said loudly and is no failure.
"""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

from tests.licences import OURS

_MOST_NAMED = 8


def told(answer: str, errors: str = "") -> tuple[list[str], int]:
    """What to print for pip-audit's JSON (or for its errors, where it gave none), and the exit code."""
    try:
        packages: list[dict[str, Any]] = list(json.loads(answer)["dependencies"])
    except (ValueError, KeyError, TypeError):
        last = (errors.strip().splitlines() or ["pip-audit said nothing"])[-1]
        return [f"NOT AUDITED: pip-audit gave no answer ({last})"], 0
    packages = [each for each in packages if each["name"] != OURS]
    skipped = [each for each in packages if "skip_reason" in each]
    bad = [each for each in packages if each.get("vulns")]
    lines = [
        f"{each['name']} {each['version']}: {found['id']}, "
        f"mended in {', '.join(found['fix_versions']) or 'no version yet'}"
        for each in bad
        for found in each["vulns"]
    ]
    audited = len(packages) - len(skipped)
    if skipped:
        names = ", ".join(each["name"] for each in skipped[:_MOST_NAMED])
        more = f" and {len(skipped) - _MOST_NAMED} more" if len(skipped) > _MOST_NAMED else ""
        lines.append(f"NOT AUDITED: {len(skipped)} of {len(packages)} packages: {names}{more}")
        lines.append(f"  for example: {skipped[0]['skip_reason']}")
    known = f"{len(bad)} with a known vulnerability" if bad else "no known vulnerability"
    lines.append(f"{audited} packages audited, {known}" if audited else "nothing was audited")
    return lines, 1 if bad else 0


def main() -> int:
    """Ask, tell."""
    done = subprocess.run(
        [sys.executable, "-m", "pip_audit", "--progress-spinner", "off", "--skip-editable", "--format", "json"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    lines, code = told(done.stdout, done.stderr)
    print("\n".join(lines))
    return code


if __name__ == "__main__":
    sys.exit(main())
