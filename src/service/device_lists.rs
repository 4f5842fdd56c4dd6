//! Lists of devices for the web pages: filters, orders, and the search.

use super::lists::{self, Slice};
use super::{Error, text};
use crate::service::guard::access::{Actor, Right};
use crate::store::row::{Cursor, Id};
use crate::store::tables::device_groups;
use crate::store::tables::device_walks::{self, Walk};
use crate::store::tables::devices::{self, Device, DeviceType};
use crate::store::{ReadTx, StoreError};

/// The order of a list of devices.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Sort {
    /// The newest first.
    #[default]
    Newest,
    /// By extension.
    Extension,
    /// By description, in any letter case.
    Description,
}

/// Which devices a list shows.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// The beginning of the extension or description, or the device's number.
    pub search: String,
    /// The search is for the beginning of the extension or description alone. Someone acts on all that it finds: a number
    /// would stand for a device that has nothing to do with the others.
    pub is_strict: bool,
    /// Of this user.
    pub user_id: Option<Id>,
    /// In this group.
    pub device_group_id: Option<Id>,
    /// Of this type.
    pub device_type: Option<DeviceType>,
    /// Trunks, or the others.
    pub is_trunk: Option<bool>,
    /// Blocked ones, or the others.
    pub is_blocked: Option<bool>,
    /// With a caller ID, or without.
    pub has_caller_id: Option<bool>,
    /// The order. A search, a user or a group sets its own.
    pub sort: Sort,
}

impl Filter {
    fn keeps(&self, device: &Device) -> bool {
        self.user_id.is_none_or(|id| id == device.user_id)
            && self
                .device_group_id
                .is_none_or(|id| id == device.device_group_id)
            && self
                .device_type
                .is_none_or(|wanted| wanted == device.device_type)
            && self.is_trunk.is_none_or(|wanted| wanted == device.is_trunk)
            && self
                .is_blocked
                .is_none_or(|wanted| wanted == device.blocked_ms.is_some())
            && self
                .has_caller_id
                .is_none_or(|wanted| wanted != device.caller_id.is_empty())
    }

    fn finds(&self, device: &Device) -> bool {
        let search = self.search.to_ascii_lowercase();
        let description = device.description.to_ascii_lowercase();
        device.extension.starts_with(&search)
            || match self.is_strict {
                true => description.starts_with(&search),
                false => description.contains(&search) || self.is_exactly(device),
            }
    }

    fn is_exactly(&self, device: &Device) -> bool {
        !self.is_strict && number(&self.search) == Some(device.id)
    }

    /// The first way in which a search over a whole scope finds this device.
    fn first_hit(&self, device: &Device) -> Hit {
        if self.is_exactly(device) {
            Hit::Exact
        } else if device.extension.starts_with(&self.search) {
            Hit::Extension
        } else {
            Hit::Description
        }
    }
}

/// A part of the list of devices that the actor sees. A user, a group or a device that is not their own has none.
pub fn list(
    tx: &ReadTx<'_>,
    by: &Actor,
    filter: &Filter,
    after: Option<Cursor>,
    limit: usize,
) -> Result<Slice<Device>, Error> {
    by.require(Right::SeeDevices)?;
    list_in(tx, by, by.owner_id(), filter, after, limit)
}

/// As [`list`], in one scope of those that the actor reaches. A user or a group has its own.
pub(super) fn list_in(
    tx: &ReadTx<'_>,
    by: &Actor,
    owner_id: Id,
    filter: &Filter,
    after: Option<Cursor>,
    limit: usize,
) -> Result<Slice<Device>, Error> {
    by.require(Right::SeeDevices)?;
    if let Some(walk) = user_walk(tx, by, filter)? {
        let keep = |device: &Device| {
            filter.keeps(device) && (filter.search.is_empty() || filter.finds(device))
        };
        return Ok(page(tx, walk, after, limit, keep)?);
    }
    let is_foreign = filter.user_id.is_some() || filter.device_group_id.is_some();
    if is_foreign {
        return Ok(Slice::empty());
    }
    if !filter.search.is_empty() {
        return Ok(search(tx, by, owner_id, filter, after, limit)?);
    }
    let start = "";
    let walk = match (filter.sort, filter.device_type, filter.is_trunk) {
        (Sort::Extension, ..) => Walk::ByExtension { owner_id, start },
        (Sort::Description, ..) => Walk::ByDescription { owner_id, start },
        (Sort::Newest, ..) if filter.is_blocked == Some(true) => Walk::Blocked { owner_id },
        (Sort::Newest, _, Some(true)) => Walk::Trunks { owner_id },
        (Sort::Newest, Some(device_type), _) => Walk::OfType {
            owner_id,
            device_type,
        },
        (Sort::Newest, None, _) => Walk::Newest { owner_id },
    };
    let keep = |device: &Device| filter.keeps(device);
    Ok(page(tx, walk, after, limit, keep)?)
}

