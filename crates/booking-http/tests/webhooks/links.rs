//! Links in mails: they manage a registration, as long as its token is the same; and an attendee who has lost one
//! is sent it.

use crate::common::acts::{done, give_up, id, path, refused, token};
use crate::common::mails::{links_in, mails_in};
use crate::common::{App, Data, make_token};
use crate::on_both_stores;
use crate::receiver::until;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fs;
use tempfile::TempDir;

on_both_stores! {
    a_mailed_link_manages_its_registration_until_that_has_another_token
    a_mailed_link_dies_with_a_transfer_and_with_an_erasure
    both_holders_get_mail_about_a_transfer
    links_are_recovered_by_address_and_revealed_to_no_other
}

/// A server that writes its mails into a folder, and logs all that it can.
struct Post {
    app: App,
    folder: TempDir,
}

impl Post {
    fn start(data: Data) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let url = format!("file://{}", folder.path().display());
        let settings = [
            ("MAIL_URL", url.as_str()),
            ("MAIL_FROM", "desk@booking.example"),
            ("BASE_URL", "https://booking.example"),
            ("RUST_LOG", "trace"),
        ];
        Self { app: App::start_with(data, &settings), folder }
    }

    /// All mails to an address.
    fn mails(&self, address: &str) -> Vec<String> {
        let texts = mails_in(self.folder.path()).into_iter();
        let to_address = texts.filter(|mail| {
            // A long header continues in the next line.
            let head = mail.split("\r\n\r\n").next().unwrap_or_default().replace("\r\n ", " ");
            head.lines().any(|line| line.starts_with("To:") && line.contains(address))
        });
        to_address.collect()
    }

    /// The links in all mails to an address: the registration's id and the token of each.
    fn links(&self, address: &str) -> BTreeSet<(String, String)> {
        self.mails(address).iter().flat_map(|mail| links_in(mail)).collect()
    }

    /// Waits for a mail to an address about that, and returns it.
    #[track_caller]
    fn mail_about(&self, address: &str, subject: &str) -> String {
        let head = format!("Subject: {subject}: An event\r\n");
        until(subject, || self.mails(address).into_iter().find(|mail| mail.contains(&head)))
    }

    fn count(&self) -> usize {
        fs::read_dir(self.folder.path()).expect("it is there").count()
    }

    /// Waits for a link to `registration` that is not in `known`, and returns its token.
    #[track_caller]
    fn new_link(&self, address: &str, registration: &Value, known: &[&str]) -> String {
        until("a mail with another link", || {
            let mut links = self.links(address).into_iter();
            let is_new = |(of, token): &(String, String)| {
                of == id(registration) && !known.contains(&token.as_str())
            };
            links.find(is_new).map(|(_, token)| token)
        })
    }
}

fn a_mailed_link_manages_its_registration_until_that_has_another_token(data: Data) {
    let organizer = make_token(&data, "Jazz club");
    let post = Post::start(data);
    let app = &post.app;
    let body = json!({"name": "An event", "capacity": 5});
    let event = id(&done(&app.ask_as(&organizer, "POST", "/events", &body), 201)).to_owned();
    let ada = done(&app.register(&event, "ada@example.org"), 201);
    let grace = done(&app.register(&event, "grace@example.org"), 201);
    let link = post.new_link("ada@example.org", &ada, &[]);
    assert_ne!(link, token(&ada));

    let ask = |token: &str, method: &str, what: &str, body: &Value| {
        app.ask_as(token, method, &format!("{}{what}", path(&ada)), body)
    };
    for (method, what, body) in [
        ("GET", "", Value::Null),
        ("GET", "/history", Value::Null),
        ("GET", "/ticket", Value::Null),
        ("GET", "/ticket.svg", Value::Null),
        ("POST", "/confirm", Value::Null),
        ("PATCH", "", json!({"name": "Ada Lovelace"})),
    ] {
        let answer = ask(&link, method, what, &body);
        assert_eq!(answer.status, 200, "{method} {what}: {answer:?}");
    }
    // It is no organizer's, no other registration's, and not valid when it is altered.
    refused(&ask(&link, "POST", "/link", &Value::Null), 403, "forbidden");
    refused(&app.ask_as(&link, "GET", &path(&grace), &Value::Null), 403, "forbidden");
    assert_eq!(app.ask_as(&link, "GET", "/webhooks", &Value::Null).status, 401);
    let graces = post.new_link("grace@example.org", &grace, &[]);
    let last = if link.ends_with('A') { "B" } else { "A" };
    let changed = format!("{}{last}", &link[..46]);
    for wrong in
        [graces.as_str(), &changed, "mlt_", "mlt_x", &link[4..], &link.replace("mlt_", "mlt_mlt_")]
    {
        refused(&ask(wrong, "GET", "", &Value::Null), 403, "forbidden");
        refused(&ask(wrong, "DELETE", "", &Value::Null), 403, "forbidden");
    }

    let renew = format!("{}/link", path(&ada));
    let renewed = done(&app.ask_as(&organizer, "POST", &renew, &Value::Null), 200);
    refused(&ask(&link, "GET", "", &Value::Null), 403, "forbidden");
    let newer = post.new_link("ada@example.org", &ada, &[&link]);
    assert_eq!(ask(&newer, "GET", "", &Value::Null).status, 200);
    assert_eq!(ask(token(&renewed), "GET", "", &Value::Null).status, 200);

    // A corrected address is another person's mailbox.
    let corrected = json!({"user_email": "ada.lovelace@example.org"});
    done(&app.ask_as(&organizer, "PATCH", &path(&ada), &corrected), 200);
    refused(&ask(&newer, "GET", "", &Value::Null), 403, "forbidden");
    let right = post.new_link("ada.lovelace@example.org", &ada, &[&link, &newer]);
    let given_up = ask(&right, "DELETE", "", &Value::Null);
    assert_eq!(done(&given_up, 200)["status"], "cancelled");
    assert_eq!(done(&ask(&right, "DELETE", "", &Value::Null), 200)["status"], "cancelled");
    app.assert_audit_is_clean();
}

