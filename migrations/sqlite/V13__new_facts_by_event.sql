-- Which events have facts that nobody has looked at yet, and from which version on: one row for each event, and no
-- longer one for each row of facts. Versions follow one another, so that the rest is known from the facts themselves.
-- A hot event's first batch after somebody has looked writes it, and those after it write nothing for delivery: with
-- a row for each, every batch wrote one page more, of six that its facts took.
CREATE TABLE new_facts_anew (
    event_id BLOB NOT NULL,
    version_first INTEGER NOT NULL,
    CONSTRAINT new_facts_pkey PRIMARY KEY (event_id)
) STRICT, WITHOUT ROWID;

INSERT INTO new_facts_anew (event_id, version_first)
SELECT event_id, min(version_first)
FROM new_facts
GROUP BY event_id;

DROP TRIGGER facts_are_new;
DROP TABLE new_facts;
ALTER TABLE new_facts_anew RENAME TO new_facts;

-- By a trigger still, so that programs of the version before, which may still write to the file, leave out nothing.
CREATE TRIGGER facts_are_new AFTER INSERT ON facts
BEGIN
    INSERT INTO new_facts (event_id, version_first)
    VALUES (NEW.event_id, NEW.version_first)
    ON CONFLICT (event_id) DO NOTHING;
END;
