"""A worker process: files in, reports out, until nobody asks any more. `workers` starts and ends it."""

from __future__ import annotations

import os
import signal
from typing import Final

from flakelens.reading.here import Here
from flakelens.reading.wire import Packer, opened, receive, send
from flakelens.redact import Redactor

_AT_ONCE: Final = 1_000_000  # bytes of reports, about, that are sent together: who waits is not woken for each


def main() -> None:
    """Serve standard input; the answers go to what standard output was when the process began."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # who started us ends us
    with os.fdopen(os.dup(1), "wb") as answers, os.fdopen(os.dup(0), "rb") as questions:
        os.dup2(2, 1)  # whatever prints must not get between the frames
        begin = receive(questions)
        if begin is None:
            return
        here, packer = Here(Redactor(*opened(begin))), Packer()
        try:
            while (frame := receive(questions)) is not None:
                several: list[object] = []
                size = 0
                for named in opened(frame):
                    for report in here.of_file(named, {}):
                        several.append(packer.pack(report))
                        size += report.size
                        if size > _AT_ONCE:
                            send(answers, several)
                            several, size = [], 0
                send(answers, [*several, None])  # the end of what was asked for
        except BrokenPipeError:
            os._exit(1)  # nobody listens: nothing is left to flush
