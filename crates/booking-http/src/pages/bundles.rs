//! The bundles that pages load: the many files of `static` in a few, each under a name with a hash of its content,
//! so that browsers may cache it for good. The build makes them.

include!(concat!(env!("OUT_DIR"), "/bundle.rs"));

/// A file that was made of others.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bundle {
    /// Where it is served.
    pub(crate) path: &'static str,
    pub(crate) bytes: &'static [u8],
    /// The same, compressed by the build.
    pub(crate) gzipped: &'static [u8],
}

/// All of them.
pub(crate) const ALL: [Bundle; 5] = [SCRIPT, REGISTRATION, LATER, READER, STYLE];

/// Whether a file of `static` is in a bundle, so that no page loads it by itself.
pub(crate) fn has(file: &str) -> bool {
    BUNDLED.contains(&file)
}

// The bundler is tested here, since a build script has no tests.
#[cfg(test)]
#[path = "../../build/bundle.rs"]
mod bundle;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_module_syntax_is_left_in_a_bundle() {
        for Bundle { path, bytes, .. } in [SCRIPT, REGISTRATION, LATER, READER] {
            let text = str::from_utf8(bytes).expect("scripts are text");
            for line in text.lines() {
                let is_default = line == "export default ($m,$later)=>{";
                let is_module = line.starts_with("import ") || line.starts_with("export ");
                assert!(!is_module || is_default, "{path}: {line}");
            }
            for part in ["registration", "later"] {
                assert!(!text.contains(&bundle::place_of(part)), "{path}");
            }
        }
        let first = str::from_utf8(SCRIPT.bytes).expect("scripts are text");
        for part in [REGISTRATION, LATER] {
            let name = part.path.rsplit('/').next().expect("it has a name");
            assert!(first.contains(name), "the first loads the others by their names");
        }
        let reader = READER.path.rsplit('/').next().expect("it has a name");
        let later = str::from_utf8(LATER.bytes).expect("scripts are text");
        assert!(later.contains(reader) && !later.contains("qr/worker.js"), "and that a worker");
    }

    /// The size of a first visit: all of it, and some room for the page itself.
    #[test]
    fn the_first_script_and_the_styles_are_small() {
        let bytes: usize = [SCRIPT, STYLE].iter().map(|bundle| bundle.gzipped.len()).sum();
        assert!(bytes < 60_000, "{bytes} bytes");
    }
}
