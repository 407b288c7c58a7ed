//! Cells pass the cases that every store must pass, in any number and of any kind.

mod common;

use common::{Backend, Cells};

/// The whole suite on so many cells of these kinds.
macro_rules! suite_on {
    ($($name:ident: $cells:literal of $($kind:ident)and+;)*) => {
        suite_on! { $($name: Cells::of($cells, &[$(Backend::$kind),+]);)* }
    };
    ($($name:ident: $fixture:expr;)*) => {
        $(
            mod $name {
                use super::{Cells, Backend};

                booking_conformance::suite!($fixture);
            }
        )*
    };
}

suite_on! {
    memory_1: 1 of memory;
    memory_3: 3 of memory;
    memory_8: 8 of memory;
    sqlite_1: 1 of sqlite;
    sqlite_3: 3 of sqlite;
    sqlite_8: 8 of sqlite;
    mixed_3: 3 of memory and sqlite;
    mixed_8: 8 of sqlite and memory;
}

// While a change is under way an event may be in either of its two cells: one that is created under a key stays in the
// first here, since that refuses nothing, and all others are created in the second.
suite_on! {
    while_one_is_split: Cells::while_one_is_split(3, &[Backend::memory]);
    while_one_is_moved: Cells::while_one_is_moved(3, &[Backend::memory]);
}
