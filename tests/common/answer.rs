//! Answers, and what is true of every one of them.

use std::collections::BTreeSet;
use std::io::Read;
use std::sync::LazyLock;

use actix_web::body::{MessageBody, to_bytes};
use actix_web::dev::ServiceResponse;
use flate2::read::GzDecoder;
use xml::reader::{EventReader, XmlEvent};

use super::fixture;

/// The statuses that an answer may have.
const STATUSES: [u16; 9] = [200, 400, 404, 405, 413, 415, 429, 500, 503];

/// What every answer begins with.
pub const DECLARATION: &str = r#"<?xml version="1.0" encoding="UTF-8"?>"#;

/// The elements that may stand around an answer: `page`, and others that a method's file names.
static ROOTS: LazyLock<BTreeSet<String>> = LazyLock::new(|| {
    let methods = fixture::methods();
    let said = methods.iter().flat_map(|method| method.facts("error"));
    let roots = said.filter_map(|error| error.trim_start_matches('<').split(['>', ' ']).next());
    roots.chain(["page"]).map(String::from).collect()
});

/// What came back.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// Names in lower case, and values.
    pub headers: Vec<(String, String)>,
    /// The body as it was sent.
    pub body: Vec<u8>,
}

impl Answer {
    /// The framework's reply, read to its end.
    pub async fn of<B: MessageBody>(response: ServiceResponse<B>) -> Self {
        let status = response.status().as_u16();
        let header = |(name, value): (&actix_web::http::header::HeaderName, _)| {
            let value: &actix_web::http::header::HeaderValue = value;
            (name.to_string(), value.to_str().unwrap().to_owned())
        };
        let headers = response.headers().iter().map(header).collect();
        let body = to_bytes(response.into_body()).await;
        let Ok(body) = body else {
            panic!("the body broke off");
        };
        Self {
            status,
            headers,
            body: body.to_vec(),
        }
    }

    /// The value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        let found = headers.find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// Whether the body is compressed.
    pub fn is_gzipped(&self) -> bool {
        self.header("content-encoding") == Some("gzip")
    }

    /// The body as text, unpacked if it is packed.
    pub fn text(&self) -> String {
        let mut text = String::new();
        // The answer to HEAD says how its body would be packed, and has none.
        if self.is_gzipped() && !self.body.is_empty() {
            GzDecoder::new(&self.body[..])
                .read_to_string(&mut text)
                .unwrap();
        } else {
            text = String::from_utf8(self.body.clone()).unwrap();
        }
        text
    }

    /// The content of `<page>`, after checking what is true of every answer.
    pub fn page(&self) -> String {
        self.check();
        let text = self.text();
        let page = text.strip_prefix(r#"<?xml version="1.0" encoding="UTF-8"?><page>"#);
        let page = page.and_then(|page| page.strip_suffix("</page>"));
        page.unwrap_or_else(|| panic!("not a compact page: {text}"))
            .into()
    }

    /// The text in the first `<error>`; none in a success.
    pub fn error(&self) -> Option<String> {
        self.check();
        let text = self.text();
        let (_, rest) = text.split_once("<error>")?;
        Some(rest.split_once("</error>").unwrap().0.into())
    }

    /// The status is one of ours, every header that each reply has is there, the body is well-formed XML.
    pub fn check(&self) {
        assert!(STATUSES.contains(&self.status), "status {}", self.status);
        assert_eq!(self.header("content-type"), Some("text/xml; charset=utf-8"));
        assert_eq!(self.header("cache-control"), Some("no-store"));
        assert_eq!(self.header("vary"), Some("Accept-Encoding"));
        let id = self.header("x-request-id").expect("a request id");
        assert!(
            id.len() == 16 && id.bytes().all(|byte| byte.is_ascii_hexdigit()),
            "{id}"
        );
        check_xml(&self.text());
    }
}

/// The text is one document that the XML reader accepts: a known root around elements without attributes, namespaces or
/// CDATA.
pub fn check_xml(text: &str) {
    assert!(text.starts_with(DECLARATION), "no declaration: {text}");
    let mut depth = 0;
    let mut roots = 0;
    for event in EventReader::new(text.as_bytes()) {
        match event.unwrap_or_else(|error| panic!("{error}: {text}")) {
            XmlEvent::StartElement {
                name, attributes, ..
            } => {
                if depth == 0 {
                    assert!(ROOTS.contains(&name.local_name), "root: {text}");
                    roots += 1;
                }
                assert!(name.prefix.is_none() && name.namespace.is_none() && attributes.is_empty());
                depth += 1;
            }
            XmlEvent::EndElement { .. } => depth -= 1,
            XmlEvent::CData(_) | XmlEvent::ProcessingInstruction { .. } => {
                panic!("more than elements and text: {text}")
            }
            _ => {}
        }
    }
    assert_eq!((depth, roots), (0, 1), "{text}");
}
