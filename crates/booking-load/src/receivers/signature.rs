//! Verifies signatures as a receiver does (Standard Webhooks 1.0.0, the symmetric scheme).

use anyhow::Context;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use hmac::{Hmac, KeyInit, Mac};
use hyper::header::HeaderMap;
use sha2::Sha256;

/// The prefix of a secret.
const SECRET_PREFIX: &str = "whsec_";
/// The prefix of a signature.
const SIGNATURE_PREFIX: &str = "v1,";
/// How far a message's time may differ from ours, in seconds: older ones may be replayed by an eavesdropper.
const TOLERANCE_SECONDS: u64 = 300;

/// The key that verifies an endpoint's signatures.
pub(super) struct Key(Hmac<Sha256>);

impl Key {
    /// Parses the secret that the server returned. The error does not repeat it.
    pub(super) fn of(secret: &str) -> anyhow::Result<Self> {
        let base64 = secret.strip_prefix(SECRET_PREFIX);
        let key = base64.and_then(|base64| STANDARD.decode(base64).ok());
        let key =
            key.with_context(|| format!("a secret that is not {SECRET_PREFIX} and base64"))?;
        Ok(Self(Hmac::new_from_slice(&key).context("a key that HMAC does not take")?))
    }

    /// Whether one of the signatures is by this key, of these bytes, at about this time.
    pub(super) fn has_signed(&self, headers: &HeaderMap, body: &[u8], now: DateTime<Utc>) -> bool {
        let timestamp = text(headers, "webhook-timestamp");
        let is_of_now = timestamp
            .parse::<i64>()
            .is_ok_and(|at| at.abs_diff(now.timestamp()) <= TOLERANCE_SECONDS);
        let signatures = text(headers, "webhook-signature");
        is_of_now
            && !id(headers).is_empty()
            && signatures.split(' ').any(|signature| {
                let base64 = signature.strip_prefix(SIGNATURE_PREFIX);
                base64.and_then(|base64| STANDARD.decode(base64).ok()).is_some_and(|bytes| {
                    let mut mac = self.0.clone();
                    mac.update(format!("{}.{timestamp}.", id(headers)).as_bytes());
                    mac.update(body);
                    mac.verify_slice(&bytes).is_ok()
                })
            })
    }
}

/// The message's id; empty if it has none.
pub(super) fn id(headers: &HeaderMap) -> &str {
    text(headers, "webhook-id")
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use hyper::header::{HeaderName, HeaderValue};

    const SECRET: &str = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    /// As Python's `hmac` computes it over `msg_1.1777662000.{"type":"event.changed"}`.
    const SIGNATURE: &str = "v1,pi6SC9xCC1EVDRTKiECn2jDYOPBG5abfXbyzcB54k/w=";
    const BODY: &[u8] = br#"{"type":"event.changed"}"#;

    fn is_good(changes: &[(&'static str, &'static str)], body: &[u8], seconds: i64) -> bool {
        let mut headers = HeaderMap::new();
        let all = [
            ("webhook-id", "msg_1"),
            ("webhook-timestamp", "1777662000"),
            ("webhook-signature", SIGNATURE),
        ];
        for &(name, value) in all.iter().chain(changes) {
            headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        let now = DateTime::from_timestamp(seconds, 0).expect("in range");
        Key::of(SECRET).expect("it is one").has_signed(&headers, body, now)
    }

    #[test]
    fn a_signature_covers_id_time_and_body() {
        let now = 1_777_662_000;
        assert!(is_good(&[], BODY, now));
        assert!(is_good(&[], BODY, now + 299) && is_good(&[], BODY, now - 299));
        let both = "v1a,AAAA v1,AAAA v1,pi6SC9xCC1EVDRTKiECn2jDYOPBG5abfXbyzcB54k/w=";
        assert!(is_good(&[("webhook-signature", both)], BODY, now));
        assert!(!is_good(&[], b"{}", now));
        assert!(!is_good(&[], BODY, now + 301) && !is_good(&[], BODY, now - 301));
        for change in [
            ("webhook-id", "msg_2"),
            ("webhook-id", ""),
            ("webhook-timestamp", "1777662001"),
            ("webhook-timestamp", "now"),
            ("webhook-signature", ""),
            ("webhook-signature", "pi6SC9xCC1EVDRTKiECn2jDYOPBG5abfXbyzcB54k/w="),
            ("webhook-signature", "v1a,pi6SC9xCC1EVDRTKiECn2jDYOPBG5abfXbyzcB54k/w="),
        ] {
            assert!(!is_good(&[change], BODY, now), "{change:?}");
        }
    }

    #[test]
    fn an_invalid_secret_is_not_repeated() {
        for bad in ["", "whsec_", "whsec_!secret", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="] {
            match Key::of(bad) {
                Ok(_) => assert_eq!(bad, "whsec_", "an empty key is one"),
                Err(error) => assert!(!format!("{error:#}").contains("!secret")),
            }
        }
    }
}
