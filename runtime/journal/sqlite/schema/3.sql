-- How a run answered its caller and what went wrong in it. Of runs that had
-- answered before this schema only their events tell.
ALTER TABLE runs ADD COLUMN response INTEGER NOT NULL DEFAULT 0; -- HTTP status
ALTER TABLE runs ADD COLUMN error TEXT; -- JSON: run.Failure

-- Answers that tell of a failure are few and looked for. Any other is on most
-- runs, so that a page of them is soon found without an index.
CREATE INDEX runs_response ON runs (response, status, started) WHERE response >= 400;
CREATE INDEX runs_response_class ON runs (response / 100, status, started) WHERE response >= 400;
