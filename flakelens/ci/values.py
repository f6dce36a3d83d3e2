"""Environment values are text from strangers (a fork names its own branches): each is made harmless here.

Characters that a terminal or a store chokes on are replaced, not dropped: dropping them would let a branch "ma<x>in"
pass for "main".
"""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

LONGEST = 1_000
_UNPRINTABLE = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
_SHA = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?", re.ASCII)
_NUMBER = re.compile(r"[0-9]{1,9}", re.ASCII)
_QUEUE = re.compile(r"gh-readonly-queue/(?P<base>.+)/pr-[0-9]+-[0-9a-f]+", re.ASCII)


def clean(value: object) -> str:
    """Text without control, invisible or half characters, at most `LONGEST` long; "" for what is no text."""
    if not isinstance(value, str):
        return ""
    # Only ASCII blanks: git allows a branch "main" with a no-break space, and it is not "main".
    value = value[: LONGEST + 64].strip(" \t\r\n")
    value = "".join("\ufffd" if unicodedata.category(c) in _UNPRINTABLE else c for c in value)
    return value if len(value) <= LONGEST else value[: LONGEST - 1] + "…"


def text(env: Mapping[str, str], *names: str) -> str:
    """The first of these variables that says anything, cleaned; else ""."""
    return next((value for name in names if (value := clean(env.get(name)))), "")


def flag(env: Mapping[str, str], name: str) -> bool:
    """Is the variable "true" or "1", in any case of letters?"""
    return text(env, name).lower() in ("true", "1")


def number(env: Mapping[str, str], name: str) -> int | None:
    """A variable that is a plain decimal number of at most nine digits; else None."""
    value = text(env, name)
    return int(value) if _NUMBER.fullmatch(value) else None


def attempt(env: Mapping[str, str], *names: str) -> int:
    """The largest of these 1-based counters; 1 where none says more."""
    return max(1, *(number(env, name) or 1 for name in names))


def commit_id(value: object) -> str:
    """A full commit id in lower case; "" for anything else: "HEAD", an abbreviation, or the zeros of a deleted ref."""
    sha = clean(value).lower()
    return sha if _SHA.fullmatch(sha) and sha.strip("0") else ""


def commit(env: Mapping[str, str], *names: str) -> str:
    """The first of these variables that is a full commit id; else ""."""
    return next((sha for name in names if (sha := commit_id(env.get(name)))), "")


def link(value: object) -> str:
    """A web address; "" for anything else, since reports make links of it."""
    address = clean(value)
    return address if address.lower().startswith(("https://", "http://")) else ""


def branch_of(ref: object) -> str:
    """The branch that a ref or a plain branch name stands for; "" for tags, pull-request refs and other refs."""
    name = clean(ref)
    if name.startswith("refs/heads/"):
        return name.removeprefix("refs/heads/")
    return "" if name.startswith("refs/") else name


def queue_base(branch: str) -> str:
    """The branch that a GitHub merge queue's temporary branch is queued for; "" if it is no such branch."""
    found = _QUEUE.fullmatch(branch)
    return found["base"] if found else ""


def shard(index: int | None, total: int | None) -> str:
    """ "k/n" for a 1-based k; "" where there is but one part or the numbers make no sense."""
    if index is None or total is None or total < 2 or not 1 <= index <= total:
        return ""
    return f"{index}/{total}"


def repository(address: str) -> str:
    """A clone address as "host/owner/name" in lower case, so that its https, ssh and git forms compare equal."""
    address = address.lower().strip("/").removesuffix(".git")
    scheme, separator, rest = address.partition("://")
    if not separator:
        # git@host:owner/name
        rest = scheme.replace(":", "/", 1)
    host, slash, path = rest.partition("/")
    return host.rpartition("@")[2].partition(":")[0] + slash + path
