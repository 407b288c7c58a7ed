//! Parses what a PostgreSQL client sends, as far as finding its COMMITs needs (protocol 3.0, PostgreSQL's
//! documentation, "Frontend/Backend Protocol", section "Message Formats").

/// `SSLRequest` and `GSSENCRequest`: what follows is another first packet.
const ENCRYPTION_REQUESTS: [u32; 2] = [80_877_103, 80_877_104];
/// The first byte of a TLS handshake: from there on nothing can be parsed.
const TLS_HANDSHAKE: u8 = 0x16;
/// Longer messages cannot be a COMMIT, and are forwarded unparsed.
const LOOKED_AT_BYTES_MAX: usize = 256;

/// Bytes to forward together.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) bytes: Vec<u8>,
    /// Whether they are a COMMIT, and nothing else.
    pub(super) is_commit: bool,
}

/// Parses a connection's bytes as they come, in pieces of any size.
#[derive(Debug, Default)]
pub(super) struct Frontend {
    waiting: Vec<u8>,
    phase: Phase,
}

#[derive(Debug, Default, Clone, Copy)]
enum Phase {
    /// The first packet has no type.
    #[default]
    Startup,
    /// Messages: a type, a length, a body.
    Messages,
    /// The rest of a message, in bytes.
    Within(usize),
    /// Encrypted.
    Opaque,
}

impl Frontend {
    /// What can be forwarded now.
    pub(super) fn feed(&mut self, bytes: &[u8]) -> Vec<Piece> {
        self.waiting.extend_from_slice(bytes);
        let mut pieces = Vec::new();
        while let Some(piece) = self.next() {
            pieces.push(piece);
        }
        pieces
    }

    fn next(&mut self) -> Option<Piece> {
        if self.waiting.is_empty() {
            return None;
        }
        match self.phase {
            Phase::Opaque => self.take(self.waiting.len(), false),
            Phase::Startup if self.waiting[0] == TLS_HANDSHAKE => {
                self.phase = Phase::Opaque;
                self.next()
            }
            Phase::Startup => {
                let length = number(&self.waiting, 0)?;
                let code = number(&self.waiting, 4)?;
                let length = usize::try_from(length).ok()?.max(8);
                if self.waiting.len() < length {
                    return None;
                }
                if !ENCRYPTION_REQUESTS.contains(&code) {
                    self.phase = Phase::Messages;
                }
                self.take(length, false)
            }
            Phase::Within(left) => {
                let length = left.min(self.waiting.len());
                self.phase =
                    if left == length { Phase::Messages } else { Phase::Within(left - length) };
                self.take(length, false)
            }
            Phase::Messages => {
                // The length includes itself, but not the type.
                let length = 1 + usize::try_from(number(&self.waiting, 1)?).ok()?.max(4);
                if length > LOOKED_AT_BYTES_MAX {
                    self.phase = Phase::Within(length);
                    return self.next();
                }
                if self.waiting.len() < length {
                    return None;
                }
                let is_commit = is_commit(self.waiting[0], &self.waiting[5..length]);
                self.take(length, is_commit)
            }
        }
    }

    fn take(&mut self, length: usize, is_commit: bool) -> Option<Piece> {
        let rest = self.waiting.split_off(length);
        let bytes = std::mem::replace(&mut self.waiting, rest);
        Some(Piece { bytes, is_commit })
    }
}

fn number(bytes: &[u8], at: usize) -> Option<u32> {
    let bytes = bytes.get(at..at + 4)?;
    Some(u32::from_be_bytes(bytes.try_into().expect("four bytes are four")))
}

/// Whether a message is a simple query (`Q`) that is COMMIT. A COMMIT in a prepared statement is not recognized.
fn is_commit(kind: u8, body: &[u8]) -> bool {
    let text = body.strip_suffix(&[0]).and_then(|text| std::str::from_utf8(text).ok());
    kind == b'Q'
        && text.is_some_and(|text| {
            text.trim().trim_end_matches(';').trim_end().eq_ignore_ascii_case("commit")
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(kind: u8, body: &[u8]) -> Vec<u8> {
        let length = u32::try_from(body.len() + 4).expect("it is short");
        [&[kind][..], &length.to_be_bytes(), body].concat()
    }

    fn startup() -> Vec<u8> {
        let body = b"\0\x03\0\0user\0postgres\0\0";
        [&u32::try_from(body.len() + 4).expect("short").to_be_bytes()[..], body].concat()
    }

    /// The parts of a COMMIT that are found, and all that was forwarded, with the bytes coming `step` at a time.
    fn run(bytes: &[u8], step: usize) -> (Vec<Vec<u8>>, Vec<u8>) {
        let mut frontend = Frontend::default();
        let pieces: Vec<_> = bytes.chunks(step).flat_map(|chunk| frontend.feed(chunk)).collect();
        let commits = pieces.iter().filter(|piece| piece.is_commit).map(|p| p.bytes.clone());
        (commits.collect(), pieces.iter().flat_map(|piece| piece.bytes.clone()).collect())
    }

    #[test]
    fn a_commit_is_found_wherever_the_bytes_are_cut() {
        let commit = message(b'Q', b"COMMIT\0");
        let ssl = [&8_u32.to_be_bytes()[..], &80_877_103_u32.to_be_bytes()].concat();
        let bytes = [
            ssl,
            startup(),
            message(b'Q', b"BEGIN\0"),
            // A value that looks like one.
            message(b'B', b"\0\0Q\0\0\0\x0bCOMMIT\0"),
            message(b'P', &[b'x'; 5_000]),
            commit.clone(),
            message(b'Q', b"ROLLBACK\0"),
            message(b'Q', b" commit ; \0"),
        ]
        .concat();
        for step in [1, 2, 3, 7, 64, 4_096, bytes.len()] {
            let (commits, passed) = run(&bytes, step);
            assert_eq!(commits.len(), 2, "{step}");
            assert_eq!(commits[0], commit);
            assert_eq!(passed, bytes, "{step}: nothing is lost or added");
        }
    }

    #[test]
    fn encrypted_bytes_are_forwarded() {
        let ssl = [&8_u32.to_be_bytes()[..], &80_877_103_u32.to_be_bytes()].concat();
        let bytes = [ssl, vec![0x16, 3, 1, 0, 9], message(b'Q', b"COMMIT\0")].concat();
        let (commits, passed) = run(&bytes, 5);
        assert_eq!((commits.len(), passed), (0, bytes));
    }
}
