//! Descriptions: CommonMark in, HTML out that loads and runs nothing.
//!
//! The HTML is made of Markdown events that are allowed one by one. HTML that was typed is text, so that nothing
//! has to be sanitized afterwards; pictures become their alternative texts; and links lead to pages and mailboxes
//! alone.

use crate::pages::engine::escape;
use pulldown_cmark::{
    CodeBlockKind, CowStr, Event, HeadingLevel, LinkType, Options, Parser, Tag, TagEnd, html,
};

/// The most characters of a summary, of which search engines and messengers show a line or two.
const SUMMARY_CHARACTERS_MAX: usize = 200;

/// Where links may lead.
const SCHEMES: [&str; 3] = ["http", "https", "mailto"];

/// Declares that this site does not vouch for a link, and sends its target no referrer.
const LINK_REL: &str = "nofollow ugc noopener noreferrer";

/// A description as HTML.
pub(crate) fn to_html(text: &str) -> String {
    let mut html = String::with_capacity(text.len() + text.len() / 2);
    html::push_html(&mut html, events(text));
    html
}

/// The first words, without markup; empty if there are none.
pub(crate) fn summary(text: &str) -> String {
    let mut words = String::new();
    for event in events(text) {
        match event {
            Event::Text(text) | Event::Code(text) => words.push_str(&text),
            Event::HardBreak | Event::Rule | Event::End(_) => words.push(' '),
            _ => {}
        }
        if words.len() > SUMMARY_CHARACTERS_MAX * 8 {
            break;
        }
    }
    let words = words.split_whitespace().collect::<Vec<_>>().join(" ");
    match words.char_indices().nth(SUMMARY_CHARACTERS_MAX) {
        None => words,
        Some((end, _)) => {
            let cut = words[..end].rsplit_once(' ').map_or(&words[..end], |(whole, _)| whole);
            format!("{cut}…")
        }
    }
}

/// The events of the text that are allowed.
fn events(text: &str) -> impl Iterator<Item = Event<'_>> {
    let mut is_linked = false;
    let parser = Parser::new_ext(text, Options::empty()).into_offset_iter();
    parser.filter_map(move |(event, range)| {
        Some(match event {
            // Entities are shown as they were typed: so is all that looks like HTML.
            Event::Text(_) if text[range.clone()].starts_with('&') => {
                Event::Text(CowStr::from(&text[range]))
            }
            Event::Html(raw) | Event::InlineHtml(raw) => Event::Text(raw),
            // A line break stays one: descriptions were plain text before.
            Event::SoftBreak => Event::HardBreak,
            Event::Start(Tag::HtmlBlock) => Event::Start(Tag::Paragraph),
            Event::End(TagEnd::HtmlBlock) => Event::End(TagEnd::Paragraph),
            Event::Start(Tag::Heading { level, .. }) => {
                let (id, classes, attrs) = (None, Vec::new(), Vec::new());
                Event::Start(Tag::Heading { level: below(level), id, classes, attrs })
            }
            Event::End(TagEnd::Heading(level)) => Event::End(TagEnd::Heading(below(level))),
            Event::Start(Tag::CodeBlock(_)) => {
                Event::Start(Tag::CodeBlock(CodeBlockKind::Indented))
            }
            Event::Start(Tag::Image { .. }) | Event::End(TagEnd::Image) => return None,
            Event::Start(Tag::Link { link_type, dest_url, .. }) => {
                let href = href(link_type, &dest_url);
                is_linked = href.is_some();
                let href = escape(&href?);
                Event::InlineHtml(format!("<a href=\"{href}\" rel=\"{LINK_REL}\">").into())
            }
            Event::End(TagEnd::Link) if is_linked => Event::InlineHtml("</a>".into()),
            Event::End(TagEnd::Link) => return None,
            other => other,
        })
    })
}

/// The page's own heading is the event's name.
fn below(level: HeadingLevel) -> HeadingLevel {
    match level {
        HeadingLevel::H1 => HeadingLevel::H2,
        HeadingLevel::H2 => HeadingLevel::H3,
        HeadingLevel::H3 => HeadingLevel::H4,
        HeadingLevel::H4 => HeadingLevel::H5,
        HeadingLevel::H5 | HeadingLevel::H6 => HeadingLevel::H6,
    }
}

