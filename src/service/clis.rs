//! CLIs: the calling numbers and domains that identify a device.

use serde_json::json;

use super::lists::{self, Slice};
use super::{Error, Field, Rule, Thing, devices, log, text};
use crate::service::action::Action;
use crate::service::guard::access::{Actor, Right};
use crate::store::row::{Cursor, Id};
use crate::store::tables::clis::{self, Cli, CliOnDevice, Walk, Whose};
use crate::store::tables::devices::{self as device_rows, Device};
use crate::store::tables::ivrs::IVRS;
use crate::store::tables::users;
use crate::store::{ReadTx, StoreError, WriteTx};

/// Longest number, in digits.
pub const MAX_NUMBER: usize = 20;
/// Longest description and comment, in characters.
pub const MAX_TEXT: usize = 255;

/// A CLI to add, with its values as they were sent.
#[derive(Debug, Clone, Default)]
pub struct NewCli {
    /// The device it will stand for (`Some(None)`: an id that cannot be a device's); none: not sent.
    pub device_id: Option<Option<Id>>,
    /// Its number.
    pub number: Option<String>,
    /// Its domain.
    pub domain: Option<String>,
    /// Its description.
    pub description: String,
    /// Its comment.
    pub comment: String,
    /// `0` or `1`; none: 0.
    pub banned: Option<String>,
    /// The voice menu its calls go to (`Some(None)`: an id that cannot be one); none: not sent.
    pub ivr_id: Option<Option<Id>>,
}

/// Adds a CLI to a device.
pub fn create(tx: &WriteTx<'_>, by: &Actor, new: NewCli) -> Result<Id, Error> {
    by.require(Right::ManageDevices)?;
    let device_id = device(tx, by, new.device_id)?;
    if new.number.is_none() && new.domain.is_none() {
        return Err(Rule::Missing(Field::CliNumber).into());
    }
    if new
        .number
        .as_deref()
        .is_some_and(|number| !text::is_digits(number))
    {
        return Err(Rule::Invalid(Field::CliNumber).into());
    }
    let domain = new.domain.map(|domain| domain.to_ascii_lowercase());
    check_free(tx, by, new.number.as_deref(), domain.as_deref())?;
    let ivr_id = ivr(tx, by, new.ivr_id)?;
    let banned = match new.banned.as_deref() {
        None | Some("0") => false,
        Some("1") => true,
        Some(_) => return Err(Rule::Invalid(Field::Banned).into()),
    };
    if domain
        .as_deref()
        .is_some_and(|domain| !text::is_domain(domain))
    {
        return Err(Rule::Invalid(Field::CliDomain).into());
    }
    let number = new.number.as_deref().unwrap_or_default();
    if text::is_longer(number, MAX_NUMBER) {
        return Err(Rule::TooLong(Field::CliNumber).into());
    }
    check_texts(&new.description, &new.comment)?;

    let mut cli = Cli {
        id: 0,
        device_id,
        number: new.number,
        domain,
        description: new.description,
        comment: new.comment,
        banned,
        ivr_id,
    };
    cli.id = clis::insert(tx, &cli, tx.now_ms())?;
    log::record(tx, by, Action::CliCreate, cli.id, None, Some(json!(cli)))?;
    Ok(cli.id)
}

fn device(tx: &WriteTx<'_>, by: &Actor, asked: Option<Option<Id>>) -> Result<Id, Error> {
    let id = asked.ok_or(Rule::Missing(Field::DeviceId))?;
    Ok(devices::get_own(tx, by, id)?.id)
}

fn check_texts(description: &str, comment: &str) -> Result<(), Error> {
    for (field, value) in [
        (Field::CliDescription, description),
        (Field::Comment, comment),
    ] {
        if text::is_longer(value, MAX_TEXT) {
            return Err(Rule::TooLong(field).into());
        }
    }
    Ok(())
}

/// A number or a domain is on one device only. The number is checked first.
fn check_free(
    tx: &WriteTx<'_>,
    by: &Actor,
    number: Option<&str>,
    domain: Option<&str>,
) -> Result<(), Error> {
    let mut field = Field::CliNumber;
    let mut taken = None;
    if let Some(number) = number {
        taken = clis::find_by_number(tx, number)?;
    }
    if let (None, Some(domain)) = (&taken, domain) {
        field = Field::CliDomain;
        taken = clis::find_by_domain(tx, domain)?;
    }
    let Some(taken) = taken else {
        return Ok(());
    };
    // A device with a CLI on it cannot be hidden, so it is always found.
    let user = match device_rows::find(tx, taken.device_id)? {
        Some(device) => users::find(tx, device.user_id)?,
        None => None,
    };
    Err(match user.filter(|user| by.owns_user(user)) {
        Some(user) => Rule::Taken(field).with(user.username),
        None => Rule::TakenByAnother(field).into(),
    })
}

