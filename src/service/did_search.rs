//! The search among all DIDs that somebody sees, in id order and piece by piece: a million of them may be looked at for
//! one that matches.

use super::dids::MAX_NUMBER;
use super::{Error, Rule, Thing, providers};
use crate::service::guard::access::{Actor, Right};
use crate::store::row::Id;
use crate::store::tables::did_search::{self, Shown, Wanted};
use crate::store::tables::dids::{self, Did, DidStatus};
use crate::store::tables::users::{self, UserType};
use crate::store::{ReadTx, StoreError};

/// The most rows of one piece.
pub const PIECE: usize = 500;
/// The most rows that are looked at for one piece, on one snapshot.
const MAX_LOOKED_AT: usize = 20_000;
/// Longest part of a number, in characters.
pub const MAX_PART: usize = 32;
/// Longest part of a name, in characters.
pub const MAX_NAME: usize = 80;
/// The word for any language.
const ANY_LANGUAGE: &str = "all";

/// What is searched, as it was sent.
#[derive(Debug, Clone, Default)]
pub struct Search {
    /// A part of the number, with `%` and `_`.
    pub number: Option<String>,
    /// A state.
    pub status: Option<String>,
    /// A part of the name of who has it.
    pub owner_name: Option<String>,
    /// The dial plan it is on; `Some(None)`, here and below: what was sent is no id.
    pub dialplan_id: Option<Option<Id>>,
    /// Who has it, or the reseller in whose scope it is.
    pub user_id: Option<Option<Id>>,
    /// The device it is on.
    pub device_id: Option<Option<Id>>,
    /// The provider it comes from.
    pub provider_id: Option<Option<Id>>,
    /// Its language, or `all`.
    pub language: Option<String>,
    /// Leaves out terminated ones.
    pub is_hiding_terminated: bool,
    /// How many matching ones are left out at the beginning.
    pub skip: u64,
    /// How many are wanted at most.
    pub limit: Option<u64>,
}

/// How far a search has come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Reached {
    /// The last row that was looked at.
    pub after: Id,
    /// How many matching ones were left out.
    pub skipped: u64,
    /// How many were given.
    pub given: u64,
}

/// A piece of what was found. It may be empty and not the last.
#[derive(Debug)]
pub struct Found {
    /// The DIDs, in id order.
    pub dids: Vec<Shown>,
    /// From where the next piece continues; none: this is the last.
    pub next: Option<Reached>,
}

/// The next piece of a search. A search that finds nothing is refused at its end.
pub fn search(
    tx: &ReadTx<'_>,
    by: &Actor,
    search: &Search,
    reached: Reached,
) -> Result<Found, Error> {
    by.require(Right::SeeDids)?;
    let (ids, next) = find(tx, by, search, reached)?;
    if next.is_none() && reached.given == 0 && ids.is_empty() {
        return Err(Rule::NoneFound(Thing::Did).into());
    }
    let mut dids = Vec::with_capacity(ids.len());
    for id in ids {
        dids.extend(did_search::show(tx, id)?.map(|did| seen(by, did)));
    }
    Ok(Found { dids, next })
}

/// Up to `limit` of the DIDs that a search finds after the row `after`, in id order.
pub fn list(
    tx: &ReadTx<'_>,
    by: &Actor,
    search: &Search,
    after: Id,
    limit: u32,
) -> Result<Vec<Did>, Error> {
    by.require(Right::SeeDids)?;
    let search = Search {
        limit: Some(limit.into()),
        ..search.clone()
    };
    let mut found = Vec::new();
    let mut place = Some(Reached {
        after,
        ..Reached::default()
    });
    while let Some(reached) = place {
        let (ids, next) = find(tx, by, &search, reached)?;
        for id in ids {
            found.extend(dids::find(tx, id)?);
        }
        place = next;
    }
    Ok(found)
}

/// The rows of the next piece, and how far it came; none: it is the last.
fn find(
    tx: &ReadTx<'_>,
    by: &Actor,
    search: &Search,
    reached: Reached,
) -> Result<(Vec<Id>, Option<Reached>), Error> {
    let Some(wanted) = wanted(tx, by, search)? else {
        return Ok((Vec::new(), None));
    };
    let left = search.limit.map_or(u64::MAX, |limit| limit - reached.given);
    let count = PIECE.min(usize::try_from(left).unwrap_or(PIECE));
    let skip = usize::try_from(search.skip - reached.skipped).unwrap_or(usize::MAX);
    let name = search
        .owner_name
        .as_deref()
        .filter(|_| wanted.owner_name.is_some());
    let name = Name::of(name.unwrap_or_default());
    // Rows whose names are looked at one by one cannot be counted by the database.
    let (mut ids, place, counted) = if skip >= MAX_LOOKED_AT && name.0.is_none() {
        let (counted, place) = pass(tx, &wanted, reached.after)?;
        (Vec::new(), place, counted)
    } else {
        let limit = skip.saturating_add(count);
        let (ids, place) = look(tx, &wanted, &name, reached.after, limit)?;
        (ids, place, 0)
    };
    let skipped = ids.len().min(skip);
    ids.drain(..skipped);
    let next = Reached {
        after: place.unwrap_or(reached.after),
        skipped: reached.skipped + counted + skipped as u64,
        given: reached.given + ids.len() as u64,
    };
    let is_full = search.limit.is_some_and(|limit| next.given >= limit);
    Ok((ids, place.filter(|_| !is_full).map(|_| next)))
}

