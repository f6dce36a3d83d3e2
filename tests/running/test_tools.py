"""Which reporters `run` switches on, as tables: a command and a project in, variables and flags out."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from flakelens.running import prepare

REPORTS = Path("/reports")


def project(folder: Path, **files: str) -> Path:
    """Files by name, with "__" for the dot of a file name and "/" kept."""
    for name, text in files.items():
        path = folder / name.replace("__", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


def installed(folder: Path, package: str, version: str) -> None:
    place = folder / "node_modules" / package
    place.mkdir(parents=True)
    (place / "package.json").write_text(json.dumps({"version": version}), encoding="utf-8")


@pytest.mark.parametrize(
    ("command", "tools"),
    [
        ("npx jest --ci", ("jest",)),
        ("npx --yes jest@30 --ci", ("jest",)),
        ("node node_modules/jest/bin/jest.js", ("jest",)),
        ("node_modules/.bin/jest", ("jest",)),
        ("npx playwright test --project=chromium", ("playwright",)),
        ("npx @playwright/test/cli.js test", ("playwright",)),
        ("npx playwright install chromium", ()),
        ("npx vitest run", ("vitest",)),
        ("python -m pytest tests", ("pytest",)),
        ("npm test", ("jest",)),
        ("npm run e2e", ("playwright",)),
        ("yarn e2e", ("playwright",)),
        ("pnpm run all", ("jest", "playwright")),
        ("npm run nothing", ()),
        ("make test", ()),
    ],
)
def test_the_tool_behind_a_command(tmp_path: Path, command: str, tools: tuple[str, ...]) -> None:
    scripts = {"test": "jest --ci", "e2e": "playwright test", "all": "jest && playwright test"}
    project(tmp_path, package__json=json.dumps({"scripts": scripts}))
    assert prepare(command.split(), {}, tmp_path, REPORTS, add_reporter=False).tools == tools


def test_the_tool_in_the_text_of_a_shell(tmp_path: Path) -> None:
    prepared = prepare(["sh", "-c", "npx jest; npx playwright test"], {}, tmp_path, REPORTS, add_reporter=True)
    assert prepared.tools == ("jest", "playwright")
    assert prepared.command == ("sh", "-c", "npx jest; npx playwright test")
    assert any("write into it" in line for line in prepared.advice)


def test_what_is_set_shows_files_load_errors_and_retries(tmp_path: Path) -> None:
    assert prepare(["make", "test"], {}, tmp_path, REPORTS, add_reporter=False).variables == {
        "JEST_JUNIT_ADD_FILE_ATTRIBUTE": "true",
        "JEST_JUNIT_REPORT_TEST_SUITE_ERRORS": "true",
        "PLAYWRIGHT_JUNIT_INCLUDE_RETRIES": "1",
        "PLAYWRIGHT_JUNIT_OUTPUT_FILE": "/reports/playwright.xml",
    }


def test_what_the_caller_has_set_is_left_as_it_is(tmp_path: Path) -> None:
    own = {
        "JEST_JUNIT_ADD_FILE_ATTRIBUTE": "false",
        "JEST_JUNIT_REPORT_TEST_SUITE_ERRORS": "",
        "PLAYWRIGHT_JUNIT_INCLUDE_RETRIES": "0",
        "PLAYWRIGHT_JUNIT_OUTPUT_NAME": "e2e.xml",
        "PLAYWRIGHT_JUNIT_OUTPUT_DIR": "out",
    }
    prepared = prepare(["make", "test"], own, tmp_path, REPORTS, add_reporter=False)
    assert prepared.variables == {}
    assert prepared.named == ("/reports", "out/e2e.xml")


def test_a_report_that_the_configuration_directs_is_not_redirected(tmp_path: Path) -> None:
    project(tmp_path, playwright__config__ts="reporter: [['junit', { outputFile: 'results/e2e.xml' }]]")
    variables = prepare(["npx", "playwright", "test"], {}, tmp_path, REPORTS, add_reporter=True).variables
    assert "PLAYWRIGHT_JUNIT_OUTPUT_FILE" not in variables
    assert variables["PLAYWRIGHT_JUNIT_INCLUDE_RETRIES"] == "1"


@pytest.mark.parametrize(("version", "records"), [("1.58.2", False), ("1.59.0", True), ("1.65.1", True), ("", False)])
def test_retries_count_as_recorded_only_where_playwright_knows_the_switch(
    tmp_path: Path, version: str, records: bool
) -> None:
    if version:
        installed(tmp_path, "@playwright/test", version)
    inner = tmp_path / "packages" / "web"
    inner.mkdir(parents=True)
    prepared = prepare(["npx", "playwright", "test"], {}, inner, REPORTS, add_reporter=False)
    assert prepared.records_retries is records


@pytest.mark.parametrize(
    ("command", "ci", "becomes"),
    [
        ("npx playwright test", "", "npx playwright test --reporter=list,junit"),
        ("npx playwright test", "true", "npx playwright test --reporter=dot,junit"),
        ("npx playwright test --reporter=line", "", "npx playwright test --reporter=line,junit"),
        ("npx playwright test --reporter html e2e", "", "npx playwright test e2e --reporter=html,junit"),
        ("npx playwright test --reporter=junit", "", "npx playwright test --reporter=junit"),
        ("npx jest --ci", "", "npx jest --ci --reporters=default --reporters=jest-junit"),
        ("npx jest --reporters=summary", "", "npx jest --reporters=summary --reporters=jest-junit"),
        ("npx jest --reporters=jest-junit", "", "npx jest --reporters=jest-junit"),
        ("npm test", "", "npm test -- --reporters=default --reporters=jest-junit"),
        ("npm test -- --ci", "", "npm test -- --ci --reporters=default --reporters=jest-junit"),
        ("yarn test", "", "yarn test --reporters=default --reporters=jest-junit"),
        ("npx vitest run", "",
         "npx vitest run --reporter=default --reporter=junit --outputFile.junit=/reports/vitest.xml"),
        ("pytest -q", "", "pytest -q --junitxml=/reports/pytest.xml"),
        ("pytest --junit-xml=a.xml", "", "pytest --junit-xml=a.xml"),
        ("make test", "", "make test"),
    ],
)  # fmt: skip
def test_a_reporter_is_added_when_asked_for_and_the_console_stays(
    tmp_path: Path, command: str, ci: str, becomes: str
) -> None:
    project(tmp_path, package__json=json.dumps({"scripts": {"test": "jest"}}))
    installed(tmp_path, "jest-junit", "17.0.0")
    environ = {"CI": ci} if ci else {}
    prepared = prepare(command.split(), environ, tmp_path, REPORTS, add_reporter=True)
    assert " ".join(prepared.command) == becomes
    unasked = prepare(command.split(), environ, tmp_path, REPORTS, add_reporter=False)
    assert unasked.command == tuple(command.split())
    if becomes != command:
        assert prepared.added
        assert prepared.added in " ".join(unasked.advice)


def test_a_newer_playwright_adds_a_reporter_to_the_configured_ones(tmp_path: Path) -> None:
    installed(tmp_path, "@playwright/test", "1.65.1")
    prepared = prepare(["npx", "playwright", "test"], {}, tmp_path, REPORTS, add_reporter=True)
    assert prepared.command[-1] == "--add-reporter=junit"


def test_a_reporter_that_is_not_installed_is_not_added(tmp_path: Path) -> None:
    prepared = prepare(["npx", "jest"], {}, tmp_path, REPORTS, add_reporter=True)
    assert prepared.command == ("npx", "jest")
    assert prepared.advice == ("install Jest's JUnit reporter: npm install --save-dev jest-junit",)


def test_only_an_added_jest_reporter_writes_into_our_folder(tmp_path: Path) -> None:
    installed(tmp_path, "jest-junit", "17.0.0")
    added = prepare(["npx", "jest"], {}, tmp_path, REPORTS, add_reporter=True)
    assert added.variables["JEST_JUNIT_OUTPUT_DIR"] == "/reports"
    project(tmp_path, jest__config__js='module.exports = { reporters: ["default", "jest-junit"] }')
    configured = prepare(["npx", "jest"], {}, tmp_path, REPORTS, add_reporter=True)
    assert configured.added == ""
    assert "JEST_JUNIT_OUTPUT_DIR" not in configured.variables


@pytest.mark.parametrize(
    ("command", "partial"),
    [
        ("npx jest --ci --coverage", False),
        ("npx jest --config jest.ci.js --maxWorkers 2", False),
        ("npx jest src/cart.test.ts", True),
        ("npx jest --ci src/cart.test.ts", True),
        ("npx jest -t pays", True),
        ("npx jest --testNamePattern=pays", True),
        ("npx jest --watch", True),
        ("npx playwright test --project=chromium --shard=1/4", False),
        ("npx playwright test --grep-invert @quarantine", False),
        ("npx playwright test --grep @smoke", True),
        ("npx playwright test e2e/cart.spec.ts", True),
        ("npx playwright test --last-failed", True),
        ("pytest tests", False),
        ("pytest -k pays", True),
        ("npm test -- -t pays", True),
        ("make test", False),
    ],
)
def test_a_command_that_runs_a_selection_is_partial(tmp_path: Path, command: str, partial: bool) -> None:
    project(tmp_path, package__json=json.dumps({"scripts": {"test": "jest"}}))
    assert prepare(command.split(), {}, tmp_path, REPORTS, add_reporter=False).partial is partial


def test_the_shard_of_a_command_is_the_runs(tmp_path: Path) -> None:
    prepared = prepare(["npx", "playwright", "test", "--shard", "2/4"], {}, tmp_path, REPORTS, add_reporter=False)
    assert prepared.shard == "2/4"


def test_a_broken_package_json_is_nobodys_fault(tmp_path: Path) -> None:
    project(tmp_path, package__json='{"scripts": [' + "[" * 10_000)
    assert prepare(["npm", "test"], {}, tmp_path, REPORTS, add_reporter=True).tools == ()
