-- What is rewritten once, row by row, by the program and not by a migration: addresses have one spelling, which
-- SQL cannot tell.
CREATE TABLE rewrites (
    name TEXT NOT NULL,
    finished_at INTEGER NOT NULL,
    CONSTRAINT rewrites_pkey PRIMARY KEY (name)
) STRICT, WITHOUT ROWID;
