//! Checking people in, with a network.

use crate::axe::assert_no_faults;
use crate::common::acts::{done, edit, event, give_up, id, path, ticket, transfer};
use crate::common::{App, Data};
use crate::harness::{Browser, Page};
use crate::over::from_now;
use chrono::TimeDelta;
use fantoccini::key::Key;
use qrcode::{Color, EcLevel, QrCode};
use serde_json::{Value, json};

pub(crate) fn register(app: &App, event: &str, email: &str, name: &str) -> Value {
    let body = json!({"user_email": email, "name": name});
    done(&app.post(&format!("/events/{event}/register"), &body), 201)
}

fn look_up(app: &App, registration: &Value) -> Value {
    done(&app.get(&path(registration)), 200)
}

/// Has the door wait for a server on a busy machine, for longer than people would wait: 2.5 s. Until the page is left.
const PATIENT: &str = "if (!window.isPatient) {
    window.isPatient = true;
    const later = window.setTimeout;
    window.setTimeout = (act, ms, ...rest) => later(act, ms === 2_500 ? 60_000 : ms, ...rest);
}";

/// Types a ticket as scanners do, and waits for the door's result: of the scan with this number, not of the one
/// before.
pub(crate) async fn scan(door: &Browser, text: &str, number: u32, result: &str) {
    if result != "queued" {
        door.js(PATIENT).await;
    }
    door.wait("@door-input:focus").await.send_keys(text).await.expect("it can be typed into");
    door.press(&Key::Enter).await;
    door.wait(&format!("@door-result[data-scan='{number}']:not([aria-busy])")).await;
    let is = door.attribute("@door-result", "data-result").await;
    assert_eq!(is, result, "{}", door.text("@door-result").await);
    assert_eq!(door.value("code").await, "", "it is ready for the next");
}

/// Holds a code before this browser's camera from now on: rotated, and without the browser's own detector. Until
/// the page is left.
pub(crate) async fn hold_up(door: &Browser, text: &str) {
    let code = QrCode::with_error_correction_level(text, EcLevel::M).expect("it is short enough");
    let size = code.width();
    let is_dark = |color: &Color| if *color == Color::Dark { '1' } else { '0' };
    let modules: String = code.to_colors().iter().map(is_dark).collect();
    let script = format!(
        "const [size, modules] = [{size}, '{modules}'];
        delete globalThis.BarcodeDetector;
        const canvas = document.createElement('canvas');
        [canvas.width, canvas.height] = [640, 480];
        const context = canvas.getContext('2d');
        const draw = () => {{
            context.setTransform(1, 0, 0, 1, 0, 0);
            context.fillStyle = '#ddd';
            context.fillRect(0, 0, 640, 480);
            context.translate(320, 240);
            context.rotate(0.4);
            context.scale(5, 5);
            context.translate(-size / 2, -size / 2);
            context.fillStyle = '#222';
            [...modules].forEach((module, at) => {{
                if (module === '1') context.fillRect(at % size, Math.floor(at / size), 1.02, 1.02);
            }});
        }};
        draw();
        // A picture that does not change is no film.
        setInterval(draw, 100);
        navigator.mediaDevices.getUserMedia = async () => canvas.captureStream(10);"
    );
    door.js(&script).await;
}

async fn refused(door: &Browser, text: &str, number: u32, reason: &str) {
    scan(door, text, number, "refused").await;
    door.wait(&format!("@door-result[data-reason={reason}]")).await;
    assert!(door.text("@door-result").await.contains("Do not let in"));
    assert!(!door.is_shown("@door-undo").await);
}

