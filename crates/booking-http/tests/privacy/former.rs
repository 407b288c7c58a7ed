//! Former holders of a transferred seat: stored until they are notified, and erased before that if they are to be.

use super::erasing::{erase, everything_stored, holds};
use crate::common::acts::*;
use crate::common::{App, Data};
use crate::on_both_stores;
use std::fs;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

on_both_stores! {
    a_former_holder_is_erased_before_they_are_notified
    without_mail_no_former_holder_is_stored
}

const ADA: &str = "ada.former@privacy.example";
const GRACE: &str = "grace.former@privacy.example";
/// Far longer than a mail takes.
const WITHIN: Duration = Duration::from_secs(60);

/// The subjects of the mails to an address in a folder.
fn subjects(folder: &Path, address: &str) -> Vec<String> {
    let files = fs::read_dir(folder).expect("it is there");
    let paths = files.map(|file| file.expect("it can be listed").path());
    let mails = paths.filter(|path| path.extension().is_some_and(|kind| kind == "eml"));
    let mails = mails.map(|path| fs::read_to_string(path).expect("a mail is ASCII"));
    let to = format!("To: {address}\r\n");
    let about = |mail: String| {
        let subject = mail.lines().find_map(|line| line.strip_prefix("Subject: "));
        subject.expect("each is about something").to_owned()
    };
    mails.filter(|mail| mail.contains(&to)).map(about).collect()
}

#[track_caller]
fn wait_for_mail(folder: &Path, address: &str, subject: &str) {
    let since = Instant::now();
    while !subjects(folder, address).iter().any(|about| about.starts_with(subject)) {
        assert!(since.elapsed() < WITHIN, "no mail: {subject}");
        thread::sleep(Duration::from_millis(20));
    }
}

fn a_former_holder_is_erased_before_they_are_notified(data: Data) {
    let folder = tempfile::tempdir().expect("a folder");
    let (folder, kay) = (folder.path(), "kay.former@privacy.example");
    let url = format!("file://{}", folder.display());
    let settings = [
        ("MAIL_URL", url.as_str()),
        ("MAIL_FROM", "desk@booking.example"),
        ("BASE_URL", "https://booking.example"),
    ];
    let mut app = App::start_with(data, &settings);
    let event = app.create(5);
    let seats = [ADA, kay].map(|email| {
        let seat = done(&app.register(&event, email), 201);
        wait_for_mail(folder, email, "Your seat");
        seat
    });
    app.server.terminate();

    // Mail is enabled, and no server sends it at the moment.
    let quiet = [&settings[..], &[("DELIVERY", "false")]].concat();
    let mut app = App::start_with(app.data, &quiet);
    for (seat, to) in seats.iter().zip([GRACE, "lin.former@privacy.example"]) {
        done(&transfer(&app, seat, to), 200);
    }
    app.server.terminate();
    assert!(holds(&everything_stored(&app.data), ADA), "for the mail to her");
    let output = erase(&app.data, &["--email", ADA], "");
    assert!(output.status.success(), "{output:?}");
    let stored = everything_stored(&app.data);
    assert!(!holds(&stored, ADA), "she is there still");
    assert!(holds(&stored, GRACE) && holds(&stored, kay), "the others are not hers");

    let app = App::start_with(app.data, &settings);
    wait_for_mail(folder, GRACE, "A seat was passed on to you");
    wait_for_mail(folder, kay, "You have passed on your seat");
    // It would have been sent beside those.
    thread::sleep(Duration::from_secs(1));
    assert_eq!(subjects(folder, ADA), ["Your seat: An event"]);
    app.assert_audit_is_clean();
}

fn without_mail_no_former_holder_is_stored(data: Data) {
    let mut app = App::start(data);
    let event = app.create(5);
    let seat = done(&app.register(&event, ADA), 201);
    done(&transfer(&app, &seat, GRACE), 200);
    app.server.terminate();
    // It removes deleted data from SQLite's log.
    assert!(erase(&app.data, &["--email", "nobody@privacy.example"], "").status.success());
    let stored = everything_stored(&app.data);
    assert!(!holds(&stored, ADA) && holds(&stored, GRACE));
}
