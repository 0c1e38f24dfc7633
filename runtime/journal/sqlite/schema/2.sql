-- How many transactions there were, counted in each of them. Beside the
-- database a file notes the same, so that a database which lost its newest
-- commits, or all of them, can be told from one that has none.
CREATE TABLE commits (
	one      INTEGER PRIMARY KEY CHECK (one = 1),
	database TEXT NOT NULL, -- tells this database from others
	last     INTEGER NOT NULL
);
INSERT INTO commits VALUES (1, lower(hex(randomblob(16))), 0);
