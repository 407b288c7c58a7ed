use crate::{KeyId, PublicKey};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;

/// A [`PublicKey`] as a JSON Web Key (RFC 7517) of the kind that RFC 8037, section 2, defines.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Jwk {
    /// The key type: an octet key pair.
    pub kty: &'static str,
    /// The curve.
    pub crv: &'static str,
    /// The algorithm.
    pub alg: &'static str,
    /// What the key is for: signatures.
    #[serde(rename = "use")]
    pub use_for: &'static str,
    /// The id that tickets have in them.
    pub kid: KeyId,
    /// The public key in base64url without padding.
    pub x: String,
}

impl PublicKey {
    /// The key as a JWK (RFC 8037).
    pub fn jwk(&self) -> Jwk {
        Jwk {
            kty: "OKP",
            crv: "Ed25519",
            alg: "EdDSA",
            use_for: "sig",
            kid: self.key_id(),
            x: URL_SAFE_NO_PAD.encode(self.as_bytes()),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::PublicKey;
    use serde_json::json;

    /// The key of RFC 8037, appendix A.2.
    #[test]
    fn a_jwk_has_the_form_of_rfc_8037() {
        let bytes = [
            0xd7, 0x5a, 0x98, 0x01, 0x82, 0xb1, 0x0a, 0xb7, 0xd5, 0x4b, 0xfe, 0xd3, 0xc9, 0x64,
            0x07, 0x3a, 0x0e, 0xe1, 0x72, 0xf3, 0xda, 0xa6, 0x23, 0x25, 0xaf, 0x02, 0x1a, 0x68,
            0xf7, 0x07, 0x51, 0x1a,
        ];
        let key = PublicKey::from_bytes(&bytes).expect("a key");
        assert_eq!(
            serde_json::to_value(key.jwk()).expect("JSON"),
            json!({
                "kty": "OKP",
                "crv": "Ed25519",
                "alg": "EdDSA",
                "use": "sig",
                "kid": "21fe31dfa154a261",
                "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
            })
        );
    }
}
