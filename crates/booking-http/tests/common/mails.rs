//! Mails that were written into a folder, and the links in them.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::fs;
use std::path::Path;

/// All mails of a folder.
pub fn mails_in(folder: &Path) -> Vec<String> {
    let files = fs::read_dir(folder).expect("it is there");
    let paths = files.map(|file| file.expect("it can be listed").path());
    let mails = paths.filter(|path| path.extension().is_some_and(|kind| kind == "eml"));
    mails.map(|path| fs::read_to_string(path).expect("a mail is ASCII")).collect()
}

/// The links in a mail, whichever way its parts are encoded.
pub fn links_in(mail: &str) -> Vec<(String, String)> {
    // Quoted-printable breaks lines.
    let mut text = mail.replace("=\r\n", "");
    for part in mail.split("\r\n\r\n") {
        let base64: String = part.lines().take_while(|line| !line.starts_with("--")).collect();
        if let Ok(bytes) = STANDARD.decode(base64.trim()) {
            text.push_str(&String::from_utf8_lossy(&bytes));
        }
    }
    let links = text.split("/r/").skip(1).filter_map(|rest| {
        let (id, rest) = rest.split_once('#').filter(|(id, _)| id.len() == 36)?;
        Some((id.to_owned(), rest.get(..47)?.to_owned()))
    });
    links.filter(|(_, token)| token.starts_with("mlt_")).collect()
}
