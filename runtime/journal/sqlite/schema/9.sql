-- What flows keep between their runs. A scope is a flow's name, or '' for all.
CREATE TABLE store (
	nr      INTEGER PRIMARY KEY,
	scope   TEXT NOT NULL,
	key     TEXT NOT NULL,
	data    BLOB NOT NULL, -- JSON
	updated INTEGER NOT NULL,
	expires INTEGER, -- NULL: never
	run     BLOB,    -- that changed it last
	UNIQUE (scope, key)
);
CREATE INDEX store_expires ON store (expires) WHERE expires IS NOT NULL;

-- How much there is, so that nobody has to count. The triggers keep it.
CREATE TABLE store_scopes (
	scope TEXT PRIMARY KEY,
	keys  INTEGER NOT NULL,
	bytes INTEGER NOT NULL -- of keys and data
) WITHOUT ROWID;
CREATE TRIGGER store_insert AFTER INSERT ON store BEGIN
	INSERT INTO store_scopes VALUES (new.scope, 1, length(CAST(new.key AS BLOB)) + length(new.data))
		ON CONFLICT (scope) DO UPDATE SET keys = keys + 1, bytes = bytes + excluded.bytes;
END;
CREATE TRIGGER store_update AFTER UPDATE OF data ON store BEGIN
	UPDATE store_scopes SET bytes = bytes + length(new.data) - length(old.data) WHERE scope = new.scope;
END;
CREATE TRIGGER store_delete AFTER DELETE ON store BEGIN
	UPDATE store_scopes SET keys = keys - 1, bytes = bytes - length(CAST(old.key AS BLOB)) - length(old.data) WHERE scope = old.scope;
	DELETE FROM store_scopes WHERE scope = old.scope AND keys = 0;
END;

-- The last change of each run that goes on: asked for again after a crash, it is
-- not done again.
CREATE TABLE store_changes (
	run  BLOB PRIMARY KEY,
	id   TEXT NOT NULL,
	data BLOB NOT NULL -- what came of it
) WITHOUT ROWID;
