-- Text that SQLite and PostgreSQL both take. Instants are milliseconds since 1970, documents are JSON as text.

CREATE TABLE apps (
    name TEXT NOT NULL PRIMARY KEY,
    created_at BIGINT NOT NULL
);

-- Deploy numbers are never used twice, also after their rows are gone.
CREATE TABLE counters (
    name TEXT NOT NULL PRIMARY KEY,
    value BIGINT NOT NULL
);

CREATE TABLE deploys (
    id BIGINT NOT NULL PRIMARY KEY,
    app TEXT NOT NULL REFERENCES apps (name),
    environment TEXT NOT NULL,
    -- The former release, where it is a rollback.
    rollback_to BIGINT,
    commit_id TEXT NOT NULL,
    subject TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('queued', 'running', 'finished')),
    release BIGINT,
    outcome TEXT,
    created_at BIGINT NOT NULL,
    started_at BIGINT,
    finished_at BIGINT,
    CHECK ((state = 'finished') = (outcome IS NOT NULL)),
    CHECK ((state = 'finished') = (finished_at IS NOT NULL))
);

CREATE INDEX deploys_of_target ON deploys (app, environment, id);

-- What the queue promises, kept by the database itself: of one target, one deploy runs and one waits.
CREATE UNIQUE INDEX deploys_running ON deploys (app, environment) WHERE state = 'running';
CREATE UNIQUE INDEX deploys_queued ON deploys (app, environment) WHERE state = 'queued';

CREATE TABLE plans (
    deploy BIGINT NOT NULL PRIMARY KEY REFERENCES deploys (id) ON DELETE CASCADE,
    plan TEXT NOT NULL
);

CREATE TABLE events (
    deploy BIGINT NOT NULL REFERENCES deploys (id) ON DELETE CASCADE,
    sequence BIGINT NOT NULL,
    event TEXT NOT NULL,
    PRIMARY KEY (deploy, sequence)
);

CREATE TABLE releases (
    app TEXT NOT NULL REFERENCES apps (name),
    environment TEXT NOT NULL,
    number BIGINT NOT NULL,
    deploy BIGINT NOT NULL UNIQUE REFERENCES deploys (id) ON DELETE CASCADE,
    record TEXT NOT NULL,
    PRIMARY KEY (app, environment, number)
);

CREATE TABLE good_forms (
    app TEXT NOT NULL REFERENCES apps (name),
    environment TEXT NOT NULL,
    appling TEXT NOT NULL,
    form TEXT NOT NULL,
    PRIMARY KEY (app, environment, appling)
);

CREATE TABLE images (
    input TEXT NOT NULL PRIMARY KEY,
    image TEXT NOT NULL,
    built_at BIGINT NOT NULL
);

CREATE TABLE routes (
    host TEXT NOT NULL PRIMARY KEY,
    app TEXT NOT NULL REFERENCES apps (name),
    environment TEXT NOT NULL
);

CREATE INDEX routes_of_target ON routes (app, environment);
