"""What GitHub Actions reads of a triage: annotations at file and line, and the outputs of the step."""

from __future__ import annotations

import re
from collections import Counter

from flakelens.gate.criterion import count_of
from flakelens.render.github.gate import annotation
from flakelens.render.safe import one_line
from flakelens.render.triage_words import bridge, heading_of
from flakelens.report.triage import TriagedTest, TriageGroup, TriageReport
from flakelens.stats.triage import TriageVerdict

# Where GitHub's runners check a repository out: a stack trace names files from there.
_CHECKOUT = re.compile(r"^(?:/home/runner/work|/Users/runner/work|/__w|[A-Za-z]:/a)/[^/]+/[^/]+/")
_MOST = 9  # of one level: GitHub shows ten of a step, and the answer is one of them


def triage_github(report: TriageReport) -> str:
    """One annotation per failure that is not explained (error), one per block that is (notice), and the answer."""
    left = [(group, test) for group in report.groups if not group.explained for test in group.tests]
    lines = [_failure(report, group, test) for group, test in left[:_MOST]]
    if len(left) > _MOST:
        more = f"{count_of(len(left) - _MOST, 'more failure')} not explained: the step's summary has them"
        lines[-1] = annotation("error", "Triage", f"{more}, {left[_MOST - 1][1].id.name} among them")
    for each in report.lost:
        level = "notice" if each.before else "error"
        lines.append(annotation(level, "Not read", f"{each.problem.where}: {each.problem.message}"))
    explained = [group for group in report.groups if group.explained]
    lines += [_block(report, group) for group in explained[:_MOST]]
    lines.append(annotation("notice" if report.explained else "error", "Triage", bridge(report)))
    return "".join(f"{line}\n" for line in lines)


def outputs(report: TriageReport) -> dict[str, str]:
    """The outputs of the step, for `if: steps.triage.outputs.explained == 'true'`."""
    counts = Counter(test.verdict for test in report.failures)
    return {
        "explained": str(report.explained).lower(),
        "failures": str(len(report.failures)),
        "unexplained": str(sum(not test.explained for test in report.failures)),
        **{verdict.value: str(counts[verdict]) for verdict in TriageVerdict},
        "run": report.run.key.run,
    }


def _failure(report: TriageReport, group: TriageGroup, test: TriagedTest) -> str:
    name = one_line(test.id.name) + (f" [{one_line(test.id.variant)}]" if test.id.variant else "")
    said = [one_line(test.headline)] if test.headline else []
    message = "; ".join([*said, *test.because])
    return annotation("error", f"{heading_of(group, report.run)}: {name}", message, file=_file(test), line=test.line)


def _block(report: TriageReport, group: TriageGroup) -> str:
    names = ", ".join(one_line(test.id.name) for test in group.tests[:3])
    more = f" and {len(group.tests) - 3} more" if len(group.tests) > 3 else ""
    alone = group.tests[0]
    return annotation(
        "notice",
        f"{heading_of(group, report.run)}: {count_of(len(group.tests), 'test')}",
        f"{names}{more}: {alone.because[0]}",
        file=_file(alone) if len(group.tests) == 1 else "",
        line=alone.line,
    )


def _file(test: TriagedTest) -> str:
    """The file from the root of the repository. A folder of another machine would lead nowhere."""
    place = _CHECKOUT.sub("", test.place)
    return test.id.file if place.startswith("/") or place[1:2] == ":" else place
