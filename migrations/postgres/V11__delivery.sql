-- What carries facts out of the house: endpoints of webhooks, how far each has come with each event, what was
-- sent, and mails. Servers of the version before go on beside those of this one: they write facts that are new,
-- and carry none. Nobody's name or address is in these tables, so there is nothing in them to erase: a mail is
-- written from its registration when it is sent.

-- Whether nobody has looked at it yet. What is there already stays untold, and no row is rewritten: old rows
-- read as the first default, and rows to come are written with the second.
ALTER TABLE facts ADD COLUMN is_new boolean NOT NULL DEFAULT false;
ALTER TABLE facts ALTER COLUMN is_new SET DEFAULT true;

-- What is written for delivery when seats are given out is one entry of this index for each event and batch, and
-- nothing else. It is of version_last, which the primary key is not, so that no plan takes that one for it and
-- walks through all that there ever was. The facts are read once for it, while everybody waits.
CREATE INDEX facts_new ON facts (event_id, version_last) WHERE is_new;

CREATE TYPE delivery_state AS ENUM ('delivered', 'retrying', 'dead');
CREATE TYPE mail_state AS ENUM ('due', 'sent', 'dropped', 'stuck');

-- Where webhooks go. Like organizers they lie in one place, wherever the events lie.
CREATE TABLE webhook_endpoints (
    id                  uuid        NOT NULL,
    -- The nil UUID: nobody's, as events are where there are no organizers.
    organizer_id        uuid        NOT NULL,
    -- NULL: for all events of that organizer.
    event_id            uuid,
    url                 text        NOT NULL,
    -- Names by comma. NULL: all types, also those that are yet to come.
    types               text,
    includes_person     boolean     NOT NULL,
    secret              bytea       NOT NULL,
    former_secret       bytea,
    former_secret_until timestamptz,
    disabled_at         timestamptz,
    disabled_why        text,
    -- Since when nothing but failures has come of it.
    failing_since       timestamptz,
    created_at          timestamptz NOT NULL,
    CONSTRAINT webhook_endpoints_pkey PRIMARY KEY (id),
    CONSTRAINT webhook_endpoints_secret_length CHECK (octet_length(secret) = 32),
    CONSTRAINT webhook_endpoints_former_secret_length CHECK (octet_length(former_secret) = 32),
    CONSTRAINT webhook_endpoints_former_secret_ends CHECK (
        (former_secret IS NULL) = (former_secret_until IS NULL)
    ),
    CONSTRAINT webhook_endpoints_disabled_for_a_reason CHECK (
        (disabled_at IS NULL) = (disabled_why IS NULL)
    )
);

-- For whoever finds out whom a fact is for.
CREATE INDEX webhook_endpoints_of_organizer ON webhook_endpoints (organizer_id);

-- When a server that sends mail was there last.
CREATE TABLE mail_senders (
    only_row boolean     NOT NULL DEFAULT true,
    seen_at  timestamptz NOT NULL,
    CONSTRAINT mail_senders_pkey PRIMARY KEY (only_row),
    CONSTRAINT mail_senders_has_one_row CHECK (only_row)
);

-- How far each sink has come with each event. A sink is an endpoint, or mail, which is the nil UUID.
CREATE TABLE delivery_lanes (
    event_id uuid    NOT NULL,
    sink_id  uuid    NOT NULL,
    -- The last version that is done, and the last that there is to be done.
    version  bigint  NOT NULL,
    target   bigint  NOT NULL,
    -- How far into the next version it has come, if that goes to many.
    position bigint,
    -- How often that was tried in vain.
    attempts integer NOT NULL DEFAULT 0,
    -- Whose turn it is; NULL: nobody's.
    lease    uuid,
    -- From when on somebody may have a turn. NULL: there is nothing to do.
    due_at   timestamptz,
    CONSTRAINT delivery_lanes_version_not_negative CHECK (version >= 0),
    CONSTRAINT delivery_lanes_lease_ends CHECK (lease IS NULL OR due_at IS NOT NULL)
);

-- For whoever claims what is due. The primary key comes after it, here and below, since of two indexes that seem
-- as good in an empty table PostgreSQL takes the younger.
CREATE INDEX delivery_lanes_of_sink ON delivery_lanes (sink_id, due_at);
ALTER TABLE delivery_lanes ADD CONSTRAINT delivery_lanes_pkey PRIMARY KEY (event_id, sink_id);

-- What was sent to endpoints, or tried.
CREATE TABLE deliveries (
    event_id    uuid           NOT NULL,
    endpoint_id uuid           NOT NULL,
    version     bigint         NOT NULL,
    kind        text           NOT NULL,
    state       delivery_state NOT NULL,
    attempts    integer        NOT NULL,
    -- When it was tried last, what that was answered, and why it failed.
    tried_at    timestamptz    NOT NULL,
    status      integer,
    failure     text,
    CONSTRAINT deliveries_failure_length CHECK (octet_length(failure) <= 200)
);

-- An endpoint's log, and from its other end for whoever forgets.
CREATE INDEX deliveries_of_endpoint ON deliveries (endpoint_id, tried_at, event_id, version);
ALTER TABLE deliveries
    ADD CONSTRAINT deliveries_pkey PRIMARY KEY (event_id, endpoint_id, version);

-- Mails to be sent, and those that were.
CREATE TABLE mails (
    event_id        uuid        NOT NULL,
    id              uuid        NOT NULL,
    registration_id uuid        NOT NULL,
    kind            text        NOT NULL,
    version         bigint      NOT NULL,
    state           mail_state  NOT NULL DEFAULT 'due',
    attempts        integer     NOT NULL DEFAULT 0,
    made_at         timestamptz NOT NULL,
    -- As a lane's.
    lease           uuid,
    due_at          timestamptz,
    failure         text,
    -- When it was sent or given up.
    done_at         timestamptz,
    CONSTRAINT mails_pkey PRIMARY KEY (event_id, id),
    CONSTRAINT mails_lease_ends CHECK (lease IS NULL OR due_at IS NOT NULL),
    CONSTRAINT mails_failure_length CHECK (octet_length(failure) <= 200),
    CONSTRAINT mails_due_or_done CHECK (
        (state = 'due') = (due_at IS NOT NULL) AND (state = 'due') = (done_at IS NULL)
    )
);

-- For whoever sends, for whoever forgets, and for whoever asks what is stuck.
CREATE INDEX mails_due ON mails (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX mails_done ON mails (done_at) WHERE done_at IS NOT NULL;
CREATE INDEX mails_stuck ON mails (event_id, id) WHERE state = 'stuck';
