//! An entry of the action log in a few words, with a link to its object.

use maud::{Markup, html};

use crate::ambient::{plain_time, rfc3339};
use crate::service::action::Area;
use crate::store::tables::action_log::Entry;

/// The page of the thing that an action's first word and its number name, if it has one.
fn page_of(entry: &Entry) -> Option<String> {
    let id = entry.object_id?;
    let path = match Area::of(&entry.action)? {
        Area::Callflow | Area::Device => "devices",
        Area::Did | Area::Quickforward => "dids",
        Area::Cli => "clis",
        Area::User | Area::Session => "users",
        Area::Group => "groups",
        Area::Provider => "providers",
        Area::Ivr => "ivrs",
        Area::Dialplan => "dialplans",
        Area::TimePeriod => "periods",
        Area::Phonebook => "records",
        Area::Clock
        | Area::DeviceRule
        | Area::Key
        | Area::OwnerSettings
        | Area::ProviderRule
        | Area::Settings => {
            return None;
        }
    };
    Some(format!("/{path}/{id}"))
}

/// The action, and its object.
pub fn what(entry: &Entry) -> Markup {
    // The name of who signed in is beside it already.
    let is_session = Area::of(&entry.action) == Some(Area::Session) && entry.actor_id.is_some();
    let id = entry.object_id.filter(|_| !is_session);
    let id = id.map(|id| id.to_string());
    html! {
        code { (entry.action) }
        @match (page_of(entry), id) {
            (Some(page), Some(id)) => { " " a href=(page) { (id) } },
            (None, Some(id)) => { " " (id) },
            _ => {},
        }
    }
}

/// A line of the overview.
pub fn line(entry: &Entry) -> Markup {
    html! {
        time datetime=(rfc3339(entry.at_ms)) { (plain_time(entry.at_ms)) }
        " " b { (entry.actor) } " " (what(entry))
    }
}
