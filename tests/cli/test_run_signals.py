"""`flakelens run` as a process of its own: signals, and a terminal that the command holds while it runs."""

from __future__ import annotations

import os
import pty
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.run_commands import ROOT, script, stored
from tests.tiny_reports import jest


@pytest.fixture
def a_report(tmp_path: Path) -> Path:
    return jest(tmp_path / "recorded.xml", {"adds": "P", "breaks": "F"}, file="src/a.test.ts")


CHILD = """
import os, pathlib, signal, sys, time
log = open("signals.log", "a", buffering=1)
count = 0
def on(number, frame):
    global count
    count += 1
    print(signal.Signals(number).name, file=log)
    if count == WANTED:
        pathlib.Path("junit.xml").write_bytes(pathlib.Path(sys.argv[1]).read_bytes())
        sys.exit(CODE)
for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
    signal.signal(number, on)
print("ready", file=log)
for _ in range(600):
    time.sleep(0.1)
"""


@pytest.fixture
def environ() -> dict[str, str]:
    hidden = ("GITHUB_", "CI", "GITLAB_", "FLAKELENS_", "PLAYWRIGHT_", "JEST_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(hidden)}
    return {**kept, "PYTHONPATH": str(ROOT), "COLUMNS": "100"}


@pytest.fixture
def started(folder: Path, environ: dict[str, str]) -> Iterator[list[subprocess.Popen[str]]]:
    processes: list[subprocess.Popen[str]] = []
    del folder, environ
    yield processes
    for process in processes:
        if process.poll() is None:
            process.kill()
            process.wait()


def run_process(environ: dict[str, str], command: list[str]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "flakelens", "run", "--", *command],
        env=environ,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def wait_for(path: Path, text: str, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if path.exists() and text in path.read_text(encoding="utf-8"):
            return
        time.sleep(0.02)
    pytest.fail(f"{path.name} never said {text!r}")


@pytest.mark.parametrize(
    ("signals", "code"),
    [
        (["SIGTERM"], 143),
        (["SIGINT"], 5),
        (["SIGHUP"], 0),
        (["SIGINT", "SIGINT"], 130),
    ],
)
def test_a_signal_reaches_the_command_and_is_waited_for(
    folder: Path,
    environ: dict[str, str],
    started: list[subprocess.Popen[str]],
    a_report: Path,
    signals: list[str],
    code: int,
) -> None:
    text = CHILD.replace("WANTED", str(len(signals))).replace("CODE", str(code))
    process = run_process(environ, [*script(folder, text), str(a_report)])
    started.append(process)
    log = folder / "signals.log"
    wait_for(log, "ready")
    for number, name in enumerate(signals, 1):
        process.send_signal(getattr(signal, name))
        wait_for(log, "\n".join(signals[:number]))
    _, err = process.communicate(timeout=60)
    assert process.returncode == code
    assert log.read_text(encoding="utf-8").split() == ["ready", *signals]
    assert "Traceback" not in err
    assert stored(folder) == [("junit.xml", True)]  # interrupted: what is missing was not removed


def test_a_command_that_a_signal_ends_gives_128_and_its_number(
    environ: dict[str, str], started: list[subprocess.Popen[str]]
) -> None:
    for name, code in (("KILL", 137), ("TERM", 143), ("INT", 130)):
        process = run_process(environ, ["sh", "-c", f"kill -{name} $$"])
        started.append(process)
        process.communicate(timeout=60)
        assert process.returncode == code


def test_the_whole_group_gets_the_signal(
    folder: Path, environ: dict[str, str], started: list[subprocess.Popen[str]]
) -> None:
    """`npx jest` is three processes; all of them must hear that the job was cancelled."""
    process = run_process(environ, ["sh", "-c", "sleep 300 & echo $! > pid; echo ready > state; wait; wait"])
    started.append(process)
    wait_for(folder / "state", "ready")
    grandchild = int((folder / "pid").read_text(encoding="utf-8"))
    process.terminate()
    process.communicate(timeout=60)
    assert process.returncode == 143
    end = time.monotonic() + 30
    while alive(grandchild):
        assert time.monotonic() < end, "the process that the command started is still there"
        time.sleep(0.02)


def alive(pid: int) -> bool:
    """Is there such a process, other than one that has ended and waits to be asked for?"""
    try:
        os.kill(pid, 0)
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except ProcessLookupError:
        return False
    except FileNotFoundError:  # gone between the two, or a system without /proc
        return Path("/proc/self").exists() is False


def test_a_hang_up_that_the_caller_ignores_stays_ignored(
    folder: Path, environ: dict[str, str], started: list[subprocess.Popen[str]], a_report: Path
) -> None:
    text = CHILD.replace("WANTED", "1").replace("CODE", "0")
    words = " ".join([*script(folder, text), str(a_report)])
    process = subprocess.Popen(
        ["sh", "-c", f"trap '' HUP; exec {sys.executable} -m flakelens run -- {words}"],
        env=environ, stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    started.append(process)
    log = folder / "signals.log"
    wait_for(log, "ready")
    process.send_signal(signal.SIGHUP)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)
    assert log.read_text(encoding="utf-8").split() == ["ready", "SIGTERM"]


# --- a terminal ---


def test_on_a_terminal_the_command_has_it_and_ctrl_c_comes_once(
    folder: Path, environ: dict[str, str], a_report: Path
) -> None:
    """The command reads a key, gets Ctrl-C from the terminal, and flakelens has the terminal again at the end."""
    text = "assert input() == 'key', 'no key'\n" + CHILD.replace("WANTED", "1").replace("CODE", "130")
    words = [*script(folder, text), str(a_report)]
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(folder)
        os.execve(sys.executable, [sys.executable, "-m", "flakelens", "run", "--", *words], environ)
    try:
        os.write(terminal, b"key\n")
        wait_for(folder / "signals.log", "ready")
        os.write(terminal, b"\x03")
        shown = b""
        end = time.monotonic() + 60
        while time.monotonic() < end:
            ready, _, _ = select.select([terminal], [], [], 1)
            try:
                piece = os.read(terminal, 65536) if ready else b""
            except OSError:  # the other side is closed
                break
            if ready and not piece:
                break
            shown += piece
        _, status = os.waitpid(pid, 0)
    finally:
        os.close(terminal)
    assert os.waitstatus_to_exitcode(status) == 130, shown
    assert (folder / "signals.log").read_text(encoding="utf-8").split() == ["ready", "SIGINT"]
    assert b"Stored 1 report" in shown
    assert stored(folder) == [("junit.xml", True)]


def test_ctrl_z_stops_both_and_both_go_on(folder: Path, environ: dict[str, str], a_report: Path) -> None:
    text = CHILD.replace("WANTED", "1").replace("CODE", "0")
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(folder)
        words = [sys.executable, "-m", "flakelens", "run", "--", *script(folder, text), str(a_report)]
        os.execve(sys.executable, words, environ)
    try:
        wait_for(folder / "signals.log", "ready")
        os.write(terminal, b"\x1a")
        _, status = os.waitpid(pid, os.WUNTRACED)
        assert os.WIFSTOPPED(status)
        os.kill(pid, signal.SIGCONT)  # as `fg` does
        time.sleep(0.3)
        os.write(terminal, b"\x03")
        wait_for(folder / "signals.log", "SIGINT")
        while True:
            try:
                if not os.read(terminal, 65536):
                    break
            except OSError:
                break
        _, status = os.waitpid(pid, 0)
    finally:
        os.close(terminal)
    assert os.waitstatus_to_exitcode(status) == 0
