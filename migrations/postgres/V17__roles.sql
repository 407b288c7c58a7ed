-- What may be done with an organizer's token, and with which events. What is there already is an owner's, of all
-- events. A server of the version before would take every token for that: with the first one that is not, it may not
-- start any more (see schema_compatibility), and one that still runs is to be replaced before.
ALTER TABLE organizer_tokens
    ADD COLUMN role      text NOT NULL DEFAULT 'owner',
    -- NULL: all that are the organizer's.
    ADD COLUMN event_ids uuid[];
ALTER TABLE organizer_tokens
    ADD CONSTRAINT organizer_tokens_role_known CHECK (role IN ('owner', 'manager', 'door', 'reader'));
ALTER TABLE organizer_tokens
    ADD CONSTRAINT organizer_tokens_owner_of_all_events CHECK (role <> 'owner' OR event_ids IS NULL);
