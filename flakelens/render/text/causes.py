"""`flakelens causes` for a terminal: what fails together, what it said, where it strikes; then single tests."""

from __future__ import annotations

from rich.cells import cell_len
from rich.text import Text

from flakelens.gate.criterion import count_of
from flakelens.render.price_words import cost
from flakelens.render.safe import one_line, shorten_end, shorten_middle
from flakelens.render.terminal import BAD, DOUBT, GOOD, QUIET, STRONG, fill, heading, paragraph, row, to_text
from flakelens.report.causes import CauseLine, CausesReport, CauseState, CauseTest, FactorLine, SignatureLine
from flakelens.stats.signatures import Category

_MOST_TESTS = 8
_MOST_OWNERS = 3
_STATE = 10
STATES = {
    CauseState.BROKEN: ("✗ broken", BAD),
    CauseState.FLAKY: ("~ flaky", DOUBT),
    CauseState.UNSURE: ("? unsure", ""),
    CauseState.HEALING: ("~ healing", GOOD),
    CauseState.OVER: ("- over", QUIET),
}


def causes_text(report: CausesReport, *, width: int, colour: bool, verbose: bool = False) -> str:
    """Clusters, then single tests; `verbose` lists every test of a cluster."""
    lines: list[Text | str] = []
    if report.clusters:
        lines.append(heading("Tests that fail together"))
        for cause in report.clusters:
            lines += ["", *_cluster(cause, width, whole=verbose)]
    if report.singles:
        lines += [*([""] if lines else []), heading("Single tests, by what they say")]
        for group in report.singles:
            lines += ["", *_group(group, width)]
    lines += ["", *_foot(report, width)] if lines else _foot(report, width)
    return to_text(lines, width=width, colour=colour)


def strikes(cause: CauseLine) -> str:
    """ "in 9 runs: 25 failures, 3 flakes"."""
    parts = [count_of(cause.failures, "failure")] if cause.failures else []
    parts += [count_of(cause.flaky, "flake")] if cause.flaky else []
    return f"in {count_of(cause.runs, 'run')}: {', '.join(parts)}"


def said(signature: SignatureLine | None, width: int, *, first: str) -> list[Text]:
    """The guess at what kind of cause it is, and what its newest failure said."""
    if signature is None:
        return paragraph("its failures said nothing: the reports hide them", width=width, first=first, style=QUIET)
    guess = "" if signature.category is Category.UNCLEAR else f"{signature.category}? "
    share = "" if signature.failures == signature.of else f" ({signature.failures} of {signature.of} say so)"
    room = max(20, width - cell_len(first) - cell_len(guess) - cell_len(share))
    return [row(first, (guess, DOUBT), shorten_end(one_line(signature.example), room), (share, QUIET))]


def title(test: CauseTest) -> str:
    """A test's title with its variant, made harmless."""
    name = one_line(test.id.name) or "(no title)"
    return f"{name} [{one_line(test.id.variant)}]" if test.id.variant else name


def factor(line: FactorLine) -> str:
    """ "more often on Mondays: 5/9 runs against 2/60, odds × 12 (2 to 80)"."""
    figure = f"{line.failed}/{line.ran} runs against {line.failed_elsewhere}/{line.ran_elsewhere}"
    odds = ""
    if line.odds_ratio is not None and line.low is not None and line.high is not None:
        odds = f", odds × {line.odds_ratio:.1f} ({line.low:.1f} to {line.high:.1f})"
    bound = f"; not separable from {', '.join(line.not_separable_from)}" if line.not_separable_from else ""
    return f"more often with {line.factor} {one_line(line.level)}: {figure}{odds}{bound}"


def owned(cause: CauseLine) -> str:
    """ "@org/qa, @ada and 2 more"; "" for a cause that nobody owns."""
    shown = ", ".join(map(one_line, cause.owners[:_MOST_OWNERS]))
    more = len(cause.owners) - _MOST_OWNERS
    return f"{shown} and {more} more" if more > 0 else shown


