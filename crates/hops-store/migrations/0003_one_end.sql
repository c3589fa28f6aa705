-- What serves, and who holds a host for what: both change in the transaction that ends a deploy.

ALTER TABLE good_forms RENAME TO serving;

-- A host is held by what serves, by what is coming, or by both.
CREATE TABLE hosts (
    host TEXT NOT NULL PRIMARY KEY,
    app TEXT NOT NULL REFERENCES apps (name),
    environment TEXT NOT NULL,
    serves BOOLEAN NOT NULL,
    comes BOOLEAN NOT NULL
);

-- Which of the two it was is told by the end of the next deploy.
INSERT INTO hosts (host, app, environment, serves, comes) SELECT host, app, environment, TRUE, TRUE FROM routes;

DROP TABLE routes;

CREATE INDEX hosts_of_target ON hosts (app, environment);

-- Somebody wants it to end, which it looks at until its release is written.
ALTER TABLE deploys ADD COLUMN cancel_requested BOOLEAN NOT NULL DEFAULT FALSE;
-- How often a server that had not stopped in order took it up.
ALTER TABLE deploys ADD COLUMN taken_up BIGINT NOT NULL DEFAULT 0;
