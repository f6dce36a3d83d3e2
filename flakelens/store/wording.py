"""Compressed texts. Failures repeat each other, so a message is packed against an earlier one of its type, its root."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Final

from flakelens.store.values import clean, message_hash

if TYPE_CHECKING:
    import sqlite3

_TAIL: Final = 8192  # bytes of a root that serve as dictionary: stack traces end alike

# Words that most failure messages share, the most frequent last: it makes a stored message a fifth smaller. Never edit
# this text: what is stored can be unpacked with it alone.
_SHARED_WORDS: Final = b"""\
Test timeout of 30000ms exceeded. thrown: "Exceeded timeout of 5000 ms for a test.
net::ERR_CONNECTION_REFUSED ECONNREFUSED 127.0.0.1: fetch failed AssertionError: TypeError: Cannot read properties of \
undefined (reading 'TestingLibraryElementError: Unable to find an element with the text: Warning: An update to was \
not wrapped in act(...). Ignored nodes: comments, script, style
<body>
  <div class="" data-testid="" aria-label="
Error: Timed out 5000ms waiting for expect(locator).toBeVisible()
Call log:
  - waiting for locator('  - waiting for getByRole('button', { name: '  - unexpected value "
locator resolved to <Error: page.goto: page.click: Timeout exceeded. attachment #1: screenshot (image/png) \
test-results/-chromium/test-failed-1.png  [chromium] \xe2\x80\xba e2e/.spec.ts:
    at processTicksAndRejections (node:internal/process/task_queues:95:5)
    at async Promise.all (index 0)
    at new Promise (<anonymous>)
    at Promise.then.completed (node_modules/jest-circus/build/utils.js:298:28)
    at callAsyncCircusFn (node_modules/jest-circus/build/utils.js:231:10)
    at _callCircusTest (node_modules/jest-circus/build/run.js:316:40)
    at _runTestsForDescribeBlock (node_modules/jest-circus/build/run.js:126:9)
    at jestAdapter (node_modules/jest-circus/build/legacy-code-todo-rewrite/jestAdapter.js:79:19)
    at runTestInternal (node_modules/jest-runner/build/runTest.js:367:16)
Error: expect(jest.fn()).toHaveBeenCalledTimes(expected) Error: expect(received).toBe(expected) // Object.is equality

Expected: "Received: "Expected string: "Received string: "
    at Object.<anonymous> (src/components/__tests__/.test.tsx:
    at Object. (src/lib/.ts:"""


def squeeze(text: str, words: bytes = b"") -> bytes:
    """A text as a compressed column holds it: UTF-8, zlib; its dictionary are the shared words above and `words`."""
    packer = zlib.compressobj(level=6, zdict=_SHARED_WORDS + words)
    return packer.compress(text.encode("utf-8", "replace")) + packer.flush()


def unsqueeze(blob: bytes, words: bytes = b"") -> str:
    """The text that `squeeze` was given. Raises zlib.error on damage."""
    unpacker = zlib.decompressobj(zdict=_SHARED_WORDS + words)
    data = unpacker.decompress(blob)
    if not unpacker.eof or unpacker.unused_data:
        raise zlib.error("cut off, or followed by something else")
    return data.decode("utf-8", "replace")


class Wording:
    """The messages of one database. Roots are never deleted, so what is remembered of them stays true."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._words: dict[int, bytes] = {}  # what a root gives as dictionary
        self._roots: dict[str, int] = {}  # by type

    def forget(self) -> None:
        """After a transaction that did not land."""
        self._words.clear()
        self._roots.clear()

    def text(self, body: bytes, root: int | None) -> str:
        """The text of a row of `message`. Raises zlib.error on damage."""
        return unsqueeze(body, b"" if root is None else self._of(root))

    def store(self, type_: str, text: str) -> int:
        """The id of a message, written if it is new."""
        digest = message_hash(type_, text)
        found = self._connection.execute("SELECT id FROM message WHERE hash = ?", (digest,)).fetchone()
        if found is None:
            root = self._root(clean(type_))
            body = squeeze(text, b"" if root is None else self._of(root))
            insert = "INSERT INTO message (hash, type, root, body) VALUES (?, ?, ?, ?) RETURNING id"
            found = self._connection.execute(insert, (digest, clean(type_), root, body)).fetchone()
        return int(found[0])

    def _root(self, type_: str) -> int | None:
        if type_ not in self._roots:
            query = "SELECT id FROM message WHERE type = ? AND root IS NULL LIMIT 1"
            found = self._connection.execute(query, (type_,)).fetchone()
            if found is None:
                return None
            self._roots[type_] = int(found[0])
        return self._roots[type_]

    def _of(self, root: int) -> bytes:
        if root not in self._words:
            row = self._connection.execute("SELECT body FROM message WHERE id = ?", (root,)).fetchone()
            if row is None:
                raise zlib.error(f"message {root}, which others build on, is missing")
            self._words[root] = unsqueeze(row[0]).encode("utf-8", "replace")[-_TAIL:]
        return self._words[root]
