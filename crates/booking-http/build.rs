//! Compresses the files of the pages, so that no server does it.
//!
//! `static` is a link to that at the top of the workspace: a package of this crate has it in it.

use flate2::Compression;
use flate2::write::GzEncoder;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let from = Path::new("static");
    println!("cargo::rerun-if-changed={}", from.display());
    println!("cargo::rerun-if-changed=build.rs");
    let to = PathBuf::from(env::var_os("OUT_DIR").expect("Cargo says where")).join("static");
    compress_all(from, &to)
}

/// Compresses every file below `from` to a file of the same name and `.gz` below `to`.
fn compress_all(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let path = entry?.path();
        let name = path.file_name().expect("an entry has a name");
        if path.is_dir() {
            compress_all(&path, &to.join(name))?;
            continue;
        }
        let mut file = name.to_owned();
        file.push(".gz");
        // The same bytes on every machine: neither a time nor a name is in them.
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        io::copy(&mut fs::File::open(&path)?, &mut encoder)?;
        fs::write(to.join(file), encoder.finish()?)?;
    }
    Ok(())
}
