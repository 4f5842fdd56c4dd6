//! The settings in the database: one table of all of them, and the rules for changing them.

use std::ops::RangeInclusive;
use std::str::FromStr;

use serde_json::json;

use super::text::number;
use super::{AccessError, Error, Field as RefusedField, Rule, Thing, devices, log};
use crate::service::action::Action;
use crate::service::guard::access::{self, Actor, Right};
use crate::store::row::Id;
use crate::store::tables::installation;
use crate::store::tables::settings::{
    self, Dialect, HashCheck, OwnerSettings, RequirePassword, Settings,
};
use crate::store::tables::users::{ADMIN, UserType};
use crate::store::{ReadTx, StoreError, WriteTx};

/// One setting, with everything that is said about it anywhere.
#[derive(Debug, Clone, Copy)]
pub struct Setting {
    /// Its name.
    pub name: &'static str,
    /// The values it takes, in words.
    pub takes: &'static str,
    /// Its default.
    pub default: &'static str,
    /// What it does.
    pub doc: &'static str,
    /// Whose it is, and how it is read and written.
    pub field: Field,
}

/// Whose setting it is, with the functions that make text of its value and set it from text (false: it does not take
/// that).
#[derive(Debug, Clone, Copy)]
pub enum Field {
    /// For everyone.
    Everyone {
        /// Its value as text.
        get: fn(&Settings) -> String,
        /// Sets its value from text; false: it does not take that.
        set: fn(&mut Settings, &str) -> bool,
    },
    /// For one owner: admin or a reseller.
    Owner {
        /// Its value as text.
        get: fn(&OwnerSettings) -> String,
        /// Sets its value from text; false: it does not take that.
        set: fn(&mut OwnerSettings, &str) -> bool,
    },
}

impl Field {
    /// `everyone` or `owner`.
    pub fn scope(&self) -> &'static str {
        match self {
            Self::Everyone { .. } => "everyone",
            Self::Owner { .. } => "owner",
        }
    }
}

/// The values of `first_extension`.
const EXTENSIONS: RangeInclusive<i64> = 1..=999_999_999;
/// The values of `did_closed_days`.
const CLOSED_DAYS: RangeInclusive<i64> = 1..=3650;

/// Every setting.
pub static SETTINGS: &[Setting] = &[
    Setting {
        name: "allow_api",
        takes: "on, off",
        default: "on",
        doc: "the API answers at all",
        field: Field::Everyone {
            get: |settings| on_or_off(settings.allow_api),
            set: |settings, text| assign(&mut settings.allow_api, switch(text)),
        },
    },
    Setting {
        name: "allow_get",
        takes: "on, off",
        default: "off",
        doc: "methods may be called with GET (parameters then stand in the logs of every proxy)",
        field: Field::Everyone {
            get: |settings| on_or_off(settings.allow_get),
            set: |settings, text| assign(&mut settings.allow_get, switch(text)),
        },
    },
    Setting {
        name: "gzip",
        takes: "documented, negotiated",
        default: "documented",
        doc: "methods that MOR's manual answers with a file are gzipped: always, or only when asked for",
        field: Field::Everyone {
            get: |settings| settings.gzip.to_string(),
            set: |settings, text| assign(&mut settings.gzip, word(text)),
        },
    },
    Setting {
        name: "require_password",
        takes: "documented, always, never",
        default: "documented",
        doc: "the parameter p: required where MOR's manual requires it and otherwise checked when sent, always required, or never checked",
        field: Field::Everyone {
            get: |settings| settings.require_password.to_string(),
            set: |settings, text| assign(&mut settings.require_password, word(text)),
        },
    },
    Setting {
        name: "shared_admin_key",
        takes: "on, off",
        default: "on",
        doc: "admin's keys also sign for accountants and managers",
        field: Field::Everyone {
            get: |settings| on_or_off(settings.shared_admin_key),
            set: |settings, text| assign(&mut settings.shared_admin_key, switch(text)),
        },
    },
    Setting {
        name: "default_device_type",
        takes: "SIP, IAX2, FAX, Virtual, H323, ZAP, Skype, or blank for SIP",
        default: "",
        doc: "the type of a new device for which none was sent",
        field: Field::Everyone {
            get: |settings| settings.default_device_type.clone(),
            set: |settings, text| assign(&mut settings.default_device_type, device_type(text)),
        },
    },
    Setting {
        name: "first_extension",
        takes: "1 to 999999999",
        default: "1001",
        doc: "new devices get the first free extension from here on",
        field: Field::Everyone {
            get: |settings| settings.first_extension.to_string(),
            set: |settings, text| assign(&mut settings.first_extension, number(text, EXTENSIONS)),
        },
    },
    Setting {
        name: "did_closed_days",
        takes: "1 to 3650",
        default: "90",
        doc: "days after which a closed DID is freed",
        field: Field::Everyone {
            get: |settings| settings.did_closed_days.to_string(),
            set: |settings, text| assign(&mut settings.did_closed_days, number(text, CLOSED_DAYS)),
        },
    },
    Setting {
        name: "hash_check",
        takes: "strict, documented, lenient, off",
        default: "documented",
        doc: "which hash orders are accepted; off needs an IP allow-list (or, where admin sets it, require_password always)",
        field: Field::Owner {
            get: |settings| settings.hash_check.to_string(),
            set: |settings, text| assign(&mut settings.hash_check, word(text)),
        },
    },
    Setting {
        name: "dialect",
        takes: "classic, current",
        default: "classic",
        doc: "answers follow the five documented pages of MOR's manual, or their later revisions",
        field: Field::Owner {
            get: |settings| settings.dialect.to_string(),
            set: |settings, text| assign(&mut settings.dialect, dialect(text)),
        },
    },
];

