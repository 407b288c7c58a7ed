-- Whose seats were given to somebody else, for the mails that tell them: a registration is the other's from then on.
-- What is here is personal. It is written only where a server sends mail, and goes with its mail, with an erasure,
-- and after 30 days. Programs of the version before may still write to the file: they keep nobody here, so that
-- whoever gives a seat away by one of them is not told, and what they erase may stay here until then.
CREATE TABLE former_holders (
    event_id BLOB NOT NULL,
    registration_id BLOB NOT NULL,
    -- The version of the event that gave it away.
    version INTEGER NOT NULL,
    -- In the spelling that counts.
    user_email TEXT NOT NULL,
    name TEXT,
    made_at INTEGER NOT NULL,
    CONSTRAINT former_holders_pkey PRIMARY KEY (event_id, registration_id, version),
    CONSTRAINT former_holders_event_id_is_a_uuid CHECK (length(event_id) = 16),
    CONSTRAINT former_holders_registration_id_is_a_uuid CHECK (length(registration_id) = 16),
    CONSTRAINT former_holders_user_email_length
        CHECK (length(CAST(user_email AS BLOB)) BETWEEN 1 AND 254)
) STRICT, WITHOUT ROWID;

-- For whoever erases an address, and for whoever forgets.
CREATE INDEX former_holders_of_address ON former_holders (user_email);
CREATE INDEX former_holders_made_at ON former_holders (made_at);
