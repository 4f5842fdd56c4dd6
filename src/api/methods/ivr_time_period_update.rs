//! `ivr_time_period_update`: when a time period begins and ends.

use crate::api::method::*;
use crate::service::text::MAX_NAME;
use crate::service::time_periods::{self, Edit, WEEKDAYS};

const PERIOD: Parameter =
    id("ivr_time_period_id", Thing::TimePeriod, "The time period.").required();
const NAME: Parameter = text("name", MAX_NAME, "Its name. Not sent: it stays.").even_blank();
const START_HOUR: Parameter = number("start_hour", 0, 23, "The first hour. Not sent: it stays.");
const END_HOUR: Parameter = number("end_hour", 0, 23, "The last hour.");
const START_MINUTE: Parameter = number("start_minute", 0, 59, "The minute of the first hour.");
const END_MINUTE: Parameter = number("end_minute", 0, 59, "The minute of the last hour.");
const START_WEEKDAY: Parameter = one_of(
    "start_weekday",
    &WEEKDAYS,
    "The first day of the week. Blank, here and below: no limit. Not sent: it stays.",
)
.even_blank();
const END_WEEKDAY: Parameter =
    one_of("end_weekday", &WEEKDAYS, "The last day of the week.").even_blank();
const START_MONTH: Parameter = number("start_month", 1, 12, "The first month.").even_blank();
const END_MONTH: Parameter = number("end_month", 1, 12, "The last month.").even_blank();
const START_DAY: Parameter = number("start_day", 1, 31, "The first day of the month.").even_blank();
const END_DAY: Parameter = number("end_day", 1, 31, "The last day of the month.").even_blank();

/// The parameters that limit a period, in the order of the rule's fields.
const LIMITS: [Parameter; time_periods::LIMITS] = [
    START_HOUR,
    END_HOUR,
    START_MINUTE,
    END_MINUTE,
    START_WEEKDAY,
    END_WEEKDAY,
    START_MONTH,
    END_MONTH,
    START_DAY,
    END_DAY,
];

/// The method. Some of its texts name another parameter, as MOR's manual does.
pub static METHOD: Method = Method {
    name: "ivr_time_period_update",
    summary: "Changes when a time period begins and ends: in the day, the week and the year.",
    source: "MOR API IVR time period update",
    parameters: &[
        PERIOD,
        NAME,
        START_HOUR,
        END_HOUR,
        START_MINUTE,
        END_MINUTE,
        START_WEEKDAY,
        END_WEEKDAY,
        START_MONTH,
        END_MONTH,
        START_DAY,
        END_DAY,
    ],
    hashes: &[strict(
        &["u", "ivr_time_period_id"],
        "the order of the page; the printed hash is another page's",
    )],
    right: Right::ManageSetup,
    errors: &[
        refuses(
            Rule::NotFound(Thing::TimePeriod),
            "Time period was not found",
        ),
        bad(Field::StartHour, "start_hour must be beetween 0 and 23"),
        bad(Field::EndHour, "send_hour must be beetween 0 and 23"),
        bad(Field::StartMinute, "start_minute must be beetween 0 and 59"),
        bad(Field::EndMinute, "send_minute must be beetween 0 and 5"),
        bad(
            Field::StartWeekday,
            "Valid start_weekday values are mon, tue, wed, thu, fri, sat, sun",
        ),
        bad(
            Field::EndWeekday,
            "Valid end_weekday values are mon, tue, wed, thu, fri, sat, sun",
        ),
        bad(Field::StartMonth, "start_month must be beetween 1 and 12"),
        bad(Field::EndMonth, "send_month must be beetween 1 and 12"),
        bad(Field::StartDay, "start_day must be beetween 1 and 31"),
        bad(Field::EndDay, "send_day must be beetween 1 and 31"),
        refuses(Rule::Missing(Field::Name), "name value cannot be blank"),
        refuses(Rule::Invalid(Field::Name), "{name} is incorrect format"),
        refuses(Rule::TooLong(Field::Name), "{name} is too long"),
        refuses(Rule::Failed, "Time period was not updated"),
    ],
    storage_error: Some(Rule::Failed),
    envelope: STATUS,
    run: Run::Write(|tx, call| {
        let edit = Edit {
            name: call.text(NAME),
            limits: LIMITS.map(|limit| call.text(limit)),
        };
        time_periods::update(tx, &call.actor, call.need_id(PERIOD)?, &edit)?;
        let text = Element::text("message", "Time Periods successfully updated");
        Ok(Reply::Elements(vec![Element::with("status", [text])]))
    }),
    ..Method::DEFAULT
};

const fn bad(field: Field, text: &'static str) -> ErrorText {
    refuses(Rule::Invalid(field), text)
}
