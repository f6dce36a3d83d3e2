"""Style and scripts of a page, joined into one each, and the policy that lets a browser run these and nothing else."""

from __future__ import annotations

import base64
import hashlib
import re
from functools import lru_cache
from importlib.resources import files

# In the order of their use: each may use what stands before it.
SCRIPTS = (
    "data.js",
    "dom.js",
    "words.js",
    "state.js",
    "strip.js",
    "charts.js",
    "filters.js",
    "table.js",
    "grid.js",
    "detail.js",
    "main.js",
)
THEME = "theme.js"
STYLES = ("base.css", "page.css", "tests.css", "print.css")

# The scripts are modules, so that an editor knows what comes from where; here they become one.
_IMPORT = re.compile(r"^import [^;]*;\n", re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:async )?function|const|let|class)", re.MULTILINE)


@lru_cache
def script() -> str:
    """All scripts of the report's page as one module."""
    return "\n".join(_EXPORT.sub("", _IMPORT.sub("", text(name))) for name in SCRIPTS)


@lru_cache
def style(*names: str) -> str:
    """Some style sheets as one; all of them without names."""
    return "\n".join(text(name) for name in names or STYLES)


@lru_cache
def text(name: str) -> str:
    """One file of the folder `static`."""
    return (files("flakelens.render.html") / "static" / name).read_text(encoding="utf-8")


def policy(*, scripts: tuple[str, ...], styles: tuple[str, ...]) -> str:
    """A content security policy: these inline scripts and styles, pictures from inside the page, nothing else."""
    ours = " ".join(map(_hash, scripts)) or "'none'"
    looks = " ".join(map(_hash, styles)) or "'none'"
    return (
        f"default-src 'none'; script-src {ours}; style-src {looks}; img-src data:; base-uri 'none'; form-action 'none'"
    )


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
