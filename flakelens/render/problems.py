"""Problems as a program and a person read them: one by one, or grouped by kind where there are many."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from rich.text import Text

from flakelens.model import SERIOUS_CODES
from flakelens.render.safe import one_line, shorten_end, shorten_middle
from flakelens.render.terminal import BAD, DOUBT, QUIET, paragraph

if TYPE_CHECKING:
    from flakelens.model import Problem, ProblemCode

_PLACES = 3  # shown of each kind


def problem_view(problem: Problem) -> dict[str, str]:
    """The JSON form of a problem."""
    return {"code": str(problem.code), "where": problem.where, "message": problem.message}


def grouped(problems: Iterable[Problem], *, width: int, remarks: bool = False) -> list[Text]:
    """One block per kind, serious ones first: how often, what it means, the first places.

    What is no more than a remark takes one line, unless `remarks`.
    """
    kinds: dict[ProblemCode, list[Problem]] = {}
    for problem in problems:
        kinds.setdefault(problem.code, []).append(problem)
    lines: list[Text] = []
    for code, found in sorted(kinds.items(), key=lambda item: (item[0] not in SERIOUS_CODES, -len(item[1]), item[0])):
        serious = code in SERIOUS_CODES
        count = f" ({len(found):,} times)" if len(found) > 1 else ""
        if not serious and not remarks:
            said = one_line(f"{code}{count}: {found[0].message}")
            lines.append(Text.assemble("  ", ("-", DOUBT), f" {shorten_end(said, width - 4)}"))
            continue
        lines.append(Text.assemble("  ", ("!" if serious else "-", BAD if serious else DOUBT), f" {code}{count}"))
        messages = list(dict.fromkeys(problem.message for problem in found))
        lines += paragraph(messages[0], width=width, first="    ")
        places = list(dict.fromkeys(one_line(problem.where) for problem in found))
        more = f" and {len(places) - _PLACES:,} more" if len(places) > _PLACES else ""
        shown = ", ".join(shorten_middle(place, 50) for place in places[:_PLACES])
        lines += paragraph(f"in {shown}{more}", width=width, first="    ", style=QUIET)
    return lines
