"""Secrets in messages: what is masked, what is not, and that masking is safe to do."""

from __future__ import annotations

import base64
import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flakelens.errors import PolicyError
from flakelens.model import Attempt, CaseResult, ParsedReport, Problem, ProblemCode, Status, TestId
from flakelens.policy import RedactPolicy
from flakelens.policy_text import parse
from flakelens.redact import Redactor, _masking
from flakelens.secret_shapes import SHAPES, looks_secret

# The tokens below are made here, piece by piece, so that no scanner takes this file for a leak.
SEED = "A7bQ2xZ9kLm4Nc8Rt1Vw5Yp3Hs6Jd0Fg"


def random_text(length: int, alphabet: str = SEED) -> str:
    return (alphabet * (length // len(alphabet) + 1))[:length]


HEX = "3fa91c07d2e8b465"
BASE32 = "Q7ZK3MXW5NPB2RTV"
PEM = "\n".join(random_text(64) for _ in range(3))
JWT = ".".join(
    base64.urlsafe_b64encode(part).decode().rstrip("=")
    for part in (b'{"alg":"HS256","typ":"JWT"}', b'{"role":"service_role","iss":"supabase"}', b"0123456789abcdef0123")
)

SECRETS = [
    ("github-token", "gh" + "p_" + random_text(36)),
    ("github-token", "gh" + "s_" + random_text(36)),
    ("github-token", "github_" + "pat_" + random_text(22) + "_" + random_text(59)),
    ("gitlab-token", "gl" + "pat-" + random_text(20)),
    ("gitlab-token", "gl" + "ptt-" + random_text(40)),
    ("aws-access-key", "AK" + "IA" + BASE32),
    ("aws-access-key", "AS" + "IA" + BASE32),
    ("slack-token", "xo" + "xb-" + "123456789012-1234567890123-" + random_text(24)),
    ("slack-token", "xa" + "pp-1-" + "A0B1C2D3E4-1234567890123-" + random_text(24)),
    ("stripe-key", "sk_" + "live_" + random_text(24)),
    ("stripe-key", "rk_" + "test_" + random_text(99)),
    ("webhook-secret", "wh" + "sec_" + random_text(32)),
    ("api-key", "s" + "k-" + random_text(48)),
    ("api-key", "s" + "k-proj-" + random_text(60) + "_" + random_text(30)),
    ("api-key", "s" + "k-ant-api03-" + random_text(90)),
    ("supabase-key", "sb" + "p_" + random_text(40, HEX)),
    ("supabase-key", "sb_" + "secret_" + random_text(31)),
    ("json-web-token", JWT),
    ("google-key", "AI" + "za" + random_text(35)),
    ("google-oauth", "ya" + "29." + random_text(60)),
    ("npm-token", "np" + "m_" + random_text(36)),
    ("pypi-token", "py" + "pi-AgEIcHlwaS5vcmc" + random_text(60)),
    ("sendgrid-key", "S" + "G." + random_text(22) + "." + random_text(43)),
    ("twilio-key", "S" + "K" + random_text(32, HEX)),
    ("hugging-face-token", "h" + "f_" + random_text(34)),
    ("resend-key", "r" + "e_" + random_text(8) + "_" + random_text(24)),
    ("digitalocean-token", "do" + "p_v1_" + random_text(64, HEX)),
    ("shopify-token", "shp" + "at_" + random_text(32, HEX)),
    ("private-key", f"-----BEGIN PRIVATE KEY-----\n{PEM}\n-----END PRIVATE KEY-----"),
    ("private-key", f"-----BEGIN OPENSSH PRIVATE KEY-----\n{PEM}\n-----END OPENSSH PRIVATE KEY-----"),
    ("private-key", f"-----BEGIN RSA PRIVATE KEY-----\\n{random_text(64)}\\n-----END RSA PRIVATE KEY-----"),
    ("private-key", f"-----BEGIN PGP PRIVATE KEY BLOCK-----\n\n{PEM}\n-----END PGP PRIVATE KEY BLOCK-----"),
]

# (message, what must not be in it any more, what must still be)
IN_CONTEXT = [
    ("postgres://app:s3cr3t!@db.internal:5432/x", "s3cr3t!", "postgres://app:[redacted password]@db.internal:5432/x"),
    ("redis://:hunter2hunter2@cache:6379", "hunter2", "redis://:[redacted password]@cache:6379"),
    (f"https://x-access-token:{random_text(30)}@git.example.org/a.git", random_text(30), "@git.example.org/a.git"),
    (f"Authorization: Bearer {random_text(20)}", random_text(20), "Authorization: Bearer [redacted"),
    ("'authorization': 'Basic dXNlcjpwYXNzd29yZA=='", "dXNlcjpwYXNzd29yZA", "'Basic [redacted authorization]'"),
    (f"sent bearer {random_text(40)} twice", random_text(40), "sent bearer [redacted bearer-token] twice"),
    (f'"x-api-key": "{random_text(32)}"', random_text(32), '"x-api-key": "[redacted api-key-header]"'),
    (f"aws_secret_access_key = {random_text(40)}", random_text(40), "aws_secret_access_key = [redacted"),
    (f"https://hooks.slack.com/services/T0/B0/{random_text(24)}", random_text(24), "hooks.slack.com/services/["),
    (f"GET /file.pdf?w=3&X-Amz-Signature={random_text(64, HEX)}&y=1", random_text(64, HEX), "&y=1"),
    (f"AccountName=a;AccountKey={random_text(86)}==;End", random_text(86), "AccountName=a;AccountKey=[redacted"),
    (f"-----BEGIN EC PRIVATE KEY-----\n{PEM}", random_text(64), "[redacted private-key]"),  # cut off
]

LOOK_ALIKES = [
    "da39a3ee5e6b4b0d3255bfef95601890afd80709",  # a commit
    "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "sha512-z4PhNX7vuL3xVChQ1m2AB9Yg5AULVxXcg/SpIdNs6c5H0NE8XYXysP+DGNKHfuwvY7kxvUdBeoGlODJ6+SfaPg==",
    "123e4567-e89b-12d3-a456-426614174000",
    "01ARZ3NDEKTSV4RRFFQ69G5FAV",  # a ULID
    "cus_NffrFeUfNV2Hib pi_3MtwBwLkdIwHu7ix28a3tqPa",  # Stripe's objects
    "pk_live_" + random_text(24),  # published in every page
    "order 4111111111111111, 2026-11-20T18:00:00Z, 1760000000000 ms",
    ".sk-folding-cube-container is not visible, nor .sk-three-bounce-inner-2",
    "task-sk-1234567890ABCDEFGHIJ is not open",
    'expect(received).toBe(expected) Expected: "token" Received: "undefined"',
    "Bearer token is missing; Authorization: Bearer undefined",
    "bearer authentication-is-required for this route",
    "password must have 8 characters and a number",
    "secret_key is required, api_key is required, token=null",
    "at save (http://localhost:3000/src/app/form.tsx?t=1760000000000:10:5)",
    "submit@http://localhost:3000/static/main.js:12:34\nrun@http://localhost:3000/static/main.js:1:2",
    "https://example.org:8443/@scope/package?page=2&sort=created_at&filter=open-positions",
    "GET https://example.org/list?key=candidates&token=first 404",
    "mailto:ada@example.org, ssh git@git.example.org:team/app.git",
    "-----BEGIN PUBLIC KEY-----\nMIIBIjANBgkqhkiG9w0BAQ\n-----END PUBLIC KEY-----",
    "-----BEGIN CERTIFICATE-----\nMIIBIjANBgkqhkiG9w0BAQ\n-----END CERTIFICATE-----",
    "eyJhbGciOi is no token, and neither is eyJhbGciOi.short",
    "Locator: getByRole('button', { name: 'Risk-free trial' })",
    "AKIA is a prefix; ASIATICBUFFALOHERDS walk; SKELETON; glpat-; ghp_; npm_config_registry; hf_hub",
    "re_render_count re_exported_names sg.small.screens SG.A.B",
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk",
    "node_modules/.pnpm/@playwright+test@1.56.1/node_modules/playwright/lib/index.js:42:7",
]


@pytest.fixture
def shapes() -> Redactor:
    return Redactor(RedactPolicy())


@pytest.mark.parametrize(("kind", "secret"), SECRETS)
@pytest.mark.parametrize("around", ["{}", "Error: 401 for {} (see log)", '{{"key":"{}"}}', "a={}\n  at b.ts:1:2"])
def test_secrets_are_masked(shapes: Redactor, kind: str, secret: str, around: str) -> None:
    assert shapes.text(around.format(secret)) == around.format(f"[redacted {kind}]")


@pytest.mark.parametrize(("message", "gone", "left"), IN_CONTEXT)
def test_secrets_are_masked_in_their_context(shapes: Redactor, message: str, gone: str, left: str) -> None:
    masked = shapes.text(message)
    assert gone not in masked
    assert left in masked


@pytest.mark.parametrize("text", LOOK_ALIKES)
def test_look_alikes_stay(shapes: Redactor, text: str) -> None:
    assert shapes.text(text) == text


@pytest.mark.parametrize(
    ("name", "secret"),
    [
        ("GITHUB_TOKEN", True),
        ("OPENAI_API_KEY", True),
        ("STRIPE_SECRET_KEY", True),
        ("SUPABASE_SERVICE_ROLE_KEY", True),
        ("DB_PASSWORD", True),
        ("PGPASSWORD", True),
        ("MYSQL_PWD", True),
        ("npm_config__authToken", True),
        ("clientSecret", True),
        ("GH_PAT", True),
        ("SENTRY_DSN", True),
        ("PWD", False),
        ("OLDPWD", False),
        ("SSH_AUTH_SOCK", False),
        ("AWS_ACCESS_KEY_ID", False),  # an id; it has a shape
        ("GOOGLE_APPLICATION_CREDENTIALS_PATH", False),
        ("TOKEN_TTL", False),
        ("ACTIONS_ID_TOKEN_REQUEST_URL", False),
        ("NEXT_PUBLIC_STRIPE_KEY", False),  # in every page
        ("CACHE_KEY", False),
        ("KEYBOARD_LAYOUT", False),
        ("PATH", False),
        ("CI", False),
        ("", False),
    ],
)
def test_names_that_look_secret(name: str, secret: bool) -> None:
    assert looks_secret(name) is secret


@pytest.mark.parametrize(
    ("value", "masked"),
    [
        ("correct-horse-7", True),
        ("CorrectHorse", True),
        ("supersecretvalue", True),
        ("7h!s is f1ne\twith spaces", True),
        ("short7", False),
        ("postgres", False),  # a word that messages need
        ("undefined", False),
        ("true", False),
        ("20261126", False),
        ("482915503318", True),
        ("/run/secrets/token1", False),
        ("C:\\keys\\token1", False),
        ("https://example.org/token1", False),
        ("https://example.org/webhook/17ab33", True),
        ("", False),
    ],
)
def test_values_of_secret_variables(value: str, masked: bool) -> None:
    message = f"Expected <{value}> to be sent"
    said = Redactor(RedactPolicy(), {"APP_TOKEN": value, "HOME": "to be sent"}).text(message)
    assert said == ("Expected <[redacted $APP_TOKEN]> to be sent" if masked else message)


def test_a_secret_is_known_in_every_form() -> None:
    redactor = Redactor(RedactPolicy(), {"APP_SECRET": 'p@ss "word" 1/2', "DEPLOY_KEY": f"first line 1\n{PEM}"})
    assert redactor.text(json.dumps({"s": 'p@ss "word" 1/2'})) == '{"s": "[redacted $APP_SECRET]"}'
    assert redactor.text("?s=p%40ss%20%22word%22%201%2F2&t=1") == "?s=[redacted $APP_SECRET]&t=1"
    assert redactor.text(PEM.splitlines()[1]) == "[redacted $DEPLOY_KEY]"


def test_words_are_masked_as_words_and_the_longest_secret_first() -> None:
    environ = {"A_TOKEN": "letmeinplease", "B_TOKEN": "letmeinplease-77"}
    redactor = Redactor(RedactPolicy(), environ)
    assert redactor.text("letmeinplease unletmeinpleased") == "[redacted $A_TOKEN] unletmeinpleased"
    assert redactor.text("letmeinplease-77") == "[redacted $B_TOKEN]"


def test_the_policy_says_more_and_less() -> None:
    environ = {"ACME_LOGIN": "ada1", "ACME_USER": "lovelace", "DEMO_TOKEN": "shown-everywhere-1"}
    policy = parse('[redact]\nnames = ["acme_*"]\nkeep = ["DEMO_*"]\nprefixes = ["acme_live_"]').redact
    redactor = Redactor(policy, environ)
    assert redactor.text("lovelace ada1") == "[redacted $ACME_USER] ada1"  # four characters are in every message
    assert redactor.text("shown-everywhere-1") == "shown-everywhere-1"
    assert redactor.text("key acme_live_81jdk2aa, acme_live_x") == "key [redacted secret], acme_live_x"


def test_it_can_be_switched_off_by_halves_and_as_a_whole() -> None:
    environ = {"APP_TOKEN": "correct-horse-7"}
    message = "correct-horse-7 " + SECRETS[0][1]
    assert (
        Redactor(parse("[redact]\nshapes = false").redact, environ).text(message).startswith("[redacted $APP_TOKEN] g")
    )
    assert (
        Redactor(parse("[redact]\nenvironment = false").redact, environ).text(message).startswith("correct-horse-7 [")
    )
    off = Redactor(parse('[redact]\nenabled = false\nprefixes = ["corr"]').redact, environ)
    assert off.text(message) == message
    assert off.idle


@pytest.mark.parametrize("prefix", ["", "a", "ab ", "x y z", "ab\n"])
def test_a_prefix_of_ordinary_words_is_refused(prefix: str) -> None:
    with pytest.raises(PolicyError, match="would mask ordinary words"):
        parse(f"[redact]\nprefixes = [{json.dumps(prefix)}]")


def test_every_place_where_a_report_quotes_is_masked_and_names_stay() -> None:
    secret = SECRETS[0][1]
    case = CaseResult(TestId("a.ts", secret, ""), 1, (Attempt(Status.FAILED, 1.0, secret, f"said {secret}"),))
    report = ParsedReport(
        name="r.xml",
        sha256="00" * 32,
        size=1,
        producer="jest",
        cases=(case, CaseResult(TestId("a.ts", "b", ""), 1, (Attempt(Status.PASSED, 1.0, "", ""),))),
        load_failures=(f"cannot load {secret}",),
        load_failure_cases=(case,),
        problems=(Problem(ProblemCode.BAD_TIME, "r.xml", f"odd {secret}"),),
    )
    masked = Redactor(RedactPolicy()).report(report)
    assert masked.cases[0].id == case.id
    assert repr(masked).count(secret) == 2  # the titles
    assert masked.sha256 == report.sha256
    assert masked.cases[1] == report.cases[1]


pieces = st.lists(
    st.one_of(
        st.sampled_from([*(text for _, text in SECRETS), *LOOK_ALIKES, "correct-horse-7", " "]), st.text(max_size=9)
    )
).map("".join)


@given(pieces)
def test_masking_twice_is_masking_once(text: str) -> None:
    redactor = Redactor(RedactPolicy(prefixes=("acme_live_",)), {"APP_TOKEN": "correct-horse-7"})
    once = redactor.text(text)
    assert redactor.text(once) == once
    assert "correct-horse-7" not in once


ALIKE = [  # letters that patterns without case take for one another, and digits, which are left out of the search
    *("author\u0131zation: Bearer abcdef123456", "?\u017fecret=abcdef123456789", "?api_\u212aey=abcdef123456789"),
    *("ya2", "9.", "do1_v", "1_", "\u0130", "\n", "key=", "KEY=12345678901234567890a", "a1b2", "://u:p@h"),
]
kept = Redactor(RedactPolicy())  # for all examples: what it remembers must not hide anything


def tried_always(text: str) -> str:
    """What every pattern masks, whatever the hints say."""
    masked = ""
    while masked != text:
        masked = text
        for name, _, pattern in SHAPES:
            text = pattern.sub(_masking(f"[redacted {name}]"), text)
    return text


@given(
    st.lists(st.one_of(st.sampled_from([*ALIKE, *(text for _, text in SECRETS), *LOOK_ALIKES]), st.text(max_size=5)))
)
def test_a_hint_hides_no_secret(parts: list[str]) -> None:
    text = "".join(parts)
    assert kept.text(text) == tried_always(text)


NASTY = [
    "eyJ" + "a" * 9 + ".",
    "a://",
    "bearer ",
    "?key=",
    "sk-a",
    "-----BEGIN PRIVATE KEY-----",
    "-" * 4,
    "x:",
    "gh" + "p_",
    "\u0130",
]


@pytest.mark.parametrize("piece", NASTY)
def test_no_text_makes_masking_slow(piece: str) -> None:
    text = piece * (400_000 // len(piece))
    started = time.process_time()
    Redactor(RedactPolicy(), {"APP_TOKEN": "correct-horse-7"}).text(text)
    assert time.process_time() - started < 5  # a quadratic pattern would take minutes
