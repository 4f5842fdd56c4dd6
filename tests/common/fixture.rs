//! Fixture files: the facts about a method, and its cases. `tests/fixtures/main.rs` says how one is written.

use std::path::{Path, PathBuf};

use linebook::service::guard::access::Right;

use super::answer::DECLARATION;
use super::request::{Request, sent};
use super::rights;
use super::sha1;
use super::world::World;

/// The key of each caller in the demo world. Everyone else signs with admin's first key.
const KEYS: [(&str, &str); 5] = [
    ("reseller", "reseller-key"),
    ("rita", "reseller-key"),
    ("clerk", "clerk-key"),
    ("newcomer", "newcomer-key"),
    ("nina", "newcomer-key"),
];

/// The files whose cases belong to no single method.
pub const NO_METHOD: [&str; 2] = ["ladder", "requests"];

/// The facts that a file may state on top.
const FACTS: [&str; 20] = [
    "admin reads everything",
    "ignored by users",
    "names nothing",
    "right",
    "who",
    "alias",
    "password",
    "signed strict",
    "signed documented",
    "signed lenient",
    "denied",
    "api disabled",
    "get disabled",
    "unknown caller",
    "incorrect hash",
    "wrong password",
    "wrong type",
    "not permitted",
    "error",
    "error current",
];

/// What a file may say of a parameter that names a thing: `# foreign device_id: ...`.
const OF_A_PARAMETER: [&str; 4] = ["not theirs", "foreign", "neighbour's", "like"];

/// The directives of a case.
const DIRECTIVES: [&str; 13] = [
    "every method",
    "world",
    "given",
    "given sql",
    "from",
    "lines",
    "signed",
    "key",
    "hash",
    "status",
    "reply",
    "log",
    "then",
];

/// A file of cases.
#[derive(Debug, Clone)]
pub struct Fixture {
    /// The file's name: a method's name, or the topic of its cases.
    pub name: String,
    /// The facts about the method: names and values, in the order of the file.
    facts: Vec<(String, String)>,
    /// The cases in the order of the file.
    pub cases: Vec<Case>,
}

/// A request to a fresh demo world, and the exact answer.
#[derive(Debug, Clone)]
pub struct Case {
    /// Its name.
    pub name: String,
    /// What happens before and what is checked afterwards: names and values.
    directives: Vec<(String, String)>,
    /// The request as it stands in the file.
    pub text: String,
    /// The request as it is sent.
    pub request: Request,
    /// The whole answer, unpacked; none until it has been written.
    pub answer: Option<String>,
}

/// The key that this user signs with.
pub fn key_of(username: &str) -> &'static str {
    let known = KEYS.iter().find(|(caller, _)| *caller == username);
    known.map_or("secret", |(_, key)| key)
}

/// Where the fixtures are.
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures")
}

/// The path of a file.
pub fn path(name: &str) -> PathBuf {
    folder().join(name).with_extension("http")
}

/// The names of all files, in order.
pub fn names() -> Vec<String> {
    let files = std::fs::read_dir(folder()).unwrap();
    let paths = files.map(|entry| entry.unwrap().path());
    let mut names: Vec<String> = paths
        .filter(|path| path.extension().is_some_and(|known| known == "http"))
        .map(|path| path.file_stem().unwrap().to_str().unwrap().into())
        .collect();
    names.sort();
    names
}

/// The methods' files. A test that loops over them does not shrink with the table.
pub fn methods() -> Vec<Fixture> {
    let names = names().into_iter();
    names
        .filter(|name| !NO_METHOD.contains(&name.as_str()))
        .map(|name| Fixture::read(&name).unwrap_or_else(|error| panic!("{error}")))
        .collect()
}

impl Fixture {
    /// The file of this name.
    pub fn read(name: &str) -> Result<Self, String> {
        let path = path(name);
        let text = std::fs::read_to_string(&path)
            .map_err(|error| format!("{}: {error}", path.display()))?;
        Self::parse(name, &text).map_err(|error| format!("{}: {error}", path.display()))
    }

    /// A file's text.
    pub fn parse(name: &str, text: &str) -> Result<Self, String> {
        let mut blocks = blocks(text);
        let head = blocks.remove(0);
        let mut facts = Vec::new();
        for line in head.lines().skip(1).filter(|line| !line.is_empty()) {
            let (fact, value) = comment(line, &FACTS)?;
            facts.push((fact.into(), value.into()));
        }
        let cases: Vec<Case> = blocks
            .iter()
            .map(|block| Case::parse(block))
            .collect::<Result<_, _>>()?;
        for (place, case) in cases.iter().enumerate() {
            if cases[..place].iter().any(|other| other.name == case.name) {
                return Err(format!("two cases are named {}", case.name));
            }
        }
        Ok(Self {
            name: name.into(),
            facts,
            cases,
        })
    }

