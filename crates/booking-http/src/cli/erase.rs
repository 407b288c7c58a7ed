//! `booking-http erase`: erases all personal data of an e-mail address.

use crate::config::cell_stores::cells_file_error;
use crate::config::{Config, StoreConfig, store};
use anyhow::{Context, bail};
use booking_core::{
    BookingStore, Caller, Command, EmailAddress, EventCommand, EventId, Execution, Outcome,
    PageLimit, Refusal, RegistrationId, StoredMap, WhenBusy,
};
use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;

/// The most registrations that one transaction erases.
const ERASE_TOGETHER: usize = 100;
/// The most passes over the data of an address. Each finds up to 1,000 registrations or, after them, records and
/// former holders, and the last one nothing.
const ROUNDS_MAX: usize = 1_000;
/// The most addresses on standard input, and the most bytes.
const ADDRESSES_MAX: usize = 1_000;
const INPUT_BYTES_MAX: u64 = 1 << 20;

/// Erases the stored data of `email`, or of each address on standard input. It prints how much that was, and never
/// whose: not even an error repeats an address.
pub(crate) async fn run(config: &Config, email: Option<String>) -> anyhow::Result<()> {
    let addresses = match email {
        Some(email) => vec![EmailAddress::parse_sought(&email).context("--email")?],
        None => read_addresses(std::io::stdin().lock())?,
    };
    let store = store::open_existing(config).await?;
    // A cell that cannot be asked does not stop the erasure in others.
    let before = store.stored_map().await;
    let mut erased = BTreeSet::new();
    for address in &addresses {
        let erasing = erase(&*store, address, &mut erased).await;
        erasing.context("not everything is erased; it is safe to run this again")?;
    }
    let events: BTreeSet<_> = erased.iter().map(|(event_id, _)| event_id).collect();
    println!(
        "erased: nothing tells any more whose {} registrations of {} events were",
        erased.len(),
        events.len()
    );
    let (before, after) = (before?, store.stored_map().await?);
    if before != after || is_changing(config, after.as_ref())? {
        bail!(
            "events go from one cell to another, and one may have been passed over; run this again once \
             `booking-http cells status` shows that nothing is under way"
        );
    }
    Ok(())
}

/// Whether the stored map is being changed.
fn is_changing(config: &Config, stored: Option<&StoredMap>) -> anyhow::Result<bool> {
    let (StoreConfig::Cells(cells), Some(stored)) = (&config.store, stored) else {
        return Ok(false);
    };
    let map = cells.map_of(&stored.map).map_err(cells_file_error)?;
    Ok(stored.next.is_some() || map.change().is_some())
}

fn read_addresses(input: impl Read) -> anyhow::Result<Vec<EmailAddress>> {
    let mut text = String::new();
    let read = input.take(INPUT_BYTES_MAX + 1).read_to_string(&mut text);
    read.context("standard input cannot be read")?;
    if text.len() as u64 > INPUT_BYTES_MAX {
        bail!("standard input has more than {INPUT_BYTES_MAX} bytes");
    }
    let lines = (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty());
    let addresses = lines
        .map(|(number, line)| {
            EmailAddress::parse_sought(line).with_context(|| format!("line {number}"))
        })
        .collect::<Result<Vec<_>, _>>()?;
    match addresses.len() {
        0 => bail!("there is no address, neither as --email nor on standard input"),
        1..=ADDRESSES_MAX => Ok(addresses),
        _ => bail!("standard input has more than {ADDRESSES_MAX} addresses"),
    }
}

/// Registrations first, and then records and former holders: once no registration is of the address, no more of
/// these are made. What is written meanwhile is found by running it again, and so is the rest after a crash. An
/// event that cannot be written does not stop the erasure in others.
async fn erase(
    store: &dyn BookingStore,
    address: &EmailAddress,
    erased: &mut BTreeSet<(EventId, RegistrationId)>,
) -> anyhow::Result<()> {
    let mut failure = None;
    for _ in 0..ROUNDS_MAX {
        let mut of_events: BTreeMap<EventId, Vec<RegistrationId>> = BTreeMap::new();
        for (event_id, id) in store.registrations_of(address, PageLimit::MAX).await? {
            of_events.entry(event_id).or_default().push(id);
        }
        let mut any = false;
        for (event_id, ids) in of_events {
            for together in ids.chunks(ERASE_TOGETHER) {
                match erase_together(store, event_id, together).await {
                    Ok(()) => {
                        any = true;
                        erased.extend(together.iter().map(|id| (event_id, *id)));
                    }
                    Err(error) => failure = Some(error),
                }
            }
        }
        if any {
            continue;
        }
        let purged = store.purge_records_of(address, PageLimit::MAX).await?
            + store.purge_former_holders_of(address, PageLimit::MAX).await?;
        if purged == 0 {
            return failure.map_or(Ok(()), Err);
        }
    }
    bail!("there is always more of it: somebody goes on registering with this address")
}

async fn erase_together(
    store: &dyn BookingStore,
    event_id: EventId,
    ids: &[RegistrationId],
) -> anyhow::Result<()> {
    let commands = ids.iter().map(|id| {
        EventCommand::new(event_id, Caller::Operator, Command::Erase { registration_id: *id })
    });
    let batch: Vec<_> = commands.collect();
    let executed = store.execute(&batch, WhenBusy::Wait).await;
    for execution in executed.with_context(|| format!("event {event_id}"))? {
        match execution {
            Execution::Decided(Outcome::Erased(_)) => {}
            // A registration that was found never disappears, and an erasure is never refused.
            Execution::Decided(Outcome::Refused(refusal)) => return Err(refused(refusal)),
            Execution::Unknown => bail!("event {event_id}: it is not known whether it was erased"),
            Execution::Decided(_) | Execution::Busy => bail!("the store answered something else"),
        }
    }
    Ok(())
}

fn refused(refusal: Refusal) -> anyhow::Error {
    anyhow::Error::new(refusal).context("the store refused to erase a registration")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_from_lines_and_errors_repeat_none() {
        let read = |text: &str| read_addresses(text.as_bytes());
        let addresses = read("ada@example.org\r\n\n  GRACE@example.org\n").expect("valid");
        let texts: Vec<_> = addresses.iter().map(EmailAddress::as_str).collect();
        assert_eq!(texts, ["ada@example.org", "grace@example.org"]);
        for (text, complaint) in [
            ("", "no address"),
            ("ada@example.org\nadaexample.org", "line 2: must be an e-mail address"),
            ("erased-1@erased.invalid", "line 1: must be an e-mail address"),
            (&"a@example.org\n".repeat(ADDRESSES_MAX + 1), "more than 1000 addresses"),
            (&"\n".repeat(1 + INPUT_BYTES_MAX as usize), "bytes"),
        ] {
            let error = format!("{:#}", read(text).expect_err("it is not valid"));
            assert!(error.contains(complaint) && !error.contains("adaexample"), "{error}");
        }
    }
}