fn assign<T>(field: &mut T, value: Option<T>) -> bool {
    let is_taken = value.is_some();
    if let Some(value) = value {
        *field = value;
    }
    is_taken
}

fn switch(text: &str) -> Option<bool> {
    match text {
        "on" => Some(true),
        "off" => Some(false),
        _ => None,
    }
}

fn on_or_off(on: bool) -> String {
    if on { "on" } else { "off" }.into()
}

fn word<T: FromStr>(text: &str) -> Option<T> {
    text.parse().ok()
}

/// The name of `classic` until schema version 2. Scripts and saved forms still use it.
const FORMER_CLASSIC: &str = "pages";

fn dialect(text: &str) -> Option<Dialect> {
    match text {
        FORMER_CLASSIC => Some(Dialect::Classic),
        _ => word(text),
    }
}

/// The stored form of a type in any letter case. Blank stays blank.
fn device_type(text: &str) -> Option<String> {
    if text.is_empty() {
        return Some(String::new());
    }
    devices::find_type(text).map(|known| known.as_str().into())
}

/// Every setting that the actor may set, with its value. Per-owner settings have the value of `owner_id`.
pub fn list(
    tx: &ReadTx<'_>,
    by: &Actor,
    owner_id: Id,
) -> Result<Vec<(&'static Setting, String)>, Error> {
    by.require(Right::ManageApi)?;
    access::check_owner(tx, by, owner_id)?;
    let everyone = settings::get(tx)?;
    let owner = settings::get_owner(tx, owner_id)?;
    let value = |setting: &Setting| match setting.field {
        Field::Everyone { get, .. } => get(&everyone),
        Field::Owner { get, .. } => get(&owner),
    };
    Ok(SETTINGS
        .iter()
        .filter(|setting| sees_everyones(by) || setting.field.scope() == "owner")
        .map(|setting| (setting, value(setting)))
        .collect())
}

/// Whether the actor may know the settings for everyone. They are admin's: others are not told, and cannot find them
/// out from refusals.
fn sees_everyones(by: &Actor) -> bool {
    by.user_type == UserType::Admin
}

/// The dialect until a caller is known: the system owner's.
pub fn system_dialect(tx: &ReadTx<'_>) -> Result<Dialect, StoreError> {
    Ok(settings::get_owner(tx, ADMIN)?.dialect)
}

/// The days after which a closed DID is freed.
pub fn did_closed_days(tx: &ReadTx<'_>) -> Result<i64, StoreError> {
    Ok(settings::get(tx)?.did_closed_days)
}

/// The blocks on the allow-list of the actor's scope.
pub fn networks(tx: &ReadTx<'_>, by: &Actor) -> Result<Vec<String>, Error> {
    by.require(Right::ManageApi)?;
    Ok(settings::networks(tx, by.owner_id())?)
}

/// Sets one setting from text. A per-owner setting is set for `owner_id`, or for the actor's own scope.
pub fn set(
    tx: &WriteTx<'_>,
    by: &Actor,
    name: &str,
    value: &str,
    owner_id: Option<Id>,
) -> Result<(), Error> {
    by.require(Right::ManageApi)?;
    set_each(tx, by, &[(name, value)], owner_id)
}

