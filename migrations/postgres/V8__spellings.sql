-- What is rewritten once, row by row, by the program and not by a migration: addresses have one spelling, which
-- SQL cannot tell. Servers of the version before know nothing of this table and need not.
CREATE TABLE rewrites (
    name        text COLLATE "C" NOT NULL,
    finished_at timestamptz      NOT NULL,
    CONSTRAINT rewrites_pkey PRIMARY KEY (name)
);