#[tokio::test]
async fn each_ticket_admits_one_person_once() {
    let page = Page::start_with(Data::postgres(), json!({})).await;
    let app = &page.app;
    let concert = app.create(5);
    let ada = register(app, &concert, "ada@example.org", "Ada Lovelace");
    let grace = register(app, &concert, "grace@example.org", "Grace Hopper");
    let gone = register(app, &concert, "gone@example.org", "Gone");
    let passed = register(app, &concert, "passed@example.org", "Passed");
    let tickets = [&ada, &grace, &gone, &passed].map(|one| ticket(app, one));
    let [of_ada, of_grace, of_gone, of_passed] = &tickets;
    done(&give_up(app, &gone), 200);
    done(&transfer(app, &passed, "new@example.org"), 200);
    let elsewhere = app.create(1);
    let of_elsewhere = ticket(app, &register(app, &elsewhere, "ada@example.org", "Ada"));

    page.open(&format!("/#/events/{concert}")).await;
    page.click("@door-link").await;
    // Both come with the server's first answer; the door itself is open before it.
    page.wait("@door-seats[data-count='3']").await;
    assert_eq!(page.text("@door-event").await, "An event");
    page.wait("@door-result[data-result=none]").await;
    scan(&page, of_ada, 1, "checked_in").await;
    page.until("return document.querySelector('[data-testid=door-person]').textContent.includes('Ada Lovelace')")
        .await;
    page.wait("@door-count[data-count='1']").await;
    assert!(look_up(app, &ada)["checked_in_at"].is_string());
    scan(&page, of_ada, 2, "already_checked_in").await;
    assert!(page.text("@door-result").await.contains("Already in"));
    assert!(!page.is_shown("@door-undo").await, "this was not let in");
    page.wait("@door-count[data-count='1']").await;

    refused(&page, &of_elsewhere, 3, "other_event").await;
    refused(&page, "not a ticket", 4, "not_a_ticket").await;
    refused(&page, of_gone, 5, "cancelled").await;
    refused(&page, of_passed, 6, "transferred").await;
    // A signature by another key.
    let forged = format!("{}AAAAAAAA{}", &of_grace[..120], &of_grace[128..]);
    refused(&page, &forged, 7, "forged").await;
    page.wait("@door-count[data-count='1']").await;
    page.wait("@door-pending[data-count='0']").await;

    scan(&page, of_grace, 8, "checked_in").await;
    page.wait("@door-count[data-count='2']").await;
    page.click("@door-undo").await;
    page.wait("@door-result[data-result=undone]").await;
    page.wait("@door-count[data-count='1']").await;
    assert_eq!(look_up(app, &grace)["checked_in_at"], Value::Null);
    scan(&page, of_grace, 9, "checked_in").await;
    page.wait("@door-count[data-count='2']").await;
    page.reload().await;
    page.wait("@door-count[data-count='2']").await;
    scan(&page, of_grace, 1, "already_checked_in").await;
    assert_eq!(event(app, &concert)["booked_count"], 3);
    app.assert_audit_is_clean();
    page.end().await;
}

#[tokio::test]
async fn the_camera_reads_a_ticket_in_a_browser_that_cannot_and_tab_ends_a_scan() {
    let page = Page::start().await;
    let concert = page.app.create(3);
    let ada = register(&page.app, &concert, "ada@example.org", "Ada");
    let grace = register(&page.app, &concert, "grace@example.org", "Grace");
    let (of_ada, of_grace) = (ticket(&page.app, &ada), ticket(&page.app, &grace));
    page.open(&format!("/#/events/{concert}/door")).await;
    page.wait("@door-seats[data-count='2']").await;
    hold_up(&page, &of_ada).await;
    page.click("@door-camera").await;
    page.wait("@door-result[data-scan='1'][data-result=checked_in]:not([aria-busy])").await;
    assert!(look_up(&page.app, &ada)["checked_in_at"].is_string());
    assert!(page.is_shown("video").await);
    assert_no_faults(&page, "a door with its camera on").await;
    page.click("@door-camera").await;
    page.until("return document.querySelector('video').hidden").await;

    // Scanners are configured to end with Enter or with Tab. And they type wherever the focus is.
    page.js("document.querySelector('[data-testid=door-camera]').focus()").await;
    page.press(&format!("{of_grace}{}", Key::Tab)).await;
    page.wait("@door-result[data-scan='2'][data-result=checked_in]:not([aria-busy])").await;
    assert!(look_up(&page.app, &grace)["checked_in_at"].is_string());
    page.wait("@door-input:focus").await;
    // With nothing scanned it leads on, as everywhere.
    page.press(&Key::Tab).await;
    page.wait("@door-submit:focus").await;
    page.end().await;
}

#[tokio::test]
async fn a_guest_without_a_ticket_is_found_by_name_and_admitted() {
    let page = Page::start().await;
    let concert = page.app.create(5);
    let ada = register(&page.app, &concert, "ada@example.org", "Ada Lovelace");
    let grace = register(&page.app, &concert, "grace@example.org", "Grace Hopper");
    page.open(&format!("/#/events/{concert}/door")).await;
    page.wait("@door-everywhere[data-count='0']").await;
    page.click("@door-guests-panel summary").await;
    page.fill("guest", "lovel").await;
    page.wait(&format!("@door-guest-row[data-id='{}']", id(&ada))).await;
    assert_no_faults(&page, "a guest who was found").await;
    page.click("@door-let-in").await;
    page.wait("@door-result[data-result=checked_in]").await;
    page.until("return document.querySelector('[data-testid=door-person]').textContent.includes('Ada Lovelace')")
        .await;
    assert!(look_up(&page.app, &ada)["checked_in_at"].is_string());
    page.wait("@door-count[data-count='1']").await;
    page.wait("@door-everywhere[data-count='1']").await;
    page.click("@door-last-panel summary").await;
    assert!(page.text("@door-last-scan").await.contains("Ada Lovelace"));
    page.click("@door-undo").await;
    page.wait("@door-result[data-result=undone]").await;
    assert_eq!(look_up(&page.app, &ada)["checked_in_at"], Value::Null);

    // An address in the field for tickets finds its owner, and is not refused.
    page.wait("@door-input:focus").await;
    page.enter("grace@example.org").await;
    page.wait(&format!("@door-guest-row[data-id='{}']", id(&grace))).await;
    page.fill("guest", "nobody").await;
    page.until("return document.querySelector('[data-testid=door-guests-status]').textContent.startsWith('No guest')")
        .await;
    page.end().await;
}

