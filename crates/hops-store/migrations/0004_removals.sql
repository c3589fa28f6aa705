-- Targets that are being removed: no deploy of them is taken from the queue meanwhile, and what a removal was doing that was
-- cut off is done again.
CREATE TABLE removals (
    app TEXT NOT NULL REFERENCES apps (name),
    environment TEXT NOT NULL,
    begun_at BIGINT NOT NULL,
    PRIMARY KEY (app, environment)
);
