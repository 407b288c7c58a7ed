//! The pages, from inside the binary.

use crate::api::compression::Gzipped;
use crate::extract::conditional::{REVALIDATE, has_already};
use crate::pages::bundles::{self, Bundle};
use crate::pages::engine::sources;
use crate::pages::frame::{HTML, POLICY, Pages};
use crate::routes::pages::CACHED_SHELL;
use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETag, EntityTag, HeaderName, HeaderValue,
};
use actix_web::web::{Bytes, Data};
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

/// May be cached for a year, which is for good (RFC 9111, section 5.2.2; RFC 8246).
const FOR_GOOD: (HeaderName, HeaderValue) =
    (CACHE_CONTROL, HeaderValue::from_static("public, max-age=31536000, immutable"));

/// May be cached for a day: pictures, which a page names more than once, and which nothing depends on.
const FOR_A_DAY: (HeaderName, HeaderValue) =
    (CACHE_CONTROL, HeaderValue::from_static("public, max-age=86400"));

const CSS: &str = "text/css; charset=utf-8";
const JAVASCRIPT: &str = "text/javascript; charset=utf-8";
const SVG: &str = "image/svg+xml";
const JSON: &str = "application/json";
const MANIFEST: &str = "application/manifest+json";

macro_rules! asset {
    // Without the texts of the server alone: see `build.rs`.
    (WORDS $file:literal) => {
        Asset {
            content_type: JSON,
            bytes: include_bytes!(concat!(env!("OUT_DIR"), "/static/", $file)),
            gzipped: include_bytes!(concat!(env!("OUT_DIR"), "/static/", $file, ".gz")),
        }
    };
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
    "/problems" => HTML "problems.html"
    "/docs" => HTML "docs.html"
    "/favicon.ico" => SVG "favicon.svg"
    "/sw.js" => JAVASCRIPT "sw.js"
    "/manifest.webmanifest" => MANIFEST "manifest.webmanifest"
    ;
    SVG "favicon.svg"
    SVG "favicon-calling.svg"
    CSS "css/app.css"
    CSS "css/check_in.css"
    CSS "css/desk.css"
    CSS "css/disclosure.css"
    CSS "css/docs.css"
    CSS "css/event.css"
    CSS "css/forms.css"
    CSS "css/registration.css"
    CSS "css/seats.css"
    CSS "css/ticket.css"
    WORDS "i18n/de.json"
    WORDS "i18n/en.json"
    JAVASCRIPT "js/abort.js"
    JAVASCRIPT "js/address.js"
    JAVASCRIPT "js/answers.js"
    JAVASCRIPT "js/api.js"
    JAVASCRIPT "js/asked_questions.js"
    JAVASCRIPT "js/base.js"
    JAVASCRIPT "js/calendar_links.js"
    JAVASCRIPT "js/calling.js"
    JAVASCRIPT "js/changed.js"
    JAVASCRIPT "js/clock.js"
    JAVASCRIPT "js/confirm_step.js"
    JAVASCRIPT "js/confirmation.js"
    JAVASCRIPT "js/contact_link.js"
    JAVASCRIPT "js/connection.js"
    JAVASCRIPT "js/copy.js"
    JAVASCRIPT "js/countdown.js"
    JAVASCRIPT "js/counter.js"
    JAVASCRIPT "js/current_hold.js"
    JAVASCRIPT "js/date_block.js"
    JAVASCRIPT "js/disclosure.js"
    JAVASCRIPT "js/docs.js"
    JAVASCRIPT "js/dom.js"
    JAVASCRIPT "js/draft.js"
    JAVASCRIPT "js/event_groups.js"
    JAVASCRIPT "js/event_query.js"
    JAVASCRIPT "js/event_times.js"
    JAVASCRIPT "js/explain.js"
    JAVASCRIPT "js/first_words.js"
    JAVASCRIPT "js/form.js"
    JAVASCRIPT "js/format.js"
    JAVASCRIPT "js/http.js"
    JAVASCRIPT "js/idempotency.js"
    JAVASCRIPT "js/in_view.js"
    JAVASCRIPT "js/keep_on_device.js"
    JAVASCRIPT "js/kept_tickets.js"
    JAVASCRIPT "js/language.js"
    JAVASCRIPT "js/leave_guard.js"
    JAVASCRIPT "js/limits.js"
    JAVASCRIPT "js/list_address.js"
    JAVASCRIPT "js/lists.js"
    JAVASCRIPT "js/live.js"
    JAVASCRIPT "js/load_words.js"
    JAVASCRIPT "js/mail_domains.js"
    JAVASCRIPT "js/mail_question.js"
    JAVASCRIPT "js/main.js"
    JAVASCRIPT "js/mine_link.js"
    JAVASCRIPT "js/my_registrations.js"
    JAVASCRIPT "js/navigation.js"
    JAVASCRIPT "js/newest.js"
    JAVASCRIPT "js/offline.js"
    JAVASCRIPT "js/outcome.js"
    JAVASCRIPT "js/page_words.js"
    JAVASCRIPT "js/person_form.js"
    JAVASCRIPT "js/place_link.js"
    JAVASCRIPT "js/poll.js"
    JAVASCRIPT "js/press.js"
    JAVASCRIPT "js/private_link.js"
    JAVASCRIPT "js/question.js"
    JAVASCRIPT "js/registering.js"
    JAVASCRIPT "js/registration_window.js"
    JAVASCRIPT "js/rendered.js"
    JAVASCRIPT "js/retry.js"
    JAVASCRIPT "js/role_words.js"
    JAVASCRIPT "js/router.js"
    JAVASCRIPT "js/save_file.js"
    JAVASCRIPT "js/seat_number.js"
    JAVASCRIPT "js/seats.js"
    JAVASCRIPT "js/session.js"
    JAVASCRIPT "js/session_band.js"
    JAVASCRIPT "js/share.js"
    JAVASCRIPT "js/storage.js"
    JAVASCRIPT "js/submit_form.js"
    JAVASCRIPT "js/text.js"
    JAVASCRIPT "js/ticket.js"
    JAVASCRIPT "js/time_zones.js"
    JAVASCRIPT "js/types.js"
    JAVASCRIPT "js/unsettled.js"
    JAVASCRIPT "js/wall_time.js"
    JAVASCRIPT "js/words.js"
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
    JAVASCRIPT "js/desk/answer_text.js"
    JAVASCRIPT "js/desk/api.js"
    JAVASCRIPT "js/desk/people_query.js"
    JAVASCRIPT "js/desk/question_drafts.js"
    JAVASCRIPT "js/desk/sales.js"
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
    JAVASCRIPT "js/views/check_in_walk_in.js"
    JAVASCRIPT "js/views/correct_name.js"
    JAVASCRIPT "js/views/correction.js"
    JAVASCRIPT "js/views/create.js"
    JAVASCRIPT "js/views/description.js"
    JAVASCRIPT "js/views/desk.js"
    JAVASCRIPT "js/views/desk_badges.js"
    JAVASCRIPT "js/views/desk_copy.js"
    JAVASCRIPT "js/views/desk_import.js"
    JAVASCRIPT "js/views/desk_numbers.js"
    JAVASCRIPT "js/views/desk_people.js"
    JAVASCRIPT "js/views/desk_question.js"
    JAVASCRIPT "js/views/desk_questions.js"
    JAVASCRIPT "js/views/desk_row.js"
    JAVASCRIPT "js/views/desk_sales.js"
    JAVASCRIPT "js/views/edit.js"
    JAVASCRIPT "js/views/embed.js"
    JAVASCRIPT "js/views/event.js"
    JAVASCRIPT "js/views/event_action.js"
    JAVASCRIPT "js/views/event_facts.js"
    JAVASCRIPT "js/views/event_form.js"
    JAVASCRIPT "js/views/event_group.js"
    JAVASCRIPT "js/views/event_organizer.js"
    JAVASCRIPT "js/views/event_search.js"
    JAVASCRIPT "js/views/find.js"
    JAVASCRIPT "js/views/for_organizers.js"
    JAVASCRIPT "js/views/history.js"
    JAVASCRIPT "js/views/hold.js"
    JAVASCRIPT "js/views/kept_ticket.js"
    JAVASCRIPT "js/views/later.js"
    JAVASCRIPT "js/views/list.js"
    JAVASCRIPT "js/views/load_error.js"
    JAVASCRIPT "js/views/manage.js"
    JAVASCRIPT "js/views/mine.js"
    JAVASCRIPT "js/views/missing.js"
    JAVASCRIPT "js/views/my_answers.js"
    JAVASCRIPT "js/views/pass.js"
    JAVASCRIPT "js/views/people_table.js"
    JAVASCRIPT "js/views/register.js"
    JAVASCRIPT "js/views/registration.js"
    JAVASCRIPT "js/views/registration_page.js"
    JAVASCRIPT "js/views/registration_row.js"
    JAVASCRIPT "js/views/registration_status.js"
    JAVASCRIPT "js/views/registration_window_notice.js"
    JAVASCRIPT "js/views/registrations.js"
    JAVASCRIPT "js/views/sign_in.js"
    JAVASCRIPT "js/views/ticket_panel.js"
    JAVASCRIPT "js/views/ticket_preview.js"
    JAVASCRIPT "js/views/time_field.js"
    JAVASCRIPT "js/views/transfer.js"
    JAVASCRIPT "js/views/webhook_row.js"
    JAVASCRIPT "js/views/webhooks.js"
}

