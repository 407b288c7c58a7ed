//! `refinery::embed_migrations!` notices a migration that changed, not one that was added.

fn main() {
    println!("cargo::rerun-if-changed=../../migrations/postgres");
}
