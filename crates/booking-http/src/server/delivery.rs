//! The parts of delivery, as they are configured.

use crate::auth::token_cache::TokenCache;
use crate::background::delivery::MailLinks;
use crate::config::Config;
use crate::service::Service;
use crate::service::tickets::Tickets;
use anyhow::Context;
use booking_delivery::mail::{Composer, Mailer};
use booking_delivery::webhook::addresses::Reach;
use booking_delivery::webhook::client::{ClientOptions, WebhookClient};
use booking_delivery::{Postman, Sender};
use std::sync::Arc;

/// The sender of webhooks.
///
/// # Errors
/// If the configured authorities cannot be used.
pub(super) fn sender(config: &Config, tickets: &Tickets) -> anyhow::Result<Sender> {
    let reach = if config.webhook_allow_private { Reach::Private } else { Reach::Public };
    let extra_roots = config.webhook_tls_ca.clone();
    let options = ClientOptions { reach, extra_roots, ..ClientOptions::default() };
    let client = WebhookClient::new(&options);
    let client = client.context("nothing can be sent to webhooks; see WEBHOOK_TLS_CA")?;
    Ok(Sender::new(client, tickets.webhook_key()))
}

/// The sender of mail, if mail is enabled.
///
/// # Errors
/// If the configured authorities cannot be used.
pub(super) fn postman(
    config: &Config,
    service: &Arc<Service>,
    tokens: &Arc<TokenCache>,
) -> anyhow::Result<Option<Arc<Postman>>> {
    // The settings ensure that both are there.
    let (Some(mail), Some(base_url)) = (&config.mail, &config.base_url) else { return Ok(None) };
    let mailer = Mailer::new(&mail.url, mail.tls_ca.as_deref());
    let mailer = mailer.context("mail cannot be sent; see MAIL_URL and MAIL_TLS_CA")?;
    let mailer = mailer.watched_by(service.mail_server.clone());
    let composer = Composer::new(mail, base_url.as_str());
    let links = Arc::new(MailLinks::new(Arc::clone(service), Arc::clone(tokens)));
    Ok(Some(Arc::new(Postman::new(composer, mailer, links))))
}
