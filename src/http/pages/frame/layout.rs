//! The frame of every page: head, navigation, and the note about what was just done.

use maud::{DOCTYPE, Markup, html};

use crate::http::pages::frame::answer::Answer;
use crate::http::pages::frame::assets;
use crate::http::pages::frame::parts;
use crate::http::pages::frame::visit::Visit;
use crate::service::guard::access::Right;

/// An entry of the navigation.
struct Entry {
    path: &'static str,
    name: &'static str,
    right: Right,
}

const fn entry(path: &'static str, name: &'static str, right: Right) -> Entry {
    Entry { path, name, right }
}

/// The navigation, in groups.
const NAVIGATION: &[(&str, &[Entry])] = &[
    (
        "Numbers",
        &[
            entry("/", "Overview", Right::SignedIn),
            entry("/devices", "Devices", Right::SeeDevices),
            entry("/dids", "DIDs", Right::SeeDids),
            entry("/clis", "CLIs", Right::SeeDevices),
            entry("/quickforwards", "Quickforwards", Right::UseQuickforwards),
            entry("/phonebook", "Phonebook", Right::ManagePhonebooks),
        ],
    ),
    (
        "Set up",
        &[
            entry("/users", "Users", Right::ManageUsers),
            entry("/groups", "Device groups", Right::ManageDevices),
            entry("/providers", "Providers", Right::SeeProviders),
            entry("/ivrs", "IVRs", Right::ManageSetup),
            entry("/dialplans", "Dial plans", Right::ManageSetup),
            entry("/periods", "Time periods", Right::ManageSetup),
        ],
    ),
    (
        "API",
        &[
            entry("/settings", "API settings", Right::ManageApi),
            entry("/hash", "Generate hash", Right::ManageApi),
            entry("/console", "API console", Right::ManageApi),
            entry("/log", "Action log", Right::SeeLog),
        ],
    ),
];

/// What was just done, by the word in the address.
const DONE: &[(&str, &str)] = &[
    ("added", "It was added."),
    ("each", "It was done to all of them."),
    ("saved", "The changes are saved."),
    ("hidden", "It is hidden from now on."),
    ("deleted", "It was deleted."),
    (
        "blocked",
        "The device is blocked: it neither calls nor is called.",
    ),
    ("unblocked", "The device is not blocked any more."),
    (
        "created",
        "The device was created. It can register with the settings below.",
    ),
    (
        "trunk",
        "The device is a trunk now: DIDs can be assigned to it through the API.",
    ),
    ("not-trunk", "The device is no trunk any more."),
    ("reserve", "The DID is reserved."),
    (
        "handed-over",
        "The DID is reserved for the reseller, and in their scope from now on.",
    ),
    (
        "unreserve",
        "The reservation was taken back: the DID is free.",
    ),
    ("assign", "The DID is active."),
    (
        "unassign",
        "The DID was taken off; it stays reserved for its user.",
    ),
    ("close", "The DID is closed."),
    ("free", "The DID is free."),
    ("release", "The DID is free."),
    ("reopen", "The DID is reserved for its user again."),
    ("take-back", "The DID is back, and free."),
    ("terminate", "The DID is terminated."),
    (
        "password",
        "The password was changed, and the user's sessions were ended.",
    ),
    (
        "blocked",
        "The user is blocked, and was signed out everywhere.",
    ),
    ("unblocked", "The user has access again."),
    ("ended", "Whoever used it is signed out."),
    ("revoked", "The key signs nothing any more."),
];

/// The whole document.
pub fn page(visit: &Visit, title: &str, body: Markup) -> Markup {
    page_with(visit, title, html! {}, body)
}

/// The whole document, with something beside the title.
pub fn page_with(visit: &Visit, title: &str, beside: Markup, body: Markup) -> Markup {
    let done = visit.sent.get("done").and_then(|word| {
        let known = DONE.iter().find(|(known, _)| *known == word);
        known.map(|(_, text)| *text)
    });
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) " · linebook" }
                link rel="stylesheet" href=(*assets::STYLE_PATH);
                link rel="icon" href=(*assets::ICON_PATH) type="image/svg+xml";
            }
            body.signed-out[visit.by.is_none()] {
                a.skip href="#main" { "To the content" }
                @if visit.by.is_some() { (header(visit)) }
                main #main {
                    @if visit.by.is_none() { p.brand { (assets::mark()) "linebook" } }
                    div.head { h1 { (title) } (beside) }
                    @if let Some(text) = done {
                        p.notice.good role="status" { (text) }
                    }
                    (body)
                }
            }
        }
    }
}

fn header(visit: &Visit) -> Markup {
    let by = visit.by();
    html! {
        header {
            a.brand href="/" { (assets::mark()) "linebook" }
            // The navigation is beside the page where there is room. Otherwise the button opens it over the page.
            button.quiet.open-menu type="button" popovertarget="menu" { "Menu" }
            div.menu #menu popover {
                nav aria-label="Pages" {
                    @for (group, entries) in NAVIGATION {
                        @if entries.iter().any(|entry| by.has(entry.right)) {
                            p.group { (group) }
                            ul {
                                @for entry in entries.iter().filter(|entry| by.has(entry.right)) {
                                    li { a href=(entry.path) aria-current=[is_here(visit, entry.path)] { (entry.name) } }
                                }
                            }
                        }
                    }
                }
                div.who {
                    a href="/account" aria-current=[is_here(visit, "/account")] {
                        span.name { (by.name) } " " span.type { (by.user_type) }
                    }
                    form method="post" action="/sign-out" {
                        (parts::form_token(visit))
                        button.quiet type="submit" { "Sign out" }
                    }
                }
            }
        }
    }
}

fn is_here(visit: &Visit, path: &str) -> Option<&'static str> {
    let rest = visit.path.strip_prefix(path)?;
    let is_here = match path {
        "/" => rest.is_empty(),
        _ => rest.is_empty() || rest.starts_with(['/', '.']),
    };
    is_here.then_some("page")
}

impl Visit {
    /// A page under a title.
    pub fn page(&self, title: &str, body: Markup) -> Answer {
        Answer::Page(200, Box::new(page(self, title, body)))
    }

    /// A page that shows what a rule refused.
    pub fn refused(&self, title: &str, body: Markup) -> Answer {
        Answer::Page(422, Box::new(page(self, title, body)))
    }

    /// A page that says what was just done, or shows the problem that stopped it.
    pub fn page_or_problem(&self, title: &str, has_problem: bool, body: Markup) -> Answer {
        match has_problem {
            true => self.refused(title, body),
            false => self.page(title, body),
        }
    }
}
