"""Real reports of many projects against independent counts, and real retries, shards and load failures.

The reports belong to others and are not part of the repository. They are looked for in FLAKELENS_SHARED, else in a
folder `shared` beside the checkout; without them these tests are skipped and say so.
"""

from __future__ import annotations

import csv
import os
from collections import Counter
from pathlib import Path

import pytest

from flakelens.junit import read_bytes
from flakelens.model import Outcome, ParsedReport, RetryEvidence, Status

from .helpers import codes, letters

SHARED = Path(os.environ.get("FLAKELENS_SHARED") or Path(__file__).parents[2].parent / "shared")
CORPUS, GENERATED = SHARED / "corpus", SHARED / "corpus-generated"

pytestmark = pytest.mark.skipif(
    not (CORPUS / "manifest.tsv").is_file(),
    reason=f"the corpus of real reports is not at {SHARED}: set FLAKELENS_SHARED to run these tests",
)

COLUMNS = {
    "passed": Status.PASSED,
    "failed": Status.FAILED,
    "errored": Status.ERRORED,
    "skipped": Status.SKIPPED,
}

# Files whose counts differ for a reason, as (passed, failed, errored, skipped) minus the independent count.
EXCEPTIONS = {
    # The last of four attempts failed where the first errored; the status is that of the last attempt.
    "TEST-test.RetryTest.xml": (0, 1, -1, 0),
    # testcase5 ends with a rerunError after its failure; testcase7 passed at last and only the run was made to fail.
    "quick-junit-tests/tests/fixtures/basic_report.xml": (1, -2, 1, 0),
    # The one case that only an attribute calls disabled did fail, so that it is not skipped.
    "test_results/issues/testFailedDisabled.xml": (1, 0, 0, -1),
}


def rows() -> list[dict[str, str]]:
    if not (CORPUS / "manifest.tsv").is_file():
        return []
    with (CORPUS / "manifest.tsv").open(encoding="utf-8", newline="") as manifest:
        return list(csv.DictReader(manifest, delimiter="\t"))


def path_of(row: dict[str, str]) -> str:
    return f"{row['repo']}/{row['path']}"


def counts(report: ParsedReport) -> tuple[int, ...]:
    """Test case elements by final status; the pseudo cases of load failures are elements too."""
    statuses = Counter(case.status for case in (*report.cases, *report.load_failure_cases))
    return tuple(statuses[status] for status in COLUMNS.values())


def expected(row: dict[str, str]) -> tuple[int, ...]:
    """The independent counts, with cases that only an attribute calls skipped moved from passed to skipped."""
    passed, failed, errored, skipped = (int(row[column]) for column in COLUMNS)
    only_status = int(row["status_only_skip"])
    wanted = (passed - only_status, failed, errored, skipped + only_status)
    for ending, difference in EXCEPTIONS.items():
        if path_of(row).endswith(ending):
            return tuple(want + more for want, more in zip(wanted, difference, strict=True))
    return wanted


def test_the_manifest_and_the_files_agree():
    assert len(rows()) > 500
    assert not [path_of(row) for row in rows() if not (CORPUS / path_of(row)).is_file()]
    assert all(any(path_of(row).endswith(ending) for row in rows()) for ending in EXCEPTIONS)


def test_every_real_report_is_counted_exactly_or_has_a_problem():
    wrong = []
    for row in rows():
        report = read_bytes(path_of(row), (CORPUS / path_of(row)).read_bytes())
        assert report.sha256 == row["sha256"]
        assert "unreadable" not in codes(report), report.name
        is_junit = row["wf_expat"] == "y" and not row["producer"].startswith("not-junit")
        if is_junit:
            if counts(report) != expected(row):
                wrong.append((report.name, counts(report), expected(row)))
            if not any(counts(report)):
                assert "no-tests" in codes(report)
        elif not report.problems:
            wrong.append((report.name, "no problem"))
    assert not wrong


@pytest.mark.parametrize("producer", ["jest", "playwright", "pytest", "vitest"])
def test_the_producer_is_recognised(producer):
    """The manifest's own guess goes by attributes and takes a few unlike files for jest-junit's."""
    found = Counter(
        read_bytes("x", (CORPUS / path_of(row)).read_bytes()).producer for row in rows() if row["producer"] == producer
    )
    assert found[producer] >= 0.9 * found.total()


def generated(name: str) -> ParsedReport:
    return read_bytes(name, (GENERATED / name).read_bytes())


PW, JEST = "playwright-1.65.1", "jest-junit-17.0.0"


def outcomes(report: ParsedReport) -> tuple[int, ...]:
    found = Counter(case.outcome for case in report.cases)
    return tuple(found[kind] for kind in (Outcome.PASSED, Outcome.FLAKY, Outcome.FAILED, Outcome.SKIPPED))


