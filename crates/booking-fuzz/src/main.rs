//! libFuzzer with the targets of `booking_http::fuzz`, one a run. `scripts/fuzz.sh` builds and runs it.

#![cfg_attr(fuzzing, no_main)]

#[cfg(fuzzing)]
mod driver {
    use booking_http::fuzz::{Target, targets};
    use std::sync::OnceLock;
    use std::{env, fs, process};

    static TARGET: OnceLock<Target> = OnceLock::new();

    libfuzzer_sys::fuzz_target!(
        init: choose(),
        |bytes: &[u8]| {
            (TARGET.get().expect("it is chosen").run)(bytes);
        }
    );

    /// Takes the target that `BOOKING_FUZZ_TARGET` names, and writes its seeds into the folder
    /// `BOOKING_FUZZ_SEEDS`. Without a target, prints the list of targets.
    fn choose() {
        let Ok(name) = env::var("BOOKING_FUZZ_TARGET") else {
            targets().for_each(|target| println!("{}", target.name));
            process::exit(0);
        };
        let Some(target) = targets().find(|target| target.name == name) else {
            eprintln!("error: there is no target {name}");
            process::exit(2);
        };
        if let Ok(folder) = env::var("BOOKING_FUZZ_SEEDS") {
            for (number, seed) in target.seeds.iter().enumerate() {
                let written = fs::write(format!("{folder}/seed-{number}"), seed);
                written.expect("the folder of the seeds can be written");
            }
        }
        TARGET.get_or_init(|| target);
    }
}

#[cfg(not(fuzzing))]
fn main() {
    eprintln!("error: run scripts/fuzz.sh, which builds this with what it needs");
    std::process::exit(2);
}
