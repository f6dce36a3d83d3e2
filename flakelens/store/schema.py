"""The tables of the database, as numbered steps. A released step is never edited: a change is a further step.

Three ideas explain the shape. Facts and derived tables are apart: whatever is in the step "derived" can be thrown away
and made again from the facts. A run's metadata is kept as every distinct record that came with it and merged at
reading, so that the order in which shards and late attempts arrive cannot matter. Times are whole milliseconds since
1970 UTC, because integers are small, exact and sort.

Each column carries a comment; docs/database.md is made from these comments (`describe`), and SQLite keeps them too:
`.schema` in any SQLite shell shows them.
"""

from __future__ import annotations

import sqlite3
from typing import Final

import msgspec

APPLICATION_ID: Final = 0x666C6B6C  # "flkl": marks the file as ours, `file` and SQLite show it
MIGRATION_SET: Final = "flakelens"


class Step(msgspec.Struct, frozen=True):
    """One step of the schema: its name, never changed, and its SQL statements."""

    name: str
    sql: str


_FACTS = """
-- one CI pipeline; the columns after "run" are a cache of its attempts, made again at each write
CREATE TABLE run (
  id INTEGER PRIMARY KEY, -- means nothing outside this database
  provider TEXT NOT NULL, -- "github", "gitlab".., "local", or "given" for metadata given by hand
  run TEXT NOT NULL, -- the provider's id of the pipeline
  branch TEXT NOT NULL DEFAULT '', -- cache: head branch, '' where unknown
  commit_sha TEXT NOT NULL DEFAULT '', -- cache: head commit, '' where unknown
  event TEXT NOT NULL DEFAULT 'other', -- cache: push, schedule, merge_queue, manual, pull_request, other
  environment TEXT NOT NULL DEFAULT '', -- cache: "production".. for checks after a deployment, '' for CI
  counted INTEGER NOT NULL DEFAULT 0, -- cache: 1 if started by one of the first four events, no fork, clean tree
  local INTEGER NOT NULL DEFAULT 0, -- cache: 1 for a laptop's run
  started_at INTEGER NOT NULL DEFAULT 0, -- cache: ms; earliest given start, else earliest report, else first ingest
  UNIQUE (provider, run)
) STRICT;
CREATE INDEX run_window ON run (environment, branch, started_at);
CREATE INDEX run_time ON run (started_at);
CREATE INDEX run_commit ON run (commit_sha);

-- one distinct record of metadata that came with a run
CREATE TABLE attempt (
  id INTEGER PRIMARY KEY, -- means nothing outside this database
  run INTEGER NOT NULL REFERENCES run (id), -- the run it belongs to
  hash BLOB NOT NULL, -- BLAKE2b, 16 bytes, of the fields from "number" to "local"
  number INTEGER NOT NULL, -- attempt of the run as the provider counts: 1, 2..
  commit_sha TEXT NOT NULL, -- head commit, '' where unknown
  branch TEXT NOT NULL, -- head branch, '' where unknown
  base_branch TEXT NOT NULL, -- of a pull request
  base_commit TEXT NOT NULL, -- of a pull request
  event TEXT NOT NULL, -- push, schedule, merge_queue, manual, pull_request, other
  environment TEXT NOT NULL, -- '' for CI
  started_at INTEGER, -- ms; NULL where not given
  url TEXT NOT NULL, -- of the run at its provider
  fork INTEGER NOT NULL, -- 1 if it comes from another repository
  dirty INTEGER NOT NULL, -- 1 if the working tree had uncommitted changes
  local INTEGER NOT NULL, -- 1 for a laptop's run
  known_since INTEGER NOT NULL, -- ms; first ingest that brought this record
  UNIQUE (run, hash)
) STRICT;

-- one JUnit file of a run; the same bytes twice in one run are one report
CREATE TABLE report (
  id INTEGER PRIMARY KEY, -- means nothing outside this database
  run INTEGER NOT NULL REFERENCES run (id), -- the run it belongs to
  attempt INTEGER NOT NULL REFERENCES attempt (id), -- the lowest attempt that brought it
  sha256 BLOB NOT NULL, -- of the decompressed bytes
  size INTEGER NOT NULL, -- decompressed bytes
  name TEXT NOT NULL, -- path inside what was given to ingest
  job TEXT NOT NULL, -- CI job, '' where unknown
  shard TEXT NOT NULL, -- "2/4" or ''
  producer TEXT NOT NULL, -- "jest", "playwright".., "unknown"
  declared TEXT, -- retry evidence declared from outside: recorded, hidden, none; NULL for nothing declared
  shown TEXT, -- retry evidence the file itself shows: recorded, hidden; NULL for none
  partial INTEGER NOT NULL, -- 1 if a filtered run wrote it: no evidence of absence
  damaged INTEGER NOT NULL, -- 1 if truncated, empty or not readable whole
  load_failures TEXT NOT NULL, -- JSON list of the files or suites that the tool could not load
  started_at INTEGER, -- ms; earliest time stamp in the report, NULL where it has none
  seconds REAL, -- wall time where the report says so
  ingested_at INTEGER NOT NULL, -- ms; first ingest that brought it
  UNIQUE (run, sha256)
) STRICT;
CREATE INDEX report_bytes ON report (sha256);

-- one test as reported; never deleted, so that its number keeps its meaning
CREATE TABLE test (
  id INTEGER PRIMARY KEY, -- means nothing outside this database
  file TEXT NOT NULL, -- test file as reported, '' where the report does not say
  name TEXT NOT NULL, -- full title path
  variant TEXT NOT NULL, -- browser, Playwright project, jest displayName, or ''
  ordinal INTEGER NOT NULL, -- 1; 2, 3.. for further cases of the same id in one report
  producer TEXT NOT NULL, -- of the reports that hold it
  UNIQUE (file, name, variant, ordinal, producer)
) STRICT;

-- a test file found for a test by other means than its report's own words
CREATE TABLE test_file (
  test INTEGER NOT NULL REFERENCES test (id), -- the test
  kind INTEGER NOT NULL, -- 1: the only file of the checkout with this title; 2: first test file of a stack trace
  file TEXT NOT NULL, -- path with "/" separators
  first_seen_at INTEGER NOT NULL, -- ms; time of the earliest report it goes with. The newest of these holds
  known_since INTEGER NOT NULL, -- ms; first ingest that brought it
  PRIMARY KEY (test, kind, file)
) STRICT, WITHOUT ROWID;

-- what a failing or skipped attempt said; each distinct text once
CREATE TABLE message (
  id INTEGER PRIMARY KEY, -- means nothing outside this database
  hash BLOB NOT NULL UNIQUE, -- BLAKE2b, 16 bytes, of type, a zero byte and the text
  type TEXT NOT NULL, -- exception or failure type, '' where unknown
  root INTEGER REFERENCES message (id), -- the first message of this type, whose text is part of the dictionary
  body BLOB NOT NULL -- the text: UTF-8, zlib with the dictionary in store/wording.py and the text of the root
) STRICT;
CREATE INDEX message_root ON message (type) WHERE root IS NULL;

-- one attempt of one test in one report
CREATE TABLE result (
  report INTEGER NOT NULL REFERENCES report (id), -- the report, which knows its run
  test INTEGER NOT NULL REFERENCES test (id), -- the test
  try INTEGER NOT NULL, -- 1, 2.. attempts of the test within the report
  status INTEGER NOT NULL, -- 1 passed, 2 failed, 3 errored, 4 skipped
  ms INTEGER, -- duration; NULL where the report does not say
  message INTEGER REFERENCES message (id), -- NULL for no text
  PRIMARY KEY (report, test, try)
) STRICT, WITHOUT ROWID;

-- a survivable oddity
CREATE TABLE problem (
  id INTEGER PRIMARY KEY, -- means nothing outside this database
  run INTEGER NOT NULL REFERENCES run (id), -- the run it came with
  report INTEGER REFERENCES report (id), -- NULL if it belongs to no stored report
  code TEXT NOT NULL, -- heading in docs/problems.md
  place TEXT NOT NULL, -- path, "archive.zip!member", "path:line", or a test's name
  message TEXT NOT NULL -- what it means and how to mend it
) STRICT;
CREATE INDEX problem_run ON problem (run);

-- a set of tests that were active when a verdict was given; verdicts in a row mostly share one
CREATE TABLE active (
  id INTEGER PRIMARY KEY, -- means nothing outside this database
  hash BLOB NOT NULL UNIQUE, -- BLAKE2b, 16 bytes, of the JSON
  tests BLOB NOT NULL -- JSON list of [file, name, variant], sorted; compressed as a message without root
) STRICT;

-- a verdict as it was given, with all it needs to be replayed to the same bytes
CREATE TABLE verdict (
  id INTEGER PRIMARY KEY, -- what `gate --replay` takes
  hash BLOB NOT NULL UNIQUE, -- BLAKE2b, 16 bytes, of gate, as_of and json: the same verdict twice is one
  gate TEXT NOT NULL, -- name of the gate
  as_of INTEGER NOT NULL, -- ms; the moment it speaks of
  recorded_at INTEGER NOT NULL, -- ms; when it was given: reports ingested later are unknown to it
  state TEXT NOT NULL, -- MET, NOT_MET, INCONCLUSIVE
  decision TEXT NOT NULL, -- PROCEED, WAIVED, STOP
  commit_sha TEXT NOT NULL, -- the commit asked for, '' for none
  policy BLOB NOT NULL, -- policy text, compressed as a message without root
  decisions BLOB NOT NULL, -- decisions text, compressed as a message without root
  data_sha256 TEXT NOT NULL, -- of the data it rests on
  version TEXT NOT NULL, -- flakelens that gave it
  active INTEGER NOT NULL REFERENCES active (id), -- the tests that were active then
  json BLOB NOT NULL -- the exact bytes of its JSON, zlib-compressed
) STRICT;
CREATE INDEX verdict_gate ON verdict (gate, as_of);

-- a file rename that git saw
CREATE TABLE rename (
  old TEXT NOT NULL, -- path before
  new TEXT NOT NULL, -- path after
  commit_sha TEXT NOT NULL, -- the commit that renamed it
  known_since INTEGER NOT NULL, -- ms; first ingest that brought it
  PRIMARY KEY (old, new, commit_sha)
) STRICT, WITHOUT ROWID;

-- a run that `db prune` took out; merging and syncing leave it out
CREATE TABLE pruned_run (
  provider TEXT NOT NULL, -- as in run
  run TEXT NOT NULL, -- as in run
  started_at INTEGER NOT NULL, -- ms; as in run
  PRIMARY KEY (provider, run)
) STRICT, WITHOUT ROWID;

-- what pruned runs leave behind, per test
CREATE TABLE pruned_sum (
  test INTEGER PRIMARY KEY REFERENCES test (id), -- the test
  passed INTEGER NOT NULL, -- as in test_sum
  flaky INTEGER NOT NULL, -- as in test_sum
  failed INTEGER NOT NULL, -- as in test_sum
  skipped INTEGER NOT NULL, -- as in test_sum
  timed INTEGER NOT NULL, -- as in test_sum
  ms INTEGER NOT NULL, -- as in test_sum
  first_at INTEGER, -- as in test_sum
  last_at INTEGER -- as in test_sum
) STRICT;
"""

