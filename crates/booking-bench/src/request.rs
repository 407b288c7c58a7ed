//! The bytes of requests: built once for a connection, then only patched.

use crate::workload::{Action, Field};

/// The digits of an address's number.
const EMAIL_DIGITS: usize = 16;
/// A UUID as text.
const ID_BYTES: usize = 36;
const NO_ID: &str = "00000000-0000-0000-0000-000000000000";

/// The requests of one connection, one of each kind.
#[derive(Debug)]
pub(crate) struct Requests {
    register: Template,
    register_named: Template,
    register_nothing: Template,
    hold: Template,
    confirm: Template,
    cancel: Template,
    show: Template,
    list: Template,
}

/// A request, and where in it the id and the number of the address are.
#[derive(Debug)]
struct Template {
    bytes: Vec<u8>,
    id_at: Option<usize>,
    email_at: Option<usize>,
    name_at: Option<usize>,
}

impl Requests {
    /// Requests to a server that is called `host`.
    pub(crate) fn new(host: &str) -> Self {
        let post_with = |path: String, more: &str| {
            let body = format!(r#"{{"user_email":"b{:0EMAIL_DIGITS$}@bench.example"{more}}}"#, 0);
            Template::new(format!(
                "POST {path} HTTP/1.1\r\nhost: {host}\r\n\
                 content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
                body.len(),
            ))
        };
        let post = |path: String| post_with(path, "");
        let named = format!(r#","name":"{}""#, name_of(0));
        Self {
            register_named: post_with(format!("/events/{NO_ID}/register"), &named),
            register: post(format!("/events/{NO_ID}/register")),
            register_nothing: post(format!("/bench/{NO_ID}/register")),
            hold: post(format!("/events/{NO_ID}/holds")),
            confirm: Template::new(format!(
                "POST /registrations/{NO_ID}/confirm HTTP/1.1\r\nhost: {host}\r\n\
                 content-length: 0\r\n\r\n"
            )),
            cancel: Template::new(format!(
                "DELETE /registrations/{NO_ID} HTTP/1.1\r\nhost: {host}\r\n\r\n"
            )),
            show: Template::new(get(host, &format!("/events/{NO_ID}"))),
            list: Template::new(get(host, "/events?limit=100")),
        }
    }

    /// The request for an action.
    pub(crate) fn bytes(&mut self, field: &Field, action: Action) -> &[u8] {
        let event = |event: usize| field.events[event].as_str();
        let made = |registration: usize| field.made[registration].as_str();
        let (template, id, email) = match action {
            Action::Register { event: at, email } => (&mut self.register, event(at), email),
            Action::RegisterNamed { event: at, email } => {
                (&mut self.register_named, event(at), email)
            }
            Action::RegisterNothing { event: at, email } => {
                (&mut self.register_nothing, event(at), email)
            }
            Action::Hold { event: at, email } => (&mut self.hold, event(at), email),
            Action::Confirm { registration } => (&mut self.confirm, made(registration), 0),
            Action::Cancel { registration } => (&mut self.cancel, made(registration), 0),
            Action::ShowEvent { event: at } => (&mut self.show, event(at), 0),
            Action::ListEvents => (&mut self.list, NO_ID, 0),
        };
        template.patch(id, email);
        &template.bytes
    }
}

/// A person's name by number: two words of equal length, of syllables that no address contains.
pub(crate) fn name_of(number: u64) -> String {
    const SYLLABLES: [&str; 16] = [
        "ka", "ke", "ki", "ko", "la", "le", "li", "lo", "ma", "me", "mi", "mo", "ra", "re", "ri",
        "ro",
    ];
    let word = |first: u32| -> String {
        (first..first + 4).map(|n| SYLLABLES[((number >> (4 * n)) & 15) as usize]).collect()
    };
    format!("{} {}", word(0), word(4))
}

/// A GET of `path` from a server that is called `host`.
pub(crate) fn get(host: &str, path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nhost: {host}\r\n\r\n")
}

impl Template {
    fn new(text: String) -> Self {
        let id_at = text.find(NO_ID);
        let email_at = text.find("\"b0").map(|at| at + 2);
        let name_at = text.find(&name_of(0));
        Self { bytes: text.into_bytes(), id_at, email_at, name_at }
    }

    fn patch(&mut self, id: &str, email: u64) {
        if let Some(at) = self.id_at {
            self.bytes[at..at + ID_BYTES].copy_from_slice(id.as_bytes());
        }
        if let Some(at) = self.name_at {
            let name = name_of(email);
            self.bytes[at..at + name.len()].copy_from_slice(name.as_bytes());
        }
        if let Some(at) = self.email_at {
            let mut left = email;
            for digit in self.bytes[at..at + EMAIL_DIGITS].iter_mut().rev() {
                *digit = b"0123456789abcdef"[(left & 15) as usize];
                left >>= 4;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_names_the_event_and_the_address_and_its_length() {
        let event = "01890a5d-ac96-774b-bcce-b302099a8057";
        let field = Field { events: vec![event.into()], ..Field::default() };
        let mut requests = Requests::new("127.0.0.1:80");
        let register = Action::Register { event: 0, email: 0xfeed };
        let bytes = requests.bytes(&field, register);
        let text = std::str::from_utf8(bytes).expect("it is ASCII");
        let (head, body) = text.split_once("\r\n\r\n").expect("a head and a body");
        assert!(head.starts_with(&format!("POST /events/{event}/register HTTP/1.1\r\n")), "{head}");
        assert!(head.contains(&format!("content-length: {}", body.len())), "{head}");
        assert_eq!(body, r#"{"user_email":"b000000000000feed@bench.example"}"#);
        let named = requests.bytes(&field, Action::RegisterNamed { event: 0, email: 0x1234_00ef });
        let body = r#"{"user_email":"b00000000123400ef@bench.example","name":"rorikaka lakokike"}"#;
        assert!(named.ends_with(body.as_bytes()), "{}", String::from_utf8_lossy(named));
        let show = requests.bytes(&field, Action::ShowEvent { event: 0 });
        assert!(show.starts_with(format!("GET /events/{event} HTTP/1.1\r\n").as_bytes()));
    }
}
