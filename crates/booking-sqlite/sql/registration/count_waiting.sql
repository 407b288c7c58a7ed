-- registration/count_waiting: those whose version is not below the one and below the other
SELECT count(*)
FROM registrations INDEXED BY registrations_waiting
WHERE event_id = ?1 AND status = 'waitlisted' AND event_version >= ?2 AND event_version < ?3
