//! The fake server of the tests in a process of its own, to measure what the generator itself
//! costs: `cargo run --release -p booking-load --example trivial_server -- 127.0.0.1:3999`.

#[expect(dead_code, reason = "only an honest server is needed here")]
#[path = "../tests/fake/mod.rs"]
mod fake;

use fake::{Fake, Quirk};
use std::sync::Arc;

fn main() {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:3999".into());
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime needs only an epoll instance");
    runtime.block_on(async {
        let fake = Fake::serve(&address, Quirk::Honest, Arc::default()).await;
        println!("{}", fake.url());
        std::future::pending::<()>().await;
    });
}
