-- Whose seats were given to somebody else, for the mails that tell them: a registration is the other's from then on.
-- What is here is personal. It is written only where a server sends mail, and goes with its mail, with an erasure,
-- and after 30 days. Servers of the version before go on beside those of this one: they keep nobody here, so that
-- whoever gives a seat away by one of them is not told, and what they erase may stay here until then.

CREATE TABLE former_holders (
    event_id        uuid             NOT NULL,
    registration_id uuid             NOT NULL,
    -- The version of the event that gave it away.
    version         bigint           NOT NULL,
    -- In the spelling that counts.
    user_email      text COLLATE "C" NOT NULL,
    name            text,
    made_at         timestamptz      NOT NULL,
    CONSTRAINT former_holders_pkey PRIMARY KEY (event_id, registration_id, version),
    CONSTRAINT former_holders_user_email_length CHECK (octet_length(user_email) BETWEEN 3 AND 254)
);

-- For whoever erases an address, and for whoever forgets.
CREATE INDEX former_holders_of_address ON former_holders (user_email);
CREATE INDEX former_holders_made_at ON former_holders (made_at);
