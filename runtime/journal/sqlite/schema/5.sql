-- What people know a run by. Runs of before have neither: their flows asked for
-- none.
ALTER TABLE runs ADD COLUMN key TEXT NOT NULL DEFAULT '';
ALTER TABLE runs ADD COLUMN labels TEXT; -- JSON: names to values
CREATE INDEX runs_key ON runs (key, status, started) WHERE key <> '';

-- One row for each label of a run, with what lists are ordered by.
CREATE TABLE labels (
	name    TEXT NOT NULL,
	value   TEXT NOT NULL,
	status  INTEGER NOT NULL, -- of the run, as it is now
	started INTEGER NOT NULL,
	nr      INTEGER NOT NULL,
	PRIMARY KEY (name, value, status, started, nr)
) WITHOUT ROWID;
