//! Invalid JSON, JSON that grows, or JSON that two readers could read in two ways (RFC 8259).

use crate::common::Data;
use crate::common::http::send;
use crate::connection::Target;

/// Where a field is wrong.
const CAPACITY: &[&str] = &["/capacity"];

#[test]
fn numbers_are_whole_and_in_their_range() {
    let target = Target::start(Data::sqlite());
    for number in [
        "-0",
        "-1",
        "0",
        "1.0",
        "1e0",
        "1E2",
        "5e-1",
        "0.1e1",
        "1.5",
        "100001",
        "2147483648",
        "4294967297",
        "9007199254740993",
        "9223372036854775807",
        "9223372036854775808",
        "18446744073709551616",
        "-9223372036854775809",
        "1e308",
        "-1e308",
        "1e-400",
        "\"5\"",
        "[5]",
        "{}",
        "true",
        "null",
    ] {
        let body = format!(r#"{{"name":"a","capacity":{number}}}"#);
        let answer = target.app.post_bytes("/events", body.as_bytes());
        assert_eq!((answer.status, answer.problem().as_str()), (400, "validation"), "{number}");
        assert_eq!(answer.pointers(), CAPACITY, "{number}");
    }
    // These are no numbers in JSON, or too large for any machine.
    for number in [
        "05", "+5", "0x5", "5.", ".5", "5e", "1_000", "Infinity", "NaN", "-", "--5", "5 5",
        "\u{ff15}", "1e400", "-1e400", "5,", "",
    ] {
        let body = format!(r#"{{"name":"a","capacity":{number}}}"#);
        let answer = target.app.post_bytes("/events", body.as_bytes());
        assert_eq!((answer.status, answer.problem().as_str()), (400, "malformed_json"), "{number}");
    }
    target.assert_unchanged();
}

#[test]
fn texts_are_unicode_and_nothing_else() {
    let target = Target::start(Data::sqlite());
    let malformed: [&[u8]; 14] = [
        b"\xff",
        b"\xc0\x80",
        b"\xed\xa0\x80",
        b"\xf4\x90\x80\x80",
        b"\xe2\x82",
        b"\\ud800",
        b"\\udc00\\ud800",
        b"\\ud83dx",
        b"\\u12",
        b"\\x41",
        b"\\u00zz",
        b"\n",
        b"\0",
        b"\x1f",
    ];
    for text in malformed {
        let body = [br#"{"capacity":5,"name":"a"#, text, b"\"}"].concat();
        let answer = target.app.post_bytes("/events", &body);
        let answered = (answer.status, answer.problem());
        assert_eq!(answered, (400, "malformed_json".into()), "{}", text.escape_ascii());
    }
    let long = "x".repeat(16_000);
    for text in ["\\u0000", "a\\u0000b", "\\n", "\\u007f", "\\u0085", "", " \\t ", long.as_str()] {
        let body = format!(r#"{{"capacity":5,"name":"{text}"}}"#);
        let answer = target.app.post_bytes("/events", body.as_bytes());
        let answered = (answer.status, answer.problem());
        assert_eq!(answered, (400, "validation".into()), "{text}");
        assert_eq!(answer.pointers(), ["/name"], "{text}");
    }
    // UTF-16 and UTF-32, with and without a byte order mark.
    let utf16 = |bom: &[u8]| {
        let units = r#"{"name":"a","capacity":5}"#.encode_utf16().flat_map(u16::to_be_bytes);
        [bom, &units.collect::<Vec<_>>()].concat()
    };
    for body in [utf16(b"\xfe\xff"), utf16(b""), b"\xef\xbb\xbf{}".to_vec()] {
        assert_eq!(target.app.post_bytes("/events", &body).problem(), "malformed_json");
    }
    target.assert_unchanged();
}

#[test]
fn documents_are_one_object_of_known_fields_each_once() {
    let target = Target::start(Data::sqlite());
    let assert_refused = |body: &str, code: &str, pointers: &[&str]| {
        let answer = target.app.post_bytes("/events", body.as_bytes());
        let shown: String = body.chars().take(60).collect();
        assert_eq!((answer.status, answer.problem().as_str()), (400, code), "{shown}");
        if code == "validation" {
            assert_eq!(answer.pointers(), pointers, "{shown}");
        }
    };
    let good = r#""name":"a","capacity":5"#;
    for wrong in [
        format!("{{{good}}}{{}}"),
        format!("{{{good}}}\0"),
        format!("{{{good},}}"),
        format!("{{{good}"),
        format!("{{{good}}}//"),
        format!("/**/{{{good}}}"),
        format!("{{{good},x:1}}"),
        format!("{{'name':'a',{good}}}"),
        format!(")]}}',\n{{{good}}}"),
        format!("{{{good},\"x\":{}", "[".repeat(127)),
        format!("{{{good},\"x\":{}{}}}", "[".repeat(2_000), "]".repeat(2_000)),
        format!("{{{good},\"x\":{}1{}}}", "{\"a\":".repeat(2_000), "}".repeat(2_000)),
    ] {
        assert_refused(&wrong, "malformed_json", &[]);
    }
    assert_refused(&format!("[{{{good}}}]"), "validation", &[""]);
    assert_refused(&format!("{{{good},\"name\":\"a\"}}"), "validation", &["/name"]);
    assert_refused(&format!("{{{good},\"n\\u0061me\":\"b\"}}"), "validation", &["/name"]);
    assert_refused(&format!("{{{good},\"capacity\":5,\"capacity\":6}}"), "validation", CAPACITY);
    assert_refused(&format!("{{{good},\"Name\":\"b\"}}"), "validation", &["/Name"]);
    assert_refused(&format!("{{{good},\"name \":\"b\"}}"), "validation", &["/name "]);
    assert_refused(&format!("{{{good},\"name\\u0000\":\"b\"}}"), "validation", &["/name\0"]);
    assert_refused(&format!("{{{good},\"__proto__\":{{\"x\":1}}}}"), "validation", &["/__proto__"]);
    assert_refused(
        &format!("{{{good},\"booked_count\":0,\"version\":9}}"),
        "validation",
        &["/booked_count", "/version"],
    );
    // The errors are bounded: a small request has no huge answer.
    let many: String = (0..1_500).map(|n| format!(",\"{n}\":0")).collect();
    let answer = target.app.post_bytes("/events", format!("{{{good}{many}}}").as_bytes());
    assert_eq!((answer.problem().as_str(), answer.pointers().len()), ("validation", 250));
    assert_refused(&format!("{{{good},\"\":1}}"), "validation", &["/"]);
    assert_refused(
        &format!("{{{good},\"x\":{}{}}}", "[".repeat(100), "]".repeat(100)),
        "validation",
        &["/x"],
    );
    target.assert_unchanged();
}

#[test]
fn no_compressed_body_is_decompressed() {
    let target = Target::start(Data::sqlite());
    // A kilobyte of this is never decompressed: it is not even read.
    let bomb = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\xff\xed\xc1\x01\x01\x00\x00\x00\x80\x90\xfe";
    for encoding in ["gzip", "x-gzip", "deflate", "br", "zstd", "gzip, gzip", "identity, gzip", ""]
    {
        let headers = [("Content-Type", "application/json"), ("Content-Encoding", encoding)];
        let answer = send(target.app.url(), "POST", "/events", &headers, bomb);
        let answered = (answer.status, answer.problem());
        assert_eq!(answered, (415, "unsupported_media_type".into()), "{encoding}");
    }
    let json = ("Content-Type", "application/json");
    let answer = send(target.app.url(), "POST", "/events", &[json], bomb);
    assert_eq!(answer.problem(), "malformed_json");
    // A repeated header is no header.
    let body = br#"{"name":"a","capacity":5}"#;
    for headers in [
        [json, ("Content-Type", "text/plain")],
        [("Content-Type", "text/plain"), json],
        [json, json],
        [json, ("Content-Type", "application/json; charset=utf-16")],
    ] {
        let answer = send(target.app.url(), "POST", "/events", &headers, body);
        assert_eq!(answer.problem(), "unsupported_media_type", "{headers:?}");
    }
    let encodings = [json, ("Content-Encoding", "identity"), ("Content-Encoding", "gzip")];
    let answer = send(target.app.url(), "POST", "/events", &encodings, body);
    assert_eq!(answer.problem(), "unsupported_media_type");
    target.assert_unchanged();
}
