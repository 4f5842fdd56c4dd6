//! The envelope of an answer in each dialect: roots, the place of errors, and answers that are not XML.

use super::xml::{Element, Layout, document, html};
use crate::store::row::Id;
use crate::store::tables::settings::Dialect;

/// One value per dialect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PerDialect<T> {
    /// For the five documented methods of MOR's manual.
    pub classic: T,
    /// For their later revisions.
    pub current: T,
}

impl<T: Copy> PerDialect<T> {
    /// One value for both.
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

/// The envelope of a method's answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Envelope {
    /// The kind of its answers.
    pub media: Media,
    /// The root of a success; none: the reply brings its own.
    pub root: Option<&'static str>,
    /// The place of an error.
    pub error: Place,
}

/// The kind of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Media {
    /// An XML document.
    Xml,
    /// A plain text.
    Text,
    /// A text in the body of an HTML document.
    Html,
}

/// The place of an error in a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The elements around it, the root first.
    pub around: &'static [&'static str],
    /// Elements that always come before it, with their texts.
    pub before: &'static [(&'static str, &'static str)],
    /// The element that holds its text; none: the text is not sent.
    pub name: Option<&'static str>,
}

/// `<page><error>`
pub const IN_PAGE: Place = error_in(&["page"]);
/// `<page><status><error>`
pub const IN_STATUS: Place = error_in(&["page", "status"]);
/// `<status><error>`
pub const IN_STATUS_ALONE: Place = error_in(&["status"]);

/// Errors are in `<page>`.
pub const PAGE: PerDialect<Envelope> = PerDialect::same(page(IN_PAGE));
/// Errors are in `<page><status>`.
pub const STATUS: PerDialect<Envelope> = PerDialect::same(page(IN_STATUS));
/// Errors are in `<page>`, and in the later revisions in `<page><status>`.
pub const LATER_IN_STATUS: PerDialect<Envelope> = PerDialect {
    classic: page(IN_PAGE),
    current: page(IN_STATUS),
};

/// A success in `<page>`, and errors in this place.
pub const fn page(error: Place) -> Envelope {
    rooted("page", error)
}

/// A success in this root, and errors in this place.
pub const fn rooted(root: &'static str, error: Place) -> Envelope {
    Envelope {
        media: Media::Xml,
        root: Some(root),
        error,
    }
}

/// A text without XML, plain or as an HTML document.
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
    /// The document of an error, with the detail of its rule where the method tells it.
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

/// The reply of a method.
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
    /// Elements of the root before the list.
    pub before: Vec<Element>,
    /// The elements around the list, the outermost first; their own content comes before the items. Empty: the items
    /// are in the root.
    pub around: Vec<Element>,
    /// The items of this piece.
    pub items: Vec<Element>,
    /// The id after which the next piece continues; none: this is the last.
    pub next: Option<Id>,
    /// What the list has passed up to there, where it counts that.
    pub passed: Passed,
}

impl List {
    /// A piece of a list in id order, in elements with these names. `limit` rows were asked for: if all have come, more
    /// may follow.
    pub fn piece<Row>(
        around: &[&'static str],
        rows: Vec<Row>,
        limit: u32,
        id: impl Fn(&Row) -> Id,
        item: impl FnMut(Row) -> Element,
    ) -> Self {
        let is_full = rows.len() == limit as usize;
        Self {
            around: around.iter().map(|name| Element::with(name, [])).collect(),
            next: rows.last().map(id).filter(|_| is_full),
            items: rows.into_iter().map(item).collect(),
            ..Self::default()
        }
    }
}

/// How many rows a list has passed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Passed {
    /// Rows that were left out at the beginning.
    pub skipped: u64,
    /// Rows that were given.
    pub given: u64,
}

/// `<status>TEXT</status>`, and the elements after it.
pub fn status(text: &'static str, more: impl IntoIterator<Item = Element>) -> Reply {
    let status = Element::text("status", text);
    Reply::Elements(std::iter::once(status).chain(more).collect())
}

/// `<status><success>TEXT</success></status>`, and the elements after it.
pub fn success(text: &'static str, more: impl IntoIterator<Item = Element>) -> Reply {
    let status = Element::with("status", [Element::text("success", text)]);
    Reply::Elements(std::iter::once(status).chain(more).collect())
}
