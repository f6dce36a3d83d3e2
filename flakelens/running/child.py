"""A child process as a shell would run it: its own process group, the terminal while it runs, signals passed on.

A group of its own, so that a signal for flakelens alone (a CI that cancels a job) reaches all that the command started,
and so that Ctrl-C on a terminal, which goes to the foreground group, reaches the command once and not twice. Where
flakelens holds the terminal, the child gets it (`tcsetpgrp`): else it could not read a key, as `jest --watch` must.
"""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from types import FrameType
from typing import Final

import msgspec

NOT_FOUND: Final = 127  # as in every shell
NOT_EXECUTABLE: Final = 126

_LAST_SIGNAL: Final = 128 + 31  # a shell between us and the tests says so of what a signal ended
_PASSED_ON: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)


class Ended(msgspec.Struct, frozen=True):
    """How the command ended."""

    code: int  # its own; 128 + n after signal n; 126 and 127 where it could not be started
    problem: str = ""  # why it could not be started
    interrupted: bool = False  # a signal was passed on to it, or ended it: it may not have run all tests


def run_child(command: Sequence[str], environ: Mapping[str, str]) -> Ended:
    """Run `command` with `environ`, on the standard streams of this process, and wait until it has ended.

    SIGINT, SIGTERM, SIGHUP and SIGQUIT go to the child's process group, as often as they come; what the caller ignores
    (nohup) stays ignored. Call it from the main thread.
    """
    terminal = _terminal()
    child = _Child(terminal)
    with _Handlers(child.signal):
        try:
            process = subprocess.Popen(
                list(command),
                env=dict(environ),
                process_group=0,
                preexec_fn=_foreground(terminal),  # noqa: PLW1509 - there are no threads here
            )
        except FileNotFoundError:
            return Ended(NOT_FOUND, f"{command[0]}: command not found")
        except PermissionError:
            return Ended(NOT_EXECUTABLE, f"{command[0]}: cannot be executed (permission denied)")
        except (OSError, ValueError) as error:
            return Ended(NOT_EXECUTABLE, f"{command[0]}: cannot be executed ({error})")
        child.started(process.pid)
        code = child.wait()
        process.returncode = code  # it was waited for here, not by `subprocess`
    if terminal is not None:
        _take(terminal, os.getpgrp())
    return Ended(code, interrupted=child.signalled or 128 < code <= _LAST_SIGNAL)


def _terminal() -> int | None:
    """The descriptor of the terminal that this process group holds; None where there is none."""
    for descriptor in (0, 1, 2):
        with suppress(OSError):
            if os.isatty(descriptor) and os.tcgetpgrp(descriptor) == os.getpgrp():
                return descriptor
    return None


def _take(terminal: int, group: int) -> None:
    """Make `group` the one that the terminal listens to. SIGTTOU would stop whoever asks from the background."""
    before = signal.signal(signal.SIGTTOU, signal.SIG_IGN)
    with suppress(OSError):
        os.tcsetpgrp(terminal, group)
    signal.signal(signal.SIGTTOU, before)


def _foreground(terminal: int | None) -> Callable[[], None] | None:
    """What the child does before it becomes the command. The parent does the same: whoever is first."""
    if terminal is None:
        return None
    return lambda: _take(terminal, os.getpid())


class _Child:
    """The running command: takes signals before it is known, waits through stops."""

    def __init__(self, terminal: int | None) -> None:
        self._terminal = terminal
        self._pid = 0
        self._early: list[int] = []
        self.signalled = False

    def started(self, pid: int) -> None:
        """It is there; what came too early for it is passed on now."""
        self._pid = pid
        if self._terminal is not None:
            _take(self._terminal, pid)
        for number in self._early:
            self._send(number)

    def signal(self, number: int, _: FrameType | None) -> None:
        """A signal handler: pass it on."""
        self.signalled = True
        if self._pid:
            self._send(number)
        else:
            self._early.append(number)

    def _send(self, number: int) -> None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._pid, number)

    def wait(self) -> int:
        """The exit code, 128 + n after signal n. Stopped by Ctrl-Z, this process stops as well until it goes on."""
        while True:
            _, status = os.waitpid(self._pid, os.WUNTRACED)
            if not os.WIFSTOPPED(status):
                return 128 + os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)
            if self._terminal is None:
                continue  # somebody stopped it on purpose, and will let it go on
            if os.WSTOPSIG(status) not in (signal.SIGTTIN, signal.SIGTTOU):  # else it only asked too early
                _take(self._terminal, os.getpgrp())
                os.kill(os.getpid(), signal.SIGSTOP)  # goes on here after `fg`
            _take(self._terminal, self._pid)
            self._send(signal.SIGCONT)


class _Handlers:
    """Signal handlers while the child runs, and the old ones after it."""

    def __init__(self, handler: Callable[[int, FrameType | None], None]) -> None:
        self._handler = handler
        self._before: dict[int, object] = {}

    def __enter__(self) -> None:
        for number in _PASSED_ON:
            before = signal.getsignal(number)
            if before != signal.SIG_IGN:
                self._before[number] = before
                signal.signal(number, self._handler)

    def __exit__(self, *_: object) -> None:
        for number, before in self._before.items():
            signal.signal(number, before)  # type: ignore[arg-type]  # what `getsignal` gave