fn ivr(tx: &WriteTx<'_>, by: &Actor, asked: Option<Option<Id>>) -> Result<Option<Id>, Error> {
    let found = match asked {
        None => return Ok(None),
        Some(None) => None,
        Some(Some(id)) => IVRS.find(tx, id)?.filter(|ivr| by.owns(ivr.owner_id)),
    };
    match found {
        Some(ivr) => Ok(Some(ivr.id)),
        None => Err(Rule::NotFound(Thing::Ivr).into()),
    }
}

/// The names of a CLI. All given names must belong to one CLI; without any, no CLI is named.
#[derive(Debug, Clone, Copy, Default)]
pub struct Named<'a> {
    /// Its row.
    pub id: Option<Id>,
    /// Its number.
    pub number: Option<&'a str>,
    /// Its domain, in any letter case.
    pub domain: Option<&'a str>,
}

impl Named<'_> {
    /// Its row.
    pub fn by_id(id: Id) -> Self {
        Self {
            id: Some(id),
            ..Self::default()
        }
    }

    fn find(&self, tx: &ReadTx<'_>) -> Result<Option<Cli>, StoreError> {
        let domain = self.domain.map(str::to_ascii_lowercase);
        let found = match (self.id, self.number, &domain) {
            (Some(id), ..) => clis::find(tx, id)?,
            (None, Some(number), _) => clis::find_by_number(tx, number)?,
            (None, None, Some(domain)) => clis::find_by_domain(tx, domain)?,
            (None, None, None) => None,
        };
        Ok(found.filter(|cli| {
            self.number
                .is_none_or(|it| cli.number.as_deref() == Some(it))
                && (domain.is_none() || cli.domain == domain)
        }))
    }

    fn not_found(&self) -> Error {
        let id = self.id.map(|id| id.to_string());
        let name = id.as_deref().or(self.number).or(self.domain);
        Rule::NotFound(Thing::Cli).with(name.unwrap_or_default())
    }
}

/// Deletes a CLI. Its number and its domain are free again.
pub fn delete(tx: &WriteTx<'_>, by: &Actor, named: Named<'_>) -> Result<Cli, Error> {
    by.require(Right::ManageDevices)?;
    let (cli, _) = find_own(tx, by, named)?.ok_or_else(|| named.not_found())?;
    clis::delete(tx, cli.id)?;
    log::record(tx, by, Action::CliDelete, cli.id, Some(json!(cli)), None)?;
    Ok(cli)
}

/// A CLI and its device, if the device is the actor's own.
fn find_own(tx: &ReadTx<'_>, by: &Actor, named: Named<'_>) -> Result<Option<(Cli, Device)>, Error> {
    let Some(cli) = named.find(tx)? else {
        return Ok(None);
    };
    let device = devices::find_own(tx, by, cli.device_id)?;
    Ok(device.map(|device| (cli, device)))
}

/// The CLI of this row, if its device is the actor's own.
pub fn get(tx: &ReadTx<'_>, by: &Actor, id: Id) -> Result<Cli, Error> {
    by.require(Right::SeeDevices)?;
    let named = Named::by_id(id);
    let (cli, _) = find_own(tx, by, named)?.ok_or_else(|| named.not_found())?;
    Ok(cli)
}

/// The device that a number stands for, or else the one that a domain stands for.
pub fn device_of(
    tx: &ReadTx<'_>,
    by: &Actor,
    number: Option<&str>,
    domain: Option<&str>,
) -> Result<Device, Error> {
    by.require(Right::SeeDevices)?;
    if number.is_none() && domain.is_none() {
        return Err(Rule::Missing(Field::CliNumber).into());
    }
    let by_number = Named {
        number,
        ..Named::default()
    };
    let by_domain = Named {
        domain,
        ..Named::default()
    };
    for named in [by_number, by_domain] {
        // Nothing leads to a blocked device.
        if let Some((_, device)) = find_own(tx, by, named)?
            && device.blocked_ms.is_none()
        {
            return Ok(device);
        }
    }
    Err(Named {
        number,
        ..by_domain
    }
    .not_found())
}

