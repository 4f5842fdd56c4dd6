//! Requests that the second reader must read, and others that it must refuse.

use crate::standard::{Rest, read};

#[test]
fn the_second_reader_reads_what_the_standard_says() {
    let request = "POST /a HTTP/1.1\r\nHost: x\r\n";
    let check = |bytes: &str, bodies: &[&str], rest: &str| {
        let (messages, found) = read(bytes.as_bytes());
        let found = match found {
            Rest::Nothing => "nothing",
            Rest::Cut(_) => "cut",
            Rest::Broken(why, _) => why,
        };
        let read: Vec<_> = messages
            .iter()
            .map(|message| String::from_utf8_lossy(&message.body).into_owned())
            .collect();
        assert_eq!(
            (
                read.iter()
                    .map(String::as_str)
                    .collect::<Vec<_>>()
                    .as_slice(),
                found
            ),
            (bodies, rest),
            "{bytes}"
        );
    };
    let with = |rest: &str| format!("{request}{rest}");
    check(&with("\r\n"), &[""], "nothing");
    check(&with("Content-Length: 3\r\n\r\nabc"), &["abc"], "nothing");
    check(&with("Content-Length: 3\r\n\r\nab"), &[], "cut");
    check(
        &with("Content-Length: 3, 3\r\n\r\nabc"),
        &["abc"],
        "nothing",
    );
    check(
        &with("Content-Length: 3\r\nContent-Length: 4\r\n\r\nabc"),
        &[],
        "two values of Content-Length",
    );
    check(
        &with("Transfer-Encoding: chunked\r\n\r\n2;x=y\r\nab\r\n01\r\nc\r\n0\r\nT: x\r\n\r\n"),
        &["abc"],
        "nothing",
    );
    check(
        &with("Transfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n0\r\n\r\n"),
        &[],
        "a chunk that is longer than its size",
    );
    check(
        &with("Transfer-Encoding: chunked\r\n\r\n3\nabc\r\n0\r\n\r\n"),
        &[],
        "half a line's end in a chunked body",
    );
    check(
        &with("Transfer-Encoding: chunked, gzip\r\n\r\n"),
        &[],
        "a Transfer-Encoding other than chunked, once and last",
    );
    check(
        &with("Transfer-Encoding : chunked\r\n\r\n"),
        &[],
        "a header's name is a token, right before the colon",
    );
    check("POST /a HTTP/1.1\r\n\r\n", &[], "HTTP/1.1 without Host");
    check(&with("\r\n\r\n"), &[""], "nothing");
    check(&with("\r\n\r\n\r\n\r\n"), &[""], "cut");
    for host in ["x y", "x:port", "1:2:3", "x/y"] {
        let head = format!("GET /a HTTP/1.1\r\nHost: {host}\r\n\r\n");
        check(&head, &[], "a Host that is none");
    }
    check("POST /a HTTP/1.0\r\n\r\nPOST", &[""], "nothing");
    check(
        &with("Connection: close\r\n\r\nGET / HTTP/1.1\r\n"),
        &[""],
        "nothing",
    );
    check(
        &with("Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\nGET"),
        &[""],
        "nothing",
    );
}
