-- Which programs can work with these tables, and which keys tickets are signed with by servers that do not
-- take theirs from here. Servers of the version before go on beside those of this one, and ask for neither.

-- Migrations only add, so that a program of the version before can nearly always work with what a newer one
-- has made. Whoever starts finds out here: it has to know at least the migration of this number. A migration
-- after which older programs would do harm raises it.
CREATE TABLE schema_compatibility (
    only_row   boolean NOT NULL DEFAULT true,
    needs_from integer NOT NULL,
    CONSTRAINT schema_compatibility_pkey PRIMARY KEY (only_row),
    CONSTRAINT schema_compatibility_has_one_row CHECK (only_row)
);
INSERT INTO schema_compatibility (needs_from) VALUES (6);

-- The public halves of keys that servers were given by their settings, so that the other servers know what
-- those sign.
CREATE TABLE ticket_keys (
    public_key bytea       NOT NULL,
    -- When a server that signs with it was there last.
    seen_at    timestamptz NOT NULL,
    CONSTRAINT ticket_keys_pkey PRIMARY KEY (public_key),
    CONSTRAINT ticket_keys_public_key_length CHECK (octet_length(public_key) = 32)
);
