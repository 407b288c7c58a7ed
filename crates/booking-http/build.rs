//! Compresses the static files and bundles the modules at build time: the server does not do it, and no other tool
//! is needed.
//!
//! `static` is a link to that at the top of the workspace: a package of this crate has it in it.

#[path = "build/bundle.rs"]
mod bundle;

use bundle::{Part, place_of};
use flate2::Compression;
use flate2::write::GzEncoder;
use std::ffi::OsStr;
use std::fmt::Write as _;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::{env, fs, io};

/// The styles of every page, in cascade order.
const STYLES: [&str; 9] = [
    "app.css",
    "ticket.css",
    "seats.css",
    "event.css",
    "forms.css",
    "disclosure.css",
    "desk.css",
    "registration.css",
    "check_in.css",
];

/// What only some pages load: those of attendees who have a seat or have lost their link, and those of organizers.
const PARTS: [Part; 2] = [
    Part {
        name: "registration",
        entries: &["views/registration.js", "views/find.js", "views/mine.js"],
    },
    Part { name: "later", entries: &[] },
];

/// The worker that reads codes, and how the module that starts it spells its address.
const READER: &str = "qr/worker.js";
const READER_AS_WRITTEN: &str = "new URL(\"../qr/worker.js\",";

/// Where the catalogues are, and the prefixes of the server's own keys: no page carries those.
const WORDS: &str = "i18n";
const SERVERS_KEY: &str = "\"problem.";

fn main() -> io::Result<()> {
    let from = Path::new("static");
    println!("cargo::rerun-if-changed={}", from.display());
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=build");
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("Cargo says where"));
    compress_all(from, &out.join("static"))?;
    bundle_all(from, &out)
}

/// Compresses every file below `from` to a file of the same name and `.gz` below `to`.
fn compress_all(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let path = entry?.path();
        let name = path.file_name().expect("an entry has a name");
        if path.is_dir() {
            match name == WORDS {
                true => write_words(&path, &to.join(name))?,
                false => compress_all(&path, &to.join(name))?,
            }
            continue;
        }
        write_compressed(to, name, &fs::read(&path)?)?;
    }
    Ok(())
}

/// Writes the catalogues as pages load them. They are written a key on a line, and begin and end with one of the pages'.
fn write_words(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let path = entry?.path();
        let all = fs::read_to_string(&path)?;
        let lines = all.lines().map(str::trim);
        let of_pages: String = lines.filter(|line| !line.starts_with(SERVERS_KEY)).collect();
        let name = path.file_name().expect("an entry has a name");
        fs::write(to.join(name), &of_pages)?;
        write_compressed(to, name, of_pages.as_bytes())?;
    }
    Ok(())
}

/// Compresses `bytes` to a file of the same name with `.gz` in `folder`.
fn write_compressed(folder: &Path, name: &OsStr, bytes: &[u8]) -> io::Result<()> {
    let mut file = name.to_owned();
    file.push(".gz");
    fs::write(folder.join(file), compressed(bytes)?)
}

/// The same bytes on every machine: neither a time nor a name is in them.
fn compressed(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    io::copy(&mut &bytes[..], &mut encoder)?;
    encoder.finish()
}

/// Writes the bundles, each under a name with a hash of its content, and a source file that lists them.
fn bundle_all(from: &Path, out: &Path) -> io::Result<()> {
    let scripts = bundle::scripts(&from.join("js"), "main.js", &PARTS)?;
    let styles = bundle::styles(&from.join("css"), &STYLES)?;
    let folder = out.join("bundle");
    fs::create_dir_all(&folder)?;
    let mut source = String::new();
    let (reader, modules_of_reader) = bundle::worker(&from.join("js"), READER)?;
    let reader = write_named(&folder, "reader", "js", &reader)?;
    // The worker's file is in the same folder as the script that starts it, whatever that folder's path.
    let starts = |text: &String| text.matches(READER_AS_WRITTEN).count();
    assert_eq!(scripts.later.iter().map(starts).sum::<usize>(), 1, "one starts the reader");
    let mut first = scripts.first;
    let mut parts = Vec::new();
    for (part, text) in PARTS.iter().zip(&scripts.later) {
        let text = text.replace(READER_AS_WRITTEN, &format!("new URL(\"{reader}\","));
        let name = write_named(&folder, part.name, "js", &text)?;
        first = first.replace(&place_of(part.name), &name);
        parts.push(name);
    }
    let first = write_named(&folder, "pages", "js", &first)?;
    let style = write_named(&folder, "pages", "css", &styles)?;
    for (constant, doc, name) in [
        ("SCRIPT", "What every page runs.", &first),
        ("REGISTRATION", "What those run besides who have a seat, or look for it.", &parts[0]),
        ("LATER", "What organizers run besides.", &parts[1]),
        ("READER", "What reads the codes that a camera sees, beside the page.", &reader),
        ("STYLE", "What every page wears.", &style),
    ] {
        let text = format!(
            "/// {doc}\npub(crate) const {constant}: Bundle = Bundle {{\n    path: \"/static/{name}\",\n    \
             bytes: include_bytes!(concat!(env!(\"OUT_DIR\"), \"/bundle/{name}\")),\n    \
             gzipped: include_bytes!(concat!(env!(\"OUT_DIR\"), \"/bundle/{name}.gz\")),\n}};\n"
        );
        source.push_str(&text);
    }
    let only_of_reader = modules_of_reader.iter().filter(|name| !scripts.modules.contains(name));
    let modules = scripts.modules.iter().chain(only_of_reader).map(|name| format!("js/{name}"));
    let bundled = modules.chain(STYLES.iter().map(|name| format!("css/{name}")));
    source.push_str(
        "/// The files of `static` that are in them.\npub(crate) const BUNDLED: &[&str] = &[\n",
    );
    for name in bundled {
        // Writing to a `String` cannot fail.
        let _ = writeln!(source, "    {name:?},");
    }
    source.push_str("];\n");
    fs::write(out.join("bundle.rs"), source)
}

/// Writes a file and its compressed form, and gives its name, which any change to it makes another.
fn write_named(folder: &Path, stem: &str, ending: &str, text: &str) -> io::Result<String> {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    let name = format!("{stem}-{:016x}.{ending}", hasher.finish());
    fs::write(folder.join(&name), text)?;
    write_compressed(folder, name.as_ref(), text.as_bytes())?;
    Ok(name)
}
