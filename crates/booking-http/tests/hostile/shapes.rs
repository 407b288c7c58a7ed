//! Requests that are not valid HTTP/1.1 (RFC 9110, RFC 9112), and valid ones that servers trip over.
//!
//! Two readers that take the same bytes for different requests are how requests are smuggled past a proxy. So every
//! request of uncertain length is refused and ends the connection, and the end of an accepted one is checked: the
//! request behind it is answered.

use crate::common::Data;
use crate::connection::Then::{self, Closed, Open};
use crate::connection::{Expected, Target, exchange};

const BODY: &str = r#"{"name":"","capacity":5}"#;
/// The answer to the body wherever it arrives complete.
const ARRIVED: Expected = (400, "validation");
const BAD: Expected = (400, "");
const HEAD: &str = "Host: localhost\r\nContent-Type: application/json\r\n";
const NEXT: &str = "GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n";

struct Row {
    name: String,
    bytes: Vec<u8>,
    expected: Vec<Expected>,
    then: Then,
}

fn row(name: &str, bytes: impl Into<Vec<u8>>, expected: &[Expected], then: Then) -> Row {
    Row { name: name.to_owned(), bytes: bytes.into(), expected: expected.to_vec(), then }
}

/// A request with these header lines, and the rest after them.
fn post(lines: &str, body: &str) -> String {
    format!("POST /events HTTP/1.1\r\n{HEAD}{lines}\r\n{body}")
}

fn get(lines: &str) -> String {
    format!("GET /health HTTP/1.1\r\n{lines}\r\n")
}

fn length() -> String {
    format!("Content-Length: {}\r\n", BODY.len())
}

fn chunk() -> String {
    format!("{:x}\r\n{BODY}\r\n", BODY.len())
}

fn run(rows: Vec<Row>) {
    let target = Target::start(Data::sqlite());
    for row in rows {
        exchange(&target.app, &row.name, &row.bytes, &row.expected, row.then);
    }
    target.assert_unchanged();
}

#[test]
fn a_body_has_one_length_or_none() {
    let (length, chunk) = (length(), chunk());
    let chunked = "Transfer-Encoding: chunked\r\n";
    let chunks = format!("{chunk}0\r\n\r\n");
    let mut rows = vec![
        row("a length", post(&length, BODY), &[ARRIVED], Open),
        row("chunks", post(chunked, &chunks), &[ARRIVED], Open),
        row(
            "a length, and a request behind",
            post(&length, &format!("{BODY}{NEXT}")),
            &[ARRIVED, (200, "")],
            Open,
        ),
        row(
            "chunks, and a request behind",
            post(chunked, &format!("{chunks}{NEXT}")),
            &[ARRIVED, (200, "")],
            Open,
        ),
        row(
            "zeros before it",
            post(&format!("Content-Length: 00{}\r\n", BODY.len()), BODY),
            &[ARRIVED],
            Open,
        ),
        row(
            "white space around it",
            post(&format!("Content-Length: \t{} \r\n", BODY.len()), BODY),
            &[ARRIVED],
            Open,
        ),
        // RFC 9112, section 6.1: classic request smuggling, both ways round.
        row("length and chunked", post(&format!("{length}{chunked}"), &chunks), &[BAD], Closed),
        row("chunked and length", post(&format!("{chunked}{length}"), &chunks), &[BAD], Closed),
        row(
            "length 0 and chunked",
            post(&format!("Content-Length: 0\r\n{chunked}"), &format!("0\r\n\r\n{NEXT}")),
            &[BAD],
            Closed,
        ),
        // Section 6.3, where equal ones may be accepted; our server accepts none.
        row("two equal lengths", post(&format!("{length}{length}"), BODY), &[BAD], Closed),
        row("two lengths", post(&format!("{length}Content-Length: 3\r\n"), BODY), &[BAD], Closed),
        row("two lengths in one", post("Content-Length: 24, 24\r\n", BODY), &[BAD], Closed),
        row("chunked twice", post(&format!("{chunked}{chunked}"), &chunks), &[BAD], Closed),
        row(
            "a space before the colon",
            post("Transfer-Encoding : chunked\r\n", &chunks),
            &[BAD],
            Closed,
        ),
        row("capitals", post("Transfer-Encoding: Chunked\r\n", &chunks), &[ARRIVED], Open),
        // Section 6.1: HTTP/1.0 has no chunks.
        row(
            "chunked in HTTP/1.0",
            post(chunked, &chunks).replacen("1.1", "1.0", 1),
            &[BAD],
            Closed,
        ),
    ];
    for wrong in ["+24", "-1", "24a", "", "0x18", "2 4", "18446744073709551616", "24;", "\u{b}24"] {
        let name = format!("length {wrong:?}");
        rows.push(row(&name, post(&format!("Content-Length: {wrong}\r\n"), BODY), &[BAD], Closed));
    }
    for wrong in [
        "identity",
        "gzip",
        "gzip, chunked",
        "chunked, gzip",
        "chunked, chunked",
        "xchunked",
        "\u{b}chunked",
        "\"chunked\"",
        "",
    ] {
        let name = format!("encoding {wrong:?}");
        let line = format!("Transfer-Encoding: {wrong}\r\n");
        rows.push(row(&name, post(&line, &chunks), &[BAD], Closed));
        let name = format!("{name} with a length");
        rows.push(row(&name, post(&format!("{line}{length}"), BODY), &[BAD], Closed));
    }
    run(rows);
}

