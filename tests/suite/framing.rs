//! The routes get exactly what was sent: every request, with every body, however the bytes are cut.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use actix_http::body::BoxBody;
use actix_http::{Request, Response, StatusCode};
use actix_server::ServerBuilder;
use actix_service::fn_service;
use futures_util::StreamExt;
use linebook::app::App;
use linebook::http::wire::connection::Connection;
use linebook::http::wire::door::Door;
use linebook::http::wire::places::Places;
use linebook::http::wire::timeouts::Timeouts;
use proptest::prelude::*;
use proptest::sample::select;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{LocalSet, spawn_local, yield_now};

use crate::common::World;

/// The framing of a body.
#[derive(Debug, Clone)]
enum Body {
    None,
    Length(Vec<u8>),
    /// Chunks of these sizes, and then one for the rest.
    Chunks(Vec<u8>, Vec<usize>),
}

/// A request to send, which should arrive.
#[derive(Debug, Clone)]
struct Sent {
    verb: &'static str,
    target: String,
    is_old: bool,
    line_end: &'static str,
    before: &'static str,
    headers: Vec<(String, String)>,
    body: Body,
}

/// A request that arrived: its line, its headers sorted by name, and its body.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Seen {
    line: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Sent {
    fn all_headers(&self) -> Vec<(String, String)> {
        let mut headers = vec![("host".to_owned(), "x".to_owned())];
        headers.extend(self.headers.clone());
        if self.is_old {
            headers.push(("connection".into(), "keep-alive".into()));
        }
        match &self.body {
            Body::None => {}
            Body::Length(body) => headers.push(("content-length".into(), body.len().to_string())),
            Body::Chunks(..) => headers.push(("transfer-encoding".into(), "chunked".into())),
        }
        headers
    }

    fn line(&self) -> String {
        let minor = if self.is_old { 0 } else { 1 };
        format!("{} {} HTTP/1.{minor}", self.verb, self.target)
    }

    fn bytes(&self) -> Vec<u8> {
        let mut bytes = format!("{}{}{}", self.before, self.line(), self.line_end).into_bytes();
        for (name, value) in self.all_headers() {
            bytes.extend(format!("{name}: {value}{}", self.line_end).as_bytes());
        }
        bytes.extend(self.line_end.as_bytes());
        match &self.body {
            Body::None => {}
            Body::Length(body) => bytes.extend(body),
            Body::Chunks(body, sizes) => {
                let mut rest = &body[..];
                for size in sizes.iter().copied().chain([body.len()]) {
                    let (chunk, others) = rest.split_at(size.min(rest.len()));
                    rest = others;
                    if !chunk.is_empty() {
                        bytes.extend(format!("{:X};x=\"0\"\r\n", chunk.len()).as_bytes());
                        bytes.extend(chunk);
                        bytes.extend(b"\r\n");
                    }
                }
                bytes.extend(b"0\r\nA: POST /x HTTP/1.0\r\n\r\n");
            }
        }
        bytes
    }

    fn expected(&self) -> Seen {
        let mut headers = self.all_headers();
        headers.sort();
        let body = match &self.body {
            Body::None => Vec::new(),
            Body::Length(body) | Body::Chunks(body, _) => body.clone(),
        };
        Seen {
            line: self.line(),
            headers,
            body,
        }
    }
}

/// Words that mean something to a reader of HTTP, for bodies and headers.
fn words() -> impl Strategy<Value = Vec<u8>> {
    let words = [
        "\r\n",
        "\n",
        "\r",
        "\r\n\r\n",
        "\n\n",
        "POST /x HTTP/1.0\r\n",
        "POST /x HTTP/1.0\r\n\r\n",
        "GET /y HTTP/1.1\r\nHost: x\r\n\r\n",
        "Content-Length: 0\r\n",
        "Transfer-Encoding: chunked\r\n",
        "0\r\n\r\n",
        "5\r\n",
        "a",
        "\0\u{ff}",
    ];
    let words = proptest::collection::vec(select(words.to_vec()), 0..12);
    words.prop_map(|words| words.concat().into_bytes())
}

