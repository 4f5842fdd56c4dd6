//! `ivr_dial_plan_update`: the time periods that a dial plan is for.

use crate::api::method::*;
use crate::service::dialplans::{self, Period};

const PLAN: Parameter = id(
    "ivr_dial_plan_id",
    Thing::Dialplan,
    "The dial plan, of the kind `ivr`.",
)
.required();
const PERIODS: [Parameter; 3] = [
    period(
        "time_period1",
        "The first time period. Blank: none. Not sent: it stays.",
    ),
    period("time_period2", "The second, in the same way."),
    period("time_period3", "The third."),
];

const fn period(name: &'static str, doc: &'static str) -> Parameter {
    id(name, Thing::TimePeriod, doc).even_blank()
}

/// The method.
pub static METHOD: Method = Method {
    name: "ivr_dial_plan_update",
    summary: "Sets the time periods that a dial plan is for. The DIDs on it stay.",
    source: "MOR API IVR dial plan update",
    parameters: &[PLAN, PERIODS[0], PERIODS[1], PERIODS[2]],
    hashes: &[strict(
        &["u", "ivr_dial_plan_id"],
        "the order of the page; the printed hash is another page's",
    )],
    right: Right::ManageSetup,
    errors: &[
        refuses(Rule::NotFound(Thing::Dialplan), "Dial plan was not found"),
        no_period(Field::TimePeriod1),
        no_period(Field::TimePeriod2),
        no_period(Field::TimePeriod3),
    ],
    envelope: STATUS,
    run: Run::Write(|tx, call| {
        let plan_id = call.need_id(PLAN)?;
        let periods = PERIODS.map(|period| match call.get(period).map(str::trim) {
            None => Period::Kept,
            Some("") => Period::Cleared,
            Some(_) => Period::Set(call.id(period).flatten()),
        });
        dialplans::set_periods(tx, &call.actor, plan_id, periods)?;
        Ok(success("Dial Plan successfully updated", []))
    }),
    ..Method::DEFAULT
};

const fn no_period(field: Field) -> ErrorText {
    refuses(Rule::Invalid(field), "{name} was not found")
}
