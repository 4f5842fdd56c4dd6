//! Requests: raw ones, and signed calls of a method.

use std::collections::BTreeMap;
use std::error::Error;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use actix_web::test::TestRequest;
use linebook::api::method::{Method, Parameter};

use super::fixture::Fixture;
use super::sha1;

/// An HTTP request, as it would be written to a socket.
#[derive(Debug, Clone)]
pub struct Request {
    /// `POST`, `GET`, ...
    pub verb: String,
    /// Path and query.
    pub target: String,
    /// Names and values.
    pub headers: Vec<(String, String)>,
    /// The body, possibly empty.
    pub body: Vec<u8>,
    /// The address it comes from.
    pub from: IpAddr,
}

impl Request {
    /// A request without headers and body, from this machine.
    pub fn new(verb: &str, target: &str) -> Self {
        Self {
            verb: verb.into(),
            target: target.into(),
            headers: Vec::new(),
            body: Vec::new(),
            from: Ipv4Addr::LOCALHOST.into(),
        }
    }

    /// Parses a request line, headers, an empty line and the body.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (head, body) = text.split_once("\n\n").unwrap_or((text, ""));
        let mut lines = head.lines();
        let (verb, target) = lines
            .next()
            .and_then(|line| line.split_once(' '))
            .ok_or("no request line")?;
        let mut request = Self::new(verb, target);
        for line in lines {
            let (name, value) = line.split_once(": ").ok_or("a header is `Name: value`")?;
            request = request.header(name, value);
        }
        Ok(request.body(None, body))
    }

    /// Adds a header.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Sets the body, and its type if there is one.
    pub fn body(mut self, content_type: Option<&str>, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        match content_type {
            Some(content_type) => self.header("Content-Type", content_type),
            None => self,
        }
    }

    /// Sets the address that it comes from.
    pub fn from(mut self, address: &str) -> Self {
        self.from = address.parse().unwrap();
        self
    }

    /// The text after the question mark.
    pub fn query(&self) -> &str {
        let query = self.target.split_once('?');
        query.map_or("", |(_, query)| query)
    }

    /// The request in the form that the framework's in-process service takes.
    pub fn to_actix(&self) -> TestRequest {
        let mut request = TestRequest::with_uri(&self.target)
            .method(self.verb.parse().unwrap())
            .peer_addr(SocketAddr::new(self.from, 40_000));
        for (name, value) in &self.headers {
            request = request.append_header((name.as_str(), value.as_str()));
        }
        if !self.body.is_empty() {
            request = request.set_payload(self.body.clone());
        }
        request
    }

    /// The bytes to write to a socket.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut head = format!("{} {} HTTP/1.1\r\nHost: test\r\n", self.verb, self.target);
        for (name, value) in &self.headers {
            head += &format!("{name}: {value}\r\n");
        }
        if !self.body.is_empty() {
            head += &format!("Content-Length: {}\r\n", self.body.len());
        }
        [head.as_bytes(), b"\r\n", &self.body].concat()
    }
}

/// A call of a method: names and values in the order in which they are sent.
#[derive(Debug, Clone)]
pub struct Call {
    method: String,
    /// What follows the method in the path.
    segment: String,
    pairs: Vec<(String, String)>,
}

impl Call {
    /// A call that sends nothing yet.
    pub fn new(method: &str) -> Self {
        Self {
            method: method.into(),
            segment: String::new(),
            pairs: Vec::new(),
        }
    }

    /// A call by admin that succeeds in a fresh demo world once it is signed. It sends what `success` in the method's
    /// file sends.
    pub fn sample(method: &str) -> Self {
        let fixture = Fixture::read(method).unwrap_or_else(|error| panic!("{error}"));
        let request = &fixture.success(false).request;
        Self {
            method: method.into(),
            segment: segment(method, request).into(),
            pairs: pairs(request.query()).unwrap(),
        }
        .without("hash")
        .without("test")
    }

    /// What it sends, in order.
    pub fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        let pairs = self.pairs.iter();
        pairs.map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Sets a value. One of the same name is replaced in its place.
    pub fn with(mut self, name: &str, value: &str) -> Self {
        match self.pairs.iter_mut().find(|(known, _)| known == name) {
            Some(pair) => pair.1 = value.into(),
            None => self.pairs.push((name.into(), value.into())),
        }
        self
    }

    /// Sets all of these.
    pub fn with_all(self, pairs: &[(&str, &str)]) -> Self {
        pairs
            .iter()
            .fold(self, |call, (name, value)| call.with(name, value))
    }

    /// Removes a value.
    pub fn without(mut self, name: &str) -> Self {
        self.pairs.retain(|(known, _)| known != name);
        self
    }

    /// Removes the parameters that this one can stand for, and those that can stand for it.
    pub fn alone(self, method: &Method, parameter: &Parameter) -> Self {
        let replaces = |one: &Parameter, other: &Parameter| {
            let mut others = one.others();
            others.any(|known| known.name == other.name)
        };
        let others = method.parameters.iter();
        let others =
            others.filter(|other| replaces(other, parameter) || replaces(parameter, other));
        others.fold(self, |call, other| call.without(other.name))
    }

    /// The hash of this call with `key`, over the parameters of `order`.
    pub fn hash(&self, order: &[&str], key: &str) -> String {
        let value = |name: &&str| {
            let sent = self.pairs.iter().find(|(known, _)| known == name);
            sent.map_or("", |(_, value)| value.as_str())
        };
        sha1::hex(&(order.iter().map(value).collect::<String>() + key))
    }