/// Where a link leads, if it may.
fn href(link_type: LinkType, destination: &str) -> Option<String> {
    if link_type == LinkType::Email {
        return Some(format!("mailto:{destination}"));
    }
    // Browsers ignore white space and control characters, also in the middle of a scheme.
    let is_clean = !destination.chars().any(|c| c.is_control() || c.is_whitespace());
    let (scheme, _) = destination.split_once(':')?;
    let is_known = SCHEMES.iter().any(|known| scheme.eq_ignore_ascii_case(known));
    (is_clean && is_known).then(|| destination.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Everything that a description's HTML may contain.
    const TAGS: [&str; 19] = [
        "a",
        "blockquote",
        "br",
        "code",
        "em",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "hr",
        "li",
        "ol",
        "p",
        "pre",
        "strong",
        "ul",
        "del",
        "sup",
    ];

    /// The first thing in the HTML that is not allowed.
    fn fault(html: &str) -> Option<String> {
        for tag in html.split('<').skip(1) {
            let Some((inside, _)) = tag.split_once('>') else {
                return Some(format!("a tag that does not end: {tag}"));
            };
            let inside = inside.trim_start_matches('/').trim_end_matches('/').trim();
            let (name, attributes) = inside.split_once(' ').unwrap_or((inside, ""));
            if !TAGS.contains(&name) {
                return Some(format!("an element {name}"));
            }
            let is_good = match (name, attributes) {
                (_, "") => true,
                ("ol", start) => {
                    let number = start.strip_prefix("start=\"").and_then(|n| n.strip_suffix('"'));
                    number.is_some_and(|number| number.bytes().all(|b| b.is_ascii_digit()))
                }
                ("a", href) => {
                    let rest = href.strip_prefix("href=\"").and_then(|rest| rest.split_once('"'));
                    rest.is_some_and(|(href, rest)| {
                        let scheme = href.split(':').next().unwrap_or_default();
                        SCHEMES.contains(&scheme.to_ascii_lowercase().as_str())
                            && rest == format!(" rel=\"{LINK_REL}\"")
                    })
                }
                _ => false,
            };
            if !is_good {
                return Some(format!("attributes {attributes} of {name}"));
            }
        }
        None
    }

    #[test]
    fn commonmark_is_html() {
        for (text, html) in [
            ("Doors open at 7.", "<p>Doors open at 7.</p>\n"),
            ("one\ntwo\n\nthree", "<p>one<br />\ntwo</p>\n<p>three</p>\n"),
            ("*a* **b** `c`", "<p><em>a</em> <strong>b</strong> <code>c</code></p>\n"),
            ("# Programme", "<h2>Programme</h2>\n"),
            ("- a\n- b", "<ul>\n<li>a</li>\n<li>b</li>\n</ul>\n"),
            ("3. a", "<ol start=\"3\">\n<li>a</li>\n</ol>\n"),
            ("```js\nx<y\n```", "<pre><code>x&lt;y\n</code></pre>\n"),
            (
                "[map](https://a.example/?b=1&c=\"2\")",
                "<p><a href=\"https://a.example/?b=1&amp;c=&quot;2&quot;\" rel=\"nofollow ugc \
                 noopener noreferrer\">map</a></p>\n",
            ),
            (
                "<ada@example.org>",
                "<p><a href=\"mailto:ada@example.org\" rel=\"nofollow ugc noopener noreferrer\">\
                 ada@example.org</a></p>\n",
            ),
        ] {
            assert_eq!(to_html(text), html, "{text}");
            assert_eq!(fault(&to_html(text)), None, "{text}");
        }
    }

    #[test]
    fn typed_html_is_escaped() {
        for text in [
            "<img src=x onerror=alert(ran=1)><script>ran=1</script>&lt;",
            "<script>\nran=1\n</script>",
            "<style>\n*{display:none}\n</style>",
            "<iframe src=\"https://evil.example\">",
            "<!-- <p> -->",
            "<?php ?>",
            "<![CDATA[<b>]]>",
            "<div onclick=\"x\">\n\n*a*\n\n</div>",
            "[a](javascript:alert(1))",
            "[a](JaVaScRiPt:alert(1))",
            "[a](<java\tscript:alert(1)>)",
            "[a](&#106;avascript:alert(1))",
            "[a](data:text/html,<script>1</script>)",
            "[a](vbscript:x)",
            "[a](//evil.example)",
            "[a](/o)",
            "[a](https://a.example \"t\\\" onmouseover=\\\"x\")",
            "[a](https://a.example/\"onmouseover=x)",
            "<javascript:alert(1)>",
            "![a](https://evil.example/pixel.png)",
            "![<b>](x \"y\")",
            "[![a](x)](javascript:x)",
            "[a][b]\n\n[b]: javascript:x",
            "``` \"><script>\nx\n```",
            "# a {#id .class onclick=x}",
            "&lt;script&gt;",
            "\\<script>",
            "`<script>`",
            "    <script>",
            "> <script>",
            "- <script>\n  x",
        ] {
            let html = to_html(text);
            assert_eq!(fault(&html), None, "{text}: {html}");
            assert!(!html.contains("<img") && !html.contains("<a href=\"j"), "{html}");
        }
        let typed = "<img src=x onerror=alert(ran=1)><script>ran=1</script>&lt;";
        let html = to_html(typed);
        let shown = html.trim_end().strip_prefix("<p>").and_then(|p| p.strip_suffix("</p>"));
        let shown = shown.expect("one paragraph");
        let shown = shown.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&");
        assert_eq!(shown, typed, "all of it is to be seen");
    }

    /// The control of the above.
    #[test]
    fn disallowed_html_is_found() {
        for html in [
            "<img>",
            "<script>",
            "<p onclick=\"x\">",
            "<a href=\"javascript:x\" rel=\"nofollow ugc noopener noreferrer\">",
            "<a href=\"https://a.example\">",
            "<a href=\"https://a.example\" rel=\"nofollow ugc noopener noreferrer\" id=\"a\">",
            "<ol start=\"x\">",
            "<p",
        ] {
            assert!(fault(html).is_some(), "{html}");
        }
    }

    #[test]
    fn a_summary_has_the_first_words_and_no_markup() {
        assert_eq!(
            summary("# Jazz\n\n*Doors* open\nat [seven](https://a.example)."),
            "Jazz Doors open at seven."
        );
        assert_eq!(summary(""), "");
        assert_eq!(summary("![Poster](x)\n\n- a\n- b"), "Poster a b");
        let long = summary(&"word ".repeat(1_000));
        assert!(long.ends_with("word…") && long.chars().count() <= SUMMARY_CHARACTERS_MAX + 1);
        let long = summary(&"ü".repeat(1_000));
        assert_eq!(long.chars().count(), SUMMARY_CHARACTERS_MAX + 1);
    }

    proptest! {
        #[test]
        fn generated_descriptions_contain_only_allowed_html(
            text in "([a-z*_`#>\\[\\]()!<>/\"'=&;:\\\\ \n\t-]|javascript:|<script>|<img |onerror=|https://a.example|\\]\\()*"
        ) {
            let html = to_html(&text);
            prop_assert_eq!(fault(&html), None, "{}", html);
            summary(&text);
        }
    }
}