_DERIVED = """
-- derived: a list of tests that one or more reports hold
CREATE TABLE roster (
  id INTEGER PRIMARY KEY, -- means nothing outside this database
  hash BLOB NOT NULL UNIQUE, -- BLAKE2b, 16 bytes, of the ascending test ids as little-endian int32
  tests BLOB NOT NULL -- first id, then differences, little-endian int32, zlib-compressed
) STRICT;

-- derived: the outcomes of one report
CREATE TABLE packed (
  report INTEGER PRIMARY KEY REFERENCES report (id), -- the report; without results it has no row here
  roster INTEGER NOT NULL REFERENCES roster (id), -- which tests, in which order
  outcomes BLOB NOT NULL -- one int8 a test: 1 passed, 2 flaky, 3 failed, 4 skipped; zlib-compressed
) STRICT;

-- derived: sums per test over all stored reports; a test in two reports counts twice
CREATE TABLE test_sum (
  test INTEGER PRIMARY KEY REFERENCES test (id), -- the test
  passed INTEGER NOT NULL, -- outcomes passed
  flaky INTEGER NOT NULL, -- outcomes flaky
  failed INTEGER NOT NULL, -- outcomes failed or errored
  skipped INTEGER NOT NULL, -- outcomes skipped
  timed INTEGER NOT NULL, -- attempts whose duration is known
  ms INTEGER NOT NULL, -- sum of these durations
  first_at INTEGER, -- ms; earliest time stamp of its reports, NULL if none has one
  last_at INTEGER -- ms; latest time stamp of its reports, NULL if none has one
) STRICT;
"""

