//! Writes XML: the one place that knows the XML crate. The crate does the escaping. Tags are plain names and are
//! written here, because the crate's writer looks after namespaces and attributes for each of them. A test compares the
//! two.

use std::borrow::Cow;

use xml::escape::{escape_str_attribute, escape_str_pcdata};
use xml::reader::{EventReader, XmlEvent};

use super::parameters::is_xml_char;

/// The start of every document.
pub const DECLARATION: &str = r#"<?xml version="1.0" encoding="UTF-8"?>"#;

/// An element: a name, attributes where MOR's manual has them, and a text, a number or elements in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Element {
    name: &'static str,
    attributes: Vec<(&'static str, String)>,
    content: Content,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Content {
    Text(Cow<'static, str>),
    Number(i64),
    Elements(Vec<Element>),
}

impl Element {
    /// An element with a text in it.
    pub fn text(name: &'static str, text: impl Into<Cow<'static, str>>) -> Self {
        Self::new(name, Content::Text(text.into()))
    }

    /// An element with a number in it.
    pub fn number(name: &'static str, number: impl Into<i64>) -> Self {
        Self::new(name, Content::Number(number.into()))
    }

    /// An element with elements in it.
    pub fn with(name: &'static str, elements: impl Into<Vec<Element>>) -> Self {
        Self::new(name, Content::Elements(elements.into()))
    }

    fn new(name: &'static str, content: Content) -> Self {
        Self {
            name,
            attributes: Vec::new(),
            content,
        }
    }

    /// Adds an attribute.
    pub fn attribute(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.attributes.push((name, value.into()));
        self
    }
}

/// The layout of a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// On one line.
    Compact,
    /// One element a line, indented, for people.
    Indented,
}

/// Writes a document piece by piece, so that a long one need not be held in memory.
pub struct Document {
    layout: Layout,
    written: Vec<u8>,
    /// The names of the open elements.
    open: Vec<&'static str>,
}

impl Document {
    /// Starts a document with the declaration.
    pub fn start(layout: Layout) -> Self {
        let mut written = Vec::with_capacity(1024);
        written.extend_from_slice(DECLARATION.as_bytes());
        Self {
            layout,
            written,
            open: Vec::with_capacity(4),
        }
    }

    /// `<name>`.
    pub fn open(&mut self, name: &'static str) {
        self.new_line();
        self.open.push(name);
        self.write(&["<", name, ">"]);
    }

    /// Writes an element without its end tag, so that more can come into it.
    pub fn begin(&mut self, element: &Element) {
        self.new_line();
        self.open.push(element.name);
        self.tag(element);
        match &element.content {
            Content::Text(text) => self.write(&[&kept(escape_str_pcdata(&carried(text)))]),
            Content::Number(number) => self.write(&[&number.to_string()]),
            Content::Elements(elements) => {
                elements.iter().for_each(|element| self.element(element));
            }
        }
    }

    /// Writes a complete element.
    pub fn element(&mut self, element: &Element) {
        match &element.content {
            Content::Text(text) => {
                self.leaf(element, &kept(escape_str_pcdata(&carried(text))));
            }
            Content::Number(number) => self.leaf(element, &number.to_string()),
            Content::Elements(_) => {
                self.begin(element);
                self.close();
            }
        }
    }

    /// Closes the element that was opened last.
    pub fn close(&mut self) {
        if let Some(name) = self.open.pop() {
            self.new_line();
            self.write(&["</", name, ">"]);
        }
    }

    fn leaf(&mut self, element: &Element, text: &str) {
        self.new_line();
        self.tag(element);
        self.write(&[text, "</", element.name, ">"]);
    }

    fn tag(&mut self, element: &Element) {
        self.write(&["<", element.name]);
        for (name, value) in &element.attributes {
            let value = escape_str_attribute(&carried(value)).into_owned();
            self.write(&[" ", name, "=\"", &value, "\""]);
        }
        self.write(&[">"]);
    }

    /// Takes the bytes that were written since the last time.
    pub fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.written)
    }

    /// Closes all open elements, and takes the remaining bytes.
    pub fn finish(mut self) -> Vec<u8> {
        while !self.open.is_empty() {
            self.close();
        }
        self.written
    }

    fn write(&mut self, parts: &[&str]) {
        for part in parts {
            self.written.extend_from_slice(part.as_bytes());
        }
    }

    fn new_line(&mut self) {
        if self.layout == Layout::Indented {
            self.written.push(b'\n');
            (0..self.open.len()).for_each(|_| self.written.extend_from_slice(b"  "));
        }
    }
}

