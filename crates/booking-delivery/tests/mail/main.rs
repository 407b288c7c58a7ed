//! Mail from outside: what it says, what it looks like to parsers that are not ours, and how it gets through to a
//! mail server that is not ours either.

mod away;
mod letters;
mod reader;
mod sending;
mod server;