_VIEWS = """
-- runs, for people
CREATE VIEW v_runs AS SELECT
  run.provider AS provider, -- as in run
  run.run AS run, -- as in run
  run.branch AS branch, -- as in run
  run.commit_sha AS commit_sha, -- as in run
  run.event AS event, -- as in run
  run.environment AS environment, -- as in run
  strftime('%Y-%m-%dT%H:%M:%fZ', run.started_at / 1000.0, 'unixepoch') AS started_at, -- ISO 8601, UTC
  (SELECT max(number) FROM attempt WHERE attempt.run = run.id) AS attempts, -- highest attempt number
  (SELECT count(*) FROM report WHERE report.run = run.id) AS reports -- how many reports
FROM run;

-- tests with their sums, for people
CREATE VIEW v_tests AS SELECT
  test.id AS test, -- the number in the other tables
  test.file AS file, -- as in test
  test.name AS name, -- as in test
  test.variant AS variant, -- as in test
  test.ordinal AS ordinal, -- as in test
  test.producer AS producer, -- as in test
  coalesce(test_sum.passed, 0) AS passed, -- as in test_sum
  coalesce(test_sum.flaky, 0) AS flaky, -- as in test_sum
  coalesce(test_sum.failed, 0) AS failed, -- as in test_sum
  coalesce(test_sum.skipped, 0) AS skipped, -- as in test_sum
  test_sum.ms / 1000.0 / nullif(test_sum.timed, 0) AS mean_seconds, -- of one attempt
  strftime('%Y-%m-%dT%H:%M:%fZ', test_sum.last_at / 1000.0, 'unixepoch') AS last_at -- ISO 8601, UTC
FROM test LEFT JOIN test_sum ON test_sum.test = test.id;

-- results, for people
CREATE VIEW v_results AS SELECT
  run.provider AS provider, -- as in run
  run.run AS run, -- as in run
  run.branch AS branch, -- as in run
  strftime('%Y-%m-%dT%H:%M:%fZ', run.started_at / 1000.0, 'unixepoch') AS run_started_at, -- ISO 8601, UTC
  report.name AS report, -- path of the report
  test.file AS file, -- as in test
  test.name AS name, -- as in test
  test.variant AS variant, -- as in test
  result.try AS try, -- as in result
  CASE status WHEN 1 THEN 'passed' WHEN 2 THEN 'failed' WHEN 3 THEN 'errored' ELSE 'skipped' END AS status, -- in words
  result.ms / 1000.0 AS seconds, -- of this attempt
  message.type AS failure_type -- exception or failure type; the text itself is compressed: `flakelens show`
FROM result
JOIN report ON report.id = result.report
JOIN run ON run.id = report.run
JOIN test ON test.id = result.test
LEFT JOIN message ON message.id = result.message;
"""

