//! Mail from outside: its contents, third-party parsers' view of it, and its delivery to a third-party mail server.

mod away;
mod letters;
mod reader;
mod sending;
mod server;
