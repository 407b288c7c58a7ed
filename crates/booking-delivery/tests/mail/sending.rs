//! Mail to a third-party server.

use crate::server::{Certificate, Server};
use booking_core::{EmailAddress, Language, MailKind};
use booking_delivery::mail::{
    Composer, Letter, MailConfig, MailUrl, Mailer, Message, SendError, SmtpTimeouts,
};
use std::net::TcpListener;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use uuid::Uuid;

const SHORT: SmtpTimeouts = SmtpTimeouts {
    connect: Duration::from_secs(2),
    command: Duration::from_secs(2),
    content: Duration::from_secs(2),
};

pub(crate) fn message(id: u128, to: &str) -> Message {
    let config = MailConfig {
        url: MailUrl::parse("file:///nowhere").expect("it is one"),
        from: "tickets@jazz.example".parse().expect("it is one"),
        reply_to: None,
        tls_ca: None,
    };
    let mut letter = Letter::sample(MailKind::Confirmed, Language::De);
    letter.id = Uuid::from_u128(id);
    letter.to = EmailAddress::parse(to).expect("an address");
    Composer::new(&config, "https://booking.example.org").compose(&letter).expect("it is made")
}

fn mailer(url: &str, authorities: Option<&Path>) -> Mailer {
    Mailer::new(&MailUrl::parse(url).expect(url), authorities).expect("it is prepared")
}

fn plain(server: &Server) -> Mailer {
    mailer(&format!("smtp://127.0.0.1:{}", server.port), None)
}

fn transient(sent: Result<(), SendError>) -> String {
    match sent {
        Err(SendError::Transient(text)) => text,
        other => panic!("it is not to be tried again: {other:?}"),
    }
}

pub(crate) fn away(sent: Result<(), SendError>) -> String {
    match sent {
        Err(SendError::Away(text)) => text,
        other => panic!("it is about the message: {other:?}"),
    }
}

fn permanent(sent: Result<(), SendError>) -> String {
    match sent {
        Err(SendError::Permanent(text)) => text,
        other => panic!("it is not given up: {other:?}"),
    }
}

#[tokio::test]
async fn a_sent_mail_arrives_unchanged() {
    let server = Server::start(&[""; 0]);
    let mailer = plain(&server);
    for id in 1..=3 {
        let sent = message(id, "ada@example.org");
        mailer.send(&sent).await.expect("it is taken");
        let received = server.received(id as usize).pop().expect("there is one");
        assert_eq!(received.bytes().trim_ascii_end(), sent.bytes().trim_ascii_end());
        let mail = received.mail();
        assert_eq!(mail["id"], format!("<{}@booking.example.org>", sent.id()));
        let about = received.about();
        assert_eq!(about["from"], "tickets@jazz.example");
        assert_eq!(about["to"], serde_json::json!(["ada@example.org"]));
        assert_eq!(about["tls"], false);
    }
}

#[tokio::test]
async fn mail_is_encrypted_only_to_the_certified_server() {
    let certificate = Certificate::make();
    for (tls, scheme, query) in [("starttls", "smtp", "?tls=required"), ("always", "smtps", "")] {
        let mut arguments = certificate.arguments(tls);
        arguments.push("--password=p@ss".to_owned());
        let server = Server::start(&arguments);
        let url = |password| format!("{scheme}://ada:{password}@localhost:{}{query}", server.port);
        let trusting = mailer(&url("p%40ss"), Some(&certificate.path()));
        trusting.send(&message(1, "ada@example.org")).await.expect("it is taken");
        let about = server.received(1)[0].about();
        assert_eq!((&about["tls"], &about["logged_in"]), (&true.into(), &true.into()), "{tls}");

        // A server with another certificate is an impostor, and gets nothing, nor the password.
        let other = Certificate::make();
        for authorities in [None, Some(other.path())] {
            let mailer = mailer(&url("hunter2"), authorities.as_deref());
            let text = away(mailer.send(&message(2, "ada@example.org")).await);
            assert!(text.contains("certificate") && !text.contains("hunter2"), "{text}");
        }
        let mistaken = mailer(&url("hunter2"), Some(&certificate.path()));
        let text = away(mistaken.send(&message(3, "ada@example.org")).await);
        assert!(text.starts_with("logging in: 535") && !text.contains("hunter2"), "{text}");
        assert_eq!(server.received(1).len(), 1);
    }
}

#[tokio::test]
async fn nothing_is_sent_if_required_encryption_is_missing() {
    let server = Server::start(&[""; 0]);
    let asked = mailer(&format!("smtp://localhost:{}?tls=required", server.port), None);
    let text = away(asked.send(&message(1, "ada@example.org")).await);
    assert!(text.contains("STARTTLS"), "{text}");
    plain(&server).send(&message(2, "ada@example.org")).await.expect("it is taken");
    assert_eq!(server.received(1).len(), 1);
}

#[tokio::test]
async fn a_refusal_is_permanent_or_temporary_and_shows_no_address() {
    let server = Server::start(&[""; 0]);
    let mailer = plain(&server);
    let text = permanent(mailer.send(&message(1, "refused@example.org")).await);
    assert!(text.starts_with("the recipient: 550 5.1.1"), "{text}");
    assert!(!text.contains("example.org") && !text.contains("refused"), "{text}");
    let text = transient(mailer.send(&message(2, "later@example.org")).await);
    assert!(text.starts_with("the recipient: 450 4.2.1"), "{text}");
    assert!(!text.contains("example.org"), "{text}");
    let text = permanent(mailer.send(&message(3, "rejected@example.org")).await);
    assert!(text.starts_with("the message: 554"), "{text}");
    // Others are sent meanwhile, over new connections and kept ones.
    for id in 4..=6 {
        mailer.send(&message(id, "ada@example.org")).await.expect("it is taken");
    }
    assert_eq!(server.received(3).len(), 3);
}

