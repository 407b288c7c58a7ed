//! `booking-http token`: creates, lists and revokes organizers' tokens.

use crate::auth::callers::{ORGANIZER_PREFIX, token_hash};
use crate::config::{Config, store};
use anyhow::{Context, bail, ensure};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use booking_core::{
    BookingStore, EventId, NewToken, Organizer, OrganizerId, OrganizerName, OrganizerToken,
    PageLimit, Role, TOKEN_EVENTS_MAX, TOKENS_MAX, TokenId,
};
use chrono::{DateTime, SecondsFormat, Utc};
use std::io::{Write, stdout};
use uuid::Uuid;

/// The random bytes of a token.
const TOKEN_BYTES: usize = 32;

/// The token to be made.
pub(crate) struct Wanted {
    /// Whose.
    pub(crate) name: OrganizerName,
    pub(crate) role: Role,
    /// The only events that it is for, if there are some.
    pub(crate) events: Vec<EventId>,
    /// Whether its organizer gets the events that have no organizer.
    pub(crate) adopts_events: bool,
}

/// Makes a token, and prints it: this once, since only its hash is stored. Nothing else goes to standard output, so
/// that it can be piped to a secret store.
pub(crate) async fn create(config: &Config, wanted: Wanted) -> anyhow::Result<()> {
    let store = store::open(config).await?.store;
    let events = checked_events(store.as_ref(), &wanted).await?;
    let Wanted { name, role, events: _, adopts_events } = wanted;
    let mut secret = [0; TOKEN_BYTES];
    getrandom::fill(&mut secret).context("the system has no random numbers")?;
    let token = format!("{ORGANIZER_PREFIX}{}", URL_SAFE_NO_PAD.encode(secret));
    let organizer = Organizer::new(Uuid::now_v7().into(), name);
    let new = NewToken::new(Uuid::now_v7().into(), organizer, token_hash(&token));
    let new = NewToken { role, events, ..new };
    let made = store.create_token(new).await?;
    let made = made.with_context(|| format!("there are {TOKENS_MAX} tokens already"))?;
    writeln!(stdout(), "{token}")?;
    eprintln!(
        "token {} of organizer {}, {}; it is not shown again. Servers take it within a second or two.",
        made.id,
        made.organizer.name,
        scope(&made)
    );
    if adopts_events {
        let adopted = assign_events(store.as_ref(), made.organizer.id).await?;
        eprintln!("events that were nobody's and are theirs now: {adopted}");
    }
    Ok(())
}

/// The events that the token is limited to, if it is: each once, and each the organizer's.
async fn checked_events(
    store: &dyn BookingStore,
    wanted: &Wanted,
) -> anyhow::Result<Option<Vec<EventId>>> {
    if wanted.events.is_empty() {
        return Ok(None);
    }
    ensure!(
        wanted.role != Role::Owner,
        "an owner's token is for all events: with --event, say --role manager, door or reader"
    );
    let mut events = wanted.events.clone();
    events.sort_unstable();
    events.dedup();
    ensure!(
        events.len() <= TOKEN_EVENTS_MAX,
        "a token is limited to {TOKEN_EVENTS_MAX} events at most"
    );
    let tokens = store.tokens().await?;
    let mut organizers = tokens.iter().map(|token| &token.organizer);
    let organizer = organizers.find(|organizer| organizer.name == wanted.name);
    for id in &events {
        let event = store.event(*id).await?;
        let is_theirs = event.is_some_and(|event| match event.organizer_id {
            Some(owner) => organizer.is_some_and(|organizer| organizer.id == owner),
            None => wanted.adopts_events,
        });
        if !is_theirs {
            bail!("there is no event {id} of {}; no token was made", wanted.name);
        }
    }
    Ok(Some(events))
}

/// Assigns the events without an organizer to one, in steps that lock no event for long.
async fn assign_events(store: &dyn BookingStore, organizer_id: OrganizerId) -> anyhow::Result<u64> {
    let mut adopted = 0;
    loop {
        match store.assign_events(organizer_id, PageLimit::MAX).await? {
            0 => return Ok(adopted),
            // An event whose row was locked all the time may be left over.
            now => adopted += now,
        }
    }
}

/// Prints every token that was ever made, and no secret.
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

/// Its role and its events.
fn scope(token: &OrganizerToken) -> String {
    let Some(events) = &token.events else { return token.role.to_string() };
    let ids: Vec<String> = events.iter().map(EventId::to_string).collect();
    format!("{} of {}", token.role, ids.join(", "))
}

/// Its id, when it was made, when it was revoked, its scope, and its owner.
fn line(token: &OrganizerToken) -> String {
    let revoked = match token.revoked_at {
        Some(at) => format!("revoked {}", when(at)),
        None => "good".to_owned(),
    };
    let OrganizerToken { id, organizer, created_at, .. } = token;
    let (created, scope) = (when(*created_at), scope(token));
    format!("{id}  created {created}  {revoked}  {scope}  {}", organizer.name)
}

fn when(instant: DateTime<Utc>) -> String {
    instant.to_rfc3339_opts(SecondsFormat::Secs, true)
}
