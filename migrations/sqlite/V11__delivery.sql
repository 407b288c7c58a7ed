-- What carries facts out of the house: endpoints of webhooks, how far each has come with each event, what was
-- sent, and mails. Nobody's name or address is in these tables, so there is nothing in them to erase: a mail is
-- written from its registration when it is sent.

-- The rows of facts that nobody has looked at yet: one row for each event and batch, and all that is written for
-- delivery when seats are given out. What is there already stays untold. A table of its own, and not a column,
-- since a row of facts can be long, and would be written again when it is not new any more.
CREATE TABLE new_facts (
    event_id BLOB NOT NULL,
    version_first INTEGER NOT NULL,
    version_last INTEGER NOT NULL,
    CONSTRAINT new_facts_pkey PRIMARY KEY (event_id, version_first)
) STRICT, WITHOUT ROWID;

-- By a trigger, so that programs of the version before, which may still write to the file, leave out nothing.
CREATE TRIGGER facts_are_new AFTER INSERT ON facts
BEGIN
    INSERT INTO new_facts (event_id, version_first, version_last)
    VALUES (NEW.event_id, NEW.version_first, NEW.version_last);
END;

-- Where webhooks go.
CREATE TABLE webhook_endpoints (
    id BLOB NOT NULL,
    -- The nil UUID: nobody's, as events are where there are no organizers.
    organizer_id BLOB NOT NULL,
    -- NULL: for all events of that organizer.
    event_id BLOB,
    url TEXT NOT NULL,
    -- Names by comma. NULL: all types, also those that are yet to come.
    types TEXT,
    includes_person INTEGER NOT NULL,
    secret BLOB NOT NULL,
    former_secret BLOB,
    former_secret_until INTEGER,
    disabled_at INTEGER,
    disabled_why TEXT,
    -- Since when nothing but failures has come of it.
    failing_since INTEGER,
    created_at INTEGER NOT NULL,
    CONSTRAINT webhook_endpoints_pkey PRIMARY KEY (id),
    CONSTRAINT webhook_endpoints_id_is_a_uuid CHECK (length(id) = 16),
    CONSTRAINT webhook_endpoints_organizer_id_is_a_uuid CHECK (length(organizer_id) = 16),
    CONSTRAINT webhook_endpoints_event_id_is_a_uuid CHECK (length(event_id) = 16),
    CONSTRAINT webhook_endpoints_includes_person_is_a_truth CHECK (includes_person IN (0, 1)),
    CONSTRAINT webhook_endpoints_secret_length CHECK (length(secret) = 32),
    CONSTRAINT webhook_endpoints_former_secret_length CHECK (length(former_secret) = 32),
    CONSTRAINT webhook_endpoints_former_secret_ends
        CHECK ((former_secret IS NULL) = (former_secret_until IS NULL)),
    CONSTRAINT webhook_endpoints_disabled_for_a_reason
        CHECK ((disabled_at IS NULL) = (disabled_why IS NULL))
) STRICT, WITHOUT ROWID;

-- For whoever finds out whom a fact is for.
CREATE INDEX webhook_endpoints_of_organizer ON webhook_endpoints (organizer_id);

-- When a server that sends mail was there last.
CREATE TABLE mail_senders (
    only_row INTEGER NOT NULL DEFAULT 1,
    seen_at INTEGER NOT NULL,
    CONSTRAINT mail_senders_pkey PRIMARY KEY (only_row),
    CONSTRAINT mail_senders_has_one_row CHECK (only_row = 1)
) STRICT;

-- How far each sink has come with each event. A sink is an endpoint, or mail, which is the nil UUID.
CREATE TABLE delivery_lanes (
    event_id BLOB NOT NULL,
    sink_id BLOB NOT NULL,
    -- The last version that is done, and the last that there is to be done.
    version INTEGER NOT NULL,
    target INTEGER NOT NULL,
    -- How far into the next version it has come, if that goes to many.
    position INTEGER,
    -- How often that was tried in vain.
    attempts INTEGER NOT NULL DEFAULT 0,
    -- Whose turn it is; NULL: nobody's.
    lease BLOB,
    -- From when on somebody may have a turn. NULL: there is nothing to do.
    due_at INTEGER,
    CONSTRAINT delivery_lanes_pkey PRIMARY KEY (event_id, sink_id),
    CONSTRAINT delivery_lanes_event_id_is_a_uuid CHECK (length(event_id) = 16),
    CONSTRAINT delivery_lanes_sink_id_is_a_uuid CHECK (length(sink_id) = 16),
    CONSTRAINT delivery_lanes_version_not_negative CHECK (version >= 0),
    CONSTRAINT delivery_lanes_lease_ends CHECK (lease IS NULL OR due_at IS NOT NULL)
) STRICT, WITHOUT ROWID;

-- For whoever claims what is due.
CREATE INDEX delivery_lanes_of_sink ON delivery_lanes (sink_id, due_at);

-- What was sent to endpoints, or tried.
CREATE TABLE deliveries (
    event_id BLOB NOT NULL,
    endpoint_id BLOB NOT NULL,
    version INTEGER NOT NULL,
    kind TEXT NOT NULL,
    state TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    -- When it was tried last, what that was answered, and why it failed.
    tried_at INTEGER NOT NULL,
    status INTEGER,
    failure TEXT,
    CONSTRAINT deliveries_pkey PRIMARY KEY (event_id, endpoint_id, version),
    CONSTRAINT deliveries_state_known CHECK (state IN ('delivered', 'retrying', 'dead')),
    CONSTRAINT deliveries_failure_length CHECK (length(CAST(failure AS BLOB)) <= 200)
) STRICT, WITHOUT ROWID;

-- An endpoint's log, and from its other end for whoever forgets.
CREATE INDEX deliveries_of_endpoint ON deliveries (endpoint_id, tried_at, event_id, version);

-- Mails to be sent, and those that were.
CREATE TABLE mails (
    event_id BLOB NOT NULL,
    id BLOB NOT NULL,
    registration_id BLOB NOT NULL,
    kind TEXT NOT NULL,
    version INTEGER NOT NULL,
    state TEXT NOT NULL DEFAULT 'due',
    attempts INTEGER NOT NULL DEFAULT 0,
    made_at INTEGER NOT NULL,
    -- As a lane's.
    lease BLOB,
    due_at INTEGER,
    failure TEXT,
    -- When it was sent or given up.
    done_at INTEGER,
    CONSTRAINT mails_pkey PRIMARY KEY (event_id, id),
    CONSTRAINT mails_state_known CHECK (state IN ('due', 'sent', 'dropped', 'stuck')),
    CONSTRAINT mails_lease_ends CHECK (lease IS NULL OR due_at IS NOT NULL),
    CONSTRAINT mails_failure_length CHECK (length(CAST(failure AS BLOB)) <= 200),
    CONSTRAINT mails_due_or_done CHECK (
        (state = 'due') = (due_at IS NOT NULL) AND (state = 'due') = (done_at IS NULL)
    )
) STRICT, WITHOUT ROWID;

-- For whoever sends, for whoever forgets, and for whoever asks what is stuck.
CREATE INDEX mails_due ON mails (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX mails_done ON mails (done_at) WHERE done_at IS NOT NULL;
CREATE INDEX mails_stuck ON mails (state) WHERE state = 'stuck';
