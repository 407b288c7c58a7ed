//! The pages, from inside the binary.

use crate::caching::{REVALIDATE, has_already};
use actix_web::http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETag, EntityTag};
use actix_web::{HttpRequest, HttpResponse};
use std::hash::{DefaultHasher, Hash, Hasher};

/// A file of `static`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asset {
    content_type: &'static str,
    bytes: &'static [u8],
}

/// What pages may do: nothing but show and call what comes from here. No script is inline, so none
/// that somebody smuggles into a text is ever run.
const PAGE_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
    img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'self'; \
    frame-ancestors 'none'";

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const JAVASCRIPT: &str = "text/javascript; charset=utf-8";
const SVG: &str = "image/svg+xml";

macro_rules! asset {
    ($content_type:ident $file:literal) => {
        Asset {
            content_type: $content_type,
            bytes: include_bytes!(concat!("../../../static/", $file)),
        }
    };
}

macro_rules! routes {
    ($($path:literal => $content_type:ident $file:literal)* ; $($static_type:ident $static_file:literal)*) => {
        /// Where each file is served.
        pub(crate) const ROUTES: &[(&str, Asset)] = &[
            $(($path, asset!($content_type $file)),)*
            $((concat!("/static/", $static_file), asset!($static_type $static_file)),)*
        ];
    };
}

routes! {
    "/" => HTML "index.html"
    "/templates/index.html" => HTML "index.html"
    "/problems" => HTML "problems.html"
    "/favicon.ico" => SVG "favicon.svg"
    ;
    SVG "favicon.svg"
    CSS "css/app.css"
    CSS "css/forms.css"
    CSS "css/ticket.css"
    JAVASCRIPT "js/api.js"
    JAVASCRIPT "js/connection.js"
    JAVASCRIPT "js/dom.js"
    JAVASCRIPT "js/form.js"
    JAVASCRIPT "js/format.js"
    JAVASCRIPT "js/main.js"
    JAVASCRIPT "js/outcome.js"
    JAVASCRIPT "js/place.js"
    JAVASCRIPT "js/poll.js"
    JAVASCRIPT "js/registering.js"
    JAVASCRIPT "js/retry.js"
    JAVASCRIPT "js/router.js"
    JAVASCRIPT "js/seats.js"
    JAVASCRIPT "js/types.js"
    JAVASCRIPT "js/views/card.js"
    JAVASCRIPT "js/views/create.js"
    JAVASCRIPT "js/views/event.js"
    JAVASCRIPT "js/views/list.js"
    JAVASCRIPT "js/views/missing.js"
    JAVASCRIPT "js/views/register.js"
    JAVASCRIPT "js/views/registrations.js"
}

/// Serves a file, or tells that the client has it already.
pub(crate) fn show(request: &HttpRequest, asset: Asset) -> HttpResponse {
    let mut hasher = DefaultHasher::new();
    asset.bytes.hash(&mut hasher);
    let tag = EntityTag::new_strong(format!("{:016x}", hasher.finish()));
    let is_known = has_already(request, &tag);
    let mut response = if is_known { HttpResponse::NotModified() } else { HttpResponse::Ok() };
    response.insert_header(ETag(tag)).insert_header(REVALIDATE);
    if asset.content_type == HTML {
        response.insert_header((CONTENT_SECURITY_POLICY, PAGE_POLICY));
    }
    match is_known {
        true => response.finish(),
        false => response.insert_header((CONTENT_TYPE, asset.content_type)).body(asset.bytes),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::{Path, PathBuf};

    fn files(folder: &Path) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(folder).expect("the folder is there");
        let paths = entries.map(|entry| entry.expect("it can be read").path());
        paths.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
    }

    #[test]
    fn every_file_of_static_is_served() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../static");
        for file in files(&folder) {
            let bytes = std::fs::read(&file).expect("it can be read");
            let is_served = ROUTES.iter().any(|(_, asset)| asset.bytes == bytes);
            assert!(is_served, "{} is in no route", file.display());
        }
    }
}
