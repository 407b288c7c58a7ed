-- registration/insert
INSERT INTO registrations ({registration names})
VALUES ({registration places})