/// Counts the matching DIDs of a piece that is left out whole, without a look at each; and the row from which to go on.
fn pass(tx: &ReadTx<'_>, wanted: &Wanted, after: Id) -> Result<(u64, Option<Id>), StoreError> {
    if let Some(among) = among(tx, wanted)? {
        // They are no more than what is left out.
        return Ok((among.len() as u64, None));
    }
    let Some(until) = end(tx, after)? else {
        return Ok((0, None));
    };
    let counted = did_search::count(tx, wanted, after, until)?;
    let has_more = did_search::next(tx, until)?.is_some();
    Ok((counted, has_more.then_some(until)))
}

/// The last row that is looked at for the piece after `after`; none: there is no row.
fn end(tx: &ReadTx<'_>, after: Id) -> Result<Option<Id>, StoreError> {
    let first = did_search::next(tx, after)?;
    Ok(first.map(|first| first.saturating_add(MAX_LOOKED_AT as Id - 1)))
}

/// Up to `limit` matching DIDs after `after`, and the row from which to go on; none: there are no more.
fn look(
    tx: &ReadTx<'_>,
    wanted: &Wanted,
    name: &Name,
    after: Id,
    limit: usize,
) -> Result<(Vec<Id>, Option<Id>), StoreError> {
    let Some(mut among) = among(tx, wanted)? else {
        return walk(tx, wanted, name, after, limit);
    };
    among.retain(|id| *id > after);
    among.sort_unstable();
    let mut ids = Vec::new();
    for id in among {
        let found = did_search::matching(tx, wanted, id - 1, id, 1)?;
        ids.extend(name.kept(tx, found, 1)?);
        if ids.len() >= limit {
            return Ok((ids, Some(id)));
        }
    }
    Ok((ids, None))
}

/// The few DIDs among which all matching ones are; none: they may be anywhere, or too many.
fn among(tx: &ReadTx<'_>, wanted: &Wanted) -> Result<Option<Vec<Id>>, StoreError> {
    let number = wanted.number.as_deref().unwrap_or_default();
    let number = number.trim_matches('%');
    if number.len() == MAX_NUMBER && number.bytes().all(|byte| byte.is_ascii_digit()) {
        let found = dids::find_by_number(tx, number)?;
        return Ok(Some(found.into_iter().map(|did| did.id).collect()));
    }
    let among = did_search::among(tx, wanted, MAX_LOOKED_AT + 1)?;
    Ok(among.filter(|ids| ids.len() <= MAX_LOOKED_AT))
}

/// Looks at one row after the other, up to [`MAX_LOOKED_AT`].
fn walk(
    tx: &ReadTx<'_>,
    wanted: &Wanted,
    name: &Name,
    after: Id,
    limit: usize,
) -> Result<(Vec<Id>, Option<Id>), StoreError> {
    let Some(until) = end(tx, after)? else {
        return Ok((Vec::new(), None));
    };
    let wide = match name.0 {
        None => limit,
        Some(_) => MAX_LOOKED_AT,
    };
    let found = did_search::matching(tx, wanted, after, until, wide)?;
    let ids = name.kept(tx, found, limit)?;
    let place = match ids.last() {
        Some(last) if ids.len() >= limit => *last,
        _ => until,
    };
    let has_more = did_search::next(tx, place)?.is_some();
    Ok((ids, has_more.then_some(place)))
}

