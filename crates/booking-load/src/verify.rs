//! Verifies that the clients' answers match the system's state. Pure: no I/O, no clock.

use crate::api::Registration;
use serde::Serialize;
use std::collections::{BTreeMap, HashMap, HashSet};

/// The final answer to one client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClientResult {
    /// None: it gave up, or time ran out.
    Nothing,
    /// It has a seat.
    Won {
        /// `None` if it learned so only from `already_registered`, after an answer that was lost.
        registration_id: Option<String>,
    },
    /// It has no seat.
    Refused {
        /// The status of that answer.
        status: u16,
        /// Its code, if it had one.
        code: Option<String>,
    },
    /// An answer that the contract does not allow.
    Garbled {
        /// How it breaks the contract.
        what: String,
    },
}

/// One client of a storm. Each has an address of its own.
#[derive(Debug, Clone)]
pub struct Client {
    /// Its e-mail address.
    pub email: String,
    /// Its final answer.
    pub result: ClientResult,
}

/// One server's state of the event afterwards.
#[derive(Debug, Clone)]
pub struct ServerView {
    /// `booked_count` of the event.
    pub booked_count: u64,
    /// `capacity` of the event.
    pub capacity: u64,
    /// Every page of the list, in the server's order.
    pub registrations: Vec<Registration>,
}

/// One breach of a rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, thiserror::Error)]
#[serde(tag = "rule", rename_all = "snake_case")]
#[expect(missing_docs, reason = "the message of each variant says what its fields are")]
pub enum Breach {
    #[error("{clients} clients got no final answer, {example} among them")]
    NoFinalAnswer { clients: usize, example: String },
    #[error("oversold: {won} clients were told that they won {seats} seats")]
    Oversold { seats: u32, won: usize },
    #[error("undersold: {won} clients won, of {expected} that had to")]
    Undersold { expected: usize, won: usize },
    #[error("{clients} clients were refused with {status} {code}, {example} among them")]
    UnexpectedRefusal { status: u16, code: String, clients: usize, example: String },
    #[error("{email} got an answer against the contract: {what}")]
    GarbledAnswer { email: String, what: String },
    #[error("{first} and {second} were both given registration {registration_id}")]
    SharedRegistration { registration_id: String, first: String, second: String },
    #[error("the event cannot be read back: {what}")]
    Unreadable { what: String },
    #[error("the event shows capacity {capacity}, but was created with {seats}")]
    WrongCapacity { seats: u32, capacity: u64 },
    #[error("oversold: {listed} registrations are listed for {seats} seats")]
    ListOversold { seats: u32, listed: usize },
    #[error("lost winner: {email} was told that it won ({registration_id}), but is not listed")]
    LostWinner { email: String, registration_id: String },
    #[error("{email} was told registration {told}, but is listed under {listed}")]
    OtherRegistration { email: String, told: String, listed: String },
    #[error("phantom: {email} is listed ({registration_id}), but never asked")]
    Phantom { email: String, registration_id: String },
    #[error("{email} is listed ({registration_id}), but was refused: {told}")]
    RefusedButListed { email: String, registration_id: String, told: String },
    #[error("{email} is listed twice, as {first} and as {second}")]
    DuplicateEmail { email: String, first: String, second: String },
    #[error("registration {registration_id} is listed twice")]
    DuplicateRegistration { registration_id: String },
    #[error("not oldest first: {later} is listed after {earlier}, but is older")]
    OutOfOrder { earlier: String, later: String },
    #[error("booked_count is {booked_count}, but {listed} registrations are listed")]
    WrongCount { booked_count: u64, listed: usize },
}

/// A breach, and where it was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Violation {
    /// The server; `None` if it is in the answers themselves.
    pub server: Option<String>,
    /// The breach.
    #[serde(flatten)]
    pub breach: Breach,
}

/// Checks the answers among themselves: every client got a final one, exactly as many won as could, each with a
/// registration of its own, and every refusal was for a sold-out event.
pub fn answers(seats: u32, clients: &[Client]) -> Vec<Breach> {
    let mut breaches = Vec::new();
    let mut unanswered = clients.iter().filter(|client| client.result == ClientResult::Nothing);
    let example = unanswered.next();
    let unanswered = example.map_or(0, |_| 1 + unanswered.count());
    if let Some(client) = example {
        let example = client.email.clone();
        breaches.push(Breach::NoFinalAnswer { clients: unanswered, example });
    }

    let won =
        clients.iter().filter(|client| matches!(client.result, ClientResult::Won { .. })).count();
    let expected = clients.len().min(usize::try_from(seats).unwrap_or(usize::MAX));
    if won > expected {
        breaches.push(Breach::Oversold { seats, won });
    } else if won + unanswered < expected {
        breaches.push(Breach::Undersold { expected, won });
    }
    breaches.extend(shared_registrations(clients));
    breaches.extend(wrong_answers(clients));
    breaches
}

fn shared_registrations(clients: &[Client]) -> Vec<Breach> {
    let mut owners: HashMap<&str, &str> = HashMap::new();
    let mut breaches = Vec::new();
    for client in clients {
        if let ClientResult::Won { registration_id: Some(id) } = &client.result
            && let Some(first) = owners.insert(id, &client.email)
        {
            breaches.push(Breach::SharedRegistration {
                registration_id: id.clone(),
                first: first.to_owned(),
                second: client.email.clone(),
            });
        }
    }
    breaches
}

