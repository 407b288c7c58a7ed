//! `booking-http erase`: all that is stored of somebody's e-mail address is gone.

use crate::config::Config;
use crate::store;
use anyhow::{Context, bail};
use booking_core::{
    BookingStore, Command, EmailAddress, EventCommand, EventId, Execution, Outcome, PageLimit,
    Refusal, RegistrationId, WhenBusy,
};
use std::collections::BTreeSet;
use std::io::Read;

/// The most registrations that one transaction erases.
const ERASE_TOGETHER: usize = 100;
/// The most times that everything is looked through for an address. Each finds up to 1,000 registrations,
/// and the last one none.
const ROUNDS_MAX: usize = 1_000;
/// The most addresses that standard input may have, and the most bytes.
const ADDRESSES_MAX: usize = 1_000;
const INPUT_BYTES_MAX: u64 = 1 << 20;

/// What was erased.
#[derive(Default)]
struct Erased {
    registrations: BTreeSet<(EventId, RegistrationId)>,
    records: u64,
}

/// Erases what is stored of `email`, or of each address on standard input. It says how much that was, and
/// never of whom: not even an error repeats what was given.
pub(crate) async fn run(config: &Config, email: Option<String>) -> anyhow::Result<()> {
    let addresses = match email {
        Some(email) => vec![EmailAddress::parse(&email).context("--email")?],
        None => read_addresses(std::io::stdin().lock())?,
    };
    let opened = store::open(config).await?;
    let mut erased = Erased::default();
    for address in &addresses {
        let erasing = erase(&*opened.store, address, &mut erased).await;
        erasing.context("not everything is erased; it is safe to run this again")?;
    }
    let Erased { registrations, records } = erased;
    let events: BTreeSet<_> = registrations.iter().map(|(event_id, _)| event_id).collect();
    println!(
        "erased whose {} registrations of {} events were, and {records} answers that were kept for \
         repetitions",
        registrations.len(),
        events.len()
    );
    Ok(())
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
        .map(|(number, line)| EmailAddress::parse(line).with_context(|| format!("line {number}")))
        .collect::<Result<Vec<_>, _>>()?;
    match addresses.len() {
        0 => bail!("there is no address, neither as --email nor on standard input"),
        1..=ADDRESSES_MAX => Ok(addresses),
        _ => bail!("standard input has more than {ADDRESSES_MAX} addresses"),
    }
}

/// Registrations first and records after them: once none is of the address, no record of it is made any
/// more. Whatever comes in between is found by running it again, and so is what a crash leaves.
async fn erase(
    store: &dyn BookingStore,
    address: &EmailAddress,
    erased: &mut Erased,
) -> anyhow::Result<()> {
    for _ in 0..ROUNDS_MAX {
        let found = store.registrations_of(address, PageLimit::MAX).await?;
        for together in found.chunks(ERASE_TOGETHER) {
            erase_together(store, together).await?;
        }
        erased.registrations.extend(&found);
        if !found.is_empty() {
            continue;
        }
        match store.forget_records_of(address, PageLimit::MAX).await? {
            0 => return Ok(()),
            records => erased.records += records,
        }
    }
    bail!("there is always more of it: somebody goes on registering with this address")
}

async fn erase_together(
    store: &dyn BookingStore,
    registrations: &[(EventId, RegistrationId)],
) -> anyhow::Result<()> {
    let commands = registrations.iter().map(|(event_id, registration_id)| {
        EventCommand::new(*event_id, Command::Erase { registration_id: *registration_id })
    });
    let batch: Vec<_> = commands.collect();
    for execution in store.execute(&batch, WhenBusy::Wait).await? {
        match execution {
            Execution::Decided(Outcome::Erased(_)) => {}
            // A registration that was found is never gone, and nobody refuses this.
            Execution::Decided(Outcome::Refused(refusal)) => return Err(refused(refusal)),
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