/// What the actor searches among what they see; none: nothing can match.
fn wanted(tx: &ReadTx<'_>, by: &Actor, search: &Search) -> Result<Option<Wanted>, Error> {
    let mut wanted = Wanted {
        is_hiding_terminated: search.is_hiding_terminated,
        ..Wanted::default()
    };
    let is_own = by.user_type != UserType::User;
    let sees_owners = matches!(by.user_type, UserType::Admin | UserType::Accountant);
    let owner_name = search.owner_name.as_deref().filter(|_| sees_owners);
    let provider_id = search.provider_id.filter(|_| is_own);
    // A state, a part or an id that there cannot be.
    let is_no_id = [
        search.dialplan_id,
        search.device_id,
        search.user_id,
        provider_id,
    ]
    .contains(&Some(None));
    let number = search.number.as_deref();
    let is_no_part = number.is_some_and(|part| !can_be_part(part));
    let is_no_name = owner_name.is_some_and(|name| name.chars().count() > MAX_NAME);
    if is_no_id || is_no_part || is_no_name {
        return Ok(None);
    }
    if let Some(status) = &search.status {
        let Ok(status) = status.to_ascii_lowercase().parse::<DidStatus>() else {
            return Ok(None);
        };
        wanted.status = Some(status);
    }
    wanted.number = number.map(|part| format!("%{part}%"));
    wanted.owner_name = owner_name.map(contains);
    wanted.dialplan_id = search.dialplan_id.flatten();
    wanted.device_id = search.device_id.flatten();
    let language = search.language.as_deref().map(str::to_ascii_lowercase);
    wanted.language = language.filter(|language| language != ANY_LANGUAGE);
    match (by.only_user(), by.user_type) {
        (Some(user_id), _) => wanted.user_id = Some(user_id),
        (None, UserType::Admin) => {}
        (None, UserType::Reseller) => wanted.owner_id = Some(by.owner_id()),
        (None, _) => wanted.stock_of = Some(by.owner_id()),
    }
    if let Some(provider_id) = provider_id.flatten() {
        // The list would tell which DIDs a hidden provider gave.
        let is_known = providers::name_of(tx, by, provider_id)?.is_some();
        if !is_known && by.user_type != UserType::Admin {
            return Ok(None);
        }
        wanted.provider_id = Some(provider_id);
    }
    let is_possible = match search.user_id.flatten() {
        None => true,
        Some(user_id) => is_had(tx, &mut wanted, user_id)?,
    };
    Ok(is_possible.then_some(wanted))
}

/// Narrows a search to what a user has, or to a reseller's scope. False: nothing can be both.
fn is_had(tx: &ReadTx<'_>, wanted: &mut Wanted, user_id: Id) -> Result<bool, StoreError> {
    let user = users::find(tx, user_id)?;
    let is_reseller = user.is_some_and(|user| user.user_type == UserType::Reseller);
    // Whatever a reseller has is in their scope.
    let field = match is_reseller {
        true => &mut wanted.owner_id,
        false => &mut wanted.user_id,
    };
    let is_possible = field.is_none_or(|id| id == user_id);
    *field = Some(user_id);
    Ok(is_possible)
}

/// Whether a number can have such a part: digits, with signs that stand for others.
fn can_be_part(part: &str) -> bool {
    let is_short = part.len() <= MAX_PART;
    let digits = part.bytes().filter(|byte| *byte != b'%').count();
    let is_plain = part
        .bytes()
        .all(|byte| byte.is_ascii_digit() || b"%_".contains(&byte));
    is_short && is_plain && digits <= MAX_NUMBER
}

/// A part of a name with letters beyond ASCII, in lower case; none: the pattern of SQL, which folds only ASCII, is enough.
struct Name(Option<String>);

impl Name {
    fn of(part: &str) -> Self {
        Self((!part.is_ascii()).then(|| part.to_lowercase()))
    }

    /// Up to `limit` of the DIDs that the pattern found: those of someone whose name has the part in any letter case.
    fn kept(&self, tx: &ReadTx<'_>, found: Vec<Id>, limit: usize) -> Result<Vec<Id>, StoreError> {
        let Some(part) = &self.0 else {
            return Ok(found);
        };
        let mut kept = Vec::new();
        for id in found {
            let name = did_search::name_of_haver(tx, id)?;
            if name.is_some_and(|name| name.to_lowercase().contains(part)) {
                kept.push(id);
            }
            if kept.len() >= limit {
                break;
            }
        }
        Ok(kept)
    }
}

/// The pattern for texts that contain this one. A letter beyond ASCII may be any: [`Name`] looks again.
fn contains(text: &str) -> String {
    let mut pattern = String::from("%");
    for c in text.chars() {
        if matches!(c, '%' | '_' | '!') {
            pattern.push('!');
        }
        pattern.push(if c.is_ascii() { c } else { '_' });
    }
    pattern + "%"
}

/// A DID without what the actor may not know: an owner's carriers are nobody else's business.
fn seen(by: &Actor, mut did: Shown) -> Shown {
    let is_known =
        by.user_type == UserType::Admin || by.owns(did.provider_owner_id) || did.provider_is_common;
    if !is_known {
        did.provider.clear();
    }
    if !by.has(Right::SeeDevices) {
        did.device = None;
    }
    did
}
