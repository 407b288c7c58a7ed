//! The fuzz targets: every parser of input from outside.
//!
//! A target panics where a promise is broken, and the promise is never only that nothing panics: accepted input is
//! within the documented limits, and is the same after it is printed and read again. They run for a bounded time in
//! the tests below, and for long, guided by coverage, by `scripts/fuzz.sh`.

mod bodies;
mod headers;
mod settings;
mod texts;

/// Something to throw bytes at.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// The name of the target.
    pub name: &'static str,
    /// Bytes that get far in it.
    pub seeds: &'static [&'static str],
    /// Throws.
    pub run: fn(&[u8]),
}

/// All of them.
pub fn targets() -> impl Iterator<Item = Target> {
    [bodies::TARGETS, headers::TARGETS, settings::TARGETS, texts::TARGETS].concat().into_iter()
}

/// Passes the bytes to `check` if they are UTF-8.
fn text(bytes: &[u8], check: impl FnOnce(&str)) {
    if let Ok(text) = std::str::from_utf8(bytes) {
        check(text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

    /// Runs from each seed of the generator.
    const CASES: u32 = 150;
    /// The seed of the deterministic run, and the variable that sets another one.
    const FIXED: u64 = 5;
    const SEED: &str = "BOOKING_FUZZ_SEED";

    /// The tokens that parsers look for.
    const TOKENS: &[&str] = &[
        "\0",
        "\n",
        "\r\n",
        " ",
        "\t",
        "\"",
        "\\",
        "\\u0000",
        "\\ud800",
        ",",
        ";",
        ":",
        "=",
        "@",
        ".",
        "-",
        "+",
        "%",
        "%00",
        "&",
        "?",
        "/",
        "[",
        "]",
        "{",
        "}",
        "0",
        "-1",
        "1e9",
        "99999999999999999999",
        "null",
        "true",
        "\u{301}",
        "\u{e9}",
        "\u{130}",
        "\u{df}",
        "\u{3a3}",
        "\u{200b}",
        "\u{202e}",
        "\u{feff}",
        "\u{10ffff}",
        "\u{a0}",
        "\u{85}",
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    ];

    /// A seed of the target, changed in up to eight places.
    fn bytes(target: Target) -> impl Strategy<Value = Vec<u8>> {
        let edit =
            (any::<prop::sample::Index>(), 0..6_usize, any::<u8>(), prop::sample::select(TOKENS));
        let edits = prop::collection::vec(edit, 0..8);
        (prop::sample::select(target.seeds), edits).prop_map(|(seed, edits)| {
            let mut bytes = seed.as_bytes().to_vec();
            for (at, what, byte, token) in edits {
                let at = at.index(bytes.len() + 1);
                let rest = bytes.split_off(at);
                match what {
                    0 => bytes.push(byte),
                    1 => bytes.extend(rest.iter().skip(1)),
                    2 => bytes.extend_from_slice(&rest[rest.len() / 2..]),
                    3 => bytes.extend(rest.iter().chain(&rest)),
                    _ => bytes.extend_from_slice(token.as_bytes()),
                }
                if matches!(what, 0 | 4 | 5) {
                    bytes.extend_from_slice(&rest[usize::from(what == 5 && !rest.is_empty())..]);
                }
            }
            bytes
        })
    }

    #[test]
    fn every_parser_holds_its_invariants() {
        let random = std::env::var(SEED).ok().map(|seed| seed.parse().expect("a number"));
        for seed in [FIXED, random.unwrap_or_else(|| uuid::Uuid::now_v7().as_u64_pair().1)] {
            for target in targets() {
                let mut key = [0; 32];
                key[..8].copy_from_slice(&seed.to_le_bytes());
                let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &key);
                let config =
                    Config { cases: CASES, failure_persistence: None, ..Config::default() };
                let run = TestRunner::new_with_rng(config, rng).run(&bytes(target), |bytes| {
                    (target.run)(&bytes);
                    Ok(())
                });
                if let Err(error) = run {
                    panic!("{}, {SEED}={seed}: {error}", target.name);
                }
            }
        }
    }

    /// Seeds that are refused would test nothing, and a check that cannot fail would find nothing.
    #[test]
    fn seeds_are_what_they_should_be() {
        let mut names: Vec<_> = targets().map(|target| target.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), targets().count());
        for target in targets() {
            assert!(!target.seeds.is_empty(), "{}", target.name);
        }
        bodies::assert_good();
    }
}
