-- How far schedules have come.
CREATE TABLE ticks (
	schedule TEXT NOT NULL PRIMARY KEY, -- flow/node
	plan     TEXT NOT NULL,
	at       INTEGER NOT NULL, -- done until then
	seen     INTEGER NOT NULL, -- seen in time until then
	run      TEXT NOT NULL -- the last one, or ''
) WITHOUT ROWID;
