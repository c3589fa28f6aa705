-- An image is remembered with the user that it runs as. Those from before are forgotten: they are built once more, mostly
-- from the builder's cache, and their user is read then.

DROP TABLE images;

CREATE TABLE images (
    input TEXT NOT NULL PRIMARY KEY,
    image TEXT NOT NULL,
    image_user TEXT NOT NULL,
    built_at BIGINT NOT NULL
);
