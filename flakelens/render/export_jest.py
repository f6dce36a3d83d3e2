"""The tests in quarantine as a file for Jest's `setupFilesAfterEnv`, which skips them by their full names.

Jest has no option for that, and a report must show them as skipped, not leave them out. jest-circus keeps its tree of
tests in the global under a symbol that many tools read; the tests are marked there after the file has been collected
and before the first of them runs, so that `each`, `concurrent` and nested blocks are covered alike.
"""

from __future__ import annotations

import json

from flakelens.report.export import QuarantineExport
from flakelens.reproduce import title_pattern

_SPACE = r"\s"  # XML turns a line end or a tab of a title into a space
_EDGE = r"\s*"  # a title may begin and end with spaces, which no report keeps
_HEAD = """\
// Made by: flakelens quarantine export --format jest. Make it again instead of changing it.
// jest.config: setupFilesAfterEnv: ['<rootDir>/flakelens-quarantine.cjs']
'use strict';

// The full name of a test as a pattern, and the end of its file's path ('' for any file).
"""
_BODY = """
const globals = typeof globalThis.expect === 'undefined' ? require('@jest/globals') : globalThis;
const path = String(globals.expect.getState().testPath || '').replace(/\\\\/g, '/');
const titles = quarantined
  .filter(([, file]) => file === '' || path === file || path.endsWith('/' + file))
  .map(([title]) => new RegExp(title));
const held = (name) => titles.some((title) => title.test(name));

const symbol = Object.getOwnPropertySymbols(globalThis).find((each) => each.description === 'JEST_STATE_SYMBOL');
const state = symbol && globalThis[symbol];

function skip(block, above) {
  for (const child of block.children) {
    const name = above + child.name;
    if (child.type === 'describeBlock') skip(child, name + ' ');
    else if (held(name)) child.mode = 'skip';
  }
}

if (titles.length > 0) {
  if (state && state.rootDescribeBlock) {
    globals.beforeAll(() => skip(state.rootDescribeBlock, ''));
  } else if (typeof jasmine !== 'undefined' && typeof jasmine.getEnv === 'function') {
    const env = jasmine.getEnv();
    const before = env.specFilter || (() => true);
    env.specFilter = (spec) => before(spec) && !held(spec.getFullName());
  } else {
    console.warn('flakelens: this version of Jest is not known, so nothing in quarantine is skipped.');
  }
}
"""


def jest_setup(export: QuarantineExport) -> str:
    """The file as JavaScript (CommonJS), plain ASCII, ending with a line feed."""
    rows = dict.fromkeys(
        (f"^{_EDGE}{title_pattern(held.title, export.separators, space=_SPACE)}{_EDGE}$", held.file)
        for held in export.held
    )
    listed = "".join(f"  [{_text(title)}, {_text(file)}],\n" for title, file in rows)
    return f"{_HEAD}const quarantined = [\n{listed}];\n{_BODY}"


def _text(value: str) -> str:
    """A JavaScript string: JSON in ASCII is one, whatever the text holds."""
    return json.dumps(value, ensure_ascii=True)
