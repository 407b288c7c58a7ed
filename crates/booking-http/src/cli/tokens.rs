//! `booking-http token`: creates, lists and revokes organizers' tokens.

use crate::auth::callers::{ORGANIZER_PREFIX, token_hash};
use crate::config::{Config, store};
use anyhow::Context;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use booking_core::{
    BookingStore, NewToken, Organizer, OrganizerId, OrganizerName, OrganizerToken, PageLimit,
    TOKENS_MAX, TokenId,
};
use chrono::{DateTime, SecondsFormat, Utc};
use std::io::{Write, stdout};
use uuid::Uuid;

/// What a token is made of.
const TOKEN_BYTES: usize = 32;

/// Makes a token for the organizer called `name`, and prints it: this once, since only its hash is kept.
/// Nothing else goes to standard output, so that it can be piped to where secrets are kept.
pub(crate) async fn create(
    config: &Config,
    name: OrganizerName,
    adopts_events: bool,
) -> anyhow::Result<()> {
    let store = store::open(config).await?.store;
    let mut secret = [0; TOKEN_BYTES];
    getrandom::fill(&mut secret).context("the system has no random numbers")?;
    let token = format!("{ORGANIZER_PREFIX}{}", URL_SAFE_NO_PAD.encode(secret));
    let organizer = Organizer { id: Uuid::now_v7().into(), name };
    let new = NewToken { id: Uuid::now_v7().into(), organizer, hash: token_hash(&token) };
    let made = store.create_token(new).await?;
    let made = made.with_context(|| format!("there are {TOKENS_MAX} tokens already"))?;
    writeln!(stdout(), "{token}")?;
    eprintln!(
        "token {} of organizer {}; it is not shown again. Servers take it within a second or two.",
        made.id, made.organizer.name
    );
    if adopts_events {
        let adopted = assign_events(store.as_ref(), made.organizer.id).await?;
        eprintln!("events that were nobody's and are theirs now: {adopted}");
    }
    Ok(())
}

/// Gives what is nobody's to an organizer, in steps that keep no event locked for long.
async fn assign_events(store: &dyn BookingStore, organizer_id: OrganizerId) -> anyhow::Result<u64> {
    let mut adopted = 0;
    loop {
        match store.assign_events(organizer_id, PageLimit::MAX).await? {
            0 => return Ok(adopted),
            // One whose row was locked all the time may be left.
            now => adopted += now,
        }
    }
}

/// Prints every token there ever was, and no secret.
pub(crate) async fn list(config: &Config) -> anyhow::Result<()> {
    let tokens = store::open_existing(config).await?.tokens().await?;
    let mut out = stdout().lock();
    for token in &tokens {
        writeln!(out, "{}", line(token))?;
    }
    if tokens.is_empty() {
        eprintln!("there is no token: while there is none, servers are open to anybody");
    }
    Ok(())
}

/// Makes a token worthless.
pub(crate) async fn revoke(config: &Config, id: TokenId) -> anyhow::Result<()> {
    let revoked = store::open_existing(config).await?.revoke_token(id).await?;
    let revoked = revoked.with_context(|| format!("there is no token {id}"))?;
    println!("{}", line(&revoked));
    eprintln!("servers refuse it within a second or two");
    Ok(())
}

/// Its id, when it was made, since when it is worthless, and whose it is.
fn line(token: &OrganizerToken) -> String {
    let revoked = match token.revoked_at {
        Some(at) => format!("revoked {}", when(at)),
        None => "good".to_owned(),
    };
    let OrganizerToken { id, organizer, created_at, .. } = token;
    format!("{id}  created {}  {revoked}  {}", when(*created_at), organizer.name)
}

fn when(instant: DateTime<Utc>) -> String {
    instant.to_rfc3339_opts(SecondsFormat::Secs, true)
}
