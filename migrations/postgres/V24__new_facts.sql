-- Which versions of which events have facts that nobody has looked at yet: a row for each event and batch, which goes when they
-- are routed. The fact of a seat that was given at once has no row of its own any more: the registration says all of it, and so a
-- sale writes nothing here but this. No row is rewritten. Servers of the version before go on beside those of this one: they mark
-- the facts that they write as new themselves, but cannot show the
-- history of a seat that a server of this one gave, and their audits report its version as missing.
CREATE TABLE new_facts (
    event_id      uuid        NOT NULL,
    -- Two decisions on one state begin with the same version, whatever they decide: the key refuses the second.
    version_first bigint      NOT NULL,
    version_last  bigint      NOT NULL,
    -- When the last of them was recorded.
    recorded_at   timestamptz NOT NULL,
    CONSTRAINT new_facts_pkey PRIMARY KEY (event_id, version_first)
);
