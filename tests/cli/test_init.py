"""`flakelens init`: what it reads from configuration files, what it writes, and what it never does."""

from __future__ import annotations

import json

import pytest

from flakelens import policy_text as policies
from flakelens.errors import UsageError
from flakelens.init import init
from tests.cli.histories import caller


@pytest.fixture
def call(tmp_path, monkeypatch, capsys):
    return caller(tmp_path, monkeypatch, capsys)


def project(folder, files):
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text if isinstance(text, str) else json.dumps(text))
    return folder


def written(folder):
    return policies.parse((folder / "flakelens.toml").read_text(encoding="utf-8"))


def test_an_empty_folder_gets_a_policy_that_works(tmp_path):
    report = init(tmp_path)
    policy = written(tmp_path)
    assert policy.gates["gate1"].mode == "observe"
    assert policy.area_names() == ("E2E", "AI", "components")
    assert report.found == ()
    assert "no Jest or Playwright configuration" in report.unknown[0]


def test_what_is_not_said_stays_as_shipped(tmp_path):
    init(tmp_path)
    shipped, own = policies.parse(), written(tmp_path)
    assert own.gates["gate1"].criteria == shipped.gates["gate1"].criteria
    assert own.areas == shipped.areas


def test_areas_follow_the_folders_that_exist(tmp_path):
    project(
        tmp_path,
        {
            "playwright.config.ts": "export default { testDir: './tests/browser' }",
            "tests/browser/pay.spec.ts": "",
            "src/features/ai/chat.test.ts": "",
            "src/components/card.test.tsx": "",
            "node_modules/x/components/y.test.js": "",
        },
    )
    report = init(tmp_path)
    files = {rule.name: rule.files for rule in written(tmp_path).areas}
    assert files == {"E2E": ("tests/browser/**",), "AI": ("**/ai/**",), "components": ("**/components/**",)}
    assert report.areas == ("E2E", "AI", "components")


def test_a_folder_that_is_missing_is_marked_in_the_policy(tmp_path):
    init(project(tmp_path, {"src/components/card.test.tsx": ""}))
    text = (tmp_path / "flakelens.toml").read_text(encoding="utf-8")
    assert 'files = ["**/api/ai/**"]   # no such folder was found' in text
    assert 'files = ["**/components/**"]\n' in text


@pytest.mark.parametrize(
    ("config", "reporter", "retries", "doubt"),
    [
        ("{ retries: 2, reporter: 'list' }", True, (), False),
        ("{ reporter: [['junit', { includeRetries: true }]], retries: 2 }", False, (), False),
        ("{ reporter: [['junit', { outputFile: 'x' }]], retries: 2 }", True, (), False),
        ("{ reporter: [['junit']] }", True, ("none",), False),
        ("{ retries: 0 }", True, ("none",), False),
        ("{ retries: process.env.CI ? 2 : 0 }", True, (), True),
        ("{ /* includeRetries: true, */ reporter: 'junit', // retries: 1\n }", True, ("none",), False),
        ("{ use: { baseURL: 'http://x//retries: 9' } }", True, ("none",), False),
    ],
)
def test_playwright(tmp_path, config, reporter, retries, doubt):
    report = init(project(tmp_path, {"playwright.config.ts": f"export default {config}"}))
    assert any("includeRetries: true" in line for _, line in report.reporters) is reporter
    assert tuple(rule.evidence for rule in written(tmp_path).retries) == retries
    assert any("whether Playwright retries" in sentence for sentence in report.unknown) is doubt


@pytest.mark.parametrize(
    ("files", "line"),
    [
        ({"package.json": {"devDependencies": {"jest": "30"}}}, "npm install --save-dev jest-junit"),
        ({"jest.config.js": "module.exports = { reporters: ['default', 'jest-junit'] }"}, '"addFileAttribute": "true"'),
        ({"jest.config.js": "module.exports = { reporters: [['jest-junit', { addFileAttribute: 'true' }]] }"}, None),
        (
            {
                "package.json": {
                    "jest": {"reporters": ["jest-junit"]},
                    "jest-junit": {"addFileAttribute": "true"},
                }
            },
            None,
        ),
    ],
)
def test_jest(tmp_path, files, line):
    report = init(project(tmp_path, files))
    assert any(sentence.startswith("Jest (") for sentence in report.found)
    assert [line in added for _, added in report.reporters] == ([True] if line else [])
    assert any("jest.retryTimes" in sentence for sentence in report.unknown)


def test_a_test_dir_that_is_computed_is_not_guessed(tmp_path):
    report = init(project(tmp_path, {"playwright.config.ts": "export default { testDir: path.join('a', 'b') }"}))
    assert any("has no plain testDir" in sentence for sentence in report.unknown)


def test_a_hostile_configuration_is_text_and_nothing_else(tmp_path):
    hostile = "export default { testDir: 'a\\\"]\\nbranch = 1\\n\x01' }; require('fs').writeFileSync('pwned', '')"
    init(project(tmp_path, {"playwright.config.js": hostile, "package.json": "{not json"}))
    written(tmp_path)
    assert not (tmp_path / "pwned").exists()


def test_an_existing_policy_is_never_overwritten(tmp_path):
    (tmp_path / "flakelens.toml").write_text("# mine\n")
    with pytest.raises(UsageError) as error:
        init(tmp_path)
    assert "--force" in error.value.mend
    assert (tmp_path / "flakelens.toml").read_text() == "# mine\n"
    init(tmp_path, force=True)
    assert written(tmp_path).gates["gate1"].mode == "observe"


def test_the_command(tmp_path, call):
    project(tmp_path, {"playwright.config.ts": "export default { testDir: 'e2e', retries: 2 }", "e2e/a.spec.ts": ""})
    code, out, _ = call("init")
    assert code == 0
    assert "found Playwright (playwright.config.ts), tests in e2e" in out
    assert "includeRetries: true" in out
    code, out, err = call("init")
    assert (code, out) == (2, "")
    assert "exists already" in err
