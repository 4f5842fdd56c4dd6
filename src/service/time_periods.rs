//! Time periods: parts of the day, the week and the year, for which a dial plan can be.

use serde_json::json;

use super::lists::{self, Slice};
use super::{Error, Field, Rule, Thing, log, text};
use crate::service::action::Action;
use crate::service::guard::access::{self, Actor, Right};
use crate::store::row::{Cursor, Id};
use crate::store::tables::dialplans;
use crate::store::tables::time_periods::{self, TimePeriod};
use crate::store::{ReadTx, WriteTx};

/// The last minute of a day.
const LAST_MINUTE: u32 = 24 * 60 - 1;
/// The words for the days of the week.
pub const WEEKDAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
/// How many values limit a period.
pub const LIMITS: usize = 10;
/// The values that limit a period, in the order of the checks, each with its lowest and highest number. The first four
/// always have a value; days of the week are words.
pub const FIELDS: [(Field, u32, u32); LIMITS] = [
    (Field::StartHour, 0, 23),
    (Field::EndHour, 0, 23),
    (Field::StartMinute, 0, 59),
    (Field::EndMinute, 0, 59),
    (Field::StartWeekday, 1, 7),
    (Field::EndWeekday, 1, 7),
    (Field::StartMonth, 1, 12),
    (Field::EndMonth, 1, 12),
    (Field::StartDay, 1, 31),
    (Field::EndDay, 1, 31),
];
/// How many of them always have a value.
const OF_THE_DAY: usize = 4;

/// A change of a period, with its values as they were sent.
#[derive(Debug, Clone, Default)]
pub struct Edit {
    /// Its name; none: it stays.
    pub name: Option<String>,
    /// Its limits, in the order of [`FIELDS`]. None: it stays. Blank: no limit; an hour or a minute stays.
    pub limits: [Option<String>; LIMITS],
}

/// Adds a period of `owner_id`: all day, all year, but for what the edit says.
pub fn create(tx: &WriteTx<'_>, by: &Actor, owner_id: Id, edit: &Edit) -> Result<Id, Error> {
    by.require(Right::ManageSetup)?;
    access::check_owner(tx, by, owner_id)?;
    let mut period = edited(&whole(owner_id), edit)?;
    if period.name.is_empty() {
        return Err(Rule::Missing(Field::Name).into());
    }
    period.id = time_periods::insert(tx, &period, tx.now_ms())?;
    let after = Some(json!(period));
    log::record(tx, by, Action::TimePeriodCreate, period.id, None, after)?;
    Ok(period.id)
}

/// A period without a name that is all day, all year.
fn whole(owner_id: Id) -> TimePeriod {
    TimePeriod {
        id: 0,
        owner_id,
        name: String::new(),
        start_minute_of_day: 0,
        end_minute_of_day: LAST_MINUTE,
        start_weekday: None,
        end_weekday: None,
        start_month: None,
        end_month: None,
        start_day: None,
        end_day: None,
    }
}

/// Changes a period.
pub fn update(tx: &WriteTx<'_>, by: &Actor, id: Option<Id>, edit: &Edit) -> Result<(), Error> {
    by.require(Right::ManageSetup)?;
    let before = get(tx, by, id)?;
    let after = edited(&before, edit)?;
    if before == after {
        return Ok(());
    }
    time_periods::update(tx, &after)?;
    let (was, is) = log::difference(&json!(before), &json!(after));
    log::record(
        tx,
        by,
        Action::TimePeriodUpdate,
        before.id,
        Some(was),
        Some(is),
    )?;
    Ok(())
}

/// The period as the edit makes it.
fn edited(period: &TimePeriod, edit: &Edit) -> Result<TimePeriod, Error> {
    let mut values = values(period);
    for (place, (field, least, most)) in FIELDS.into_iter().enumerate() {
        let Some(sent) = edit.limits[place].as_deref().map(str::trim) else {
            continue;
        };
        values[place] = match sent {
            "" if place < OF_THE_DAY => values[place],
            "" => None,
            sent => Some(parse(field, sent, least, most)?),
        };
    }
    let name = match &edit.name {
        None => period.name.clone(),
        Some(name) if name.trim().is_empty() => return Err(Rule::Missing(Field::Name).into()),
        Some(name) if name.contains(char::is_control) => {
            return Err(Rule::Invalid(Field::Name).into());
        }
        Some(name) => name.clone(),
    };
    if text::is_longer(&name, text::MAX_NAME) {
        return Err(Rule::TooLong(Field::Name).into());
    }
    let minute = |hour: usize| values[hour].unwrap_or(0) * 60 + values[hour + 2].unwrap_or(0);
    Ok(TimePeriod {
        id: period.id,
        owner_id: period.owner_id,
        name,
        start_minute_of_day: minute(0),
        end_minute_of_day: minute(1),
        start_weekday: values[4],
        end_weekday: values[5],
        start_month: values[6],
        end_month: values[7],
        start_day: values[8],
        end_day: values[9],
    })
}

/// The numbers of a period, in the order of [`FIELDS`].
fn values(period: &TimePeriod) -> [Option<u32>; LIMITS] {
    let (start, end) = (period.start_minute_of_day, period.end_minute_of_day);
    [
        Some(start / 60),
        Some(end / 60),
        Some(start % 60),
        Some(end % 60),
        period.start_weekday,
        period.end_weekday,
        period.start_month,
        period.end_month,
        period.start_day,
        period.end_day,
    ]
}

