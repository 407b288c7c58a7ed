//! Addresses that messages do not reach, whatever name leads there.

use super::receiver::{Manner, Receiver, status};
use super::{Answers, Outcome, Reach, Reason, client, failed, local_client, send, url};
use std::time::Duration;

const PUBLIC: &str = "93.184.215.14";

/// Names that mean this machine, or contain an address, as some public DNS services resolve.
const NAMES: [(&str, &str); 12] = [
    ("localhost", "127.0.0.1"),
    ("LOCALHOST", "::1"),
    ("localhost.", "127.0.0.1"),
    ("LocalHost.localdomain", "127.0.0.1"),
    ("127.0.0.1.nip.example", "127.0.0.1"),
    ("10-0-0-1.nip.example", "10.0.0.1"),
    ("7f000001.nip.example", "127.0.0.1"),
    ("metadata.google.internal", "169.254.169.254"),
    ("instance-data", "169.254.169.254"),
    ("mapped.example", "::ffff:127.0.0.1"),
    ("translated.example", "64:ff9b::a9fe:a9fe"),
    ("localhost。example", "0.0.0.0"),
];

#[tokio::test]
async fn a_name_with_a_blocked_address_is_refused() {
    let receiver = Receiver::start(status("200 OK")).await;
    for (name, address) in NAMES {
        let client = client(Reach::Public, Answers::new(&[&[address]]), None);
        let to = format!("https://{name}:{}/", receiver.port);
        assert_eq!(send(&client, &to).await, failed(Reason::AddressRefused), "{name}");
        assert_eq!(client.check(None, &url(&to)).await, Err(Reason::AddressRefused), "{name}");
    }
    assert!(receiver.was_left_alone().await);
}

/// An address needs no look-up, and is checked all the same.
#[tokio::test]
async fn a_literal_address_is_checked_too() {
    let receiver = Receiver::start(status("200 OK")).await;
    let client = client(Reach::Public, Answers::new(&[&[PUBLIC]]), None);
    for host in ["127.0.0.1", "0x7f.1", "2130706433", "[::1]", "[::ffff:127.0.0.1]", "0"] {
        let to = format!("https://{host}:{}/", receiver.port);
        assert_eq!(send(&client, &to).await, failed(Reason::AddressRefused), "{host}");
    }
    assert_eq!(send(&client, &receiver.url()).await, failed(Reason::AddressRefused));
    assert!(receiver.was_left_alone().await);
}

#[tokio::test]
async fn one_private_address_among_public_ones_blocks_the_name() {
    let receiver = Receiver::start(status("200 OK")).await;
    for addresses in [[PUBLIC, "127.0.0.1"], ["127.0.0.1", PUBLIC]] {
        let client = client(Reach::Public, Answers::new(&[&addresses]), None);
        let to = format!("https://hooks.example:{}/", receiver.port);
        assert_eq!(send(&client, &to).await, failed(Reason::AddressRefused));
    }
    assert!(receiver.was_left_alone().await);
}

/// A name that is public when the endpoint is saved, and private when it is connected to.
const REBOUND: [&[&str]; 2] = [&[PUBLIC], &["127.0.0.1"]];

#[tokio::test]
async fn a_name_that_turns_private_before_the_connection_is_refused() {
    let receiver = Receiver::start(status("200 OK")).await;
    let client = client(Reach::Public, Answers::new(&REBOUND), None);
    let to = format!("https://hooks.example:{}/", receiver.port);
    assert_eq!(client.check(None, &url(&to)).await, Ok(()), "it is public when it is saved");
    assert_eq!(send(&client, &to).await, failed(Reason::AddressRefused));
    assert!(receiver.was_left_alone().await);
}

/// The control: a check only when the endpoint is saved would reach this machine.
#[tokio::test]
async fn a_client_that_checks_only_at_save_is_caught() {
    let receiver = Receiver::start(status("200 OK")).await;
    let mut client = client(Reach::Public, Answers::new(&REBOUND), None);
    let to = format!("https://hooks.example:{}/", receiver.port);
    assert_eq!(client.check(None, &url(&to)).await, Ok(()));
    client.connector.allows = |_, _| true;
    client.within = Duration::from_millis(300);
    // The receiver speaks no TLS, but it was reached.
    assert_eq!(send(&client, &to).await, failed(Reason::Timeout));
    assert!(!receiver.was_left_alone().await);
}

#[tokio::test]
async fn plain_http_never_leaves_this_machine() {
    // A stored URL may have been allowed once.
    let receiver = Receiver::start(status("200 OK")).await;
    for address in ["10.0.0.1", "192.168.1.1"] {
        let client = client(Reach::Private, Answers::new(&[&[address]]), None);
        let to = format!("http://localhost:{}/", receiver.port);
        assert_eq!(send(&client, &to).await, failed(Reason::AddressRefused), "{address}");
    }
    assert_eq!(send(&local_client(None), &receiver.url()).await, Outcome::Done(200));
}

#[tokio::test]
async fn an_unknown_name_and_a_closed_port_have_different_reasons() {
    let client = client(Reach::Private, Answers::new(&[]), None);
    assert_eq!(send(&client, "https://hooks.example/").await, failed(Reason::CannotResolve));
    let nobody = client_of_nothing().await;
    assert_eq!(nobody, failed(Reason::CannotConnect));
}

async fn client_of_nothing() -> Outcome {
    let gone = Receiver::start(Manner::Close).await;
    let to = gone.url();
    drop(gone);
    tokio::time::sleep(Duration::from_millis(50)).await;
    send(&local_client(None), &to).await
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let secret = Receiver::start(status("200 OK")).await;
    for line in ["301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"] {
        let location = format!("{line}\r\nLocation: {}", secret.url());
        let receiver = Receiver::start(status(&location)).await;
        let outcome = send(&local_client(None), &receiver.url()).await;
        assert!(
            matches!(outcome, Outcome::Failed { reason: Reason::Redirected, status: Some(_), .. }),
            "{line}: {outcome:?}"
        );
        assert_eq!(receiver.requests().len(), 1);
    }
    assert!(secret.was_left_alone().await);
}
