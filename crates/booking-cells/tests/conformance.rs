//! Cells pass the cases that every store must pass, however many they are and whatever they are kept in.

mod common;

use common::{Cells, Kept};

/// The whole suite on so many cells of these kinds.
macro_rules! suite_on {
    ($($name:ident: $cells:literal of $($kind:ident)and+;)*) => {
        suite_on! { $($name: Cells::of($cells, &[$(Kept::$kind),+]);)* }
    };
    ($($name:ident: $fixture:expr;)*) => {
        $(
            mod $name {
                use super::{Cells, Kept};

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

// While events go from one cell to another those are in either that lie in one of these two: whatever is put up under a key
// stays in the first here, since that refuses nothing, and all else is put up in the second.
suite_on! {
    while_one_is_split: Cells::while_one_is_split(3, &[Kept::memory]);
    while_one_is_moved: Cells::while_one_is_moved(3, &[Kept::memory]);
}