#[tokio::test]
async fn another_door_s_check_in_is_shown_and_a_cancelled_event_admits_no_one() {
    let page = Page::start().await;
    let concert = page.app.create(3);
    let ada = register(&page.app, &concert, "ada@example.org", "Ada");
    let grace = register(&page.app, &concert, "grace@example.org", "Grace");
    let (of_ada, of_grace) = (ticket(&page.app, &ada), ticket(&page.app, &grace));
    let check_ins = format!("/events/{concert}/check-ins");
    done(&page.app.post(&check_ins, &json!({"ticket": of_ada})), 201);
    page.open(&format!("/#/events/{concert}/door")).await;
    page.wait("@door-seats[data-count='2']").await;
    scan(&page, &of_ada, 1, "already_checked_in").await;
    done(&page.app.post(&format!("/events/{concert}/cancel"), &json!({})), 200);
    refused(&page, &of_grace, 2, "closed").await;
    assert_eq!(look_up(&page.app, &grace)["checked_in_at"], Value::Null);
    page.open("/#/events/00000000-0000-7000-8000-000000000000/door").await;
    page.until("return document.querySelector('[data-testid=door-event]')?.textContent.includes('not exist')")
        .await;
    page.end().await;
}

/// An event that starts only in three days.
pub(crate) fn in_three_days(app: &App) -> String {
    let starts_at = from_now(TimeDelta::days(3));
    let body = json!({
        "name": "Jazz", "capacity": 5, "starts_at": starts_at, "timezone": "Europe/Berlin",
    });
    id(&done(&app.post("/events", &body), 201)).to_owned()
}

/// Scans a valid ticket; returns the door's warning about the hour.
async fn scan_at(page: &Page, event: &str, timing: &str) -> String {
    let ada = register(&page.app, event, "ada@example.org", "Ada");
    let of_ada = ticket(&page.app, &ada);
    if timing == "late" {
        let over = json!({"ends_at": from_now(-TimeDelta::hours(1))});
        done(&edit(&page.app, event, &over), 200);
    }
    page.open(&format!("/#/events/{event}/door")).await;
    page.wait("@door-seats[data-count='1']").await;
    page.wait(&format!("@door-hours[data-timing={timing}]")).await;
    scan(page, &of_ada, 1, "checked_in").await;
    page.wait(&format!("@door-result[data-timing={timing}]")).await;
    assert!(look_up(&page.app, &ada)["checked_in_at"].is_string(), "nobody is kept out for it");
    page.text("@door-result").await
}

#[tokio::test]
async fn a_scan_on_the_wrong_day_admits_with_a_warning() {
    let page = Page::start_with(Data::postgres(), json!({})).await;
    let app = &page.app;
    let shown = scan_at(&page, &in_three_days(app), "early").await;
    assert!(shown.contains("Too early") && shown.contains("starts only at"), "{shown}");
    assert!(page.text("@door-hours").await.starts_with("This event starts only at "));
    assert_no_faults(&page, "a door days before the event").await;
    page.click("@door-undo").await;
    page.wait("@door-result[data-result=undone][data-timing='']").await;

    let starts_at = from_now(-TimeDelta::hours(3));
    let body = json!({"name": "Jazz", "capacity": 5, "starts_at": starts_at});
    let over = id(&done(&app.post("/events", &body), 201)).to_owned();
    let shown = scan_at(&page, &over, "late").await;
    assert!(shown.contains("Too late") && shown.contains("is over: it ended at"), "{shown}");
    assert_no_faults(&page, "a door after the event").await;

    // Neither on the day itself nor where there is no time at all.
    let body = json!({"name": "Jazz", "capacity": 5, "starts_at": from_now(TimeDelta::hours(23))});
    let soon = id(&done(&app.post("/events", &body), 201)).to_owned();
    for event in [soon, app.create(5)] {
        let shown = scan_at(&page, &event, "on_time").await;
        assert!(shown.contains("Come in") && !shown.contains("day"), "{shown}");
        assert!(!page.is_shown("@door-hours p").await);
    }
    page.end().await;
}
