//! The source of the seeds of the signing keys for tickets: the settings or the store.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use booking_core::{BookingStore, SigningSeed, StoreError};
use std::sync::Arc;

/// Where seeds come from.
#[derive(Debug)]
pub(crate) enum SigningSeeds {
    /// The settings: these, and no others.
    Fixed(Vec<SigningSeed>),
    /// The store, which shares them between all servers.
    Stored(Arc<dyn BookingStore>),
}

impl SigningSeeds {
    /// The settings' if there are some, else the store's.
    pub(crate) fn of(settings: &[SigningSeed], store: &Arc<dyn BookingStore>) -> Self {
        match settings {
            [] => Self::Stored(Arc::clone(store)),
            seeds => Self::Fixed(seeds.to_vec()),
        }
    }

    /// All of them, the one that signs first. A store that has none yet is given one: the first of all servers that
    /// start at once.
    pub(crate) async fn read(&self) -> Result<Vec<SigningSeed>, StoreError> {
        let store = match self {
            Self::Fixed(seeds) => return Ok(seeds.clone()),
            Self::Stored(store) => store,
        };
        let seeds = store.signing_seeds().await?;
        if !seeds.is_empty() {
            return Ok(seeds);
        }
        store.add_signing_seed(random_seed(), true).await?;
        store.signing_seeds().await
    }

    /// The seeds in `store` beside those of the settings: servers without such a setting signed with them, perhaps
    /// long ago, and their tickets are not forged. None are made here.
    pub(crate) async fn read_earlier(
        &self,
        store: &dyn BookingStore,
    ) -> Result<Vec<SigningSeed>, StoreError> {
        match self {
            Self::Fixed(_) => store.signing_seeds().await,
            Self::Stored(_) => Ok(Vec::new()),
        }
    }
}

/// A new random seed.
pub(crate) fn random_seed() -> SigningSeed {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).expect("the system has random numbers");
    SigningSeed::new(bytes)
}

/// Parses seeds as `TICKET_KEY` has them: 32 bytes each, in base64url or hexadecimal, separated by commas. `None`
/// if they are not.
pub(crate) fn parse_seeds(text: &str) -> Option<Vec<SigningSeed>> {
    text.split(',').map(|seed| parse_seed(seed.trim())).collect()
}

fn parse_seed(text: &str) -> Option<SigningSeed> {
    let bytes = match text.len() {
        64 => unhex(text)?,
        _ => URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')).ok()?,
    };
    bytes.try_into().ok().map(SigningSeed::new)
}

fn unhex(digits: &str) -> Option<Vec<u8>> {
    let nibble = |digit: u8| char::from(digit).to_digit(16).map(|value| value as u8);
    digits.as_bytes().chunks(2).map(|pair| Some(nibble(pair[0])? << 4 | nibble(pair[1])?)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use booking_conformance::MemoryStore;

    #[test]
    fn a_seed_is_32_bytes_in_hexadecimal_or_base64url() {
        let hexadecimal = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60";
        let base64url = "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A";
        let seeds =
            parse_seeds(&format!("{hexadecimal}, {base64url},{base64url}=")).expect("valid");
        assert_eq!(seeds.len(), 3);
        assert!(seeds.iter().all(|seed| *seed == seeds[0]));
        assert_eq!(seeds[0].as_bytes()[..3], [0x9d, 0x61, 0xb1]);
        let short = &base64url[..42];
        let not_hexadecimal = "zz".repeat(32);
        for text in ["", ",", "secret", short, &not_hexadecimal, &format!("{hexadecimal},")] {
            assert_eq!(parse_seeds(text), None, "{text:?}");
        }
    }

    #[actix_web::test]
    async fn servers_that_start_at_once_agree_on_one_seed() {
        let store: Arc<dyn BookingStore> = Arc::new(MemoryStore::default());
        let first = SigningSeeds::of(&[], &store).read().await.expect("it answers");
        let second = SigningSeeds::of(&[], &store).read().await.expect("it answers");
        assert_eq!((first.len(), &first), (1, &second));
        assert_eq!(
            SigningSeeds::of(&[], &store).read_earlier(&*store).await.expect("it answers"),
            []
        );
        let fixed = [SigningSeed::new([1; 32])];
        let set = SigningSeeds::of(&fixed, &store);
        assert_eq!(set.read().await.expect("it answers"), fixed);
        assert_eq!(set.read_earlier(&*store).await.expect("it answers"), first);
    }
}
