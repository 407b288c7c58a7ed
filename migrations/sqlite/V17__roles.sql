-- What may be done with an organizer's token, and with which events. What is there already is an owner's, of all
-- events. A program of the version before would take every token for that: with the first one that is not, it may not
-- open the file any more (see schema_compatibility), and one that still has it open is to be replaced before.
ALTER TABLE organizer_tokens
    ADD COLUMN role TEXT NOT NULL DEFAULT 'owner'
        CONSTRAINT organizer_tokens_role_known CHECK (role IN ('owner', 'manager', 'door', 'reader'));
-- The ids one after the other. NULL: all that are the organizer's.
ALTER TABLE organizer_tokens
    ADD COLUMN event_ids BLOB
        CONSTRAINT organizer_tokens_event_ids_are_uuids CHECK (length(event_ids) % 16 = 0)
        CONSTRAINT organizer_tokens_owner_of_all_events CHECK (role <> 'owner' OR event_ids IS NULL);
