-- What tells requests with one dedupe key apart. A key that is older than this
-- schema fits any request.
ALTER TABLE dedupe ADD COLUMN print TEXT NOT NULL DEFAULT '';

-- A run's key goes with it, to its retry or away.
CREATE INDEX dedupe_run ON dedupe (run);
