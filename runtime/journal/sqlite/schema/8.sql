-- The node of another run that had a run made. Runs of before had no other.
ALTER TABLE runs ADD COLUMN parent BLOB; -- its id, as in id
ALTER TABLE runs ADD COLUMN parent_place TEXT; -- JSON: run.Parent

-- The children of a run, to list them and to forget them with it.
CREATE INDEX runs_parent ON runs (parent, status, started) WHERE parent IS NOT NULL;
