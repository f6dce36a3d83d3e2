"""Tokens that can be told by their shape, and names of variables that hold secrets. Pure text, no environment.

The shapes follow the issuers' own documentation of their prefixes; each pattern is linear in the length of the text.
What has no shape of its own (a password, a random string) is only known by its value: see `redact`.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

_ALONE: Final = r"(?<![0-9A-Za-z_])"
# With a digit in it: words joined by hyphens have none.
_MIXED: Final = r"(?=[A-Za-z0-9_.~+/=-]{0,400}?[0-9])"


class Shape(NamedTuple):
    """One kind of token: its name in the mask, texts of which one is always in it, and what to replace."""

    name: str
    hints: tuple[str, ...]  # lower case; without any of them in the text the pattern is not tried
    pattern: re.Pattern[str]  # group "secret" where it has one, else the whole match


def _shape(name: str, hints: str, pattern: str) -> Shape:
    return Shape(name, tuple(hints.split()), re.compile(pattern))


# Order matters: what contains other shapes (a key block, a signed address) goes first.
SHAPES: Final = (
    _shape(
        "private-key",
        "private",
        r"-----BEGIN (?:[A-Z0-9]{1,20} ){0,4}PRIVATE KEY(?: BLOCK)?-----"
        r"(?:[^-]|-(?!----)){0,20000}(?:-----END [A-Z0-9 ]{1,60}-----)?",
    ),
    _shape("json-web-token", "eyj", rf"{_ALONE}eyJ[\w-]{{8,}}\.eyJ[\w-]{{8,}}(?:\.[\w-]+)?"),
    _shape(
        "github-token",
        "ghp_ gho_ ghu_ ghs_ ghr_ github_pat_",
        rf"{_ALONE}(?:gh[pousr]_[A-Za-z0-9]{{20,}}|github_pat_\w{{22,}})",
    ),
    _shape(
        "gitlab-token",
        "glpat- gldt- glrt- glcbt- glptt- glft- glimt- glagent- glsoat- gloas-",
        rf"{_ALONE}gl(?:pat|dt|rt|cbt|ptt|ft|imt|agent|soat|oas)-{_MIXED}[\w.-]{{20,}}",
    ),
    _shape("aws-access-key", "akia asia", rf"{_ALONE}A(?:KIA|SIA)[A-Z2-7]{{16}}(?![0-9A-Za-z])"),
    _shape(
        "aws-secret-key",
        "secret_access_key secretaccesskey",
        r"(?i:secret_?access_?key)[\"']?\s{0,3}[:=]\s{0,3}[\"']?(?P<secret>[A-Za-z0-9/+]{40})(?![A-Za-z0-9/+])",
    ),
    _shape(
        "slack-token", "xox xapp-", rf"{_ALONE}(?:xox[abeoprs](?:\.xox[bp])?|xapp)-(?=[\w-]{{0,40}}?[0-9])[\w-]{{10,}}"
    ),
    _shape(
        "slack-webhook",
        "hooks.slack.com",
        r"hooks\.slack\.com/(?:services|workflows|triggers)/(?P<secret>[\w/+-]{20,})",
    ),
    _shape("stripe-key", "sk_live_ sk_test_ rk_live_ rk_test_", rf"{_ALONE}[sr]k_(?:live|test)_[A-Za-z0-9]{{16,}}"),
    _shape("webhook-secret", "whsec_", rf"{_ALONE}whsec_[A-Za-z0-9+/=]{{20,}}"),
    _shape(
        "api-key",  # OpenAI, Anthropic and others of that shape; style classes such as sk-folding-cube have no digit
        "sk-",
        r"(?<![\w-])sk-(?=[\w-]{0,200}?[0-9])(?=[\w-]{0,200}?[A-Z])[\w-]{20,}",
    ),
    _shape("supabase-key", "sbp_ sb_secret_", rf"{_ALONE}(?:sbp_[0-9a-f]{{40}}|sb_secret_[\w-]{{20,}})"),
    _shape("google-key", "aiza", rf"{_ALONE}AIza[\w-]{{35}}(?![\w-])"),
    _shape("google-oauth", "ya29. gocspx-", rf"{_ALONE}(?:ya29\.[\w-]{{30,}}|GOCSPX-[\w-]{{20,}})"),
    _shape("npm-token", "npm_", rf"{_ALONE}npm_[A-Za-z0-9]{{36}}(?![A-Za-z0-9])"),
    _shape("pypi-token", "pypi-ageic", rf"{_ALONE}pypi-AgEI[\w-]{{50,}}"),
    _shape("sendgrid-key", "sg.", rf"{_ALONE}SG\.[\w-]{{16,32}}\.[\w-]{{32,64}}"),
    _shape("twilio-key", "sk", rf"{_ALONE}SK[0-9a-f]{{32}}(?![0-9A-Za-z])"),
    _shape("hugging-face-token", "hf_", rf"{_ALONE}hf_[A-Za-z0-9]{{30,}}"),
    _shape("resend-key", "re_", rf"{_ALONE}re_(?=\w{{0,40}}?[0-9])[A-Za-z0-9]{{8,}}_[A-Za-z0-9]{{20,}}"),
    _shape("digitalocean-token", "_v1_", rf"{_ALONE}do[opr]_v1_[0-9a-f]{{64}}"),
    _shape("shopify-token", "shpat_ shpca_ shppa_ shpss_", rf"{_ALONE}shp(?:at|ca|pa|ss)_[0-9A-Fa-f]{{32}}"),
    _shape("azure-key", "accountkey=", r"(?i:AccountKey)=(?P<secret>[A-Za-z0-9+/]{40,}={0,2})"),
    _shape(
        "password",  # of an address: the user and the host are worth knowing, the password is not
        "://",
        r"(?<![A-Za-z0-9])[A-Za-z][A-Za-z0-9+.-]{1,20}://[^\s/@:?#\"'<>`]{0,100}:(?P<secret>[^\s/@?#\"'<>`]{1,200})@",
    ),
    _shape(
        "signed-address",
        "?token= &token= key= signature= sig= secret= password= credential= _token=",
        r"[?&](?i:(?:access_|refresh_|id_|auth_)?token|api_?key|key|client_secret|secret|password|sig|signature"
        rf"|X-(?:Amz|Goog)-(?:Signature|Credential|Security-Token))=(?P<secret>{_MIXED}[\w.~%+/=-]{{12,}})",
    ),
    _shape(
        "authorization",
        "authorization",
        r"(?i:authorization)[\"']?\s{0,3}[:=,]\s{0,3}[\"']?(?i:bearer|basic|token|digest)\s{1,3}"
        r"(?P<secret>(?=[\w.~+/=-]{0,400}?(?:[0-9]|[a-z][A-Z]|[A-Z][a-z]))[\w.~+/=-]{8,})",
    ),
    _shape("bearer-token", "bearer", rf"(?i:bearer)\s{{1,3}}(?P<secret>{_MIXED}[\w.~+/=-]{{16,}})"),
    _shape(
        "api-key-header",
        "x-api-key apikey",
        rf"(?i:x-api-key|apikey)[\"']?\s{{0,3}}[:=,]\s{{0,3}}[\"']?(?P<secret>{_MIXED}[\w.~+/=-]{{16,}})",
    ),
)

# Parts of a variable's name, between "_": OPENAI_API_KEY, npm_config__authToken, DB_PWD. PWD alone is a folder.
_SECRET_WORD: Final = re.compile(
    r"tokens?|secrets?|passwords?|passwds?|passphrase|credentials?|apikeys?|keys?|pat|jwt|auth|authtoken|pass|cookie"
    r"|dsn|webhook|bearer|.*(?:password|passwd|passphrase|secret|token|apikey)"  # PGPASSWORD
)
# What such a name says about a secret without being one: its place, its name, its age.
_ABOUT: Final = re.compile(
    r"ur[li]|path|file|dir|folder|sock(?:et)?|host|port|(?:user)?name|ids?|user|type|alg(?:orithm)?|version|length"
    r"|count|size|ttl|expiry|expires|expiration|timeout|enabled|disabled|provider|region|issuer|audience|method|mode"
    r"|prefix|index|header"
)
_NOT_SECRET: Final = frozenset({"public", "cache"})
_WORD: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")


def looks_secret(name: str) -> bool:
    """Does the name of an environment variable say that its value is a secret?"""
    words = [word.lower() for word in _WORD.findall(name)]
    if not words or _ABOUT.fullmatch(words[-1]) or _NOT_SECRET & set(words):
        return False
    if any(_SECRET_WORD.fullmatch(word) for word in words):
        return True
    return len(words) > 1 and words[-1] == "pwd"
