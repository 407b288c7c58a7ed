//! The bytes of requests: built once for a connection, then only patched.

use crate::workload::{Action, Field};

/// The digits of an address's number.
const EMAIL_DIGITS: usize = 16;
/// A UUID as text.
const EVENT_BYTES: usize = 36;
const NO_EVENT: &str = "00000000-0000-0000-0000-000000000000";

/// The requests of one connection, one of each kind.
#[derive(Debug)]
pub(crate) struct Requests {
    register: Template,
    register_nothing: Template,
    show: Template,
    list: Template,
}

/// A request, and where in it the event and the number of the address are.
#[derive(Debug)]
struct Template {
    bytes: Vec<u8>,
    event_at: Option<usize>,
    email_at: Option<usize>,
}

impl Requests {
    /// Those for a server that is called `host`.
    pub(crate) fn new(host: &str) -> Self {
        let post = |path: &str| {
            let body = format!(r#"{{"user_email":"b{:0EMAIL_DIGITS$}@bench.example"}}"#, 0);
            Template::new(format!(
                "POST /{path}/{NO_EVENT}/register HTTP/1.1\r\nhost: {host}\r\n\
                 content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
                body.len(),
            ))
        };
        Self {
            register: post("events"),
            register_nothing: post("bench"),
            show: Template::new(get(host, &format!("/events/{NO_EVENT}"))),
            list: Template::new(get(host, "/events?limit=100")),
        }
    }

    /// The request for an action.
    pub(crate) fn bytes(&mut self, field: &Field, action: Action) -> &[u8] {
        let (template, event, email) = match action {
            Action::Register { event, email } => (&mut self.register, event, email),
            Action::RegisterNothing { event, email } => (&mut self.register_nothing, event, email),
            Action::ShowEvent { event } => (&mut self.show, event, 0),
            Action::ListEvents => (&mut self.list, 0, 0),
        };
        template.patch(field, event, email);
        &template.bytes
    }
}

/// A GET of `path` from a server that is called `host`.
pub(crate) fn get(host: &str, path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nhost: {host}\r\n\r\n")
}

impl Template {
    fn new(text: String) -> Self {
        let event_at = text.find(NO_EVENT);
        let email_at = text.find("\"b0").map(|at| at + 2);
        Self { bytes: text.into_bytes(), event_at, email_at }
    }

    fn patch(&mut self, field: &Field, event: usize, email: u64) {
        if let Some(at) = self.event_at {
            self.bytes[at..at + EVENT_BYTES].copy_from_slice(field.events[event].as_bytes());
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
        let field = Field { events: vec![event.into()], registered: 0..0 };
        let mut requests = Requests::new("127.0.0.1:80");
        let register = Action::Register { event: 0, email: 0xfeed };
        let bytes = requests.bytes(&field, register);
        let text = std::str::from_utf8(bytes).expect("it is ASCII");
        let (head, body) = text.split_once("\r\n\r\n").expect("a head and a body");
        assert!(head.starts_with(&format!("POST /events/{event}/register HTTP/1.1\r\n")), "{head}");
        assert!(head.contains(&format!("content-length: {}", body.len())), "{head}");
        assert_eq!(body, r#"{"user_email":"b000000000000feed@bench.example"}"#);
        let show = requests.bytes(&field, Action::ShowEvent { event: 0 });
        assert!(show.starts_with(format!("GET /events/{event} HTTP/1.1\r\n").as_bytes()));
    }
}