#[test]
fn chunks_are_read_strictly() {
    let (chunk, size) = (chunk(), format!("{:x}", BODY.len()));
    const BROKEN: Expected = (400, "malformed_json");
    let data = |size: &str| format!("{size}\r\n{BODY}\r\n0\r\n\r\n");
    let mut rows = vec![
        row("an extension", data(&format!("{size};a=b")), &[ARRIVED], Open),
        row("a quoted one", data(&format!("{size};a=\"b;c\"")), &[ARRIVED], Open),
        row("zeros", data(&format!("0000{size}")), &[ARRIVED], Open),
        row("capitals", data(&size.to_uppercase()), &[ARRIVED], Open),
        row("a space after the size", data(&format!("{size} ")), &[ARRIVED], Open),
        // Trailers are read and mean nothing (RFC 9110, section 6.5.1), whatever their names.
        row(
            "trailers",
            format!("{chunk}0\r\nX-T: 1\r\nContent-Length: 3\r\nHost: y\r\n\r\n{NEXT}"),
            &[ARRIVED, (200, "")],
            Open,
        ),
        row("bare line feeds", data(&size).replace("\r\n", "\n"), &[BROKEN], Closed),
        row("a line feed in an extension", data(&format!("{size};a=\nb")), &[BROKEN], Closed),
        row("no end of a chunk", data(&size).replace("}\r\n", "}XX"), &[BROKEN], Closed),
        row("larger than any", "fffffffffffffffff\r\n", &[BROKEN], Closed),
        row(
            "larger than ours",
            format!("ffffffffffffffff\r\n{}", " ".repeat(137_000)),
            &[(413, "too_large")],
            Closed,
        ),
    ];
    for wrong in ["", "zz", "-1", "+18", "0x18", " 18", "18h", "1 8"] {
        rows.push(row(&format!("size {wrong:?}"), data(wrong), &[BROKEN], Closed));
    }
    for row in &mut rows {
        let head = post("Transfer-Encoding: chunked\r\n", "");
        row.bytes.splice(0..0, head.into_bytes());
    }
    run(rows);
}