/// Sets several settings in one step, per-owner settings for the actor's own scope. Equal values count as unchanged.
pub fn set_all(
    tx: &WriteTx<'_>,
    by: &Actor,
    values: &[(&'static str, String)],
) -> Result<(), Error> {
    by.require(Right::ManageApi)?;
    let values: Vec<_> = values
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    set_each(tx, by, &values, None)
}

/// Writes all of them and then checks the whole: between two valid states a single setting may be invalid.
fn set_each(
    tx: &WriteTx<'_>,
    by: &Actor,
    values: &[(&str, &str)],
    owner_id: Option<Id>,
) -> Result<(), Error> {
    let of_owner = owner_id.unwrap_or_else(|| by.owner_id());
    let mut sets_everyones = false;
    let mut changes_hash_check = false;
    for (name, value) in values {
        let setting = SETTINGS
            .iter()
            .find(|setting| setting.name == *name)
            .ok_or_else(|| Rule::NotFound(Thing::Setting).with(*name))?;
        match setting.field {
            Field::Everyone { .. } if owner_id.is_some() => {
                let detail = format!("{name} holds for everyone, so it is set without an owner");
                return Err(Rule::Invalid(RefusedField::Setting(setting.name)).with(detail));
            }
            Field::Everyone { get, set } => {
                set_for_everyone(tx, by, setting, value, get, set)?;
                sets_everyones = true;
            }
            Field::Owner { get, set } => {
                changes_hash_check |= set_for_owner(tx, by, of_owner, setting, value, get, set)?;
            }
        }
    }
    match (changes_hash_check, sets_everyones) {
        (true, _) => check_own_hash_off(tx, by, of_owner),
        (false, true) => check_hash_off(tx),
        (false, false) => Ok(()),
    }
}

fn set_for_everyone(
    tx: &WriteTx<'_>,
    by: &Actor,
    setting: &Setting,
    value: &str,
    get: fn(&Settings) -> String,
    set: fn(&mut Settings, &str) -> bool,
) -> Result<(), Error> {
    if !sees_everyones(by) {
        return Err(AccessError::WrongType.into());
    }
    let before = settings::get(tx)?;
    let mut after = before.clone();
    if !set(&mut after, value) {
        return Err(not_taken(setting, value));
    }
    if after == before {
        return Ok(());
    }
    settings::update(tx, &after)?;
    if after.first_extension != before.first_extension {
        // The known taken extensions were counted from the old start.
        installation::update_next_extension(tx, after.first_extension)?;
    }
    let was = json!({ setting.name: get(&before) });
    let is = json!({ setting.name: get(&after) });
    log::record(tx, by, Action::SettingsSet, None, Some(was), Some(is))?;
    Ok(())
}

/// Returns true when the accepted hashes changed.
fn set_for_owner(
    tx: &WriteTx<'_>,
    by: &Actor,
    owner_id: Id,
    setting: &Setting,
    value: &str,
    get: fn(&OwnerSettings) -> String,
    set: fn(&mut OwnerSettings, &str) -> bool,
) -> Result<bool, Error> {
    access::check_owner(tx, by, owner_id)?;
    let before = settings::get_owner(tx, owner_id)?;
    let mut after = before;
    if !set(&mut after, value) {
        return Err(not_taken(setting, value));
    }
    if after == before {
        return Ok(false);
    }
    settings::update_owner(tx, owner_id, after)?;
    let was = json!({ setting.name: get(&before) });
    let is = json!({ setting.name: get(&after) });
    log::record(
        tx,
        by,
        Action::OwnerSettingsSet,
        owner_id,
        Some(was),
        Some(is),
    )?;
    Ok(after.hash_check != before.hash_check)
}

fn not_taken(setting: &Setting, value: &str) -> Error {
    let detail = format!("{} takes {}, not `{value}`", setting.name, setting.takes);
    Rule::Invalid(RefusedField::Setting(setting.name)).with(detail)
}

/// [`check_hash_off`] after a change by one owner. Only admin may know whether everyone's passwords are required, so a
/// reseller needs an allow-list in any case: a change without one would tell them.
pub(super) fn check_own_hash_off(tx: &WriteTx<'_>, by: &Actor, owner_id: Id) -> Result<(), Error> {
    let is_off = settings::get_owner(tx, owner_id)?.hash_check == HashCheck::Off;
    match is_off && !sees_everyones(by) && settings::networks(tx, owner_id)?.is_empty() {
        true => Err(Rule::Access(AccessError::AllowListNeeded).into()),
        false => check_hash_off(tx),
    }
}

/// Without a hash, something else must keep strangers out: the owner's allow-list, or passwords. This runs after every
/// change that could break it, and its refusal undoes the change.
fn check_hash_off(tx: &WriteTx<'_>) -> Result<(), Error> {
    if settings::get(tx)?.require_password == RequirePassword::Always {
        return Ok(());
    }
    for owner_id in settings::owners_without_hash(tx)? {
        if settings::networks(tx, owner_id)?.is_empty() {
            let detail = format!("owner {owner_id} has no allow-list");
            return Err(Rule::Access(AccessError::HashCheckNeeded).with(detail));
        }
    }
    Ok(())
}