    /// Adds the hash over the parameters of `order`.
    pub fn signed(self, order: &[&str], key: &str) -> Self {
        let hash = self.hash(order, key);
        self.with("hash", &hash)
    }

    /// Adds the hash in the order of MOR's manual.
    pub fn signed_with(self, key: &str) -> Self {
        let order = page_order(&self.method);
        self.signed(order, key)
    }

    /// Adds the hash in the order of MOR's manual, with admin's first key.
    pub fn signed_by_admin(self) -> Self {
        self.signed_with("secret")
    }

    /// The parameters, percent-encoded.
    pub fn form(&self) -> String {
        let pair = |(name, value): &(String, String)| format!("{}={}", escape(name), escape(value));
        self.pairs.iter().map(pair).collect::<Vec<_>>().join("&")
    }

    /// A POST with the parameters in the query.
    pub fn post(&self) -> Request {
        Request::new("POST", &format!("{}?{}", self.path(), self.form()))
    }

    /// A POST with the parameters in a form.
    pub fn post_form(&self) -> Request {
        let form = Some("application/x-www-form-urlencoded");
        Request::new("POST", &self.path()).body(form, self.form())
    }

    /// A POST with the parameters in a JSON object, all of them strings.
    pub fn post_json(&self) -> Request {
        let pairs = self.pairs.iter().cloned();
        let object: serde_json::Map<_, _> =
            pairs.map(|(name, value)| (name, value.into())).collect();
        let body = serde_json::Value::from(object).to_string();
        Request::new("POST", &self.path()).body(Some("application/json"), body)
    }

    /// A POST with the parameters as the parts of a multipart body.
    pub fn post_multipart(&self) -> Request {
        let mut body = String::new();
        for (name, value) in &self.pairs {
            body += &format!(
                "--edge\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n"
            );
        }
        body += "--edge--\r\n";
        let kind = Some("multipart/form-data; boundary=edge");
        Request::new("POST", &self.path()).body(kind, body)
    }

    /// A GET with the parameters in the query.
    pub fn get(&self) -> Request {
        Request {
            verb: "GET".into(),
            ..self.post()
        }
    }

    /// Removes every parameter.
    pub fn with_nothing(mut self) -> Self {
        self.pairs.clear();
        self
    }

    /// The path of its method.
    pub fn path(&self) -> String {
        format!("/billing/api/{}{}", self.method, self.segment)
    }
}

/// The order in which MOR's manual signs a method's parameters: the first one in the method's file.
pub fn page_order(method: &str) -> &'static [&'static str] {
    let fixture = Fixture::read(method).unwrap_or_else(|error| panic!("{error}"));
    let orders = fixture.orders();
    let first = orders.first().expect("a method is signed somehow");
    let names = first.1.iter().map(|name| &*name.to_string().leak());
    names.collect::<Vec<_>>().leak()
}

/// Percent-encoding of everything but letters and digits.
pub fn escape(text: &str) -> String {
    let mut escaped = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() {
            escaped.push(byte.into());
        } else {
            escaped += &format!("%{byte:02X}");
        }
    }
    escaped
}

/// The part of a request's path after the method's name, with its slash.
fn segment<'a>(method: &str, request: &'a Request) -> &'a str {
    let path = request.target.split('?').next().unwrap_or_default();
    let (_, segment) = path.split_once(method).unwrap_or_default();
    segment
}

/// The values of a request as a server has to read them: the body's beat the query's, and the last one wins.
pub fn sent(request: &Request) -> Result<BTreeMap<String, String>, Box<dyn Error>> {
    let mut values = BTreeMap::new();
    values.extend(pairs(request.query())?);
    let body = std::str::from_utf8(&request.body)?;
    let mut headers = request.headers.iter();
    let kind = headers.find(|(name, _)| name == "Content-Type");
    match kind.map_or("", |(_, value)| value.as_str()) {
        "application/json" => {
            let object: BTreeMap<String, serde_json::Value> = serde_json::from_str(body)?;
            for (name, value) in object {
                let value = match value {
                    serde_json::Value::Null => continue,
                    serde_json::Value::String(text) => text,
                    serde_json::Value::Bool(value) => u8::from(value).to_string(),
                    serde_json::Value::Number(number) => number.to_string(),
                    other => return Err(format!("{other} is nested").into()),
                };
                values.insert(name, value);
            }
        }
        multipart if multipart.starts_with("multipart/") => {
            for part in body.split("--edge\r\n").skip(1) {
                let (head, value) = part.split_once("\r\n\r\n").ok_or("a part without a body")?;
                let (_, name) = head.split_once("name=\"").ok_or("a part without a name")?;
                let value = value.split("\r\n").next().unwrap_or_default();
                values.insert(name.trim_end_matches('"').into(), value.into());
            }
        }
        _ => values.extend(pairs(body)?),
    }
    Ok(values)
}

/// The names and values of a form, in order.
pub fn pairs(form: &str) -> Result<Vec<(String, String)>, Box<dyn Error>> {
    let pairs = form.split('&').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            Ok((unescape(name)?, unescape(value)?))
        })
        .collect()
}

/// Decodes percent-encoding and plus signs.
fn unescape(text: &str) -> Result<String, Box<dyn Error>> {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digits = [rest.next(), rest.next()].map(|digit| digit.unwrap_or(b'?'));
                u8::from_str_radix(std::str::from_utf8(&digits)?, 16)?
            }
            other => other,
        });
    }
    Ok(String::from_utf8(bytes)?)
}
