-- former_holder/delete: takes out all who had some registrations
DELETE FROM former_holders AS unwanted
WHERE unwanted.ctid = ANY (
    ARRAY(
        SELECT kept.place
        FROM generate_subscripts($1::uuid[], 1) AS at
        CROSS JOIN LATERAL (
            SELECT former.ctid AS place
            FROM former_holders AS former
            WHERE former.event_id = ($1::uuid[])[at] AND former.registration_id = ($2::uuid[])[at]
            -- It keeps this a look-up.
            OFFSET 0
            FOR UPDATE
        ) AS kept
    )
)