/// The limits of a period as they are sent, in the order of [`FIELDS`].
pub fn sent(period: &TimePeriod) -> [String; LIMITS] {
    let mut sent = [const { String::new() }; LIMITS];
    for (place, value) in values(period).into_iter().enumerate() {
        let is_weekday = matches!(FIELDS[place].0, Field::StartWeekday | Field::EndWeekday);
        sent[place] = match value {
            None => String::new(),
            Some(day) if is_weekday => weekday(day).into(),
            Some(number) => number.to_string(),
        };
    }
    sent
}

fn weekday(day: u32) -> &'static str {
    let place = day.saturating_sub(1) as usize;
    WEEKDAYS.get(place).copied().unwrap_or_default()
}

fn parse(field: Field, sent: &str, least: u32, most: u32) -> Result<u32, Error> {
    let found = match field {
        Field::StartWeekday | Field::EndWeekday => {
            let mut places = WEEKDAYS.iter().zip(least..=most);
            let found = places.find(|(word, _)| word.eq_ignore_ascii_case(sent));
            found.map(|(_, day)| day)
        }
        _ => text::number(sent, least..=most),
    };
    found.ok_or_else(|| Rule::Invalid(field).into())
}

/// The period of this row, if it is the actor's own.
pub fn get(tx: &ReadTx<'_>, by: &Actor, id: Option<Id>) -> Result<TimePeriod, Error> {
    by.require(Right::ManageSetup)?;
    let found = match id {
        Some(id) => time_periods::find(tx, id)?,
        None => None,
    };
    let id = id.map(|id| id.to_string()).unwrap_or_default();
    found
        .filter(|found| by.owns(found.owner_id))
        .ok_or_else(|| Rule::NotFound(Thing::TimePeriod).with(id))
}

/// A part of the list of the actor's own, the oldest first.
pub fn list(
    tx: &ReadTx<'_>,
    by: &Actor,
    after: Option<Cursor>,
    limit: usize,
) -> Result<Slice<TimePeriod>, Error> {
    by.require(Right::ManageSetup)?;
    Ok(lists::walk(
        after,
        limit,
        |after, limit| {
            let after = after.map_or(0, |after| after.id);
            time_periods::walk(tx, by.owner_id(), after, limit)
        },
        |found| lists::id_cursor(found.id),
        |_| true,
    )?)
}

/// The actor's own that a form offers, up to a limit.
pub fn list_offered(tx: &ReadTx<'_>, by: &Actor) -> Result<Vec<TimePeriod>, Error> {
    by.require(Right::ManageSetup)?;
    Ok(time_periods::walk(
        tx,
        by.owner_id(),
        0,
        lists::MAX_OFFERED,
    )?)
}

/// Up to `limit` of everyone's with ids above `after`, in id order, for actors who reach everything.
pub fn list_all(
    tx: &ReadTx<'_>,
    by: &Actor,
    after: Id,
    limit: u32,
) -> Result<Vec<TimePeriod>, Error> {
    by.require(Right::ManageSetup)?;
    by.require_everything()?;
    Ok(time_periods::list(tx, after, limit)?)
}

/// Hides a period, so that no dial plan can be for it any more. One in use is refused.
pub fn hide(tx: &WriteTx<'_>, by: &Actor, id: Id) -> Result<(), Error> {
    by.require(Right::ManageSetup)?;
    get(tx, by, Some(id))?;
    if dialplans::period_is_used(tx, id)? {
        return Err(Rule::InUse(Thing::TimePeriod).with("take it out of its dial plans first"));
    }
    time_periods::hide(tx, id, tx.now_ms())?;
    let (was, is) = (json!({ "hidden": false }), json!({ "hidden": true }));
    log::record(tx, by, Action::TimePeriodHide, id, Some(was), Some(is))?;
    Ok(())
}

/// A period in words: `08:00 to 17:59, mon to fri, month 6 to 8`.
pub fn in_words(period: &TimePeriod) -> String {
    let [start_hour, end_hour, start_minute, end_minute, ..] = values(period);
    let time = |hour: Option<u32>, minute: Option<u32>| {
        format!("{:02}:{:02}", hour.unwrap_or(0), minute.unwrap_or(0))
    };
    let mut words = vec![
        match (period.start_minute_of_day, period.end_minute_of_day) {
            (0, LAST_MINUTE) => "all day".to_owned(),
            _ => format!(
                "{} to {}",
                time(start_hour, start_minute),
                time(end_hour, end_minute)
            ),
        },
    ];
    let sent = sent(period);
    for (name, place) in [("", 4), ("month ", 6), ("day ", 8)] {
        match (sent[place].as_str(), sent[place + 1].as_str()) {
            ("", "") => {}
            (start, "") => words.push(format!("from {name}{start}")),
            ("", end) => words.push(format!("until {name}{end}")),
            (start, end) if start == end => words.push(format!("{name}{start}")),
            (start, end) => words.push(format!("{name}{start} to {end}")),
        }
    }
    words.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_period_in_words() {
        let mut period = whole(0);
        assert_eq!(in_words(&period), "all day");
        period.start_minute_of_day = 8 * 60 + 5;
        period.start_weekday = Some(1);
        period.end_weekday = Some(5);
        period.start_month = Some(12);
        period.end_month = Some(12);
        period.start_day = Some(24);
        assert_eq!(
            in_words(&period),
            "08:05 to 23:59, mon to fri, month 12, from day 24"
        );
        assert_eq!(
            sent(&period),
            ["8", "23", "5", "59", "mon", "fri", "12", "12", "24", ""]
        );
    }
}
