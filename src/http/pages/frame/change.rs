//! An entry of the action log in a few words, with a link to its object.

use maud::{Markup, html};

use crate::ambient::{plain_time, rfc3339};
use crate::service::action::Area;
use crate::service::guard::access::Actor;
use crate::service::{
    Error, clis, devices, dialplans, dids, groups, named, phonebooks, providers, time_periods,
    users,
};
use crate::store::row::Id;
use crate::store::tables::action_log::Entry;
use crate::store::{ReadTx, StoreError};

/// An entry, and the page of its object.
pub struct Change {
    /// The entry.
    pub entry: Entry,
    page: Option<String>,
}

impl Change {
    /// What a page shows of an entry. An object that is gone, or is not the actor's, has no page.
    pub fn of(tx: &ReadTx<'_>, by: &Actor, entry: Entry) -> Result<Self, StoreError> {
        let page = match (Area::of(&entry.action), entry.object_id) {
            (Some(area), Some(object)) if is_shown(tx, by, area, object)? => page_of(area, object),
            _ => None,
        };
        Ok(Self { entry, page })
    }
}

/// Whether the object's page opens.
fn is_shown(tx: &ReadTx<'_>, by: &Actor, area: Area, id: Id) -> Result<bool, StoreError> {
    let found = match area {
        Area::Callflow | Area::Device => match devices::find_own(tx, by, id) {
            Ok(device) => return Ok(device.is_some()),
            Err(error) => Err(error),
        },
        Area::Did | Area::Quickforward => dids::get(tx, by, id).map(drop),
        Area::Cli => clis::get(tx, by, id).map(drop),
        Area::User | Area::Session => users::get(tx, by, id).map(drop),
        Area::Group => groups::get(tx, by, id).map(drop),
        Area::Provider => providers::get(tx, by, id).map(drop),
        Area::Ivr => named::IVRS.get(tx, by, id).map(drop),
        Area::Dialplan => dialplans::get(tx, by, Some(id)).map(drop),
        Area::TimePeriod => time_periods::get(tx, by, Some(id)).map(drop),
        Area::Phonebook => phonebooks::get(tx, by, Some(id)).map(drop),
        _ => Ok(()),
    };
    match found {
        Ok(()) => Ok(true),
        Err(Error::Store(error)) => Err(error),
        Err(_) => Ok(false),
    }
}

/// The page of the thing that an action's first word and its number name, if it has one.
fn page_of(area: Area, id: Id) -> Option<String> {
    let path = match area {
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
pub fn what(change: &Change) -> Markup {
    let entry = &change.entry;
    // The name of who signed in is beside it already.
    let is_session = Area::of(&entry.action) == Some(Area::Session) && entry.actor_id.is_some();
    let id = entry.object_id.filter(|_| !is_session);
    let id = id.map(|id| id.to_string());
    html! {
        code { (entry.action) }
        @match (&change.page, id) {
            (Some(page), Some(id)) => { " " a href=(page) { (id) } },
            (None, Some(id)) => { " " (id) },
            _ => {},
        }
    }
}

/// A line of the overview.
pub fn line(change: &Change) -> Markup {
    let entry = &change.entry;
    html! {
        time datetime=(rfc3339(entry.at_ms)) { (plain_time(entry.at_ms)) }
        " " b { (entry.actor) } " " (what(change))
    }
}
