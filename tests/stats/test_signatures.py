"""stats.signatures: one cause has one signature, and its kind is guessed from what people would look at."""

from __future__ import annotations

import pytest

from flakelens.stats.signatures import Category, category_of, signature_of

MATCHER = (
    "Error: expect(received).toBe(expected) // Object.is equality\n\n"
    "Expected: {}\nReceived: {}\n    at Object.toBe (/w/a.js:{}:3)"
)
LOCATOR = (
    "  [desktop] › pay.spec.js:{0}:3 › payment › pays by card ───\n\n"
    "    \x1b[31mError: expect(locator).toHaveText(expected) failed\x1b[39m\n\n"
    "    Locator: getByRole('status')\n    Expected pattern: /Paid, invoice \\d+/\n    Received string:  \"{1}\"\n"
    "    Timeout: {0}500ms\n"
)

SAME = [
    ("connect ECONNREFUSED 127.0.0.1:35275", "connect ECONNREFUSED 127.0.0.1:41001"),
    ("Error: /rates did not answer within 450 ms", "Error: /rates did not answer within 1.2 s"),
    ("Timeout 1500ms exceeded.", "Timeout 30000ms exceeded."),
    ("no user 0b5e8a2e-1f0c-4a53-9f0e-5a1d7f1f2c3d", "no user 1c5e8a2e-1f0c-4a53-9f0e-5a1d7f1f2c3d"),
    ("ENOENT: no such file, open '/tmp/jest-17/a/snap.json'", "ENOENT: no such file, open '/tmp/jest-99/b/snap.json'"),
    (
        "Cannot find module '/home/runner/work/app/src/api/client.js'",
        "Cannot find module 'C:\\Users\\ann\\app\\src\\api\\client.js'",
    ),
    ("GET https://api.test/jobs/17?page=3&sort=up failed", "GET https://api.test/jobs/4711?page=9&sort=up failed"),
    ("order 17 is not paid", "order 9,000 is not paid"),
    ("\x1b[31mError: boom\x1b[39m", "Error: boom"),
    ("Error: boom\n    at a (/x/y.js:1:2)", "Error: boom\n    at b (/z/q.js:9:9)"),
    (MATCHER.format('"Best"', '"Lea Silva"', 10, 3), MATCHER.format('"Best"', '"Sam Weber"', 99, 3)),
    (
        MATCHER.format('"Refer Ada R&D now"', '"Refer Ada R&amp;D now"', 1, 1),
        MATCHER.format('"Refer Sam R&D now"', '"Refer Sam R&amp;D now"', 1, 1),
    ),
    (LOCATOR.format(1, "The payment failed"), LOCATOR.format(2, "Please wait")),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_one_cause_has_one_signature(one: str, other: str) -> None:
    assert signature_of(one) == signature_of(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Error: /rates did not answer within 450 ms", "Error: /jobs did not answer within 450 ms"),
        (MATCHER.format(200, 502, 1, 1), MATCHER.format(200, 504, 1, 1)),
        (MATCHER.format('"Best"', '"A"', 1, 1), MATCHER.format('"Worst"', '"A"', 1, 1)),
        (MATCHER.format("true", "false", 1, 1), MATCHER.format("false", "true", 1, 1)),
        ("TypeError: a is not a function", "TypeError: b is not a function"),
        ("waiting for getByRole('button')", "waiting for getByRole('link')"),
    ],
)
def test_two_causes_have_two(one: str, other: str) -> None:
    assert signature_of(one).hash != signature_of(other).hash


def test_the_hash_is_the_same_on_every_machine_and_in_every_version() -> None:
    found = signature_of("Error: /rates did not answer within 450 ms")
    assert found.line == "Error: /rates did not answer within <time>"
    assert found.hash == "2ef98e8ca0cb"


def test_a_message_without_words_has_the_signature_of_its_type() -> None:
    assert signature_of("", "AssertionError").line == "AssertionError"
    assert signature_of("  \n", "") == signature_of("")
    assert signature_of("").category is Category.UNCLEAR