#[test]
fn heads_are_read_strictly() {
    const TOO_MUCH: Expected = (431, "");
    const OK: Expected = (200, "");
    let mut rows = vec![
        // Section 2.2 lets a server accept these two.
        row("bare line feeds", "GET /health HTTP/1.1\nHost: localhost\n\n", &[OK], Open),
        row("an empty line first", format!("\r\n{NEXT}"), &[OK], Open),
        // Section 5.2: folded lines must be refused, or replaced by spaces.
        row("a folded line", get("Host: localhost\r\nX-A: a\r\n b\r\n"), &[BAD], Closed),
        row("a folded line first", get(" X-A: a\r\nHost: localhost\r\n"), &[BAD], Closed),
        row("a bare carriage return", get("Host: localhost\r\nX-A: a\rb\r\n"), &[BAD], Closed),
        row("a NUL", get("Host: localhost\r\nX-A: a\0b\r\n"), &[BAD], Closed),
        row("a space in a name", get("Host: localhost\r\nX A: 1\r\n"), &[BAD], Closed),
        row("no colon", get("Host: localhost\r\nXA\r\n"), &[BAD], Closed),
        row("no name", get("Host: localhost\r\n: 1\r\n"), &[BAD], Closed),
        row("two spaces", "GET  /health HTTP/1.1\r\nHost: localhost\r\n\r\n", &[BAD], Closed),
        row("a tab", "GET\t/health HTTP/1.1\r\nHost: localhost\r\n\r\n", &[BAD], Closed),
        row("no target", "GET  HTTP/1.1\r\nHost: localhost\r\n\r\n", &[BAD], Closed),
        row(
            "a space in the target",
            format!("GET /hea lth HTTP/1.1\r\nHost: localhost\r\n\r\n{NEXT}"),
            &[BAD],
            Closed,
        ),
        row("HTTP/0.9", "GET /health\r\n\r\n", &[BAD], Closed),
        row("HTTP/1.2", NEXT.replace("1.1", "1.2"), &[BAD], Closed),
        row("HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", &[BAD], Closed),
        row(
            "TLS",
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n".as_slice(),
            &[BAD],
            Closed,
        ),
        row(
            "a method is as it is written",
            NEXT.replace("GET", "get"),
            &[(405, "method_not_allowed")],
            Open,
        ),
        row(
            "95 headers",
            get(&format!("Host: localhost\r\n{}", "X-A: 1\r\n".repeat(94))),
            &[OK],
            Open,
        ),
        row(
            "too many",
            get(&format!("Host: localhost\r\n{}", "X-A: 1\r\n".repeat(200))),
            &[TOO_MUCH],
            Closed,
        ),
        row(
            "too long",
            get(&format!("Host: localhost\r\nX-A: {}\r\n", "a".repeat(200_000))),
            &[TOO_MUCH],
            Closed,
        ),
        row(
            "a long target",
            format!("GET /{} HTTP/1.1\r\nHost: localhost\r\n\r\n", "a".repeat(60_000)),
            &[(404, "not_found")],
            Open,
        ),
        // 414 would be kinder (RFC 9110, section 15.5.15), but the library stops before there is a request.
        row(
            "a longer target",
            format!("GET /{} HTTP/1.1\r\nHost: localhost\r\n\r\n", "a".repeat(70_000)),
            &[BAD],
            Closed,
        ),
        row(
            "the longest target",
            format!("GET /{} HTTP/1.1\r\nHost: localhost\r\n\r\n", "a".repeat(200_000)),
            &[TOO_MUCH],
            Closed,
        ),
    ];
    // Section 3.2: no Host, more than one, and an invalid one are 400.
    rows.push(row("no Host", get(""), &[BAD], Closed));
    rows.push(row("two Hosts", get("Host: localhost\r\nHost: y\r\n"), &[BAD], Closed));
    rows.push(row("Host twice", get("Host: localhost\r\nHost: localhost\r\n"), &[BAD], Closed));
    for host in
        ["a b", "x/y", "u@x", "x:y", "x:1:2", "[::1", "::1", "a\\b", "é", "<x>", "x?y", "[x]y"]
    {
        let name = format!("Host {host:?}");
        rows.push(row(&name, get(&format!("Host: {host}\r\n")), &[(400, "invalid_header")], Open));
    }
    for host in ["", "x", "x:80", "x:", "127.0.0.1:3000", "[::1]", "[::1]:3000", "a.b-c_d~e", "%41"]
    {
        rows.push(row(&format!("Host {host:?}"), get(&format!("Host: {host}\r\n")), &[OK], Open));
    }
    run(rows);
}

#[test]
fn a_connection_closes_on_request() {
    const OK: Expected = (200, "");
    let length = length();
    let rows = vec![
        row("three in a row", NEXT.repeat(3), &[OK, OK, OK], Open),
        row(
            "a refusal between",
            format!("{NEXT}{}{NEXT}", post(&length, BODY)),
            &[OK, ARRIVED, OK],
            Open,
        ),
        // RFC 9112, section 9.6: no request is executed after a "close" of either side.
        row(
            "the client's close",
            format!("{}{}", get("Host: localhost\r\nConnection: close\r\n"), create()),
            &[OK, BAD_REQUEST],
            Closed,
        ),
        row(
            "HTTP/1.0",
            format!("{}{}", NEXT.replace("1.1", "1.0"), create()),
            &[OK, BAD_REQUEST],
            Closed,
        ),
        row(
            "the server's close",
            format!("{}{}", text(), create()),
            &[(415, "unsupported_media_type"), BAD_REQUEST],
            Closed,
        ),
        row(
            "HTTP/1.0 that is kept",
            "GET /health HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
            &[OK],
            Open,
        ),
        // An unread body is not taken for a request.
        row(
            "a body for GET",
            format!(
                "{}{NEXT}",
                get(&format!("Host: localhost\r\nContent-Length: {}\r\n", NEXT.len()))
            ),
            &[OK],
            Closed,
        ),
        row(
            "a body for nothing",
            format!(
                "POST /nothing HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n\r\n{NEXT}",
                NEXT.len()
            ),
            &[(404, "not_found")],
            Closed,
        ),
        row(
            "a body for DELETE",
            format!(
                "DELETE /health HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n\r\n{NEXT}",
                NEXT.len()
            ),
            &[(405, "method_not_allowed")],
            Closed,
        ),
    ];
    run(rows);
}

