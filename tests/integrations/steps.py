"""The steps of `action.yml`, run as a runner would: expressions worked out, scripts by bash, files for outputs.

Only what our own files use is understood: names, texts, ==, !=, &&, ||, null, parentheses.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

ROOT = Path(__file__).parents[2]

_EXPRESSION = re.compile(r"\$\{\{(.*?)\}\}")
_TOKEN = re.compile(r"\s*('(?:[^']|'')*'|&&|\|\||==|!=|!|\(|\)|[A-Za-z_][\w.-]*)")
_WORDS = {"&&": " and ", "||": " or ", "==": "==", "!=": "!=", "!": " not ", "(": "(", ")": ")"}


def documents(path: Path) -> list[Any]:
    """The YAML documents of a file."""
    return list(YAML(typ="safe", pure=True).load_all(path.read_text(encoding="utf-8")))


def scripts(node: object) -> list[str]:
    """Every `run:` below a node."""
    if isinstance(node, dict):
        own = [node["run"]] if isinstance(node.get("run"), str) else []
        return own + [found for value in node.values() for found in scripts(value)]
    return [found for value in node for found in scripts(value)] if isinstance(node, list) else []


def worked_out(text: str, context: Mapping[str, Any]) -> Any:
    """An expression's value in a context of nested mappings; None for what is not there."""

    def look(name: str) -> Any:
        value: Any = context
        for part in name.split("."):
            value = value.get(part) if isinstance(value, Mapping) else None
        return value

    python = ""
    place = 0
    text = text.strip()
    while place < len(text):
        found = _TOKEN.match(text, place)
        assert found, f"not understood: {text[place:]}"
        word, place = found[1], found.end()
        if word in _WORDS:
            python += _WORDS[word]
        elif word.startswith("'"):
            python += repr(word[1:-1].replace("''", "'"))
        else:
            python += "None" if word == "null" else f"look({word!r})"
    return eval(python, {"look": look})


def filled(text: str, context: Mapping[str, Any]) -> str:
    """A value with its expressions replaced."""

    def value(found: re.Match[str]) -> str:
        worth = worked_out(found[1], context)
        return "" if worth is None else str(worth).lower() if isinstance(worth, bool) else str(worth)

    return _EXPRESSION.sub(value, text)


@dataclass
class Ran:
    """What became of an action's steps."""

    code: int
    outputs: dict[str, dict[str, str]] = field(default_factory=dict)
    ran: list[str] = field(default_factory=list)
    out: str = ""
    summary: str = ""


def run_action(
    action: Mapping[str, Any],
    folder: Path,
    *,
    inputs: Mapping[str, str],
    github: Mapping[str, Any],
    environ: Mapping[str, str],
    tools: Path,
    without: tuple[str, ...] = (),
) -> Ran:
    """Run the steps in `folder` with `tools` first on the PATH; steps named in `without` are left out."""
    given = {name: str(about.get("default", "")) for name, about in action["inputs"].items()}
    temp = folder.parent / "runner-temp"
    temp.mkdir(exist_ok=True)
    context: dict[str, Any] = {"github": dict(github), "runner": {"temp": str(temp)}, "steps": {}}
    context["inputs"] = {name: filled(value, context) for name, value in given.items()} | dict(inputs)
    files = {name: temp / name for name in ("GITHUB_OUTPUT", "GITHUB_PATH", "GITHUB_STEP_SUMMARY")}
    done = Ran(0)
    for step in action["runs"]["steps"]:
        if step["name"] in without or ("if" in step and not worked_out(step["if"], context)):
            continue
        for name, path in files.items():
            if name != "GITHUB_STEP_SUMMARY":
                path.write_text("", encoding="utf-8")
        env = {name: filled(str(value), context) for name, value in step.get("env", {}).items()}
        process = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],
            cwd=folder / filled(step.get("working-directory", "."), context),
            env={**environ, **env, **{name: str(path) for name, path in files.items()},
                 "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}"},
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        done.out += f"--- {step['name']}\n{process.stdout}{process.stderr}"
        done.ran.append(step["name"])
        outputs = dict(line.split("=", 1) for line in files["GITHUB_OUTPUT"].read_text().splitlines() if "=" in line)
        if "id" in step:
            context["steps"][step["id"]] = {"outputs": outputs}
            done.outputs[step["id"]] = outputs
        if process.returncode:
            done.code = process.returncode
            break
    summary = files["GITHUB_STEP_SUMMARY"]
    done.summary = summary.read_text(encoding="utf-8") if summary.exists() else ""
    return done


def our_tools(folder: Path) -> Path:
    """A folder with `flakelens`, as the install step would put it on the PATH."""
    folder.mkdir(parents=True, exist_ok=True)
    program = folder / "flakelens"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m flakelens "$@"\n', encoding="utf-8")
    program.chmod(0o755)
    return folder


def a_fake_gh(tools: Path, answers: Mapping[str, str]) -> Path:
    """A `gh` that writes its calls to a log and answers by the first key that its arguments contain."""
    log = tools / "gh.log"
    lines = ["#!/bin/sh", f'printf "%s\\n" "$*" >> "{log}"']
    for number, (key, answer) in enumerate(answers.items()):
        (tools / f"answer-{number}").write_text(answer, encoding="utf-8")
        lines.append(f'case "$*" in *"{key}"*) cat "{tools}/answer-{number}"; exit 0 ;; esac')
    (tools / "gh").write_text("\n".join([*lines, "exit 0", ""]), encoding="utf-8")
    (tools / "gh").chmod(0o755)
    return log


def shellcheck() -> str | None:
    """The shellcheck program beside this Python, or on the PATH."""
    beside = Path(sys.executable).parent / "shellcheck"
    return str(beside) if beside.exists() else shutil.which("shellcheck")