/// A whole document: `elements`, in the root if there is one.
pub fn document(layout: Layout, root: Option<&'static str>, elements: &[Element]) -> Vec<u8> {
    let mut document = Document::start(layout);
    if let Some(root) = root {
        document.open(root);
    }
    elements
        .iter()
        .for_each(|element| document.element(element));
    document.finish()
}

/// An element of one of our documents, read back.
#[derive(Debug, PartialEq, Eq)]
pub struct Node {
    /// The element's name.
    pub name: String,
    /// The names of its attributes.
    pub attributes: Vec<String>,
    /// The elements in it.
    pub children: Vec<Node>,
}

/// Reads a document; none: it is not XML.
pub fn read(document: &str) -> Option<Node> {
    let mut open: Vec<Node> = Vec::new();
    for event in EventReader::new(document.as_bytes()) {
        match event.ok()? {
            XmlEvent::StartElement {
                name, attributes, ..
            } => open.push(Node {
                name: name.local_name,
                attributes: attributes
                    .into_iter()
                    .map(|it| it.name.local_name)
                    .collect(),
                children: Vec::new(),
            }),
            XmlEvent::EndElement { .. } => {
                let closed = open.pop()?;
                match open.last_mut() {
                    Some(parent) => parent.children.push(closed),
                    None => return Some(closed),
                }
            }
            _ => {}
        }
    }
    None
}

/// A text in the body of an HTML document.
pub fn html(text: &str) -> Vec<u8> {
    let text = escape_str_pcdata(&carried(text)).into_owned();
    format!("<html><head></head><body>{text}</body></html>").into_bytes()
}

/// The text with every character replaced that XML cannot carry. Requests with such a character are refused, so this is
/// for values that came into the database in another way. The crate's writer would pass them on, and its reader would
/// reject them.
fn carried(text: &str) -> Cow<'_, str> {
    if text.chars().all(is_xml_char) {
        return text.into();
    }
    let replace = |c| {
        if is_xml_char(c) {
            c
        } else {
            char::REPLACEMENT_CHARACTER
        }
    };
    text.chars().map(replace).collect::<String>().into()
}

