//! XML out: the one place that knows the XML crate.

use std::borrow::Cow;

use xml::EventWriter;
use xml::writer::{EmitterConfig, Error, XmlEvent};

use super::parameters::is_xml_char;

/// What every document starts with.
pub const DECLARATION: &str = r#"<?xml version="1.0" encoding="UTF-8"?>"#;

/// An element: a name, and a text or elements in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Element {
    name: &'static str,
    content: Content,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Content {
    Text(Cow<'static, str>),
    Elements(Vec<Element>),
}

impl Element {
    /// An element with a text in it.
    pub fn text(name: &'static str, text: impl Into<Cow<'static, str>>) -> Self {
        Self {
            name,
            content: Content::Text(text.into()),
        }
    }

    /// An element with elements in it.
    pub fn with(name: &'static str, elements: impl Into<Vec<Element>>) -> Self {
        Self {
            name,
            content: Content::Elements(elements.into()),
        }
    }
}

/// How a document looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// On one line.
    Compact,
    /// An element a line, indented, for people.
    Indented,
}

/// Writes a document piece by piece, so that a long one need not be held in memory.
pub struct Document {
    writer: EventWriter<Vec<u8>>,
}

impl Document {
    /// A document that starts with the declaration and `<page>`.
    pub fn start(layout: Layout) -> Self {
        let mut document = Self {
            writer: EmitterConfig::new()
                .perform_indent(layout == Layout::Indented)
                .normalize_empty_elements(false)
                .create_writer(Vec::with_capacity(1024)),
        };
        document.open("page");
        document
    }

    /// `<name>`.
    pub fn open(&mut self, name: &'static str) {
        sure(self.writer.write(XmlEvent::start_element(name)));
    }

    /// An element and all in it.
    pub fn element(&mut self, element: &Element) {
        self.open(element.name);
        match &element.content {
            Content::Text(text) => sure(self.writer.write(XmlEvent::characters(&carried(text)))),
            Content::Elements(elements) => {
                elements.iter().for_each(|element| self.element(element))
            }
        }
        self.close();
    }

    /// The end of what was opened last.
    pub fn close(&mut self) {
        sure(self.writer.write(XmlEvent::end_element()));
    }

    /// What has been written since the last time it was taken.
    pub fn take(&mut self) -> Vec<u8> {
        std::mem::take(self.writer.inner_mut())
    }

    /// `</page>`, and what has not been taken yet.
    pub fn finish(mut self) -> Vec<u8> {
        self.close();
        self.writer.into_inner()
    }
}

fn sure(written: Result<(), Error>) {
    written.expect("a Vec takes every byte, and elements are opened and closed in pairs");
}

/// A whole document: `<page>` with `elements` in it.
pub fn page(layout: Layout, elements: &[Element]) -> Vec<u8> {
    let mut document = Document::start(layout);
    elements
        .iter()
        .for_each(|element| document.element(element));
    document.finish()
}

/// The text with every character that XML cannot carry replaced. Requests with one are refused, so this is for what
/// came into the database by another way; the crate's writer would pass it on and its reader would reject it.
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

#[cfg(test)]
mod tests {
    use super::*;

    fn check(elements: &[Element], expected: &str) {
        let written = String::from_utf8(page(Layout::Compact, elements)).unwrap();
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
    fn pieces_make_the_same_document() {
        let devices = [Element::text("id", "1"), Element::text("id", "2")];
        let whole = page(
            Layout::Indented,
            &[Element::with("devices", devices.clone())],
        );
        let mut document = Document::start(Layout::Indented);
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
}
