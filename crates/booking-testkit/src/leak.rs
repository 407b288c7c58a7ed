//! What no log may contain: personal data and secrets.

/// The shortest secret that is looked for: 256 bits in base64url.
const SECRET_CHARACTERS_MIN: usize = 43;

/// The example addresses in errors and help.
const EXAMPLES: [&str; 3] = ["name@example.org", "tickets@example.org", "user:password@host"];

/// The first line of `log` with an e-mail address, a token or a ticket in it.
#[must_use]
pub fn leak(log: &str) -> Option<&str> {
    log.lines().find(|line| has_address(line) || has_secret(line))
}

/// An `@` between two characters of an address; also of a URL with a password.
fn has_address(line: &str) -> bool {
    let line = EXAMPLES.iter().fold(line.to_owned(), |line, example| line.replace(example, ""));
    let characters: Vec<char> = line.chars().collect();
    let of_address = |c: char| c.is_alphanumeric() || "\"._%+-".contains(c);
    characters
        .windows(3)
        .any(|three| three[1] == '@' && of_address(three[0]) && of_address(three[2]))
}

/// A long word of random base64url: manage tokens, organizers' tokens, tickets, keys. Names in code and from
/// compilers do not mix capitals, small letters and digits so. A webhook's secret has a prefix of its own, and
/// other characters, too.
fn has_secret(line: &str) -> bool {
    let of_base64 = |c: char| c.is_ascii_alphanumeric() || c == '+' || c == '/';
    if line.split("whsec_").skip(1).any(|rest| rest.starts_with(of_base64)) {
        return true;
    }
    let of_base64url = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    line.split(|c| !of_base64url(c)).any(|word| {
        let count = |is: fn(&char) -> bool| word.chars().filter(is).count();
        word.len() >= SECRET_CHARACTERS_MIN
            && count(char::is_ascii_uppercase) >= 6
            && count(char::is_ascii_lowercase) >= 6
            && count(char::is_ascii_digit) >= 2
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn personal_data_and_secrets_are_found_anywhere_in_a_line() {
        let token = "mZ0fK3qL9xTt-aB_7cDdEeFf2gHhIiJjKk4lMmNnOoP";
        assert_eq!(token.len(), SECRET_CHARACTERS_MIN);
        for bad in [
            "ada@example.org",
            "DETAIL: Key (event_id, user_email)=(1, ada@example.org) already exists.",
            "user=Ada <\"ada b\"@example.org>",
            "ren\u{e9}@b\u{fc}cher.example",
            "postgresql://booking:password@localhost/booking",
            token,
            &format!("path=/registrations/1?token={token}"),
            &format!("org_{token}"),
            &format!("mlt_{token}"),
            "secret=whsec_+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/s=",
            &format!("TokenHash({token}{token}{token})"),
        ] {
            let log = format!("first\n{bad}\nlast");
            assert_eq!(leak(&log), Some(bad));
        }
    }

    #[test]
    fn ordinary_log_lines_are_no_leak() {
        for good in [
            "",
            "method=GET route=/events/{id} status=200 micros=81 \
             request_id=019606a8-0000-7000-8000-0123456789ab",
            "listening on http://127.0.0.1:3000",
            "line 2: must be an e-mail address such as name@example.org",
            "data: SQLite in /tmp/.tmpAb3dEf/booking.db",
            "a webhook's secret begins with whsec_",
            "  12: booking_http::routes::register::{{closure}}::h0123456789abcdef",
            "  13: _ZN4core3ops8function6FnOnce9call_once17h0123456789abcdefE",
            "new tickets will be signed with the key 0123456789abcdef",
            "request aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa: @ once @2 a@",
        ] {
            assert_eq!(leak(good), None);
        }
    }
}
