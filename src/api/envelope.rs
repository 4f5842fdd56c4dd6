//! What stands around an answer, in each dialect: roots, where an error stands, and what is no XML at all.

use super::xml::{Element, Layout, document, html};
use crate::store::row::Id;
use crate::store::tables::settings::Dialect;

/// One value per dialect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PerDialect<T> {
    /// For the five documented pages of MOR's manual.
    pub classic: T,
    /// For their later revisions.
    pub current: T,
}

impl<T: Copy> PerDialect<T> {
    /// The same in both.
    pub const fn same(value: T) -> Self {
        Self {
            classic: value,
            current: value,
        }
    }

    /// The value of one dialect.
    pub fn of(&self, dialect: Dialect) -> T {
        match dialect {
            Dialect::Classic => self.classic,
            Dialect::Current => self.current,
        }
    }
}

/// What stands around the answers of a method.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Envelope {
    /// What its answers are.
    pub media: Media,
    /// The root of a success; none: the reply brings its own.
    pub root: Option<&'static str>,
    /// Where an error stands.
    pub error: Place,
}

/// What an answer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Media {
    /// An XML document.
    Xml,
    /// A text, and nothing around it.
    Text,
    /// A text in the body of an HTML document.
    Html,
}

/// Where an error stands in a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The elements around it, the root first.
    pub around: &'static [&'static str],
    /// What always stands before it: elements, and the texts in them.
    pub before: &'static [(&'static str, &'static str)],
    /// The element that holds its text; none: nobody is told the text.
    pub name: Option<&'static str>,
}

/// `<page><error>`
pub const IN_PAGE: Place = error_in(&["page"]);
/// `<page><status><error>`
pub const IN_STATUS: Place = error_in(&["page", "status"]);
/// `<status><error>`
pub const IN_STATUS_ALONE: Place = error_in(&["status"]);

/// Errors stand in `<page>`.
pub const PAGE: PerDialect<Envelope> = PerDialect::same(page(IN_PAGE));
/// Errors stand in `<page><status>`.
pub const STATUS: PerDialect<Envelope> = PerDialect::same(page(IN_STATUS));
/// Errors stand in `<page>`, and in the later revisions in `<page><status>`.
pub const LATER_IN_STATUS: PerDialect<Envelope> = PerDialect {
    classic: page(IN_PAGE),
    current: page(IN_STATUS),
};

/// A success in `<page>`, and an error where it is said.
pub const fn page(error: Place) -> Envelope {
    rooted("page", error)
}

/// A success in this root, and an error where it is said.
pub const fn rooted(root: &'static str, error: Place) -> Envelope {
    Envelope {
        media: Media::Xml,
        root: Some(root),
        error,
    }
}

/// A text, and nothing around it, or as a page.
pub const fn bare(media: Media) -> Envelope {
    Envelope {
        media,
        root: None,
        error: IN_PAGE,
    }
}

/// `<error>` in these elements.
pub const fn error_in(around: &'static [&'static str]) -> Place {
    Place {
        around,
        before: &[],
        name: Some("error"),
    }
}

impl Media {
    /// The `Content-Type`.
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Xml => "text/xml; charset=utf-8",
            Self::Text => "text/plain; charset=utf-8",
            Self::Html => "text/html; charset=utf-8",
        }
    }
}

impl Envelope {
    /// The document of an error, with what its rule named where the method tells it.
    pub fn error(
        &self,
        place: Option<Place>,
        layout: Layout,
        text: String,
        message: Option<String>,
    ) -> Vec<u8> {
        match self.media {
            Media::Xml => place.unwrap_or(self.error).document(layout, text, message),
            Media::Text | Media::Html => self.text(layout, text),
        }
    }

    /// The document of a success that is a text.
    pub fn text(&self, layout: Layout, text: String) -> Vec<u8> {
        match self.media {
            Media::Xml => {
                let root = self.root.unwrap_or("page");
                document(layout, None, &[Element::text(root, text)])
            }
            Media::Text => text.into_bytes(),
            Media::Html => html(&text),
        }
    }
}

impl Place {
    fn document(&self, layout: Layout, text: String, message: Option<String>) -> Vec<u8> {
        let before = self.before.iter();
        let mut elements: Vec<Element> = before
            .map(|(name, text)| Element::text(name, *text))
            .collect();
        elements.extend(self.name.map(|name| Element::text(name, text)));
        elements.extend(message.map(|message| Element::text("message", message)));
        for name in self.around.iter().rev() {
            elements = vec![Element::with(name, elements)];
        }
        document(layout, None, &elements)
    }
}

/// What a method answers.
#[derive(Debug, PartialEq, Eq)]
pub enum Reply {
    /// These elements, in the root.
    Elements(Vec<Element>),
    /// A list that may be too long for one piece.
    List(List),
    /// A text.
    Text(String),
}

/// A piece of a list.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct List {
    /// What stands in the root before it.
    pub before: Vec<Element>,
    /// The elements around it, the outermost first; what they hold stands before the items. None: the items stand in the
    /// root.
    pub around: Vec<Element>,
    /// The items of this piece.
    pub items: Vec<Element>,
    /// The id after which the next piece goes on; none: this is the last.
    pub next: Option<Id>,
}

/// `<status>TEXT</status>`, and what comes after it.
pub fn status(text: &'static str, more: impl IntoIterator<Item = Element>) -> Reply {
    let status = Element::text("status", text);
    Reply::Elements(std::iter::once(status).chain(more).collect())
}

/// `<status><success>TEXT</success></status>`, and what comes after it.
pub fn success(text: &'static str, more: impl IntoIterator<Item = Element>) -> Reply {
    let status = Element::with("status", [Element::text("success", text)]);
    Reply::Elements(std::iter::once(status).chain(more).collect())
}