def _price(cause: CauseLine, width: int) -> list[Text]:
    said = cost(cause.price)
    return paragraph(said, width=width, first=" " * _STATE, rest=" " * _STATE, style=QUIET) if said else []


def _cluster(cause: CauseLine, width: int, *, whole: bool) -> list[Text | str]:
    word, style = STATES[cause.state]
    known = f"  {cause.id}"
    what = f"{count_of(len(cause.tests), 'test')} {strikes(cause)}"
    room = width - _STATE - len(known)
    lines: list[Text | str] = [
        row((fill(word, _STATE), style), (fill(shorten_end(what, room), room), STRONG), (known, QUIET))
    ]
    indent = " " * _STATE
    lines += said(cause.signature, width, first=indent)
    where = " · ".join(one_line(area) for area in cause.areas)
    files = one_line(cause.files[0]) if len(cause.files) == 1 else f"{len(cause.files)} files" if cause.files else ""
    since = (
        f"runs {one_line(cause.first.run)} to {one_line(cause.last.run)}"
        if cause.runs > 1
        else (f"run {one_line(cause.last.run)}")
    )
    lines += paragraph(
        " · ".join(part for part in (where, files, since, owned(cause)) if part),
        width=width,
        first=indent,
        style=QUIET,
    )
    for each in cause.factors:
        lines += paragraph(factor(each), width=width, first=indent)
    lines += _price(cause, width)
    shown = cause.tests if whole else cause.tests[:_MOST_TESTS]
    digits = max(len(str(test.runs)) for test in shown)
    for test in shown:
        count = f"{test.runs:>{digits}} × "
        lines.append(row(indent, (count, QUIET), shorten_middle(title(test), width - _STATE - len(count))))
    if len(cause.tests) > len(shown):
        more = count_of(len(cause.tests) - len(shown), "more test")
        lines.append(row(indent, (f"and {more}; -v lists them", QUIET)))
    return lines


def _group(group: tuple[CauseLine, ...], width: int) -> list[Text | str]:
    lines: list[Text | str] = [*said(group[0].signature, width, first="")]
    for cause in group:
        word, style = STATES[cause.state]
        test = cause.tests[0]
        known = f"  {cause.id}"
        name = shorten_middle(title(test), width - _STATE - len(known))
        lines.append(row((fill(word, _STATE), style), fill(name, width - _STATE - len(known)), (known, QUIET)))
        parts = one_line(test.area), strikes(cause), one_line(test.id.file), owned(cause)
        where = " · ".join(part for part in parts if part)
        lines.append(row(" " * _STATE, (shorten_end(where, width - _STATE), QUIET)))
        for each in cause.factors:
            lines += paragraph(factor(each), width=width, first=" " * _STATE)
        lines += _price(cause, width)
    return lines


def _foot(report: CausesReport, width: int) -> list[Text]:
    basis = f"{count_of(report.runs, 'run')} of {one_line(report.branch)}"
    if report.left_out:
        basis += f", {count_of(report.left_out, 'outage')} left out"
    shown = len(report.clusters) + sum(len(group) for group in report.singles)
    if not report.runs:
        return paragraph("No run is known yet. Bring its reports with: flakelens ingest PATH...", width=width)
    if not report.matching:
        said_so = f"Nothing fails, over {basis}." if not report.over else f"No cause is open, over {basis}."
    elif shown < report.matching:
        said_so = f"{shown} of {count_of(report.matching, 'cause')}, over {basis}; --limit 0 shows all."
    else:
        said_so = f"{count_of(shown, 'cause')}, over {basis}."
    if report.over:
        said_so += f" {count_of(report.over, 'more is', 'more are')} over: --over shows them."
    lines = paragraph(said_so, width=width)
    if shown:
        lines += paragraph(
            "The words before a message are a guess from its pattern. All that a repair needs: flakelens brief ID. "
            "What order to repair in: flakelens plan",
            width=width,
            style=QUIET,
        )
    return lines
