//! The files of the web pages: one style sheet and one icon, compiled in.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::LazyLock;

use maud::{Markup, PreEscaped};

use crate::http::pages::frame::answer::{Answer, Trouble};
use crate::http::pages::frame::visit::Visit;

const STYLE: &str = include_str!("assets/style.css");
const ICON: &str = include_str!("assets/icon.svg");

/// The style sheet's address. It changes with the content, so that a browser may keep it forever.
pub static STYLE_PATH: LazyLock<String> = LazyLock::new(|| path("style.css", STYLE));
/// The icon's address.
pub static ICON_PATH: LazyLock<String> = LazyLock::new(|| path("icon.svg", ICON));

fn path(name: &str, content: &str) -> String {
    let mut hasher = DefaultHasher::new();
    content.hash(&mut hasher);
    format!("/assets/{name}?v={:016x}", hasher.finish())
}

/// Answers with a file of the web pages.
pub async fn file(visit: Visit) -> Result<Answer, Trouble> {
    match visit.name.as_str() {
        "style.css" => Ok(Answer::Asset("text/css; charset=utf-8", STYLE.as_bytes())),
        "icon.svg" => Ok(Answer::Asset("image/svg+xml", ICON.as_bytes())),
        _ => Err(Trouble::NotFound),
    }
}

/// The icon in the text.
pub fn mark() -> Markup {
    PreEscaped(ICON.to_owned())
}