fn wrong_answers(clients: &[Client]) -> Vec<Breach> {
    let mut breaches = Vec::new();
    let mut refusals: BTreeMap<(u16, &str), (usize, &str)> = BTreeMap::new();
    for Client { email, result } in clients {
        match result {
            ClientResult::Garbled { what } => {
                breaches.push(Breach::GarbledAnswer { email: email.clone(), what: what.clone() });
            }
            // Servers of the first contract need not name a code.
            ClientResult::Refused { status: 409, code: None } => {}
            ClientResult::Refused { status: 409, code: Some(code) } if code == "sold_out" => {}
            ClientResult::Refused { status, code } => {
                let key = (*status, code.as_deref().unwrap_or("(no code)"));
                refusals.entry(key).or_insert((0, email)).0 += 1;
            }
            ClientResult::Nothing | ClientResult::Won { .. } => {}
        }
    }
    breaches.extend(refusals.into_iter().map(|((status, code), (clients, example))| {
        let (code, example) = (code.to_owned(), example.to_owned());
        Breach::UnexpectedRefusal { status, code, clients, example }
    }));
    breaches
}

/// Checks one server's state against the answers: exactly the winners are listed, each once, under the registration
/// in its answer, oldest first, and the count is their number.
///
/// A client without a final answer may be listed or not.
pub fn listing(seats: u32, clients: &[Client], shown: &ServerView) -> Vec<Breach> {
    let listed = shown.registrations.len();
    let mut breaches = Vec::new();
    if shown.capacity != u64::from(seats) {
        breaches.push(Breach::WrongCapacity { seats, capacity: shown.capacity });
    }
    if listed as u64 > u64::from(seats) {
        breaches.push(Breach::ListOversold { seats, listed });
    }
    if shown.booked_count != listed as u64 {
        breaches.push(Breach::WrongCount { booked_count: shown.booked_count, listed });
    }
    breaches.extend(duplicates(&shown.registrations));
    breaches.extend(shown.registrations.windows(2).filter_map(out_of_order));
    breaches.extend(compare_with_list(clients, &shown.registrations));
    breaches
}

fn duplicates(registrations: &[Registration]) -> Vec<Breach> {
    let mut ids = HashSet::new();
    let mut emails: HashMap<&str, &str> = HashMap::new();
    let mut breaches = Vec::new();
    for Registration { id, user_email, .. } in registrations {
        if !ids.insert(id) {
            breaches.push(Breach::DuplicateRegistration { registration_id: id.clone() });
        } else if let Some(first) = emails.insert(user_email, id) {
            let (email, first, second) = (user_email.clone(), first.to_owned(), id.clone());
            breaches.push(Breach::DuplicateEmail { email, first, second });
        }
    }
    breaches
}

fn out_of_order(pair: &[Registration]) -> Option<Breach> {
    let [earlier, later] = pair else { return None };
    (later.created_at < earlier.created_at)
        .then(|| Breach::OutOfOrder { earlier: earlier.id.clone(), later: later.id.clone() })
}

fn compare_with_list(clients: &[Client], registrations: &[Registration]) -> Vec<Breach> {
    // The first row of an address counts; a second one is a breach of its own.
    let mut rows: HashMap<&str, &Registration> = HashMap::with_capacity(registrations.len());
    for row in registrations {
        rows.entry(&row.user_email).or_insert(row);
    }
    let mut breaches: Vec<_> = clients
        .iter()
        .filter_map(|client| compare_with_row(client, rows.remove(client.email.as_str())))
        .collect();
    let mut strangers: Vec<_> = rows.into_values().collect();
    strangers.sort_by_key(|row| &row.id);
    breaches.extend(strangers.into_iter().map(|row| {
        let (email, registration_id) = (row.user_email.clone(), row.id.clone());
        Breach::Phantom { email, registration_id }
    }));
    breaches
}

fn compare_with_row(client: &Client, row: Option<&Registration>) -> Option<Breach> {
    let email = client.email.clone();
    match (&client.result, row) {
        (ClientResult::Won { registration_id }, None) => {
            let registration_id = registration_id.clone().unwrap_or("already_registered".into());
            Some(Breach::LostWinner { email, registration_id })
        }
        (ClientResult::Won { registration_id: Some(told) }, Some(row)) if *told != row.id => {
            let (told, listed) = (told.clone(), row.id.clone());
            Some(Breach::OtherRegistration { email, told, listed })
        }
        (ClientResult::Refused { status, code }, Some(row)) => {
            let told = format!("{status} {}", code.as_deref().unwrap_or("(no code)"));
            let registration_id = row.id.clone();
            Some(Breach::RefusedButListed { email, registration_id, told })
        }
        (ClientResult::Won { .. }, Some(_)) => None,
        (ClientResult::Refused { .. }, None) => None,
        // Whether it has a seat is unknown; the missing answer is a breach already.
        (ClientResult::Nothing | ClientResult::Garbled { .. }, _) => None,
    }
}