const BAD_REQUEST: Expected = (400, "invalid_header");

/// A request that would change something.
fn create() -> String {
    let body = r#"{"name":"a","capacity":5}"#;
    post(&format!("Content-Length: {}\r\n", body.len()), body)
}

fn text() -> String {
    "POST /events HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\n{}"
        .to_owned()
}

#[test]
fn other_protocols_are_not_spoken() {
    const OK: Expected = (200, "");
    let length = length();
    let rows = vec![
        // RFC 9110, section 7.8: a server that does not know the protocol ignores the header.
        row(
            "h2c",
            format!(
                "{}{NEXT}",
                get(
                    "Host: localhost\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n"
                )
            ),
            &[OK, OK],
            Open,
        ),
        row(
            "h2c with a body",
            post(
                &format!("{length}Connection: Upgrade\r\nUpgrade: h2c\r\n"),
                &format!("{BODY}{NEXT}"),
            ),
            &[ARRIVED, OK],
            Open,
        ),
        // Here the library has no end for the body, so the following bytes are never taken for a request.
        row(
            "a web socket",
            format!(
                "{}{}",
                get("Host: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"),
                create()
            ),
            &[OK],
            Closed,
        ),
        row(
            "a web socket with a body",
            post(
                &format!("{length}Connection: Upgrade\r\nUpgrade: websocket\r\n"),
                &format!("{BODY}{}", create()),
            ),
            &[(400, "invalid_header")],
            Closed,
        ),
        row(
            "CONNECT",
            format!("CONNECT x:443 HTTP/1.1\r\nHost: localhost\r\n\r\n{}", create()),
            &[(404, "not_found")],
            Closed,
        ),
        row(
            "CONNECT to a path",
            format!("CONNECT /events HTTP/1.1\r\nHost: localhost\r\n\r\n{}", create()),
            &[(405, "method_not_allowed")],
            Closed,
        ),
        row(
            "OPTIONS of it all",
            "OPTIONS * HTTP/1.1\r\nHost: localhost\r\n\r\n",
            &[(404, "not_found")],
            Open,
        ),
        // Section 3.2.2 of RFC 9112: a server accepts these too, and there is one site here.
        row(
            "an absolute target",
            "GET http://other:1/health HTTP/1.1\r\nHost: localhost\r\n\r\n",
            &[OK],
            Open,
        ),
        row(
            "one of https",
            "GET https://u:p@other/health HTTP/1.1\r\nHost: localhost\r\n\r\n",
            &[OK],
            Open,
        ),
        row(
            "one without a host",
            "GET http:///health HTTP/1.1\r\nHost: localhost\r\n\r\n",
            &[BAD],
            Closed,
        ),
        // RFC 9110, section 10.1.1. 100 is sent only if it is expected, and other expectations are ignored.
        row(
            "100-continue",
            post(&format!("{length}Expect: 100-continue\r\n"), BODY),
            &[(100, ""), ARRIVED],
            Open,
        ),
        row(
            "100-continue in HTTP/1.0",
            post(&format!("{length}Expect: 100-continue\r\n"), BODY).replacen("1.1", "1.0", 1),
            &[ARRIVED],
            Closed,
        ),
        row(
            "100-continue for text",
            text().replacen("\r\n\r\n", "\r\nExpect: 100-continue\r\n\r\n", 1),
            &[(100, ""), (415, "unsupported_media_type")],
            Closed,
        ),
        row("something else", post(&format!("{length}Expect: 200-ok\r\n"), BODY), &[ARRIVED], Open),
    ];
    run(rows);
}
