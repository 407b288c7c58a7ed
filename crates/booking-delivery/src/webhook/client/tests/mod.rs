//! Receivers of every kind, on this machine.

mod answers;
mod reaching;
mod receiver;
mod resolving;
mod tls;

use super::{ClientOptions, Outcome, Reason, Resolver, WebhookClient};
use crate::webhook::addresses::Reach;
use crate::webhook::signature::SignedHeaders;
use async_trait::async_trait;
use booking_core::{EndpointUrl, OrganizerId};
use hyper::body::Bytes;
use std::collections::VecDeque;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

/// Returns the given lists one after the other, and repeats the last one.
#[derive(Debug)]
struct Answers(Mutex<VecDeque<Vec<IpAddr>>>);

impl Answers {
    fn new(answers: &[&[&str]]) -> Arc<Self> {
        let parsed = |text: &&str| -> IpAddr { text.parse().expect("an address") };
        let answers = answers.iter().map(|answer| answer.iter().map(parsed).collect());
        Arc::new(Self(Mutex::new(answers.collect())))
    }
}

#[async_trait]
impl Resolver for Answers {
    async fn resolve(&self, _host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        let mut answers = self.0.lock().expect("no test has panicked");
        let found = if answers.len() > 1 { answers.pop_front() } else { answers.front().cloned() };
        let found = found.ok_or_else(|| io::Error::other("there is no such name"))?;
        Ok(found.into_iter().map(|address| SocketAddr::new(address, port)).collect())
    }
}

fn client(reach: Reach, resolver: Arc<dyn Resolver>, extra: Option<PathBuf>) -> WebhookClient {
    let options = ClientOptions { reach, extra_roots: extra, resolver };
    WebhookClient::new(&options).expect("its authorities can be read")
}

/// A client that may reach this machine, by any name.
fn local_client(extra: Option<PathBuf>) -> WebhookClient {
    client(Reach::Private, Answers::new(&[&["127.0.0.1"]]), extra)
}

fn url(raw: &str) -> EndpointUrl {
    EndpointUrl::parse(raw, true).unwrap_or_else(|error| panic!("{raw}: {error}"))
}

async fn send(client: &WebhookClient, to: &str) -> Outcome {
    send_of(None, client, to).await
}

async fn send_of(organizer: Option<OrganizerId>, client: &WebhookClient, to: &str) -> Outcome {
    let headers = SignedHeaders {
        id: "msg_0_1".to_owned(),
        timestamp: 1_777_662_000,
        signature: "v1,AA== v1a,AA==".to_owned(),
    };
    let body = Bytes::from_static(b"{\"a\":1}");
    client.send(organizer, &url(to), &headers, body).await.outcome
}

const fn failed(reason: Reason) -> Outcome {
    Outcome::without_answer(reason)
}