#[tokio::test]
async fn a_server_that_stalls_times_out() {
    let server = Server::start(&[""; 0]);
    let url = MailUrl::parse(&format!("smtp://127.0.0.1:{}", server.port)).expect("it is one");
    let mailer = Mailer::with_timeouts(&url, None, SHORT).expect("it is prepared");
    let began = Instant::now();
    let text = transient(mailer.send(&message(1, "stalls@example.org")).await);
    assert!(text.contains("took too long"), "{text}");
    assert!(began.elapsed() < Duration::from_secs(30), "{:?}", began.elapsed());
    mailer.send(&message(2, "ada@example.org")).await.expect("others are sent");

    // One that accepts the connection, and sends nothing at all.
    let silent = TcpListener::bind("127.0.0.1:0").expect("there is a port");
    let port = silent.local_addr().expect("it has one").port();
    let url = MailUrl::parse(&format!("smtp://127.0.0.1:{port}")).expect("it is one");
    let mailer = Mailer::with_timeouts(&url, None, SHORT).expect("it is prepared");
    let text = away(mailer.send(&message(3, "ada@example.org")).await);
    assert!(text.contains("took too long"), "{text}");
    drop(silent);
    let mailer = Mailer::with_timeouts(&url, None, SHORT).expect("it is prepared");
    let text = away(mailer.send(&message(4, "ada@example.org")).await);
    assert!(text.starts_with("connecting: "), "{text}");
}

#[tokio::test]
async fn a_server_that_accepts_one_a_second_gets_each_mail_once() {
    const MAILS: u128 = 6;
    let server = Server::start(&["--seconds=0.3"]);
    let mailer = Arc::new(plain(&server));
    let sent = (1..=MAILS).map(|id| {
        let mailer = Arc::clone(&mailer);
        tokio::spawn(async move { mailer.send(&message(id, "ada@example.org")).await })
    });
    for sent in sent.collect::<Vec<_>>() {
        sent.await.expect("it does not panic").expect("it is taken");
    }
    let received = server.received(MAILS as usize);
    let mut ids: Vec<_> = received.iter().map(|one| one.mail()["id"].to_string()).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!((ids.len(), received.len()), (MAILS as usize, MAILS as usize));
    let at_once = received.iter().filter_map(|one| one.about()["under_way"].as_u64()).max();
    assert!(at_once.is_some_and(|at_once| (2..=4).contains(&at_once)), "{at_once:?}");
}

#[tokio::test]
async fn an_address_that_is_not_ascii_needs_smtputf8() {
    let address = "rené@bücher.example";
    let server = Server::start(&[""; 0]);
    plain(&server).send(&message(1, address)).await.expect("it is taken");
    let received = server.received(1);
    let about = received[0].about();
    assert_eq!(about["to"], serde_json::json!(["rené@xn--bcher-kva.example"]));
    assert!(about["options"].to_string().contains("SMTPUTF8"), "{about}");
    assert_eq!(received[0].mail()["to"][0][1], "rené@xn--bcher-kva.example");

    let ascii = Server::start(&["--ascii"]);
    let mailer = plain(&ascii);
    let text = permanent(mailer.send(&message(2, address)).await);
    assert!(text.contains("SMTPUTF8") && !text.contains("ren"), "{text}");
    // An international domain needs no support by the server.
    mailer.send(&message(3, "ada@bücher.example")).await.expect("it is taken");
    assert_eq!(
        ascii.received(1)[0].about()["to"],
        serde_json::json!(["ada@xn--bcher-kva.example"])
    );
}

#[tokio::test]
async fn each_mail_in_a_folder_is_one_complete_file() {
    let folder = tempfile::tempdir().expect("there is room");
    let below = folder.path().join("to be made");
    let url = format!("file://{}", below.display()).replace(' ', "%20");
    let mailer = mailer(&url, None);
    let sent = message(1, "ada@example.org");
    for _ in 0..2 {
        mailer.send(&sent).await.expect("it is written");
    }
    let names = std::fs::read_dir(&below).expect("it is there");
    let names: Vec<_> = names.map(|entry| entry.expect("it is read").file_name()).collect();
    assert_eq!(names, [format!("{}.eml", sent.id()).as_str()]);
    let path = below.join(&names[0]);
    assert_eq!(std::fs::read(&path).expect("it is there"), sent.bytes());
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(&path).expect("it is there").permissions().mode();
        assert_eq!(mode & 0o077, 0, "it holds a link that is as good as a password");
    }
    // A file is no folder.
    let blocked = format!("file://{}/x", path.display()).replace(' ', "%20");
    let text = transient(self::mailer(&blocked, None).send(&sent).await);
    assert!(text.starts_with("cannot write the file: "), "{text}");
}

#[test]
fn a_file_without_authorities_is_refused_at_start() {
    let file = tempfile::NamedTempFile::new().expect("there is room");
    let url = MailUrl::parse("smtps://mail.example.org").expect("it is one");
    for path in [file.path(), Path::new("/no/such/file")] {
        let error = Mailer::new(&url, Some(path)).expect_err("there is none in it");
        assert!(error.to_string().contains(&path.display().to_string()), "{error}");
    }
}
