//! The verifier by itself: it passes a correct result, and names each breach.

use booking_load::api::Registration;
use booking_load::verify::{Breach, Client, ClientResult, ServerView, answers, listing};
use chrono::{DateTime, TimeDelta};

fn email(n: usize) -> String {
    format!("c{n}@load.example")
}

fn won(n: usize) -> Client {
    Client { email: email(n), result: ClientResult::Won { registration_id: Some(format!("r{n}")) } }
}

fn refused(n: usize, status: u16, code: Option<&str>) -> Client {
    Client {
        email: email(n),
        result: ClientResult::Refused { status, code: code.map(str::to_owned) },
    }
}

fn client(n: usize, result: ClientResult) -> Client {
    Client { email: email(n), result }
}

fn row(n: usize) -> Registration {
    let created_at = DateTime::UNIX_EPOCH + TimeDelta::microseconds(n as i64);
    Registration { id: format!("r{n}"), event_id: "e".into(), user_email: email(n), created_at }
}

/// Two seats, three clients, all as it should be.
fn right() -> (Vec<Client>, ServerView) {
    let clients = vec![won(0), refused(1, 409, Some("sold_out")), won(2)];
    (clients, shown(vec![row(0), row(2)]))
}

fn shown(registrations: Vec<Registration>) -> ServerView {
    ServerView { booked_count: registrations.len() as u64, capacity: 2, registrations }
}

#[test]
fn a_correct_result_passes() {
    let (clients, shown) = right();
    assert_eq!(answers(2, &clients), []);
    assert_eq!(listing(2, &clients, &shown), []);
}

#[test]
fn a_conflict_needs_no_code() {
    assert_eq!(answers(1, &[won(0), refused(1, 409, None)]), []);
}

#[test]
fn overselling_and_underselling_are_caught() {
    let all = [won(0), won(1), won(2)];
    assert_eq!(answers(2, &all), [Breach::Oversold { seats: 2, won: 3 }]);
    let (clients, _) = right();
    assert_eq!(answers(3, &clients), [Breach::Undersold { expected: 3, won: 2 }]);
    assert_eq!(answers(9, &clients), [Breach::Undersold { expected: 3, won: 2 }]);
}

#[test]
fn a_client_left_without_an_answer_is_named_and_may_have_a_seat() {
    let clients = [won(0), client(1, ClientResult::Nothing), client(2, ClientResult::Nothing)];
    let left = Breach::NoFinalAnswer { clients: 2, example: email(1) };
    assert_eq!(answers(2, &clients), [left]);
    assert_eq!(listing(2, &clients, &shown(vec![row(0), row(1)])), []);
    assert_eq!(listing(2, &clients, &shown(vec![row(0)])), []);
}

#[test]
fn refusals_for_another_reason_are_grouped() {
    let clients = [
        won(0),
        refused(1, 400, Some("validation")),
        refused(2, 409, Some("already_registered")),
        refused(3, 400, Some("validation")),
    ];
    let refusal = |status, code: &str, clients, example| Breach::UnexpectedRefusal {
        status,
        code: code.into(),
        clients,
        example,
    };
    let expected =
        [refusal(400, "validation", 2, email(1)), refusal(409, "already_registered", 1, email(2))];
    assert_eq!(answers(1, &clients), expected);
}

#[test]
fn garbled_answers_are_named() {
    let clients = [won(0), client(1, ClientResult::Garbled { what: "no id".into() })];
    let garbled = Breach::GarbledAnswer { email: email(1), what: "no id".into() };
    assert_eq!(answers(1, &clients), [garbled]);
}

#[test]
fn one_registration_for_two_clients_is_caught() {
    let second = client(1, ClientResult::Won { registration_id: Some("r0".into()) });
    let shared = Breach::SharedRegistration {
        registration_id: "r0".into(),
        first: email(0),
        second: email(1),
    };
    assert_eq!(answers(2, &[won(0), second]), [shared]);
}

#[test]
fn a_lost_winner() {
    let (mut clients, _) = right();
    let lost = |n, id: &str| Breach::LostWinner { email: email(n), registration_id: id.into() };
    assert_eq!(listing(2, &clients, &shown(vec![row(0)])), [lost(2, "r2")]);
    clients[2].result = ClientResult::Won { registration_id: None };
    assert_eq!(listing(2, &clients, &shown(vec![row(0)])), [lost(2, "already_registered")]);
    assert_eq!(listing(2, &clients, &right().1), []);
}

#[test]
fn a_winner_under_another_registration() {
    let (clients, mut shown) = right();
    shown.registrations[1].id = "r9".into();
    let other =
        Breach::OtherRegistration { email: email(2), told: "r2".into(), listed: "r9".into() };
    assert_eq!(listing(2, &clients, &shown), [other]);
}

#[test]
fn phantoms_and_rows_of_refused_clients_are_caught() {
    let clients = [won(0), refused(1, 409, Some("sold_out"))];
    let refused_row = Breach::RefusedButListed {
        email: email(1),
        registration_id: "r1".into(),
        told: "409 sold_out".into(),
    };
    assert_eq!(listing(2, &clients, &shown(vec![row(0), row(1)])), [refused_row]);
    let phantom = Breach::Phantom { email: email(7), registration_id: "r7".into() };
    assert_eq!(listing(2, &clients, &shown(vec![row(0), row(7)])), [phantom]);
}

#[test]
fn duplicates_and_too_long_a_list_are_caught() {
    let (clients, mut shown) = right();
    let mut again = row(3);
    again.user_email = email(2);
    shown.registrations.push(again);
    shown.booked_count = 3;
    let twice = Breach::DuplicateEmail { email: email(2), first: "r2".into(), second: "r3".into() };
    let too_long = Breach::ListOversold { seats: 2, listed: 3 };
    assert_eq!(listing(2, &clients, &shown), [too_long.clone(), twice]);

    shown.registrations[2] = row(2);
    let twice = Breach::DuplicateRegistration { registration_id: "r2".into() };
    assert_eq!(listing(2, &clients, &shown), [too_long, twice]);
}

#[test]
fn the_wrong_order() {
    let (clients, mut shown) = right();
    shown.registrations.reverse();
    let order = Breach::OutOfOrder { earlier: "r2".into(), later: "r0".into() };
    assert_eq!(listing(2, &clients, &shown), [order]);
    // Equal times have no order to break.
    shown.registrations[0].created_at = shown.registrations[1].created_at;
    assert_eq!(listing(2, &clients, &shown), []);
}

#[test]
fn wrong_numbers_of_the_event_are_caught() {
    let (clients, mut shown) = right();
    shown.booked_count = 1;
    shown.capacity = 3;
    let expected = [
        Breach::WrongCapacity { seats: 2, capacity: 3 },
        Breach::WrongCount { booked_count: 1, listed: 2 },
    ];
    assert_eq!(listing(2, &clients, &shown), expected);
}
