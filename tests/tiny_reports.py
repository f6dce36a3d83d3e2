"""Reports of a few lines, as Jest and Playwright write them, for tests that only need some results.

    jest(tmp_path / "junit.xml", {"adds": "P", "breaks": "F"})
    playwright(tmp_path / "e2e.xml", {"signs in": "K"}, recorded=True)

Letters: P passed, K flaky (recorded), F failed, E errored, S skipped.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

STAMP = "2026-11-20T06:00:00"


def jest(
    path: Path,
    tests: Mapping[str, str],
    *,
    stamp: str = STAMP,
    file: str = "",
    message: str = "Error: connect ECONNREFUSED 127.0.0.1:5432",
) -> Path:
    """A default jest-junit report; `file` as addFileAttribute writes it, "" as it is by default."""
    inner = {"P": "", "S": "<skipped/>", "F": f"<failure>{escape(message)}</failure>",
             "E": f"<error>{escape(message)}</error>"}  # fmt: skip
    place = f" file={quoteattr(file)}" if file else ""
    cases = "".join(
        f'<testcase classname={quoteattr(name)} name={quoteattr(name)} time="0.1"{place}>{inner[letter]}</testcase>'
        for name, letter in tests.items()
    )
    timestamp = f' timestamp="{stamp}"' if stamp else ""
    text = (
        f'<?xml version="1.0" encoding="UTF-8"?><testsuites name="jest tests" tests="{len(tests)}" failures="0"'
        f' errors="0" time="1.5"><testsuite name="tests" errors="0" failures="0" skipped="0"{timestamp} time="1"'
        f' tests="{len(tests)}">{cases}</testsuite></testsuites>'
    )
    return _write(path, text)


def playwright(
    path: Path,
    tests: Mapping[str, str],
    *,
    stamp: str = STAMP,
    file: str = "e2e/app.spec.ts",
    project: str = "chromium",
    message: str = "Error: page.goto: net::ERR_CONNECTION_REFUSED",
) -> Path:
    """A report of Playwright's junit reporter; a K is written as includeRetries writes it."""
    inner = {
        "P": "",
        "S": "<skipped></skipped>",
        "F": f'<failure message={quoteattr(message)} type="expect.toBe">{escape(message)}</failure>',
        "E": f'<error message={quoteattr(message)} type="TypeError">{escape(message)}</error>',
        "K": f'<flakyFailure message={quoteattr(message)} type="FAILURE" time="0.4"><stackTrace>{escape(message)}'
             "</stackTrace></flakyFailure>",
    }  # fmt: skip
    cases = "".join(
        f'<testcase name={quoteattr(name)} classname="{file}" time="0.5">{inner[letter]}</testcase>'
        for name, letter in tests.items()
    )
    timestamp = f' timestamp="{stamp}.000Z"' if stamp else ""
    text = (
        f'<testsuites id="" name="" tests="{len(tests)}" failures="0" skipped="0" errors="0" time="2.5">'
        f'<testsuite name="{file}"{timestamp} hostname="{project}" tests="{len(tests)}" failures="0" skipped="0"'
        f' time="2" errors="0">{cases}</testsuite></testsuites>'
    )
    return _write(path, text)


def _write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path
