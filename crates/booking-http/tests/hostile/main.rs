//! Invalid input gets a clear answer and changes nothing. Every row has the exact answer, and at the end of each
//! table nothing has changed, the audit is clean, and the server still serves.

#[path = "../common/mod.rs"]
mod common;

mod authorization;
mod connection;
mod input;
mod json;
mod paths;
mod queries;
mod replay;
mod shapes;
mod sites;
mod text;
