-- Which events a store puts up that is one of many, a cell; and the map of all cells, where it is their home. A store that is the
-- only one has no row in either. A server of the version before would put up any event anywhere: once a store keeps to bytes,
-- it may not start there any more (see schema_compatibility), and one that still runs is to be replaced before.

-- No row: any event is put up.
CREATE TABLE cell_bytes (
    only_row   boolean NOT NULL DEFAULT true,
    -- That of the map which said so.
    version    bigint  NOT NULL,
    -- The bytes that the ids of events end in which are put up, from the first to the last. NULL: none is.
    first_byte integer,
    last_byte  integer,
    CONSTRAINT cell_bytes_pkey PRIMARY KEY (only_row),
    CONSTRAINT cell_bytes_has_one_row CHECK (only_row),
    CONSTRAINT cell_bytes_version_counts CHECK (version >= 0),
    CONSTRAINT cell_bytes_both_or_none CHECK ((first_byte IS NULL) = (last_byte IS NULL)),
    CONSTRAINT cell_bytes_in_order CHECK (0 <= first_byte AND first_byte <= last_byte AND last_byte <= 255)
);

-- No row: nobody has written one down.
CREATE TABLE cell_map (
    only_row boolean NOT NULL DEFAULT true,
    version  bigint  NOT NULL,
    -- What everybody goes by.
    map      text    NOT NULL,
    -- What everybody is to go by next. NULL: nobody has begun to bring another about.
    next     text,
    CONSTRAINT cell_map_pkey PRIMARY KEY (only_row),
    CONSTRAINT cell_map_has_one_row CHECK (only_row),
    CONSTRAINT cell_map_version_counts CHECK (version >= 0),
    CONSTRAINT cell_map_map_length CHECK (octet_length(map) <= 1048576),
    CONSTRAINT cell_map_next_length CHECK (octet_length(next) <= 1048576)
);
