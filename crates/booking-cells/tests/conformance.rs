//! Cells pass the cases that every store must pass, however many they are and whatever they are kept in.

mod common;

use common::{Cells, Kept};

/// The whole suite on so many cells of these kinds.
macro_rules! suite_on {
    ($($name:ident: $cells:literal of $($kind:ident)and+;)*) => {
        $(
            mod $name {
                use super::{Cells, Kept};

                booking_conformance::suite!(Cells::of($cells, &[$(Kept::$kind),+]));
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
