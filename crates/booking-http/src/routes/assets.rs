//! The pages, from inside the binary.

use crate::api::compression::Gzipped;
use crate::extract::conditional::{REVALIDATE, has_already};
use actix_web::http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETag, EntityTag};
use actix_web::{HttpRequest, HttpResponse};
use serde_json::json;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::LazyLock;

/// A file of `static`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asset {
    content_type: &'static str,
    bytes: &'static [u8],
    /// The same, compressed by the build.
    gzipped: &'static [u8],
}

/// What pages may do: nothing but show and call what comes from here. No script is inline, so none
/// that is smuggled into a text is ever run.
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
            bytes: include_bytes!(concat!("../../static/", $file)),
            gzipped: include_bytes!(concat!(env!("OUT_DIR"), "/static/", $file, ".gz")),
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
    "/docs" => HTML "docs.html"
    "/favicon.ico" => SVG "favicon.svg"
    "/sw.js" => JAVASCRIPT "sw.js"
    ;
    SVG "favicon.svg"
    SVG "favicon-calling.svg"
    CSS "css/app.css"
    CSS "css/check_in.css"
    CSS "css/disclosure.css"
    CSS "css/docs.css"
    CSS "css/event.css"
    CSS "css/forms.css"
    CSS "css/registration.css"
    CSS "css/seats.css"
    CSS "css/ticket.css"
    JAVASCRIPT "js/address.js"
    JAVASCRIPT "js/api.js"
    JAVASCRIPT "js/calling.js"
    JAVASCRIPT "js/clock.js"
    JAVASCRIPT "js/confirm_step.js"
    JAVASCRIPT "js/confirmation.js"
    JAVASCRIPT "js/connection.js"
    JAVASCRIPT "js/copy.js"
    JAVASCRIPT "js/countdown.js"
    JAVASCRIPT "js/counter.js"
    JAVASCRIPT "js/current_hold.js"
    JAVASCRIPT "js/disclosure.js"
    JAVASCRIPT "js/docs.js"
    JAVASCRIPT "js/dom.js"
    JAVASCRIPT "js/event_times.js"
    JAVASCRIPT "js/explain.js"
    JAVASCRIPT "js/form.js"
    JAVASCRIPT "js/format.js"
    JAVASCRIPT "js/http.js"
    JAVASCRIPT "js/idempotency.js"
    JAVASCRIPT "js/limits.js"
    JAVASCRIPT "js/live.js"
    JAVASCRIPT "js/main.js"
    JAVASCRIPT "js/newest.js"
    JAVASCRIPT "js/outcome.js"
    JAVASCRIPT "js/person_form.js"
    JAVASCRIPT "js/poll.js"
    JAVASCRIPT "js/private_link.js"
    JAVASCRIPT "js/registering.js"
    JAVASCRIPT "js/registration_window.js"
    JAVASCRIPT "js/retry.js"
    JAVASCRIPT "js/router.js"
    JAVASCRIPT "js/seat_number.js"
    JAVASCRIPT "js/seats.js"
    JAVASCRIPT "js/session.js"
    JAVASCRIPT "js/session_band.js"
    JAVASCRIPT "js/storage.js"
    JAVASCRIPT "js/submit_form.js"
    JAVASCRIPT "js/text.js"
    JAVASCRIPT "js/ticket.js"
    JAVASCRIPT "js/time_zones.js"
    JAVASCRIPT "js/types.js"
    JAVASCRIPT "js/unsettled.js"
    JAVASCRIPT "js/check_in/camera.js"
    JAVASCRIPT "js/check_in/guest_text.js"
    JAVASCRIPT "js/check_in/keys.js"
    JAVASCRIPT "js/check_in/messages.js"
    JAVASCRIPT "js/check_in/names.js"
    JAVASCRIPT "js/check_in/queue.js"
    JAVASCRIPT "js/check_in/readers.js"
    JAVASCRIPT "js/check_in/scanner_keys.js"
    JAVASCRIPT "js/check_in/scanning.js"
    JAVASCRIPT "js/check_in/sightings.js"
    JAVASCRIPT "js/check_in/store.js"
    JAVASCRIPT "js/check_in/timing.js"
    JAVASCRIPT "js/docs/curl.js"
    JAVASCRIPT "js/docs/schema.js"
    JAVASCRIPT "js/qr/alignment.js"
    JAVASCRIPT "js/qr/edges.js"
    JAVASCRIPT "js/qr/finders.js"
    JAVASCRIPT "js/qr/grid.js"
    JAVASCRIPT "js/qr/perspective.js"
    JAVASCRIPT "js/qr/picture.js"
    JAVASCRIPT "js/qr/reader.js"
    JAVASCRIPT "js/qr/reed_solomon.js"
    JAVASCRIPT "js/qr/sampling.js"
    JAVASCRIPT "js/qr/segments.js"
    JAVASCRIPT "js/qr/symbol.js"
    JAVASCRIPT "js/qr/versions.js"
    JAVASCRIPT "js/qr/worker.js"
    JAVASCRIPT "js/views/card.js"
    JAVASCRIPT "js/views/check_in.js"
    JAVASCRIPT "js/views/check_in_counts.js"
    JAVASCRIPT "js/views/check_in_guests.js"
    JAVASCRIPT "js/views/check_in_last.js"
    JAVASCRIPT "js/views/check_in_result.js"
    JAVASCRIPT "js/views/correct_name.js"
    JAVASCRIPT "js/views/correction.js"
    JAVASCRIPT "js/views/create.js"
    JAVASCRIPT "js/views/edit.js"
    JAVASCRIPT "js/views/event.js"
    JAVASCRIPT "js/views/event_facts.js"
    JAVASCRIPT "js/views/event_form.js"
    JAVASCRIPT "js/views/event_organizer.js"
    JAVASCRIPT "js/views/find.js"
    JAVASCRIPT "js/views/for_organizers.js"
    JAVASCRIPT "js/views/history.js"
    JAVASCRIPT "js/views/hold.js"
    JAVASCRIPT "js/views/list.js"
    JAVASCRIPT "js/views/load_error.js"
    JAVASCRIPT "js/views/manage.js"
    JAVASCRIPT "js/views/missing.js"
    JAVASCRIPT "js/views/register.js"
    JAVASCRIPT "js/views/registration.js"
    JAVASCRIPT "js/views/registration_page.js"
    JAVASCRIPT "js/views/registration_row.js"
    JAVASCRIPT "js/views/registration_status.js"
    JAVASCRIPT "js/views/registration_window_notice.js"
    JAVASCRIPT "js/views/registrations.js"
    JAVASCRIPT "js/views/sign_in.js"
    JAVASCRIPT "js/views/ticket_panel.js"
    JAVASCRIPT "js/views/time_field.js"
    JAVASCRIPT "js/views/transfer.js"
}