/// The escaped text with each carriage return as a reference: readers take a plain one for the end of a line, and give
/// a line feed. In attributes the crate does so itself.
fn kept(text: Cow<'_, str>) -> Cow<'_, str> {
    match text.contains('\r') {
        true => text.replace('\r', "&#13;").into(),
        false => text,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use xml::EventWriter;
    use xml::reader::{EventReader, XmlEvent as Read};
    use xml::writer::{EmitterConfig, XmlEvent};

    use super::{Content, DECLARATION, Document, Element, Layout, Node, document, read};

    /// The document from the crate's own writer.
    fn reference(layout: Layout, elements: &[Element]) -> Vec<u8> {
        fn add(writer: &mut EventWriter<Vec<u8>>, element: &Element) {
            let mut write = |event: XmlEvent<'_>| writer.write(event).unwrap();
            let mut start = XmlEvent::start_element(element.name);
            for (name, value) in &element.attributes {
                start = start.attr(*name, value);
            }
            write(start.into());
            match &element.content {
                Content::Text(text) => write(XmlEvent::characters(text)),
                Content::Number(number) => write(XmlEvent::characters(&number.to_string())),
                Content::Elements(elements) => elements.iter().for_each(|it| add(writer, it)),
            }
            writer.write(XmlEvent::end_element()).unwrap();
        }
        let mut writer = EmitterConfig::new()
            .perform_indent(layout == Layout::Indented)
            .normalize_empty_elements(false)
            .create_writer(Vec::new());
        add(&mut writer, &Element::with("page", elements));
        writer.into_inner()
    }

    fn elements() -> impl Strategy<Value = Vec<Element>> {
        let text = ("[ -~\\t\\né<>&\"']{0,12}").prop_map(|text| Element::text("text", text));
        let leaf = prop_oneof![text, any::<i64>().prop_map(|id| Element::number("id", id))];
        let value = "[ -~\\t\\né<>&\"']{0,12}";
        let leaf = (leaf, prop::option::of(value)).prop_map(|(leaf, value)| match value {
            Some(value) => leaf.attribute("currency", value),
            None => leaf,
        });
        let element = leaf.prop_recursive(3, 12, 4, |inner| {
            prop::collection::vec(inner, 0..4).prop_map(|inner| Element::with("list", inner))
        });
        prop::collection::vec(element, 0..4)
    }

    proptest! {
        #[test]
        fn documents_are_what_the_crates_own_writer_writes(elements in elements()) {
            for layout in [Layout::Compact, Layout::Indented] {
                let written = String::from_utf8(document(layout, Some("page"), &elements)).unwrap();
                let expected = String::from_utf8(reference(layout, &elements)).unwrap();
                prop_assert_eq!(written, expected);
            }
        }
    }

    fn check(elements: &[Element], expected: &str) {
        let written = String::from_utf8(document(Layout::Compact, Some("page"), elements)).unwrap();
        assert_eq!(written, format!("{DECLARATION}{expected}"));
    }

    #[test]
    fn documents_are_compact_and_escaped() {
        check(&[], "<page></page>");
        check(
            &[
                Element::text("error", "a<b>&\"c'"),
                Element::with("devices", []),
            ],
            "<page><error>a&lt;b&gt;&amp;\"c'</error><devices></devices></page>",
        );
        check(
            &[Element::text("status", "a\0\u{ffff}b")],
            "<page><status>a\u{fffd}\u{fffd}b</status></page>",
        );
    }

    #[test]
    fn a_carriage_return_is_read_back_as_one() {
        let text = Element::text("text", "a\r\nb\rc").attribute("of", "d\re");
        let written = document(Layout::Compact, Some("page"), &[text]);
        let (mut texts, mut values) = (String::new(), String::new());
        for event in EventReader::new(written.as_slice()) {
            match event.unwrap() {
                Read::Characters(text) | Read::Whitespace(text) => texts += &text,
                Read::StartElement { attributes, .. } => {
                    values.extend(attributes.into_iter().map(|it| it.value));
                }
                _ => {}
            }
        }
        assert_eq!((texts.as_str(), values.as_str()), ("a\r\nb\rc", "d\re"));
        let written = String::from_utf8(written).unwrap();
        assert!(written.contains(">a&#13;\nb&#13;c<"), "{written}");
    }

    #[test]
    fn pieces_make_the_same_document() {
        let devices = [Element::text("id", "1"), Element::text("id", "2")];
        let list = [Element::with("devices", devices.clone())];
        let whole = document(Layout::Indented, Some("page"), &list);
        let mut document = Document::start(Layout::Indented);
        document.open("page");
        document.open("devices");
        let mut pieces = Vec::new();
        for device in &devices {
            document.element(device);
            pieces.extend(document.take());
        }
        document.close();
        pieces.extend(document.finish());
        assert_eq!(pieces, whole);
    }

    #[test]
    fn what_was_written_is_read_back() {
        let devices = [
            Element::text("device", "a < b"),
            Element::number("device", 2),
        ];
        let list = Element::with("devices", devices).attribute("from", "1");
        let written = document(Layout::Indented, Some("page"), &[list]);
        let leaf = || Node {
            name: "device".into(),
            attributes: Vec::new(),
            children: Vec::new(),
        };
        let list = Node {
            name: "devices".into(),
            attributes: vec!["from".into()],
            children: vec![leaf(), leaf()],
        };
        let page = Node {
            name: "page".into(),
            attributes: Vec::new(),
            children: vec![list],
        };
        assert_eq!(read(&String::from_utf8(written).unwrap()), Some(page));
        assert_eq!(read("<page><a></page>"), None);
        assert_eq!(read("1.0"), None);
    }
}
