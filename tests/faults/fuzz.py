"""Coverage-guided fuzzing of the reader: `python -m tests.faults.fuzz KEPT --seconds 300` (needs the extra `fuzz`).

KEPT is a folder of inputs that reached new code; it is filled from the fixtures and from the real reports beside the
checkout, and kept for the next time. What makes the reader raise, hang or count what is not there is left in KEPT as
crash-.. or timeout-..: make it a fixture in tests/faults/found/ before mending the reader.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
from pathlib import Path

import atheris

with atheris.instrument_imports(
    include=["flakelens.junit", "flakelens.masks", "flakelens.messages", "flakelens.redact"]
):
    from flakelens.junit import Limits, read_bytes
    from flakelens.messages import cause_line, signature
    from flakelens.policy import RedactPolicy
    from flakelens.redact import Redactor

from tests.faults.reports import content, corpus, own, sane

LONGEST = 20_000  # bytes of an input: what is longer adds time, not depth
LIMITS = Limits(max_bytes=10**6)
TOKENS = (
    "<testsuites>", "</testsuites>", "<testsuite ", "</testsuite>", "<testcase ", "</testcase>", "<failure ", "<error ",
    "<skipped/>", "<system-out>", "<flakyFailure ", "<rerunFailure ", "<rerunError ", "<flakyError ", "<stackTrace>",
    "<properties>", "<property ", "<![CDATA[", "]]>", "<!--", "-->", "<?xml version=\\\"1.0\\\" encoding=\\\"", "<!DOCTYPE ",
    "name=\\\"", "classname=\\\"", "file=\\\"", "time=\\\"", "timestamp=\\\"", "tests=\\\"", "failures=\\\"", "hostname=\\\"", "line=\\\"",
    "jest tests", "vitest tests", "pytest", "surefire", "&#0;", "&#x1b;", "&amp;", "[[ATTACHMENT|", "retry #1", "UTF-16",
    "\\xff\\xfe", "\\xfe\\xff", "\\xef\\xbb\\xbf", "\\x00", "\\x1b[31m", "1e999", "NaN", "2026-11-20T06:00:00", "-----BEGIN PRIVATE KEY-----",
)  # fmt: skip
REDACTOR = Redactor(RedactPolicy(), {"APP_TOKEN": "correct-horse-7"})


def one_input(data: bytes) -> None:
    """Read it, mask it, sign it; anything that does not hold is an exception, which the fuzzer keeps."""
    report = read_bytes("junit.xml", data, LIMITS)
    wrong = sane(report, data)
    assert not wrong, wrong
    masked = REDACTOR.report(report)
    assert [case.id for case in masked.cases] == [case.id for case in report.cases]
    for case in masked.cases[:3]:
        for attempt in case.attempts[:2]:
            signature(attempt.message)
            cause_line(attempt.message)


def main() -> None:
    """Fill the folder, and fuzz."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kept", type=Path)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1)
    said = parser.parse_args()
    said.kept.mkdir(parents=True, exist_ok=True)
    for path in own() + corpus():
        data = content(path)[:LONGEST]
        (said.kept / hashlib.sha1(data, usedforsecurity=False).hexdigest()).write_bytes(data)
    words = said.kept.with_suffix(".dict")
    words.write_text("".join(f'"{token}"\n' for token in TOKENS))
    arguments = [
        sys.argv[0],
        str(said.kept),
        f"-dict={words}",
        f"-max_total_time={said.seconds}",
        f"-seed={said.seed}",
        f"-max_len={LONGEST}",
        "-timeout=5",
        "-rss_limit_mb=2000",
        "-print_final_stats=1",
        f"-artifact_prefix={said.kept}/",
    ]
    atheris.Setup(arguments, one_input)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
