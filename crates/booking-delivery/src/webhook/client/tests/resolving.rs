//! Names whose servers do not answer, and the look-ups that wait for them.

use super::receiver::{Receiver, status};
use super::{Outcome, Reach, Reason, Resolver, client, failed, send_of};
use crate::webhook::client::{LOOKUPS_PER_ORGANIZER_MAX, SystemResolver};
use async_trait::async_trait;
use booking_core::OrganizerId;
use std::future::pending;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::sleep;
use uuid::Uuid;

/// Hangs on every look-up, with as much room as the system's resolver; each look-up takes room as long as it hangs.
#[derive(Debug)]
struct Hanging(Semaphore);

impl Hanging {
    fn new() -> Arc<Self> {
        Arc::new(Self(Semaphore::new(SystemResolver::LOOKUPS_MAX)))
    }

    fn under_way(&self) -> usize {
        SystemResolver::LOOKUPS_MAX - self.0.available_permits()
    }
}

#[async_trait]
impl Resolver for Hanging {
    async fn resolve(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        let _room = self.0.acquire().await.map_err(io::Error::other)?;
        if host.starts_with("hangs") {
            pending::<()>().await;
        }
        Ok(vec![SocketAddr::new([127, 0, 0, 1].into(), port)])
    }
}

fn organizer() -> Option<OrganizerId> {
    Some(Uuid::now_v7().into())
}

#[tokio::test]
async fn an_organizers_hanging_look_ups_delay_no_other_organizer() {
    let receiver = Receiver::start(status("200 OK")).await;
    let resolver = Hanging::new();
    let mut client = client(Reach::Private, resolver.clone(), None);
    client.within = Duration::from_secs(5);
    let client = Arc::new(client);
    let culprit = organizer();
    let mut hanging = JoinSet::new();
    for number in 0..2 * SystemResolver::LOOKUPS_MAX {
        let client = Arc::clone(&client);
        let to = format!("https://hangs-{number}.example/");
        hanging.spawn(async move { send_of(culprit, &client, &to).await });
    }
    while resolver.under_way() < LOOKUPS_PER_ORGANIZER_MAX {
        sleep(Duration::from_millis(1)).await;
    }
    let to = format!("http://localhost:{}/", receiver.port);
    for other in [organizer(), None] {
        assert_eq!(send_of(other, &client, &to).await, Outcome::Done(200));
    }
    assert_eq!(resolver.under_way(), LOOKUPS_PER_ORGANIZER_MAX, "one organizer's share");
    let outcomes = hanging.join_all().await;
    assert!(outcomes.iter().all(|outcome| *outcome == failed(Reason::Timeout)), "{outcomes:?}");
    // Abandoned look-ups still take room, and count.
    let to = "https://hangs-again.example/";
    assert_eq!(send_of(culprit, &client, to).await, failed(Reason::Timeout));
    assert_eq!(resolver.under_way(), LOOKUPS_PER_ORGANIZER_MAX);
}

#[tokio::test]
async fn a_look_up_ends_before_the_try_does() {
    let mut client = client(Reach::Private, Hanging::new(), None);
    client.connector.resolver.within = Duration::from_millis(20);
    client.within = Duration::from_secs(3_600);
    let outcome = send_of(organizer(), &client, "https://hangs.example/").await;
    assert_eq!(outcome, failed(Reason::Timeout));
}
