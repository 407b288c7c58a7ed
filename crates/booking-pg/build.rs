//! `refinery::embed_migrations!` notices a migration that changed, not one that was added.
//!
//! `migrations` is a link into those at the top of the workspace: a package of this crate has them in it.

fn main() {
    println!("cargo::rerun-if-changed=migrations");
}