@pytest.mark.parametrize(
    ("name", "total", "by_outcome", "evidence"),
    [
        (f"{PW}/default.xml", 36, (10, 4, 14, 8), RetryEvidence.HIDDEN),
        (f"{PW}/include-retries.xml", 36, (12, 4, 12, 8), RetryEvidence.RECORDED),
        (f"{PW}/only-failures.xml", 16, (0, 4, 12, 0), RetryEvidence.RECORDED),
        (f"{PW}/shard1.xml", 18, None, RetryEvidence.HIDDEN),
        (f"{PW}/max-failures.xml", 36, (1, 0, 1, 34), None),
        (f"{PW}/repeat-each.xml", 72, (24, 0, 32, 16), None),
    ],
)
def test_playwright_reports_with_forbidden_characters_keep_every_case(name, total, by_outcome, evidence):
    report = generated(name)
    assert report.producer == "playwright"
    assert len(report.cases) == total
    assert report.retry_evidence is evidence
    assert "illegal-characters" in codes(report)
    assert "counts-disagree" not in codes(report)
    assert not report.damaged
    assert not report.partial
    if by_outcome:
        assert outcomes(report) == by_outcome


def test_what_playwright_hides_by_default_and_records_on_demand():
    hidden, recorded = generated(f"{PW}/default.xml"), generated(f"{PW}/include-retries.xml")
    by_id = {case.id: letters(case) for case in recorded.cases}
    flaky = [case for case in hidden.cases if case.outcome is Outcome.FLAKY]
    # The two runs differ only in a test that times out when it is not told to hurry. Default mode calls every failed
    # attempt FAILED, because what it was is not in the file.
    assert {case.id: letters(case) for case in flaky} == {case.id: by_id[case.id].replace("E", "F") for case in flaky}
    assert {case.id.variant for case in recorded.cases} == {"chromium", "firefox"}
    assert {case.id.file for case in recorded.cases} == {"a.spec.js", "b.spec.js"}


def test_a_playwright_run_that_could_not_load():
    report = generated(f"{PW}/load-error.xml")
    assert codes(report) == ["no-tests"]
    assert report.damaged


def test_failures_only_are_said():
    assert "partial-report" in codes(generated(f"{PW}/only-failures.xml"))


@pytest.mark.parametrize("name", ["default.xml", "suite-errors.xml", "templates.xml"])
def test_jest_titles_do_not_depend_on_templates(name):
    report = generated(f"{JEST}/{name}")
    assert report.producer == "jest"
    assert len(report.cases) == 15
    titles = [case.id.name for case in report.cases]
    assert titles[-1] == ("x" if name == "templates.xml" else "d2 x")
    assert [case.ordinal for case in report.cases if case.id.name == "same name"] == [1, 2]
    files = {case.id.file for case in report.cases}
    assert files == ({"a.test.js", "b.test.js", "d.test.js"} if name == "templates.xml" else {""})
    assert {case.stack_file for case in report.cases if case.status is Status.FAILED} == {
        "jest/a.test.js",
        "jest/d.test.js",
    }


def test_jest_files_that_could_not_be_loaded():
    report = generated(f"{JEST}/suite-errors.xml")
    assert report.load_failures == ("e.test.js", "c.test.js")
    assert len(report.load_failure_cases) == 4
    assert not report.damaged


def test_node_vitest_and_pytest():
    node = generated("node-20.20.2/out.xml")
    assert [letters(case) for case in node.cases] == list("PFSSSPP")
    vitest = generated("vitest-4.1.12/out.xml")
    assert (len(vitest.cases), vitest.load_failures) == (11, ("b.test.js",))
    for name in ("out.xml", "out2.xml"):
        report = generated(f"pytest-9.2.0/{name}")
        assert [letters(case) for case in report.cases] == list("FEESFFPPP")
    assert generated("pytest-9.2.0/out.xml").load_failures == ("test_b",)


@pytest.mark.parametrize("folder", [f"{PW}-wf", f"{JEST}-wf"])
def test_the_well_formed_twins_read_alike(folder):
    files = sorted((GENERATED / folder).glob("*.xml"))
    assert files
    for path in files:
        report = read_bytes(path.name, path.read_bytes())
        assert report.cases
        assert "illegal-characters" not in codes(report)
        twin = GENERATED / folder.removesuffix("-wf") / path.name.replace(".sanitized", "")
        if ".sanitized" in path.name:
            original = read_bytes(path.name, twin.read_bytes())
            assert [letters(case) for case in report.cases] == [letters(case) for case in original.cases]