/// The service worker, which opens the pages without a network. Not under `/static`: its scope is what is below its
/// own path.
const WORKER: &[u8] = include_bytes!("../../static/sw.js");

/// Whether the worker caches a file for offline use, besides the bundles: the files in those are not needed by
/// themselves, and those of the API's page are of no use without a server.
fn is_cached(path: &str, asset: Asset) -> bool {
    let file = path.strip_prefix("/static/").unwrap_or_default();
    let is_of_a_page = file == "css/app.css" || !bundles::has(file);
    let is_for_people = !path.contains("docs") && file != "js/types.js";
    asset.bytes != WORKER && is_of_a_page && is_for_people
}

/// The worker with the list of the files that it caches before it. Any change to any file makes another script of
/// it, by which browsers recognize a new release.
static RELEASED_WORKER: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let files = || ROUTES.iter().filter(|(path, asset)| is_cached(path, *asset));
    let mut hasher = DefaultHasher::new();
    files().for_each(|(path, asset)| (path, asset.bytes).hash(&mut hasher));
    sources().for_each(|source| source.hash(&mut hasher));
    bundles::ALL.iter().for_each(|bundle| bundle.path.hash(&mut hasher));
    let bundles = bundles::ALL.iter().map(|bundle| bundle.path);
    let paths: Vec<_> = files().map(|(path, _)| *path).chain(bundles).collect();
    let version = format!("{:016x}", hasher.finish());
    let release = json!({"version": version, "files": paths, "shell": CACHED_SHELL});
    [format!("self.release = {release};\n").as_bytes(), WORKER].concat()
});

