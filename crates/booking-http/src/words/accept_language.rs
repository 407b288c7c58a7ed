//! The preferred language of a request (RFC 9110, section 12.5.4).

use actix_web::http::header::{ACCEPT_LANGUAGE, HeaderMap};
use booking_core::Language;

/// The longest header that is parsed; browsers send less than a hundred bytes.
const ACCEPT_LANGUAGE_BYTES_MAX: usize = 1_024;

/// The preferred language; English, if we have none of those.
pub(crate) fn wanted_language(headers: &HeaderMap) -> Language {
    let accepted = headers.get(ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
    accepted
        .filter(|ranges| ranges.len() <= ACCEPT_LANGUAGE_BYTES_MAX)
        .map_or_else(Language::default, best_of)
}

/// The one of the greatest weight, and of equal ones the first.
fn best_of(ranges: &str) -> Language {
    let mut best = (0.0, Language::default());
    for range in ranges.split(',') {
        let (tag, parameters) = range.split_once(';').unwrap_or((range, ""));
        let Some(language) = language_of(tag.trim()) else { continue };
        let weight = weight_of(parameters.trim());
        if weight > best.0 {
            best = (weight, language);
        }
    }
    best.1
}

/// The language of `de`, and of `de-AT` too: we have one for all regions.
fn language_of(tag: &str) -> Option<Language> {
    if tag == "*" {
        return Some(Language::default());
    }
    let primary = tag.split('-').next().unwrap_or(tag);
    Language::ALL.into_iter().find(|language| language.as_str().eq_ignore_ascii_case(primary))
}

/// From 0, which is not acceptable, to 1, the default. An invalid weight is none. (`Accept` has the same, RFC 9110,
/// section 12.4.2.)
pub(crate) fn weight_of(parameters: &str) -> f32 {
    let Some(weight) = parameters.strip_prefix(['q', 'Q']) else { return 1.0 };
    let weight: Option<f32> =
        weight.trim_start().strip_prefix('=').and_then(|weight| weight.trim().parse().ok());
    weight.filter(|weight| (0.0..=1.0).contains(weight)).unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::http::header::HeaderValue;

    fn wanted(header: &str) -> Language {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT_LANGUAGE, HeaderValue::from_str(header).expect("it is a header"));
        wanted_language(&headers)
    }

    #[test]
    fn the_language_of_the_greatest_weight_is_chosen() {
        for (header, language) in [
            ("de", Language::De),
            ("DE-at", Language::De),
            ("de-AT,de;q=0.9,en;q=0.8", Language::De),
            ("en, de", Language::En),
            ("en;q=0.5, de;q=0.7", Language::De),
            ("fr-CH, fr;q=0.9, de ; q = 0.2 , *;q=0.1", Language::De),
            ("de;q=0.2, *", Language::En),
            ("fr", Language::En),
            ("", Language::En),
            ("de;q=0", Language::En),
            ("de;q=NaN, de;q=-1, de;q=2, de;q=x, de;q", Language::En),
            ("den, d, ;;,=,", Language::En),
            ("*", Language::En),
        ] {
            assert_eq!(wanted(header), language, "{header}");
        }
        assert_eq!(wanted_language(&HeaderMap::new()), Language::En);
    }

    #[test]
    fn a_header_that_is_too_long_is_ignored() {
        let long = |length: usize| format!("de{}", " ".repeat(length - 2));
        assert_eq!(wanted(&format!("{},x", long(ACCEPT_LANGUAGE_BYTES_MAX - 2))), Language::De);
        assert_eq!(wanted(&format!("{},x", long(ACCEPT_LANGUAGE_BYTES_MAX - 1))), Language::En);
    }
}
