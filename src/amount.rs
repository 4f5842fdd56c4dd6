//! Amounts of money: whole numbers of 10^-8, read and written without a float.

use std::fmt;

use serde::{Serialize, Serializer};

/// How many digits an amount can have after its point.
pub const MAX_FRACTION: usize = 8;
/// Longest text that is read, in characters.
pub const MAX_TEXT: usize = 32;
/// Units of one.
const ONE: i64 = 100_000_000;
/// The furthest that an amount can be from zero, in units: 90 thousand million.
const MAX_E8: i64 = 9_000_000_000_000_000_000;

/// An amount, in units of 10^-8.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Amount(i64);

impl Amount {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// So many units of 10^-8.
    pub const fn from_e8(units: i64) -> Self {
        Self(units)
    }

    /// Its number of units of 10^-8.
    pub const fn e8(self) -> i64 {
        self.0
    }

    /// A whole amount.
    pub const fn whole(number: i32) -> Self {
        Self(number as i64 * ONE)
    }

    /// Reads `-12.5`: an optional sign, digits, and a point with up to [`MAX_FRACTION`] digits after it. None: it is
    /// something else, or further from zero than 90 thousand million.
    pub fn parse(text: &str) -> Option<Self> {
        let (is_negative, digits) = match text.as_bytes().first()? {
            b'-' => (true, &text[1..]),
            b'+' => (false, &text[1..]),
            _ => (false, text),
        };
        let (whole, fraction) = match digits.split_once('.') {
            Some((whole, fraction)) if !fraction.is_empty() => (whole, fraction),
            Some(_) => return None,
            None => (digits, ""),
        };
        let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || !is_digits(whole) || !is_digits(fraction) {
            return None;
        }
        if fraction.len() > MAX_FRACTION || text.len() > MAX_TEXT {
            return None;
        }
        let fraction = format!("{fraction:0<MAX_FRACTION$}");
        let whole = whole.parse::<i64>().ok()?;
        let units = whole
            .checked_mul(ONE)?
            .checked_add(fraction.parse().ok()?)
            .filter(|units| *units <= MAX_E8)?;
        Some(Self(if is_negative { -units } else { units }))
    }

    /// Its exact text, with at least so many digits after the point.
    pub fn text(self, least: usize) -> String {
        let units = self.0.unsigned_abs();
        let one = ONE.unsigned_abs();
        let fraction = format!("{:0MAX_FRACTION$}", units % one);
        let kept = fraction.trim_end_matches('0').len();
        let fraction = &fraction[..kept.max(least.min(MAX_FRACTION))];
        let sign = if self.0 < 0 { "-" } else { "" };
        let point = if fraction.is_empty() { "" } else { "." };
        format!("{sign}{}{point}{fraction}", units / one)
    }
}

/// With one digit after the point, or more: `35.0`, `0.987`.
impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text(1))
    }
}

/// As text: a JSON number may be read as a float.
impl Serialize for Amount {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn amounts_are_read_and_written_exactly() {
        for (text, e8, m1, m4) in [
            ("0", 0, "0.0", "0.0000"),
            ("-0", 0, "0.0", "0.0000"),
            ("35", 3_500_000_000, "35.0", "35.0000"),
            ("+35.0", 3_500_000_000, "35.0", "35.0000"),
            ("0.987", 98_700_000, "0.987", "0.9870"),
            ("0.33333333", 33_333_333, "0.33333333", "0.33333333"),
            ("-0.00000001", -1, "-0.00000001", "-0.00000001"),
            ("007.10", 710_000_000, "7.1", "7.1000"),
            ("90000000000", MAX_E8, "90000000000.0", "90000000000.0000"),
        ] {
            let amount = Amount::parse(text).expect(text);
            assert_eq!(amount.e8(), e8, "{text}");
            assert_eq!(amount.to_string(), m1, "{text}");
            assert_eq!(amount.text(4), m4, "{text}");
        }
        assert_eq!(Amount::whole(12).text(0), "12");
        assert_eq!(Amount::from_e8(-150_000_000).text(0), "-1.5");
        assert_eq!(Amount::from_e8(i64::MIN).text(1), "-92233720368.54775808");
        assert_eq!(format!("{:>8}", Amount::whole(5)), "     5.0");
    }

    #[test]
    fn anything_else_is_no_amount() {
        for text in [
            "",
            "-",
            "+",
            ".",
            ".5",
            "5.",
            "-.5",
            "--5",
            "+-5",
            "5-",
            "1e3",
            "1,5",
            "1 000",
            " 1",
            "1 ",
            "1.2.3",
            "0.123456789",
            "0.000000000",
            "٣",
            "1.٣",
            "NaN",
            "inf",
            "0x10",
            "90000000000.00000001",
            "-90000000001",
            "9223372036854775808",
            "99999999999999999999999999",
            "000000000000000000000000000000001",
        ] {
            assert_eq!(Amount::parse(text), None, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_reads_the_same(units in -MAX_E8..=MAX_E8, least in 0..12_usize) {
            let amount = Amount::from_e8(units);
            let text = amount.text(least);
            prop_assert_eq!(Amount::parse(&text), Some(amount));
            let digits = text.split_once('.').map_or(0, |(_, fraction)| fraction.len());
            prop_assert!(digits >= least.min(MAX_FRACTION) && digits <= MAX_FRACTION);
            prop_assert!(digits <= least || !text.ends_with('0'));
        }

        #[test]
        fn any_text_is_read_or_refused(text in "[-+]?[0-9]{0,12}\\.?[0-9]{0,10}") {
            let by_hand = text.trim_start_matches(['-', '+']);
            let (whole, fraction) = by_hand.split_once('.').unwrap_or((by_hand, "0"));
            let is_one = !whole.is_empty() && (1..=MAX_FRACTION).contains(&fraction.len());
            let units = || format!("{whole}{fraction:0<8}").parse::<i128>().ok();
            let units = is_one.then(units).flatten().filter(|units| *units <= i128::from(MAX_E8));
            let units = units.map(|units| if text.starts_with('-') { -units } else { units });
            prop_assert_eq!(Amount::parse(&text).map(|amount| i128::from(amount.e8())), units);
        }
    }
}