/// The same, compressed. The build does not know the list, so it is done on the first request for the worker.
static GZIPPED_WORKER: LazyLock<Gzipped> = LazyLock::new(Gzipped::default);

/// Serves a bundle. Its name never stands for other content, so that it need not be revalidated.
pub(crate) fn show_bundle(bundle: Bundle) -> HttpResponse {
    let content_type = if bundle.path.ends_with(".css") { CSS } else { JAVASCRIPT };
    let mut response = HttpResponse::Ok();
    response.insert_header((CONTENT_TYPE, content_type)).insert_header(FOR_GOOD);
    response.extensions_mut().insert(Gzipped::ready(bundle.gzipped));
    response.body(bundle.bytes)
}

/// Serves a file, or 304 if the client has it already.
pub(crate) fn show(request: &HttpRequest, asset: Asset) -> HttpResponse {
    let base = request.app_data::<Data<Pages>>().map_or("", |pages| pages.base());
    let is_page = asset.content_type == HTML;
    let (bytes, gzipped) = match asset.bytes == WORKER {
        true => (Bytes::from_static(RELEASED_WORKER.as_slice()), GZIPPED_WORKER.clone()),
        false if is_page && !base.is_empty() => (below(base, asset.bytes), Gzipped::default()),
        false => (Bytes::from_static(asset.bytes), Gzipped::ready(asset.gzipped)),
    };
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    let tag = EntityTag::new_strong(format!("{:016x}", hasher.finish()));
    let is_known = has_already(request, &tag);
    let mut response = if is_known { HttpResponse::NotModified() } else { HttpResponse::Ok() };
    let caching = if asset.content_type == SVG { FOR_A_DAY } else { REVALIDATE };
    response.insert_header(ETag(tag)).insert_header(caching);
    if is_page {
        response.insert_header((CONTENT_SECURITY_POLICY, POLICY));
    }
    if is_known {
        return response.finish();
    }
    response.extensions_mut().insert(gzipped);
    response.insert_header((CONTENT_TYPE, asset.content_type)).body(bytes)
}

