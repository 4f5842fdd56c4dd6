//! Whether a page is well-formed HTML, and the tags in it.

/// An opening tag: its name, and its attributes.
#[derive(Debug)]
pub struct Tag {
    /// `input`, ...
    pub name: String,
    attributes: Vec<(String, String)>,
}

impl Tag {
    /// The value of an attribute.
    pub fn get(&self, name: &str) -> Option<&str> {
        let mut attributes = self.attributes.iter();
        let found = attributes.find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }
}

const VOID: [&str; 8] = ["meta", "link", "input", "br", "hr", "img", "col", "wbr"];

/// The tags of a web page, if each is closed where it has to be, and no sent text has become a tag.
pub fn read(page: &str) -> Result<Vec<Tag>, String> {
    let mut rest = page.strip_prefix("<!DOCTYPE html>").ok_or("no doctype")?;
    let (mut tags, mut open) = (Vec::new(), Vec::<String>::new());
    while let Some(start) = rest.find('<') {
        if rest[..start].contains('>') {
            return Err(format!("a > in the text: {}", &rest[..start]));
        }
        let (tag, tail) = tag(&rest[start + 1..])?;
        // The pictures' elements end themselves.
        let is_whole = rest[..rest.len() - tail.len()].ends_with("/>");
        rest = tail;
        if let Some(name) = tag.name.strip_prefix('/') {
            if open.pop().as_deref() != Some(name) {
                return Err(format!("</{name}> closes nothing"));
            }
            continue;
        }
        if tag.name == "fuzz" || tag.attributes.iter().any(|(name, _)| name == "onload") {
            return Err("what was sent has become markup".into());
        }
        if !is_whole && !VOID.contains(&tag.name.as_str()) {
            open.push(tag.name.clone());
        }
        tags.push(tag);
    }
    match open.is_empty() && rest.trim().is_empty() {
        true => Ok(tags),
        false => Err(format!("not closed: {open:?}, then {rest:?}")),
    }
}

/// The tag behind a `<`, and what follows its `>`.
fn tag(text: &str) -> Result<(Tag, &str), String> {
    let wrong = || format!("no tag: <{}", text.chars().take(60).collect::<String>());
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == ':';
    let end = text[1..].find(|c| !is_name(c)).ok_or_else(wrong)? + 1;
    let name = &text[..end];
    if !name.starts_with(|c: char| c == '/' || c.is_ascii_lowercase()) {
        return Err(wrong());
    }
    let mut tag = Tag {
        name: name.into(),
        attributes: Vec::new(),
    };
    let mut rest = &text[end..];
    loop {
        if let Some(tail) = rest.strip_prefix("/>").or(rest.strip_prefix('>')) {
            return Ok((tag, tail));
        }
        rest = rest.strip_prefix(' ').ok_or_else(wrong)?;
        let end = rest.find(|c| !is_name(c)).ok_or_else(wrong)?;
        let name = rest[..end].to_owned();
        rest = &rest[end..];
        let value = match rest.strip_prefix("=\"") {
            Some(tail) => {
                let (value, tail) = tail.split_once('"').ok_or_else(wrong)?;
                rest = tail;
                value
            }
            None => "",
        };
        if name.is_empty() || value.contains(['<', '>']) {
            return Err(wrong());
        }
        tag.attributes.push((name, unescape(value)));
    }
}

fn unescape(text: &str) -> String {
    text.replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&amp;", "&")
}

#[test]
fn a_page_that_is_not_whole_is_found() {
    let page = |body: &str| format!("<!DOCTYPE html><html><body>{body}</body></html>");
    assert_eq!(
        read(&page("<a href=\"x&amp;y\">z</a><br>")).unwrap()[2].get("href"),
        Some("x&y")
    );
    for bad in [
        "<p>",
        "</p>",
        "<fuzz></fuzz>",
        "<a href=x>y</a>",
        "a > b",
        "<p onload=\"x\"></p>",
        "<",
        "<p",
    ] {
        assert!(read(&page(bad)).is_err(), "{bad}");
    }
}
