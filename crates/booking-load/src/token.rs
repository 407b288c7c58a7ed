//! The organizer's token, for servers that require one.

use anyhow::{Context, bail};
use hyper::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use std::env::VarError;
use std::fmt;
use std::path::Path;

/// An organizer's token, sent only where organizers act: attendees have none.
#[derive(Clone)]
pub struct OrganizerToken(HeaderValue);

impl OrganizerToken {
    /// The environment variable that is read if no file is named. Not the command line, which other users can see.
    pub const VARIABLE: &str = "BOOKING_TOKEN";

    /// Parses `text` as a token. The error does not repeat it.
    ///
    /// # Errors
    ///
    /// If it is empty, or has bytes that no header may have.
    pub fn new(text: &str) -> anyhow::Result<Self> {
        let text = text.trim();
        anyhow::ensure!(!text.is_empty(), "an organizer's token is empty");
        let mut value = HeaderValue::from_str(&format!("Bearer {text}"))
            .ok()
            .context("an organizer's token has bytes that no header may have")?;
        value.set_sensitive(true);
        Ok(Self(value))
    }

    /// The first line of `file`, else the value of [`VARIABLE`](Self::VARIABLE), else none.
    ///
    /// # Errors
    ///
    /// If the file cannot be read, or its text is no token.
    pub fn find(file: Option<&Path>) -> anyhow::Result<Option<Self>> {
        let text = match file {
            Some(file) => {
                let text = std::fs::read_to_string(file);
                let text = text.with_context(|| format!("cannot read {}", file.display()))?;
                Some(text.lines().next().unwrap_or_default().to_owned())
            }
            None => match std::env::var(Self::VARIABLE) {
                Ok(text) => Some(text).filter(|text| !text.trim().is_empty()),
                Err(VarError::NotPresent) => None,
                Err(VarError::NotUnicode(_)) => bail!("{} is not UTF-8", Self::VARIABLE),
            },
        };
        text.map(|text| Self::new(&text)).transpose()
    }

    pub(crate) fn show(&self, headers: &mut HeaderMap) {
        headers.insert(AUTHORIZATION, self.0.clone());
    }
}

impl fmt::Debug for OrganizerToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OrganizerToken(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_one_line_and_is_never_shown() {
        let token = OrganizerToken::new(" org_secret\n").expect("it is one");
        let mut headers = HeaderMap::new();
        token.show(&mut headers);
        assert_eq!(headers[AUTHORIZATION], "Bearer org_secret");
        assert!(!format!("{token:?} {headers:?}").contains("secret"));
        for bad in ["", "  \n", "a\u{7}b"] {
            let error = format!("{:#}", OrganizerToken::new(bad).expect_err("it is none"));
            assert!(bad.trim().is_empty() || !error.contains(bad), "{error}");
        }
    }
}
