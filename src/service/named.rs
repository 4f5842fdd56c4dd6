//! IVRs, the voice menus that a CLI's calls can go to, and dial plans, which can answer a DID instead of a device.
//! linebook knows only their names and owners, so both share these rules.

use serde_json::{Value, json};

use super::action::Action;
use super::lists::{self, Slice};
use super::{Error, Rule, Thing, log, text};
use crate::service::guard::access::{self, Actor, Right};
use crate::store::row::{Cursor, Id};
use crate::store::tables::named::{Named, Table};
use crate::store::tables::{clis, dialplans, dids, ivrs};
use crate::store::{ReadTx, StoreError, WriteTx};

/// A kind of named thing, with everything that differs between kinds.
pub struct Kind {
    thing: Thing,
    created: Action,
    updated: Action,
    hidden: Action,
    table: &'static Table,
    is_used: fn(&ReadTx<'_>, Id) -> Result<bool, StoreError>,
    /// Why one in use cannot be hidden.
    in_use: &'static str,
    /// The right of those who choose from them.
    offered_for: Right,
}

/// IVRs.
pub static IVRS: Kind = Kind {
    thing: Thing::Ivr,
    created: Action::IvrCreate,
    updated: Action::IvrUpdate,
    hidden: Action::IvrHide,
    table: &ivrs::IVRS,
    is_used: clis::ivr_is_used,
    in_use: "CLIs send their calls to it",
    offered_for: Right::ManageDevices,
};

/// Dial plans.
pub static DIALPLANS: Kind = Kind {
    thing: Thing::Dialplan,
    created: Action::DialplanCreate,
    updated: Action::DialplanUpdate,
    hidden: Action::DialplanHide,
    table: &dialplans::DIALPLANS,
    is_used: dids::dialplan_is_used,
    in_use: "take its DIDs off first",
    offered_for: Right::ManageDids,
};

impl Kind {
    /// Adds one of `owner_id`.
    pub fn create(
        &self,
        tx: &WriteTx<'_>,
        by: &Actor,
        owner_id: Id,
        name: &str,
    ) -> Result<Id, Error> {
        by.require(Right::ManageSetup)?;
        self.create_with(tx, by, owner_id, name, json!({}))
    }

    /// Adds one of `owner_id`, with more for the action log than its name.
    pub(super) fn create_with(
        &self,
        tx: &WriteTx<'_>,
        by: &Actor,
        owner_id: Id,
        name: &str,
        mut after: Value,
    ) -> Result<Id, Error> {
        by.require(Right::ManageSetup)?;
        text::check_name(name)?;
        access::check_owner(tx, by, owner_id)?;
        let id = self.table.insert(tx, owner_id, name, tx.now_ms())?;
        after["owner_id"] = owner_id.into();
        after["name"] = name.into();
        log::record(tx, by, self.created, id, None, Some(after))?;
        Ok(id)
    }

    /// The one of this row, if it is the actor's own.
    pub fn get(&self, tx: &ReadTx<'_>, by: &Actor, id: Id) -> Result<Named, Error> {
        by.require(Right::ManageSetup)?;
        let found = self.table.find(tx, id)?;
        found
            .filter(|found| by.owns(found.owner_id))
            .ok_or_else(|| Rule::NotFound(self.thing).with(id.to_string()))
    }

    /// A part of the list of the actor's own, the oldest first.
    pub fn list(
        &self,
        tx: &ReadTx<'_>,
        by: &Actor,
        after: Option<Cursor>,
        limit: usize,
    ) -> Result<Slice<Named>, Error> {
        by.require(Right::ManageSetup)?;
        Ok(lists::walk(
            after,
            limit,
            |after, limit| {
                let after = after.map_or(0, |after| after.id);
                self.table.walk(tx, by.owner_id(), after, limit)
            },
            |found| lists::id_cursor(found.id),
            |_| true,
        )?)
    }

    /// Up to `limit` of everyone's with ids above `after`, in id order, for actors who reach everything.
    pub fn list_all(
        &self,
        tx: &ReadTx<'_>,
        by: &Actor,
        after: Id,
        limit: u32,
    ) -> Result<Vec<Named>, Error> {
        by.require(Right::ManageSetup)?;
        by.require_everything()?;
        Ok(self.table.list(tx, after, limit)?)
    }

    /// Renames one.
    pub fn update(&self, tx: &WriteTx<'_>, by: &Actor, id: Id, name: &str) -> Result<(), Error> {
        by.require(Right::ManageSetup)?;
        let before = self.get(tx, by, id)?;
        text::check_name(name)?;
        if before.name == name {
            return Ok(());
        }
        self.table.update(tx, id, name)?;
        let (was, is) = (json!({ "name": before.name }), json!({ "name": name }));
        log::record(tx, by, self.updated, id, Some(was), Some(is))?;
        Ok(())
    }

    /// Hides one, so that nothing can be sent to it any more. One in use is refused.
    pub fn hide(&self, tx: &WriteTx<'_>, by: &Actor, id: Id) -> Result<(), Error> {
        by.require(Right::ManageSetup)?;
        self.get(tx, by, id)?;
        if (self.is_used)(tx, id)? {
            return Err(Rule::InUse(self.thing).with(self.in_use));
        }
        self.table.hide(tx, id, tx.now_ms())?;
        let (was, is) = (json!({ "hidden": false }), json!({ "hidden": true }));
        log::record(tx, by, self.hidden, id, Some(was), Some(is))?;
        Ok(())
    }

    /// The actor's own that a form offers, up to a limit.
    pub fn list_offered(&self, tx: &ReadTx<'_>, by: &Actor) -> Result<Vec<Named>, Error> {
        by.require(self.offered_for)?;
        Ok(self.table.walk(tx, by.owner_id(), 0, lists::MAX_OFFERED)?)
    }

    /// The name of one, hidden or not, for things that already refer to it.
    pub fn name_of(&self, tx: &ReadTx<'_>, id: Id) -> Result<String, StoreError> {
        Ok(self.table.find_name(tx, id)?.unwrap_or_default())
    }
}
