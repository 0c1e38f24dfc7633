-- What a run was begun with. Runs of one version of a flow share a row.
CREATE TABLE definitions (
	nr      INTEGER PRIMARY KEY,
	flow    TEXT NOT NULL,
	digest  TEXT NOT NULL,
	plugins TEXT NOT NULL, -- JSON: node type to digest
	UNIQUE (flow, digest, plugins)
);

-- One row for each run: its journal.Summary. Times are nanoseconds since 1970,
-- 0 for none. An id is 16 bytes if it is a UUID, else text.
CREATE TABLE runs (
	nr          INTEGER PRIMARY KEY,
	id          BLOB NOT NULL UNIQUE,
	definition  INTEGER NOT NULL,
	flow        TEXT NOT NULL,
	trigger_node TEXT NOT NULL,
	retry_of    BLOB,
	events      INTEGER NOT NULL, -- how many; the fence of Append
	status      INTEGER NOT NULL, -- see statuses
	node        TEXT NOT NULL,
	outcome     TEXT NOT NULL,
	code        TEXT NOT NULL,
	reason      TEXT NOT NULL,
	started     INTEGER NOT NULL,
	updated     INTEGER NOT NULL,
	ended       INTEGER NOT NULL,
	due         INTEGER,
	awaits_name TEXT,
	awaits_key  TEXT
);

-- Every filter of a list is an equality on the head of one of these, so that a
-- page is read in order and nothing is sorted or skipped.
CREATE INDEX runs_status ON runs (status, started);
CREATE INDEX runs_flow ON runs (flow, status, started);
CREATE INDEX runs_outcome ON runs (outcome, status, started) WHERE outcome <> '';
CREATE INDEX runs_flow_outcome ON runs (flow, outcome, status, started) WHERE outcome <> '';
CREATE INDEX runs_definition ON runs (definition);
CREATE INDEX runs_due ON runs (due) WHERE due IS NOT NULL;
CREATE INDEX runs_awaits ON runs (awaits_name, awaits_key) WHERE awaits_name IS NOT NULL;

-- One row for each append. at is the run's nr, shifted by 22 bits, and the
-- number of events before: a run's rows lie side by side.
CREATE TABLE events (
	at   INTEGER PRIMARY KEY,
	data BLOB NOT NULL
);

CREATE TABLE dedupe (
	scope   TEXT NOT NULL,
	key     TEXT NOT NULL,
	run     BLOB NOT NULL,
	expires INTEGER NOT NULL,
	PRIMARY KEY (scope, key)
) WITHOUT ROWID;
CREATE INDEX dedupe_expires ON dedupe (expires);

CREATE TABLE mailbox (
	nr      INTEGER PRIMARY KEY,
	id      TEXT NOT NULL UNIQUE,
	name    TEXT NOT NULL,
	key     TEXT NOT NULL,
	data    BLOB NOT NULL,
	expires INTEGER NOT NULL,
	taker   TEXT
);
CREATE INDEX mailbox_free ON mailbox (name, key, nr) WHERE taker IS NULL;
CREATE INDEX mailbox_taken ON mailbox (taker) WHERE taker IS NOT NULL;
CREATE INDEX mailbox_expires ON mailbox (expires);

CREATE TABLE blobs (
	digest TEXT PRIMARY KEY,
	data   BLOB NOT NULL
);
