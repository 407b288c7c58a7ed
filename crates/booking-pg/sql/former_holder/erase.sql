-- former_holder/erase: takes out some of an e-mail address
DELETE FROM former_holders AS unwanted
WHERE unwanted.ctid = ANY (
    ARRAY(
        SELECT former.ctid
        FROM former_holders AS former
        WHERE former.user_email = $1::text COLLATE "C"
        LIMIT $2::bigint
        FOR UPDATE
    )
)