_FITTED = """
-- derived: parameters fitted to the runs of a suite, so that a gate need not fit them again
CREATE TABLE fitted (
  hash BLOB PRIMARY KEY, -- SHA-256 of the outcomes that they were fitted to, and of the constants of the method
  parameters TEXT NOT NULL -- JSON
) STRICT, WITHOUT ROWID;
"""

_SHARED = """
-- a pack of the shared history that this database holds
CREATE TABLE pack (
  name TEXT PRIMARY KEY -- SHA-256 of the pack's bytes, hex
) STRICT, WITHOUT ROWID;

-- what a shared history holds already, just as it is here
CREATE TABLE shared (
  kind INTEGER NOT NULL, -- 1 run, 2 verdict, 3 rename
  item ANY NOT NULL, -- run.id, verdict.id; of a rename a JSON list of old, new and commit
  place TEXT NOT NULL, -- which history: a hash of its address; with "?" before it while it is being pushed
  PRIMARY KEY (kind, item, place)
) STRICT, WITHOUT ROWID;

-- whatever is added to a run makes it one that must be pushed again
CREATE TRIGGER shared_attempt AFTER INSERT ON attempt
BEGIN DELETE FROM shared WHERE kind = 1 AND item = NEW.run; END;
CREATE TRIGGER shared_attempt_since AFTER UPDATE ON attempt
BEGIN DELETE FROM shared WHERE kind = 1 AND item = NEW.run; END;
CREATE TRIGGER shared_report AFTER INSERT ON report
BEGIN DELETE FROM shared WHERE kind = 1 AND item = NEW.run; END;
CREATE TRIGGER shared_report_said AFTER UPDATE ON report
BEGIN DELETE FROM shared WHERE kind = 1 AND item = NEW.run; END;
CREATE TRIGGER shared_problem AFTER INSERT ON problem
BEGIN DELETE FROM shared WHERE kind = 1 AND item = NEW.run; END;
CREATE TRIGGER shared_run AFTER DELETE ON run
BEGIN DELETE FROM shared WHERE kind = 1 AND item = OLD.id; END;
"""

STEPS: Final = (
    Step("facts", _FACTS),
    Step("derived", _DERIVED),
    Step("views", _VIEWS),
    Step("fitted", _FITTED),
    Step("shared", _SHARED),
)

# Word for word what sqlite-utils makes: a new database is built without importing it (it costs half a second where
# pandas is installed), and later migrations by sqlite-utils must find its own table. A test compares the two.
MIGRATIONS_TABLE: Final = (
    """CREATE TABLE "_sqlite_migrations" (
   "id" INTEGER PRIMARY KEY,
   "migration_set" TEXT,
   "name" TEXT,
   "applied_at" TEXT
)""",
    """CREATE UNIQUE INDEX "idx__sqlite_migrations_migration_set_name"
    ON "_sqlite_migrations" ("migration_set", "name")""",
)


def statements(sql: str) -> list[str]:
    """The single statements of some SQL, comments kept. (`executescript` would end the transaction we are in.)"""
    found: list[str] = []
    pending = ""
    for line in sql.splitlines(keepends=True):
        pending += line
        if sqlite3.complete_statement(pending):
            found.append(pending.strip())
            pending = ""
    return found