/// The walk along one user's devices, where the filter or the actor names an own user.
fn user_walk(
    tx: &ReadTx<'_>,
    by: &Actor,
    filter: &Filter,
) -> Result<Option<Walk<'static>>, StoreError> {
    if let Some(id) = filter.device_group_id {
        let group = device_groups::find(tx, id)?;
        let Some(group) = group else { return Ok(None) };
        let user = by.own_user(tx, group.user_id)?;
        // Of their user's devices, the filter keeps those in the group.
        return Ok(user.map(|user| Walk::OfUser { user_id: user.id }));
    }
    let Some(user_id) = filter.user_id.or(by.only_user()) else {
        return Ok(None);
    };
    let user = by.own_user(tx, user_id)?;
    Ok(user.map(|user| Walk::OfUser { user_id: user.id }))
}

fn page(
    tx: &ReadTx<'_>,
    walk: Walk<'_>,
    after: Option<Cursor>,
    limit: usize,
    keep: impl Fn(&Device) -> bool,
) -> Result<Slice<Device>, StoreError> {
    let cursor = |device: &Device| Cursor {
        text: match walk {
            Walk::ByExtension { .. } => device.extension.clone(),
            Walk::ByDescription { .. } => device.description.clone(),
            _ => String::new(),
        },
        id: device.id,
    };
    lists::walk(
        after,
        limit,
        |after, limit| device_walks::walk(tx, walk, after, limit),
        cursor,
        keep,
    )
}

/// How a search found a device. This is also the order of the results.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Hit {
    /// By its number.
    Exact,
    /// By the beginning of its extension.
    Extension,
    /// By the beginning of its description.
    Description,
}

impl Hit {
    const ALL: [Self; 3] = [Self::Exact, Self::Extension, Self::Description];

    /// The character before the cursor's text that says where the search continues.
    fn mark(self) -> char {
        match self {
            Self::Exact => '=',
            Self::Extension => 'e',
            Self::Description => 'd',
        }
    }
}

/// A device that a search found.
struct Found {
    hit: Hit,
    device: Device,
}

impl Found {
    fn cursor(&self) -> Cursor {
        let text = match self.hit {
            Hit::Exact => "",
            Hit::Extension => &self.device.extension,
            Hit::Description => &self.device.description,
        };
        Cursor {
            text: format!("{}{text}", self.hit.mark()),
            id: self.device.id,
        }
    }
}

/// A part of the results of a search: by number first, then by extension, then by description.
fn search(
    tx: &ReadTx<'_>,
    by: &Actor,
    owner_id: Id,
    filter: &Filter,
    after: Option<Cursor>,
    limit: usize,
) -> Result<Slice<Device>, StoreError> {
    let slice = lists::walk(
        after,
        limit,
        |after, limit| read_hits(tx, by, owner_id, filter, after, limit),
        Found::cursor,
        // A device that an earlier way finds has its place there.
        |found| filter.keeps(&found.device) && filter.first_hit(&found.device) >= found.hit,
    )?;
    Ok(slice.map(|found| found.device))
}

/// Up to `limit` devices after `after` that a search finds in one way after the other.
fn read_hits(
    tx: &ReadTx<'_>,
    by: &Actor,
    owner_id: Id,
    filter: &Filter,
    after: Option<&Cursor>,
    limit: u32,
) -> Result<Vec<Found>, StoreError> {
    let start = filter.search.as_str();
    let mut found = Vec::new();
    let mut after = after.and_then(place);
    let first = after.as_ref().map_or(Hit::Exact, |(hit, _)| *hit);
    for hit in Hit::ALL.into_iter().filter(|hit| *hit >= first) {
        let after = after.take().map(|(_, cursor)| cursor);
        let left = limit - found.len() as u32;
        let devices = match hit {
            Hit::Exact if filter.is_strict => Vec::new(),
            Hit::Exact => exact(tx, by, start, after.as_ref())?,
            Hit::Extension => {
                let walk = Walk::ByExtension { owner_id, start };
                device_walks::walk(tx, walk, after.as_ref(), left)?
            }
            Hit::Description => {
                let walk = Walk::ByDescription { owner_id, start };
                device_walks::walk(tx, walk, after.as_ref(), left)?
            }
        };
        let devices = devices.into_iter().take(left as usize);
        found.extend(devices.map(|device| Found { hit, device }));
        if found.len() as u32 == limit {
            break;
        }
    }
    Ok(found)
}

/// The way in which a search continues, and after which device; none: the cursor does not belong to a search.
fn place(after: &Cursor) -> Option<(Hit, Cursor)> {
    let mut characters = after.text.chars();
    let mark = characters.next()?;
    let hit = Hit::ALL.into_iter().find(|hit| hit.mark() == mark)?;
    let text = characters.as_str().into();
    Some((hit, Cursor { text, id: after.id }))
}

/// The own device whose number is searched for. A search does not look at PINs: someone who lists devices could find
/// out PINs one by one.
fn exact(
    tx: &ReadTx<'_>,
    by: &Actor,
    search: &str,
    after: Option<&Cursor>,
) -> Result<Vec<Device>, StoreError> {
    let Some(id) = number(search).filter(|id| after.is_none_or(|after| *id > after.id)) else {
        return Ok(Vec::new());
    };
    let found = devices::find(tx, id)?;
    match found {
        Some(device) if by.own_user(tx, device.user_id)?.is_some() => Ok(vec![device]),
        _ => Ok(Vec::new()),
    }
}

/// The number of a device, if the search is for one.
fn number(search: &str) -> Option<Id> {
    text::number(search, 0..=Id::MAX)
}
