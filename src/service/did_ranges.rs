//! Many new DIDs at once: every number of a range, or none.

use super::dids::{MAX_NUMBER, create};
use super::{Error, Field, Rule, text};
use crate::service::guard::access::{Actor, Right};
use crate::store::row::Id;
use crate::store::tables::dids;
use crate::store::{ReadTx, WriteTx};

/// The most DIDs that one range adds, in one transaction.
pub const MAX_RANGE: u64 = 1000;

/// Every number from `first` to `last`, which have the same length.
pub fn range(first: &str, last: &str) -> Result<Vec<String>, Error> {
    let rule = || Rule::Invalid(Field::Last);
    let is_number = |end: &str| text::is_digits(end) && end.len() <= MAX_NUMBER;
    if !is_number(first) {
        return Err(Rule::Invalid(Field::Did).with(first));
    }
    if !is_number(last) {
        return Err(rule().with(format!("a DID has 1 to {MAX_NUMBER} digits: {last}")));
    }
    if first.len() != last.len() {
        return Err(rule().with("both ends need the same number of digits"));
    }
    let (from, to): (u64, u64) = (first.parse().unwrap_or(0), last.parse().unwrap_or(0));
    if to < from {
        return Err(rule().with("it ends before it begins"));
    }
    if to - from >= MAX_RANGE {
        let detail = format!(
            "it has {} numbers, {MAX_RANGE} are allowed at once",
            to - from + 1
        );
        return Err(rule().with(detail));
    }
    let width = first.len();
    Ok((from..=to)
        .map(|number| format!("{number:0width$}"))
        .collect())
}

/// Creates every DID of a range, or none.
pub fn create_range(
    tx: &WriteTx<'_>,
    by: &Actor,
    first: &str,
    last: &str,
    provider_id: Option<Id>,
) -> Result<usize, Error> {
    by.require(Right::ManageDids)?;
    let numbers = range(first, last)?;
    for number in &numbers {
        create(tx, by, number, provider_id).map_err(|error| match error {
            Error::Refused(refusal) if refusal.rule == Rule::Taken(Field::Did) => {
                refusal.rule.with(number.as_str())
            }
            other => other,
        })?;
    }
    Ok(numbers.len())
}

/// The numbers of a range that exist already, so that nothing would be created.
pub fn taken(tx: &ReadTx<'_>, by: &Actor, numbers: &[String]) -> Result<Vec<String>, Error> {
    by.require(Right::ManageDids)?;
    let mut taken = Vec::new();
    for number in numbers {
        if dids::find_by_number(tx, number)?.is_some() {
            taken.push(number.clone());
        }
    }
    Ok(taken)
}

#[cfg(test)]
mod tests {
    use super::{MAX_RANGE, range};

    #[test]
    fn a_range_keeps_its_width_and_its_bounds() {
        assert_eq!(
            range("0098", "0101").unwrap(),
            ["0098", "0099", "0100", "0101"]
        );
        assert_eq!(range("7", "7").unwrap(), ["7"]);
        let last = |count: u64| (100_000 + count - 1).to_string();
        assert_eq!(
            range("100000", &last(MAX_RANGE)).unwrap().len() as u64,
            MAX_RANGE
        );
        assert!(range("100000", &last(MAX_RANGE + 1)).is_err());
        for (first, last) in [
            ("9", "10"),
            ("2", "1"),
            ("", "1"),
            ("1", "x"),
            ("1234567890123456", "1234567890123456"),
        ] {
            assert!(range(first, last).is_err(), "{first} {last}");
        }
    }
}