/// Up to `limit` CLIs with ids above `after`, in id order: on an own device, of an own user, or of the whole scope
/// (`Some(None)`: an id that cannot be one). Finding none is an error in the first part only.
pub fn list_of(
    tx: &ReadTx<'_>,
    by: &Actor,
    device_id: Option<Option<Id>>,
    user_id: Option<Option<Id>>,
    after: Id,
    limit: u32,
) -> Result<Vec<CliOnDevice>, Error> {
    by.require(Right::SeeDevices)?;
    let device = device_id.map(|id| devices::get_own(tx, by, id));
    let device = device.transpose()?;
    let user = match user_id {
        None => None,
        Some(None) => return Err(Rule::NotFound(Thing::User).into()),
        Some(Some(id)) => Some(by.own_user(tx, id)?.ok_or(Rule::NotFound(Thing::User))?),
    };
    let listed = match (device, user, by.only_user()) {
        (Some(device), Some(user), _) if device.user_id != user.id => Vec::new(),
        (Some(device), ..) => clis::list_of(tx, Whose::Device(device.id), after, limit)?,
        (None, Some(user), _) => clis::list_of(tx, Whose::User(user.id), after, limit)?,
        (None, None, Some(user_id)) => clis::list_of(tx, Whose::User(user_id), after, limit)?,
        (None, None, None) => clis::list_of(tx, Whose::Owner(by.owner_id()), after, limit)?,
    };
    lists::some(listed, after, Thing::Cli)
}

/// The fields of a CLI that can be edited.
#[derive(Debug, Clone, Default)]
pub struct Edit {
    /// Its description.
    pub description: String,
    /// Its comment.
    pub comment: String,
    /// Calls from it are refused.
    pub banned: bool,
    /// The voice menu its calls go to (`Some(None)`: an id that cannot be one).
    pub ivr_id: Option<Option<Id>>,
}

/// Changes a CLI. Its number and device stay.
pub fn update(tx: &WriteTx<'_>, by: &Actor, id: Id, edit: Edit) -> Result<(), Error> {
    by.require(Right::ManageDevices)?;
    let before = get(tx, by, id)?;
    let ivr_id = ivr(tx, by, edit.ivr_id)?;
    check_texts(&edit.description, &edit.comment)?;
    let after = Cli {
        description: edit.description,
        comment: edit.comment,
        banned: edit.banned,
        ivr_id,
        ..before.clone()
    };
    if after == before {
        return Ok(());
    }
    clis::update(tx, &after)?;
    let (was, is) = log::difference(&json!(before), &json!(after));
    log::record(tx, by, Action::CliUpdate, id, Some(was), Some(is))?;
    Ok(())
}

/// Which CLIs a list shows.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// The beginning of the number or domain.
    pub start: String,
    /// On this device.
    pub device_id: Option<Id>,
    /// Banned ones, or the others.
    pub banned: Option<bool>,
}

/// A part of the list of CLIs that the actor sees: the newest first, or in the order of the search.
pub fn list(
    tx: &ReadTx<'_>,
    by: &Actor,
    filter: &Filter,
    after: Option<Cursor>,
    limit: usize,
) -> Result<Slice<Cli>, Error> {
    by.require(Right::SeeDevices)?;
    let start = filter.start.to_ascii_lowercase();
    let is_number = text::is_digits(&start);
    let walk = match (filter.device_id, by.only_user()) {
        (Some(id), _) => match devices::find_own(tx, by, id)? {
            Some(device) => Walk::OnDevice(device.id),
            None => {
                return Ok(Slice::empty());
            }
        },
        (None, Some(user_id)) => Walk::OfUser(user_id),
        (None, None) if start.is_empty() => Walk::OfOwner(by.owner_id()),
        (None, None) if is_number => Walk::ByNumber(by.owner_id(), &start),
        (None, None) => Walk::ByDomain(by.owner_id(), &start),
    };
    let begins =
        |text: &Option<String>| text.as_deref().is_some_and(|text| text.starts_with(&start));
    Ok(lists::walk(
        after,
        limit,
        |after, limit| clis::walk(tx, walk, after, limit),
        |cli| Cursor {
            text: match walk {
                Walk::ByNumber(..) => cli.number.clone().unwrap_or_default(),
                Walk::ByDomain(..) => cli.domain.clone().unwrap_or_default(),
                _ => String::new(),
            },
            id: cli.id,
        },
        |cli| {
            filter.banned.is_none_or(|wanted| wanted == cli.banned)
                && (start.is_empty() || begins(&cli.number) || begins(&cli.domain))
        },
    )?)
}

/// Up to `limit` of everyone's CLIs with ids above `after`, in id order, for actors who reach everything.
pub fn list_all(tx: &ReadTx<'_>, by: &Actor, after: Id, limit: u32) -> Result<Vec<Cli>, Error> {
    by.require(Right::SeeDevices)?;
    by.require_everything()?;
    Ok(clis::list(tx, after, limit)?)
}