fn a_mailed_link_dies_with_a_transfer_and_with_an_erasure(data: Data) {
    let post = Post::start(data);
    let app = &post.app;
    let event = app.create(5);
    let seat = done(&app.register(&event, "ada@example.org"), 201);
    let link = post.new_link("ada@example.org", &seat, &[]);
    let transfer = format!("{}/transfer", path(&seat));
    let bearer = format!("Bearer {link}");
    let headers = [("Authorization", bearer.as_str()), ("Idempotency-Key", "a")];
    let body = json!({"user_email": "grace@example.org"});
    let first = app.ask("POST", &transfer, &headers, &body);
    let passed_on = done(&first, 200);
    // The link is worthless from now on, and its answer is not.
    refused(&app.ask_as(&link, "GET", &path(&seat), &Value::Null), 403, "forbidden");
    let again = app.ask("POST", &transfer, &headers, &body);
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    assert_eq!(done(&again, 200), passed_on);
    let graces = post.new_link("grace@example.org", &seat, &[&link]);
    assert_eq!(app.ask_as(&graces, "GET", &path(&seat), &Value::Null).status, 200);
    assert!(app.run("erase --email grace@example.org").status.success());
    refused(&app.ask_as(&graces, "GET", &path(&seat), &Value::Null), 403, "forbidden");
    app.assert_audit_is_clean();
}

fn both_holders_get_mail_about_a_transfer(data: Data) {
    let organizer = make_token(&data, "Jazz club");
    let post = Post::start(data);
    let app = &post.app;
    let body = json!({"name": "An event", "capacity": 5});
    let event = id(&done(&app.ask_as(&organizer, "POST", "/events", &body), 201)).to_owned();
    let seat = done(&app.register(&event, "ada@example.org"), 201);
    post.mail_about("ada@example.org", "Your seat");
    let transfer = format!("{}/transfer", path(&seat));
    let body = json!({"user_email": "grace@example.org", "name": "Grace"});
    done(&app.ask_as(token(&seat), "POST", &transfer, &body), 200);
    post.mail_about("grace@example.org", "A seat was passed on to you");
    let farewell = post.mail_about("ada@example.org", "You have passed on your seat");
    // Nothing about the new holder, nor about the seat.
    let message = farewell.to_lowercase();
    for theirs in ["grace", id(&seat), "image/png"] {
        assert!(!message.contains(theirs), "{theirs}: {farewell}");
    }
    assert!(links_in(&farewell).is_empty(), "{farewell}");

    // The owner of a mistyped address never had the seat.
    let body = json!({"user_email": "grace.hopper@example.org"});
    done(&app.ask_as(&organizer, "PATCH", &path(&seat), &body), 200);
    post.mail_about("grace.hopper@example.org", "Your registration has changed");
    // A mail to them would come after this.
    let body = json!({"user_email": "kay@example.org"});
    done(&app.ask_as(&organizer, "POST", &transfer, &body), 200);
    post.mail_about("grace.hopper@example.org", "You have passed on your seat");
    assert_eq!(post.mails("grace@example.org").len(), 1);
    app.assert_audit_is_clean();
}

fn links_are_recovered_by_address_and_revealed_to_no_other(data: Data) {
    let post = Post::start(data);
    let app = &post.app;
    let (first, second) = (app.create(5), app.create(5));
    let ada = done(&app.register(&first, "ada@example.org"), 201);
    let other = done(&app.register(&second, "ada@example.org"), 201);
    let before = [&ada, &other].map(|seat| post.new_link("ada@example.org", seat, &[]));
    let mails = post.count();
    let find =
        |email: &str| app.post("/registrations/find", &json!({"user_email": email})).comparable();
    let nobody = find("nobody@example.org");
    assert_eq!((nobody.0, nobody.2.as_str()), (202, r#"{"status":"accepted"}"#));
    assert_eq!(find("ADA@example.org"), nobody, "whoever is asked for");
    until("the mail", || (post.count() > mails).then_some(()));
    // It holds both links, and they are the same as long as their tokens are.
    let links = post.links("ada@example.org");
    for (seat, link) in [&ada, &other].into_iter().zip(&before) {
        assert!(links.contains(&(id(seat).to_owned(), link.clone())));
        assert_eq!(app.ask_as(link, "GET", &path(seat), &Value::Null).status, 200);
    }
    // A few times an hour, and not more.
    for _ in 0..8 {
        assert_eq!(find("ada@example.org"), nobody);
    }
    until("two more", || (post.count() >= mails + 3).then_some(()));
    std::thread::sleep(std::time::Duration::from_secs(2));
    assert_eq!(post.count(), mails + 3, "one for each, up to three");
    let wrong = app.post("/registrations/find", &json!({"user_email": "ada"}));
    assert_eq!((wrong.status, wrong.pointers()), (400, vec!["/user_email".to_owned()]));
    // An ended registration has no links.
    assert_eq!(give_up(app, &ada).status, 200);

    let without = App::start(Data::sqlite());
    let asked = without.post("/registrations/find", &json!({"user_email": "ada@example.org"}));
    refused(&asked, 404, "not_found");
}