MESSAGES = [
    # Jest
    (Category.LOAD, "Test suite failed to run\n\n  Cannot find module '../api' from 'src/a.test.js'"),
    (Category.LOAD, "  ● Test suite failed to run\n\n    SyntaxError: Unexpected token '}'"),
    (
        Category.SNAPSHOT,
        "expect(received).toMatchSnapshot()\n\nSnapshot name: `card 1`\n\n- Snapshot  - 1\n+ Received  + 1",
    ),
    (Category.TIMEOUT, 'thrown: "Exceeded timeout of 5000 ms for a test.\nAdd a timeout value to this test"'),
    (Category.TIMEOUT, "Error: Timed out in waitFor.\n\nIgnored nodes: comments, script"),
    (Category.NETWORK, "Error: connect ECONNREFUSED ::1:5432\n    at TCPConnectWrap.afterConnect"),
    (Category.NETWORK, "AxiosError: Request failed with status code 503"),
    (Category.NETWORK, "TypeError: fetch failed\n    at node:internal/deps/undici"),
    (Category.NETWORK, "expect(jest.fn()).toHaveBeenCalledTimes(expected)\n\nExpected number of calls: 1\nReceived: 0"),
    (Category.NETWORK, MATCHER.format(200, 504, 1, 1)),
    (
        Category.TYPE_ERROR,
        "TypeError: Cannot read properties of undefined (reading 'map')\n    at List (src/list.js:3:1)",
    ),
    (Category.TYPE_ERROR, "ReferenceError: structuredClone is not defined"),
    (
        Category.TEXT,
        "TestingLibraryElementError: Unable to find an element with the text: Save\n\n<body>Timed out</body>",
    ),
    (Category.TEXT, MATCHER.format('"Best"', '"Lea Silva"', 1, 1)),
    (Category.VALUE, MATCHER.format(3, 4, 1, 1)),
    (Category.VALUE, "expect(received).toEqual(expected) // deep equality\n\n- Expected  - 1\n+ Received  + 1"),
    (Category.ENVIRONMENT, "Error: ENOSPC: no space left on device, write"),
    (Category.ENVIRONMENT, "A jest worker process (pid=17) was terminated by another process: signal=SIGKILL"),
    # Playwright
    (
        Category.TIMEOUT,
        "TimeoutError: locator.click: Timeout 1500ms exceeded.\nCall log:\n  - waiting for getByRole('button')",
    ),
    (Category.TIMEOUT, 'Test timeout of 30000ms exceeded while running "beforeEach" hook.'),
    (Category.TIMEOUT, "Error: expect(locator).toBeVisible() failed\n\nLocator: getByText('x')\nExpected: visible"),
    (Category.TEXT, LOCATOR.format(1, "The payment failed")),
    (Category.NETWORK, "Error: page.goto: net::ERR_CONNECTION_REFUSED at http://localhost:3000/"),
    (Category.ENVIRONMENT, "browserType.launch: Executable doesn't exist at /ms-playwright/chromium-1/chrome"),
    (
        Category.SNAPSHOT,
        "Error: expect(page).toHaveScreenshot(expected) failed\n\n  112 pixels (ratio 0.01) are different.",
    ),
    (
        Category.TYPE_ERROR,
        "Error: locator.click: Error: strict mode violation: getByRole('row') resolved to 2 elements",
    ),
    (Category.UNCLEAR, "Error: boom"),
]


@pytest.mark.parametrize(("category", "message"), MESSAGES)
def test_the_kind_of_cause_is_guessed(category: Category, message: str) -> None:
    assert category_of(message) is category


def test_every_category_is_in_the_table_of_messages() -> None:
    assert {category for category, _ in MESSAGES} == set(Category)


def test_what_stands_in_a_stack_trace_decides_nothing() -> None:
    message = "Error: boom\n    at Socket.emitRequestTimeout (node:_http_client:849:9)\n    at TypeError (a.js:1:1)"
    assert category_of(message) is Category.UNCLEAR