fn sent() -> impl Strategy<Value = Sent> {
    let body = prop_oneof![
        Just(Body::None),
        words().prop_map(Body::Length),
        (words(), proptest::collection::vec(1_usize..20, 0..5))
            .prop_map(|(body, sizes)| Body::Chunks(body, sizes)),
    ];
    let header = ("x-[a-z]{1,5}", "[!-~]([ -~]{0,20}[!-~])?");
    (
        select(vec!["GET", "POST", "PUT", "HEAD", "BREW"]),
        "/[a-z0-9?&=%+.;:@/-]{0,20}",
        any::<bool>(),
        select(vec!["\r\n", "\n"]),
        select(vec!["", "", "\r\n", "\n", "\r\n\r\n"]),
        proptest::collection::vec(header, 0..4),
        body,
    )
        .prop_map(|(verb, target, is_old, line_end, before, headers, body)| {
            // HTTP/1.0 has no chunks, and a POST of HTTP/1.0 after another request needs a length.
            let is_whole = match body {
                Body::None => verb != "POST",
                Body::Length(_) => true,
                Body::Chunks(..) => false,
            };
            let names = ["content-length", "host", "connection"];
            let headers = headers
                .into_iter()
                .filter(|(name, _)| !names.contains(&name.as_str()));
            Sent {
                verb,
                target,
                is_old: is_old && is_whole,
                line_end,
                before,
                headers: headers.collect(),
                body,
            }
        })
}

/// The requests that reach the routes when the bytes come in pieces of these sizes, in turn; and the number of answers.
fn seen(app: &Arc<App>, bytes: &[u8], pieces: &[usize]) -> (Vec<Seen>, usize) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    LocalSet::new().block_on(&runtime, async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut client = TcpStream::connect(listener.local_addr().unwrap())
            .await
            .unwrap();
        client.set_nodelay(true).unwrap();
        let (stream, _) = listener.accept().await.unwrap();
        let door = Door::new(app.clone(), None, Places::new(2, 2), Timeouts::default());
        let connection = Arc::new(door).accept(stream).await.unwrap();
        let stop = ServerBuilder::default().graceful_shutdown_signal();
        let seen: Rc<RefCell<Vec<Seen>>> = Rc::default();
        let record = seen.clone();
        let service = fn_service(move |request: Request| {
            let record = record.clone();
            async move {
                let arrived = arrived(request).await;
                record.borrow_mut().push(arrived);
                Ok::<_, Response<BoxBody>>(Response::new(StatusCode::OK))
            }
        });
        let server =
            spawn_local(async move { Connection::new(connection).serve(&service, stop).await });
        let mut rest = bytes;
        for size in pieces.iter().cycle() {
            let (piece, others) = rest.split_at((*size).min(rest.len()));
            client.write_all(piece).await.unwrap();
            rest = others;
            if rest.is_empty() {
                break;
            }
            // The server reads this piece before the next one comes.
            for _ in 0..4 {
                yield_now().await;
            }
        }
        client.shutdown().await.unwrap();
        let mut answers = String::new();
        client.read_to_string(&mut answers).await.unwrap();
        server.await.unwrap();
        let seen = seen.borrow().clone();
        (seen, answers.matches("HTTP/1.").count())
    })
}

async fn arrived(mut request: Request) -> Seen {
    let mut payload = request.take_payload();
    let mut body = Vec::new();
    while let Some(piece) = payload.next().await {
        body.extend_from_slice(&piece.unwrap());
    }
    let head = request.head();
    let text = |value: &[u8]| String::from_utf8(value.to_vec()).unwrap();
    let mut headers: Vec<_> = head
        .headers
        .iter()
        .map(|(name, value)| (name.to_string(), text(value.as_bytes())))
        .collect();
    headers.sort();
    Seen {
        line: format!("{} {} {:?}", head.method, head.uri, head.version),
        headers,
        body,
    }
}

#[test]
fn what_reaches_the_routes_is_what_came() {
    let world = World::new();
    let requests = proptest::collection::vec(sent(), 1..6);
    let pieces = proptest::collection::vec(1_usize..200, 1..6);
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig {
        cases: 300,
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    let result = runner.run(&(requests, pieces), |(requests, pieces)| {
        let bytes = requests.iter().flat_map(Sent::bytes).collect::<Vec<u8>>();
        let expected: Vec<Seen> = requests.iter().map(Sent::expected).collect();
        let (seen, answers) = seen(&world.app, &bytes, &pieces);
        prop_assert_eq!(&seen, &expected);
        prop_assert_eq!(answers, expected.len());
        Ok(())
    });
    result.unwrap();
}

/// An old POST without a length is accepted as the only request of its connection, however it is cut.
#[test]
fn an_old_post_without_a_length_is_the_only_request() {
    let world = World::new();
    let head = "POST /a?b=c HTTP/1.0\r\nHost: x\r\n\r\n";
    let sent = format!("{head}POST /x HTTP/1.0\r\nContent-Length: 0\r\n\r\n");
    for size in 1..=sent.len() {
        let (seen, answers) = seen(&world.app, sent.as_bytes(), &[size]);
        assert_eq!((seen.len(), answers), (1, 1), "pieces of {size}");
        assert_eq!(seen[0].line, "POST /a?b=c HTTP/1.0");
        assert_eq!(seen[0].headers, [("host".into(), "x".into())]);
        assert!(seen[0].body.is_empty());
    }
}