/// A page without a template, on a server below a path: its links and scripts get the prefix.
fn below(base: &str, page: &[u8]) -> Bytes {
    let page = String::from_utf8_lossy(page);
    let page = page.replace("=\"/", &format!("=\"{base}/"));
    Bytes::from(page.replacen("<html ", &format!("<html data-base=\"{base}\" "), 1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::read::GzDecoder;
    use serde_json::{Map, Value};
    use std::io::Read;
    use std::path::{Path, PathBuf};

    fn files(folder: &Path) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(folder).expect("the folder is there");
        let paths = entries.map(|entry| entry.expect("it can be read").path());
        paths.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
    }

    #[test]
    fn the_worker_caches_the_pages_files_but_not_itself() {
        let worker = str::from_utf8(&RELEASED_WORKER).expect("it is text");
        let (release, script) = worker.split_once('\n').expect("there are two parts");
        assert_eq!(script.as_bytes(), WORKER);
        for (path, asset) in ROUTES {
            let is_there = release.contains(&format!("\"{path}\""));
            assert_eq!(is_there, is_cached(path, *asset), "{path}");
        }
        for path in ["/problems", "/static/css/app.css", "/static/favicon.svg"] {
            assert!(release.contains(&format!("\"{path}\"")), "{path}");
        }
        for bundle in bundles::ALL {
            assert!(release.contains(bundle.path), "{}", bundle.path);
        }
        for path in ["/sw.js", "/docs", "/static/js/main.js"] {
            assert!(!release.contains(&format!("\"{path}\"")), "{path}");
        }
    }

    #[test]
    fn pages_have_all_words_but_the_server_s() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../static/i18n");
        let words = files(&folder);
        assert_eq!(words.len(), booking_core::Language::ALL.len());
        for file in words {
            let all = std::fs::read(&file).expect("it can be read");
            let mut all: Map<String, Value> = serde_json::from_slice(&all).expect("it is JSON");
            let name = file.file_name().and_then(|name| name.to_str()).expect("it has one");
            let path = format!("/static/i18n/{name}");
            let (_, asset) = ROUTES.iter().find(|(route, _)| *route == path).expect("it is served");
            let count = all.len();
            all.retain(|key, _| !key.starts_with("problem."));
            assert!(all.len() < count, "{name}");
            let served: Map<String, Value> = serde_json::from_slice(asset.bytes).expect("JSON");
            assert_eq!(served, all, "{name}");
            assert_eq!(unpacked(asset.gzipped), asset.bytes, "{name}");
        }
    }

    fn unpacked(gzipped: &[u8]) -> Vec<u8> {
        let mut unpacked = Vec::new();
        GzDecoder::new(gzipped).read_to_end(&mut unpacked).expect("it is gzip");
        unpacked
    }

    #[test]
    fn every_file_of_static_is_served() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../static");
        for file in files(&folder) {
            if file.parent().is_some_and(|folder| folder.ends_with("i18n")) {
                continue;
            }
            let bytes = std::fs::read(&file).expect("it can be read");
            let served = ROUTES.iter().find(|(_, asset)| asset.bytes == bytes);
            let (_, asset) = served.unwrap_or_else(|| panic!("{} is in no route", file.display()));
            assert_eq!(unpacked(asset.gzipped), bytes, "{}", file.display());
        }
    }
}