/// The script that opens the pages without a network. Not under `/static`: it may only answer for what
/// is below its own path.
const WORKER: &[u8] = include_bytes!("../../static/sw.js");

/// The worker with the list of what it keeps before it. Any change to any file makes another script of
/// it, which is how browsers tell that there is a new release.
static RELEASED_WORKER: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let files = || ROUTES.iter().filter(|(_, asset)| asset.bytes != WORKER);
    let mut hasher = DefaultHasher::new();
    files().for_each(|(path, asset)| (path, asset.bytes).hash(&mut hasher));
    let paths: Vec<_> = files().map(|(path, _)| path).collect();
    let release = json!({"version": format!("{:016x}", hasher.finish()), "files": paths});
    [format!("self.release = {release};\n").as_bytes(), WORKER].concat()
});

/// The same, compressed. The build knows no list, so it is done once the worker is asked for.
static GZIPPED_WORKER: LazyLock<Gzipped> = LazyLock::new(Gzipped::default);

/// Serves a file, or tells that the client has it already.
pub(crate) fn show(request: &HttpRequest, asset: Asset) -> HttpResponse {
    let (bytes, gzipped): (&'static [u8], _) = match asset.bytes == WORKER {
        true => (RELEASED_WORKER.as_slice(), GZIPPED_WORKER.clone()),
        false => (asset.bytes, Gzipped::ready(asset.gzipped)),
    };
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    let tag = EntityTag::new_strong(format!("{:016x}", hasher.finish()));
    let is_known = has_already(request, &tag);
    let mut response = if is_known { HttpResponse::NotModified() } else { HttpResponse::Ok() };
    response.insert_header(ETag(tag)).insert_header(REVALIDATE);
    if asset.content_type == HTML {
        response.insert_header((CONTENT_SECURITY_POLICY, PAGE_POLICY));
    }
    if is_known {
        return response.finish();
    }
    response.extensions_mut().insert(gzipped);
    response.insert_header((CONTENT_TYPE, asset.content_type)).body(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::read::GzDecoder;
    use std::io::Read;
    use std::path::{Path, PathBuf};

    fn files(folder: &Path) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(folder).expect("the folder is there");
        let paths = entries.map(|entry| entry.expect("it can be read").path());
        paths.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
    }

    #[test]
    fn the_worker_keeps_every_page_but_itself() {
        let worker = str::from_utf8(&RELEASED_WORKER).expect("it is text");
        let (release, script) = worker.split_once('\n').expect("there are two parts");
        assert_eq!(script.as_bytes(), WORKER);
        for (path, _) in ROUTES {
            let is_kept = release.contains(&format!("\"{path}\""));
            assert_eq!(is_kept, *path != "/sw.js", "{path}");
        }
    }

    #[test]
    fn every_file_of_static_is_served() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../static");
        for file in files(&folder) {
            let bytes = std::fs::read(&file).expect("it can be read");
            let served = ROUTES.iter().find(|(_, asset)| asset.bytes == bytes);
            let (_, asset) = served.unwrap_or_else(|| panic!("{} is in no route", file.display()));
            let mut unpacked = Vec::new();
            GzDecoder::new(asset.gzipped).read_to_end(&mut unpacked).expect("it is gzip");
            assert_eq!(unpacked, bytes, "{}", file.display());
        }
    }
}
