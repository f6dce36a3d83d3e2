"""A `gh` for the tests: answers `gh api` from files, in the shapes that GitHub's REST documentation gives.

github = FakeGitHub(tmp_path)
github.run(101, [github.artifact("reports", {"junit.xml": jest_text})])
environ = github.environ()
"""

from __future__ import annotations

import io
import json
import os
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_PROGRAM = """#!{python}
import json, pathlib, sys, urllib.parse
here = pathlib.Path({here!r})
with (here / "calls.log").open("a") as log:
    print(sys.argv[-1], file=log)
state = json.loads((here / "state.json").read_text())
if sys.argv[1:4] != ["api", "--method", "GET"]:
    sys.exit("unknown command")
state["left"] -= 1
(here / "state.json").write_text(json.dumps(state))
if state["left"] < 0:
    sys.exit("gh: API rate limit exceeded for user ID 1. (HTTP 403)")
url = urllib.parse.urlsplit(sys.argv[-1])
query = dict(urllib.parse.parse_qsl(url.query))
path = url.path.removeprefix("repos/{{owner}}/{{repo}}/").removeprefix("repos/team/app/")
if path in state["blobs"]:
    sys.stdout.buffer.write((here / state["blobs"][path]).read_bytes())
    sys.exit()
if path not in state["answers"]:
    sys.exit("gh: Not Found (HTTP 404)")
answer = state["answers"][path]
for key, value in answer.items():
    if isinstance(value, list):
        if "branch" in query:
            value = [each for each in value if each.get("head_branch") == query["branch"]]
        size, page = int(query.get("per_page", 30)), int(query.get("page", 1))
        answer[key] = value[(page - 1) * size : page * size]
json.dump(answer, sys.stdout)
"""


class FakeGitHub:
    """Runs and artifacts of one repository, team/app."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "fake-github"
        self._folder.mkdir()
        self._numbers = iter(range(9_000, 10_000))
        self.answers: dict[str, Any] = {"actions/runs": {"total_count": 0, "workflow_runs": []}}
        self.blobs: dict[str, str] = {}
        program = self._folder / "bin" / "gh"
        program.parent.mkdir()
        program.write_text(_PROGRAM.format(python=sys.executable, here=str(self._folder)), encoding="utf-8")
        program.chmod(0o755)
        self.save()

    def save(self, *, left: int = 10_000) -> None:
        """Make the answers what was added; after `left` of them the rate limit is reached."""
        state = {"answers": self.answers, "blobs": self.blobs, "left": left}
        (self._folder / "state.json").write_text(json.dumps(state), encoding="utf-8")

    def environ(self) -> dict[str, str]:
        return {"PATH": f"{self._folder / 'bin'}{os.pathsep}{os.environ['PATH']}"}

    def calls(self) -> list[str]:
        """What was asked since the last time."""
        log = self._folder / "calls.log"
        said = log.read_text(encoding="utf-8").splitlines() if log.exists() else []
        log.unlink(missing_ok=True)
        return said

    def artifact(self, name: str, members: Mapping[str, str | bytes] | bytes, **more: Any) -> dict[str, Any]:
        """An artifact with these files, or with these bytes for its archive."""
        number = next(self._numbers)
        data = members if isinstance(members, bytes) else zipped(members)
        (self._folder / f"{number}.zip").write_bytes(data)
        self.blobs[f"actions/artifacts/{number}/zip"] = f"{number}.zip"
        return {
            "id": number, "node_id": "MDg6QXJ0", "name": name, "size_in_bytes": len(data), "expired": False,
            "url": f"https://api.github.com/repos/team/app/actions/artifacts/{number}",
            "archive_download_url": f"https://api.github.com/repos/team/app/actions/artifacts/{number}/zip",
            "created_at": "2026-11-20T06:10:00Z", "expires_at": "2027-02-18T06:10:00Z",
            "updated_at": "2026-11-20T06:10:00Z",
        } | more  # fmt: skip

    def run(self, number: int, artifacts: list[dict[str, Any]], *, workflow: str = "", **more: Any) -> None:
        """A completed run, older than those before."""
        repository = {"id": 1, "name": "app", "full_name": "team/app"}
        run = {
            "id": number, "name": "tests", "node_id": "MEV2", "head_branch": "main", "head_sha": f"{number:040x}",
            "path": ".github/workflows/tests.yml", "run_number": number, "event": "push", "status": "completed",
            "conclusion": "success", "workflow_id": 7, "url": "https://api.github.com/x", "pull_requests": [],
            "html_url": f"https://github.com/team/app/actions/runs/{number}", "created_at": "2026-11-20T06:00:00Z",
            "updated_at": "2026-11-20T06:20:00Z", "run_attempt": 1, "run_started_at": "2026-11-20T06:00:00Z",
            "repository": repository, "head_repository": dict(repository),
        } | more  # fmt: skip
        lists = ["actions/runs"] + ([f"actions/workflows/{workflow}/runs"] if workflow else [])
        for path in lists:
            listed = self.answers.setdefault(path, {"total_count": 0, "workflow_runs": []})
            listed["workflow_runs"].append(run)
            listed["total_count"] += 1
        self.answers[f"actions/runs/{number}/artifacts"] = {"total_count": len(artifacts), "artifacts": artifacts}
        self.save()


def zipped(members: Mapping[str, str | bytes]) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return data.getvalue()
