-- The versions of flows that were served. One is told from others by its source
-- and its plugins.
CREATE TABLE versions (
	flow    TEXT NOT NULL,
	number  INTEGER NOT NULL,
	digest  TEXT NOT NULL,
	plugins TEXT NOT NULL, -- JSON: node type to digest, as in definitions
	file    TEXT NOT NULL,
	first   INTEGER NOT NULL, -- when it was served first
	last    INTEGER NOT NULL, -- when it came to be served last
	PRIMARY KEY (flow, number)
) WITHOUT ROWID;
CREATE UNIQUE INDEX versions_source ON versions (flow, digest, plugins);

-- How it stands with each flow: a journal.Standing.
CREATE TABLE standings (
	flow     TEXT PRIMARY KEY,
	numbers  INTEGER NOT NULL, -- the last that was given to a version
	current  INTEGER NOT NULL,
	rollback TEXT, -- JSON: journal.Rollback
	pause    TEXT  -- JSON: journal.Pause
) WITHOUT ROWID;