    /// Every value of this name.
    pub fn facts(&self, name: &str) -> impl Iterator<Item = &str> {
        let known = self.facts.iter().filter(move |fact| fact.0 == name);
        known.map(|fact| fact.1.as_str())
    }

    /// The one value of this name.
    pub fn fact(&self, name: &str) -> Option<&str> {
        self.facts(name).next()
    }

    /// The answer to a caller who is refused before the method looks at the call.
    pub fn refusal(&self, why: &str) -> &str {
        let usual = match why {
            "api disabled" => Some("API Requests are disabled"),
            "get disabled" => Some("GET Requests are disabled"),
            "incorrect hash" => Some("Incorrect hash"),
            _ => self.fact("denied"),
        };
        let stated = self.fact(why).or(usual);
        stated.unwrap_or_else(|| panic!("{} does not say what is denied", self.name))
    }

    /// The whole answer that carries an error's text.
    pub fn error(&self, is_current: bool, text: &str) -> String {
        let current = self.fact("error current").filter(|_| is_current);
        let envelope = current.or(self.fact("error"));
        let envelope = envelope.unwrap_or_else(|| panic!("{}: where errors stand", self.name));
        format!("{DECLARATION}{}", envelope.replace("{}", text))
    }

    /// The success in a dialect. The later dialect may have a case of its own.
    pub fn success(&self, is_current: bool) -> &Case {
        let current = self.case("success-current").filter(|_| is_current);
        let success = current.or(self.case("success"));
        success.unwrap_or_else(|| panic!("{} has no case success", self.name))
    }

    /// The right that it says the method asks for.
    pub fn right(&self) -> Right {
        let stated = self.fact("right").unwrap_or_default();
        let found = rights::named(stated);
        found.unwrap_or_else(|| panic!("fixtures/{}.http: no right is `{stated}`", self.name))
    }

    /// The orders in which values are signed, each with its level.
    pub fn orders(&self) -> Vec<(&str, Vec<&str>)> {
        let facts = self.facts.iter();
        facts
            .filter_map(|(name, value)| {
                let level = name.strip_prefix("signed ")?;
                Some((level, value.split_whitespace().collect()))
            })
            .collect()
    }

    /// The case of this name.
    pub fn case(&self, name: &str) -> Option<&Case> {
        self.cases.iter().find(|case| case.name == name)
    }

    /// The hash that a case should carry: by its directives, or in the method's first order with the caller's key. None
    /// where the hash stays as written, and where none is sent.
    pub fn hash(&self, case: &Case) -> Option<String> {
        let is_upper = match case.all("hash").next() {
            Some("as written") => return None,
            Some("upper case") => true,
            Some(other) => panic!("{}: no hash is {other}", case.name),
            None => false,
        };
        let values = sent(&case.request).ok()?;
        let value = |name: &str| values.get(name).map_or("", String::as_str);
        values.get("hash")?;
        let order = match case.all("signed").next() {
            Some(order) => order.to_owned(),
            None => self.first_order(&case.request)?,
        };
        let key = case.all("key").next().unwrap_or(key_of(value("u")));
        let text: String = order.split_whitespace().map(value).collect();
        let hash = sha1::hex(&(text + key));
        Some(match is_upper {
            true => hash.to_uppercase(),
            false => hash,
        })
    }

    /// The first order of the method that a request calls: this file's method, or the one in the path.
    fn first_order(&self, request: &Request) -> Option<String> {
        let first = |fixture: &Self| Some(fixture.orders().first()?.1.join(" "));
        first(self).or_else(|| {
            let path = request.target.split('?').next()?;
            let method = path.rsplit('/').find(|segment| !segment.is_empty())?;
            first(&Self::read(method).ok()?)
        })
    }
}

