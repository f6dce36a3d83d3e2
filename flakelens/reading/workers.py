"""Worker processes that read ahead: which file goes where, how much may be under way, and what if one dies.

Files are handed out in their order, some at a time, and their reports come back in that order, whoever read them. Every
worker has at most two pieces of work, so that what is under way is bounded however long the list is; small pieces keep
all workers busy. A worker that dies costs nothing but time: what it had not sent is read in this process.

The workers are fresh processes and not forks: this program may have threads, and macOS does not take kindly to forks.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from queue import SimpleQueue
from typing import TYPE_CHECKING, Final, Self

import msgspec

from flakelens.junit import Named, find
from flakelens.model import ParsedReport
from flakelens.reading.here import Here, Known
from flakelens.reading.sizes import size_of
from flakelens.reading.wire import receive, send, unpacker

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType
    from typing import IO

    from flakelens.policy import RedactPolicy

_FIRST: Final = 1_000_000  # bytes of new reports that are read here before any process is started
_PIECE: Final = 400_000  # bytes of a piece of work: some milliseconds
_PIECE_FILES: Final = 16
_EACH: Final = 2  # pieces of work that a worker has at most: the one it reads and the next
_UNDER_WAY: Final = 64_000_000  # bytes of files that are with workers, unless a single one is larger
_LOOK_AHEAD: Final = 256  # files that are looked up before it is their turn

_STDIN: Final = Named("-", "-")
_CHILD: Final = """
import json, sys
sys.path[:] = json.loads(sys.argv[1])
from flakelens.garbage import look_rarely
look_rarely()
from flakelens.reading.child import main
main()
"""


class Folder(msgspec.Struct, frozen=True):
    """One path to read; `known` is asked when its turn to be looked up comes."""

    path: str
    known: Callable[[], Known]


class _Piece(msgspec.Struct):
    """Consecutive files of one folder."""

    folder: int
    files: list[Named] = msgspec.field(default_factory=list)
    size: int = 0
    ready: list[ParsedReport] = msgspec.field(default_factory=list)  # instead of files: nothing needs to be read
    worker: _Worker | None = None  # None: to be read here


class _Worker:
    """One process, and a thread that takes its answers so that it never waits for us."""

    def __init__(self, begin: object) -> None:
        # Errors are silent: what a worker did not do is done again here, and fails here. A process group of its own:
        # Ctrl-C is for us, and we end it.
        self.process = subprocess.Popen(
            [sys.executable, "-c", _CHILD, json.dumps(sys.path)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, process_group=0,
        )  # fmt: skip
        self.pieces = 0  # asked for and not yet answered whole
        self.lost = False
        self._answers: SimpleQueue[bytes | None] = SimpleQueue()
        self._unpacked = unpacker()
        self._ready: deque[ParsedReport | None] = deque()
        threading.Thread(target=self._listen, daemon=True).start()
        self._send(begin)

    def _listen(self) -> None:
        stream: IO[bytes] = self.process.stdout  # type: ignore[assignment]
        frame: bytes | None = b""
        while frame is not None:
            try:
                frame = receive(stream)
            except (OSError, ValueError):  # closed by us
                frame = None
            self._answers.put(frame)

    def _send(self, message: object) -> None:
        with contextlib.suppress(OSError):  # dead: whoever waits for its answer will see
            send(self.process.stdin, message)  # type: ignore[arg-type]

    def ask(self, files: Sequence[Named]) -> None:
        self.pieces += 1
        self._send(list(files))

    def answer(self) -> ParsedReport | None:
        """The next report of the oldest piece, None at its end. Raises EOFError where the worker has died."""
        while not self._ready:
            frame = None if self.lost else self._answers.get()
            if frame is None:
                self.lost = True
                raise EOFError
            self._ready.extend(self._unpacked(frame))
        report = self._ready.popleft()
        if report is None:
            self.pieces -= 1
        return report

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout):
            with contextlib.suppress(OSError):
                stream.close()  # type: ignore[union-attr]


class Workers:
    """Reads the folders given, in their order, with up to `jobs` processes. A context manager: leaving it ends them."""

    def __init__(
        self, folders: Sequence[Folder], *, jobs: int, redact: RedactPolicy, environ: Mapping[str, str], here: Here
    ) -> None:
        """`redact` and `environ` are what `here` masks secrets by."""
        self._folders = folders
        self._jobs = jobs
        self._begin = redact, dict(environ)
        self._here = here
        self._workers: list[_Worker] = []
        self._queue: deque[_Piece] = deque()
        self._pieces = self._cut()
        self._read_here = 0  # bytes
        self._turn = 0  # the folder that is asked for

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for worker in self._workers:
            worker.close()

    @property
    def processes(self) -> tuple[int, ...]:
        """The ids of the processes that were started."""
        return tuple(worker.process.pid for worker in self._workers)

    @property
    def under_way(self) -> int:
        """How many pieces of work are with processes or wait to be fetched from them."""
        return sum(piece.worker is not None for piece in self._queue)

    def next_folder(self) -> Iterator[ParsedReport]:
        """The reports of the next folder; to be read to its end before the folder after it."""
        turn, self._turn = self._turn, self._turn + 1
        while self._fill() and self._queue[0].folder == turn:
            piece = self._queue.popleft()
            yield from self._read(piece)

    def _read(self, piece: _Piece) -> Iterator[ParsedReport]:
        yield from piece.ready
        had = 0
        if piece.worker is not None:
            with contextlib.suppress(EOFError):
                while (report := piece.worker.answer()) is not None:
                    had += 1
                    self._fill()
                    yield report
                return
        for named in piece.files:  # here, or what a worker that died had not sent
            for report in self._here.of_file(named, {}):
                if had:
                    had -= 1
                else:
                    yield report

    def _fill(self) -> bool:
        """Look ahead and hand out work as far as that is allowed; False when nothing is left at all."""
        while len(self._queue) < _LOOK_AHEAD and self._may_hand_out():
            piece = next(self._pieces, None)
            if piece is None:
                break
            if piece.files and (worker := self._free(piece)) is not None:
                piece.worker = worker
                worker.ask(piece.files)
            self._queue.append(piece)
        return bool(self._queue)

    def _may_hand_out(self) -> bool:
        with_workers = [piece for piece in self._queue if piece.worker is not None]
        if sum(piece.size for piece in with_workers) >= _UNDER_WAY:
            return False
        waiting = len(self._queue) - len(with_workers)
        return len(with_workers) < max(1, _EACH * self._jobs) and waiting < _LOOK_AHEAD

    def _free(self, piece: _Piece) -> _Worker | None:
        """The process for a piece, None where it is to be read here."""
        if self._read_here < _FIRST or _STDIN in piece.files:
            self._read_here += piece.size
            return None
        if len(self._workers) < self._jobs:
            try:
                self._workers.append(_Worker(self._begin))
            except OSError:  # no more processes: those there are will do, and this one
                self._jobs = len(self._workers)
        alive = [worker for worker in self._workers if not worker.lost]
        return min(alive, key=lambda worker: worker.pieces, default=None)

    def _cut(self) -> Iterator[_Piece]:
        """The folders in pieces: some files each, or at once what needs no reading."""
        for number, folder in enumerate(self._folders):
            known = folder.known()
            piece = _Piece(number)
            for found in find([folder.path]):
                ready = self._ready(found, known)
                full = piece.size >= _PIECE or len(piece.files) >= _PIECE_FILES
                if piece.files and (full or ready or found == _STDIN):
                    yield piece
                    piece = _Piece(number)
                if ready:
                    yield _Piece(number, ready=ready)
                elif isinstance(found, Named):
                    piece.files.append(found)
                    piece.size += size_of(found)
            if piece.files:
                yield piece

    def _ready(self, found: Named | ParsedReport, known: Known) -> list[ParsedReport]:
        """What is there without parsing: a path that names nothing, or a file of which all is known."""
        if isinstance(found, ParsedReport):
            return [self._here.masked(found)]
        return self._here.stored(found, known) if known and found != _STDIN else []
