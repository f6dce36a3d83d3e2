"""The children of one `<testcase>` -> its attempts, first to last. The same for every dialect that records retries."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from junitparser import Error, Failure, Skipped, SystemErr, SystemOut
from junitparser.xunit2 import FlakyError, FlakyFailure, RerunError, RerunFailure

from flakelens.junit.values import seconds_of
from flakelens.model import Attempt, Status

if TYPE_CHECKING:
    from collections.abc import Sequence

    from flakelens.junit.flavour import Case, Result

LONGEST_MESSAGE = 64 * 1024

# Statuses of cases that say so in an attribute only (googletest and its kin).
SKIPPED_STATUSES = frozenset({"notrun", "disabled", "skipped"})


class Outcomes(NamedTuple):
    """The result elements of one case by kind, in document order."""

    final: Sequence[Result]  # failure, error, skipped
    flaky: Sequence[Result]  # flakyFailure, flakyError: failed attempts before a pass
    rerun: Sequence[Result]  # rerunFailure, rerunError: failed attempts after the first failure
    output: Sequence[str]  # texts of system-out and system-err


def outcomes_of(case: Case) -> Outcomes:
    """Sort the children of a case."""
    final: list[Result] = []
    flaky: list[Result] = []
    rerun: list[Result] = []
    output: list[str] = []
    for child in case:
        if isinstance(child, (Failure, Error, Skipped)):
            final.append(child)
        elif isinstance(child, (FlakyFailure, FlakyError)):
            flaky.append(child)
        elif isinstance(child, (RerunFailure, RerunError)):
            rerun.append(child)
        elif isinstance(child, (SystemOut, SystemErr)) and child.text:
            output.append(child.text)
    return Outcomes(final, flaky, rerun, output)


def attempts_of(case: Case, outcomes: Outcomes, seconds: float | None) -> tuple[Attempt, ...]:
    """The attempts as Surefire's elements record them; without such elements one attempt.

    A final failure describes the first attempt and `rerun*` the later ones; `flaky*` come before the pass.
    """
    status = final_status(outcomes.final, case.status)
    if outcomes.flaky and status in (Status.FAILED, Status.ERRORED) and _is_flaky_failure(outcomes.final):
        status = Status.PASSED
    earlier = [interim(result) for result in outcomes.flaky]
    later = [interim(result) for result in outcomes.rerun]
    if status in (Status.FAILED, Status.ERRORED):
        return (*earlier, final(status, outcomes.final, seconds), *later)
    return (*earlier, *later, final(status, outcomes.final, seconds))


def _is_flaky_failure(results: Sequence[Result]) -> bool:
    """nextest can fail a run for its flaky tests: the test itself did pass in the end."""
    return all((result.type or "").lower() == "flaky failure" for result in results)


def final_status(results: Sequence[Result], attribute: str | None) -> Status:
    """The status that several results of one case add up to: error before failure before skipped.

    A `<skipped type="todo">` wins over a failure: node --test does not fail a run for a failing todo.
    """
    if not results:
        return Status.SKIPPED if (attribute or "").lower() in SKIPPED_STATUSES else Status.PASSED
    if any(isinstance(result, Skipped) and result.type == "todo" for result in results):
        return Status.SKIPPED
    if any(isinstance(result, Error) for result in results):
        return Status.ERRORED
    if any(isinstance(result, Failure) for result in results):
        return Status.FAILED
    return Status.SKIPPED


def final(status: Status, results: Sequence[Result], seconds: float | None) -> Attempt:
    """The attempt that the final result elements describe."""
    if status is Status.PASSED or not results:
        return Attempt(status, seconds, "", "")
    if status is not Status.SKIPPED:
        results = [result for result in results if not isinstance(result, Skipped)] or results
    kind = next((result.type for result in results if result.type), "")
    parts = [message_of(result) for result in results]
    return Attempt(status, seconds, kind, capped("\n\n".join(part for part in parts if part)))


def interim(result: Result) -> Attempt:
    """The attempt that a flaky* or rerun* element describes."""
    status = Status.ERRORED if isinstance(result, (FlakyError, RerunError)) else Status.FAILED
    raw = result._elem.get("time")
    return Attempt(status, seconds_of(raw) if raw else None, result.type or "", capped(message_of(result)))


def message_of(result: Result) -> str:
    """The message attribute and the text, joined without saying the same thing twice."""
    message: str = (result.message or "").strip()
    text: str = result.text or ""
    trace = getattr(result, "stack_trace", None)
    if trace:
        text = f"{text.strip()}\n{trace}" if text.strip() else trace
    text = text.strip("\r\n").rstrip()
    if not text.strip():
        return message
    if not message or message in text[: len(message) + LONGEST_MESSAGE]:
        return text
    return f"{message}\n{text}"


def capped(text: str) -> str:
    """The text, cut with a mark that says so where it is longer than 64 Ki characters."""
    if len(text) <= LONGEST_MESSAGE:
        return text
    return f"{text[:LONGEST_MESSAGE]}\n[... {len(text) - LONGEST_MESSAGE} more characters]"