impl Case {
    fn parse(block: &str) -> Result<Self, String> {
        let (head, rest) = block.split_once('\n').unwrap_or((block, ""));
        let (name, why) = head
            .strip_prefix("### ")
            .and_then(|head| head.split_once(": "))
            .ok_or_else(|| format!("a case begins with `### name: why`: {head}"))?;
        if why.trim().is_empty() {
            return Err(format!("{name} says why it is there"));
        }
        let mut directives = Vec::new();
        let mut text = rest;
        while text.starts_with('#') {
            let (line, more) = text.split_once('\n').unwrap_or((text, ""));
            let (directive, value) = comment(line, &DIRECTIVES)?;
            directives.push((directive.into(), value.into()));
            text = more;
        }
        // The answer's first line. The empty line before the next case is cut off.
        let parts: Vec<&str> = text.split("\n=> ").collect();
        let (text, answer) = match parts[..] {
            [text] => (text, None),
            [text, answer] => (text, Some(answer.to_owned())),
            _ => return Err(format!("{name} has two answers")),
        };
        let case = Self {
            name: name.into(),
            directives,
            text: text.into(),
            request: Request::new("", ""),
            answer,
        };
        let case = case.with_request(text);
        case.map_err(|error| format!("{name}: {error}"))
    }

    /// A case that comes from no file.
    pub fn derived(
        name: &str,
        directives: Vec<(String, String)>,
        request: Request,
        answer: &str,
    ) -> Self {
        Self {
            name: name.into(),
            directives,
            text: String::new(),
            request,
            answer: Some(answer.into()),
        }
    }

    /// Adds a directive.
    pub fn give(&mut self, name: &str, value: &str) {
        self.directives.push((name.into(), value.into()));
    }

    /// Replaces the request. It is sent as the directives say.
    pub fn with_request(mut self, text: &str) -> Result<Self, String> {
        let mut request = Request::parse(text)?;
        if let Some(address) = self.all("from").next() {
            request = request.from(address);
        }
        match self.all("lines").next() {
            None => {}
            Some("crlf") => {
                let body = String::from_utf8(request.body.clone()).unwrap();
                request.body = body.replace('\n', "\r\n").into_bytes();
            }
            Some(other) => return Err(format!("lines end with crlf, not {other}")),
        }
        self.text = text.into();
        self.request = request;
        Ok(self)
    }

    /// A fresh world of the kind that it asks for. What is given to the case has not run yet.
    pub fn world(&self) -> World {
        match self.all("world").next() {
            None => World::new(),
            Some("examples") => World::examples(),
            Some(other) => panic!("{}: no world is {other}", self.name),
        }
    }

    /// Every value of this name.
    pub fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        let directives = self.directives();
        directives.filter_map(move |(known, value)| (known == name).then_some(value))
    }

    /// Its directives, in order.
    pub fn directives(&self) -> impl Iterator<Item = (&str, &str)> {
        let directives = self.directives.iter();
        directives.map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

/// Replaces the request and the answer of a case in its file.
pub fn rewrite(name: &str, case: &Case, request: &str, answer: &str) {
    let file = std::fs::read_to_string(path(name)).unwrap();
    let head = format!("### {}: ", case.name);
    let written: Vec<String> = blocks(&file)
        .into_iter()
        .map(|block| {
            if !block.starts_with(&head) {
                return block;
            }
            let (comments, _) = block.split_at(block.find(&case.text).unwrap());
            format!("{comments}{request}\n=> {answer}")
        })
        .collect();
    std::fs::write(path(name), written.join("\n\n") + "\n").unwrap();
}

/// The part above the first case, and each case, without the empty lines between them.
fn blocks(text: &str) -> Vec<String> {
    let text = text.strip_suffix('\n').unwrap_or(text);
    let mut blocks = Vec::new();
    for part in text.split("\n### ") {
        let part = part.strip_suffix('\n').unwrap_or(part);
        blocks.push(match blocks.is_empty() {
            true => part.to_owned(),
            false => format!("### {part}"),
        });
    }
    blocks
}

/// The name and value of a `# name: value` line; `# name:` has a blank one.
fn comment<'a>(line: &'a str, known: &[&str]) -> Result<(&'a str, &'a str), String> {
    let comment = line.strip_prefix("# ");
    let (name, value) = comment
        .and_then(|comment| {
            let bare = comment.strip_suffix(':').map(|name| (name, ""));
            comment.split_once(": ").or(bare)
        })
        .ok_or_else(|| format!("not `# name: value`: {line}"))?;
    let of_a_parameter = name.rsplit_once(' ').map(|(kind, _)| kind);
    let is_fact =
        known == FACTS && of_a_parameter.is_some_and(|kind| OF_A_PARAMETER.contains(&kind));
    if !known.contains(&name) && !is_fact {
        return Err(format!("{name} is none of {known:?}: {line}"));
    }
    Ok((name, value))
}
