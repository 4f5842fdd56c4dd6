//! The parameters of a call as they were sent: names and values. The last one of a name counts.

use super::fault::Fault;
use super::limits::MAX_PARAMETERS;
use crate::store::row::Id;

/// Longest id, in digits: all such numbers fit a database id.
const MAX_ID: usize = 18;

/// Decoded parameters. Values are kept as sent, neither trimmed nor folded: the hash is over exactly them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Parameters {
    pairs: Vec<(String, String)>,
    /// The place of the body's first pair.
    body: usize,
}

impl Parameters {
    /// Takes pairs in the order in which they were sent, all of them from the query.
    pub fn new(pairs: Vec<(String, String)>) -> Result<Self, Fault> {
        Self::sent(pairs, Vec::new())
    }

    /// Takes the query's pairs and the body's, each in the order in which they were sent.
    pub fn sent(
        mut pairs: Vec<(String, String)>,
        body: Vec<(String, String)>,
    ) -> Result<Self, Fault> {
        let start = pairs.len();
        pairs.extend(body);
        if pairs.len() > MAX_PARAMETERS {
            return Err(Fault::TooManyParameters);
        }
        let is_carried = |text: &String| text.chars().all(is_xml_char);
        if !pairs
            .iter()
            .all(|(name, value)| is_carried(name) && is_carried(value))
        {
            return Err(Fault::ForbiddenCharacter);
        }
        Ok(Self { pairs, body: start })
    }

    /// Adds a value before all others, so that a sent value of this name counts instead.
    pub fn preceded_by(mut self, name: &str, value: &str) -> Result<Self, Fault> {
        self.pairs.insert(0, (name.into(), value.into()));
        let body = self.pairs.split_off(self.body + 1);
        Self::sent(self.pairs, body)
    }

    /// Every pair, in the order in which it was sent.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        let pairs = self.pairs.iter();
        pairs.map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The value as it was sent, blank or not.
    pub fn raw(&self, name: &str) -> Option<&str> {
        last(&self.pairs, name)
    }

    /// The value from the body. Secrets are not taken from the address, which is remembered, logged and passed on.
    pub fn in_body(&self, name: &str) -> Option<&str> {
        last(&self.pairs[self.body..], name)
    }

    /// The value, unless it is blank: that counts as not sent.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.raw(name).filter(|value| !value.trim().is_empty())
    }

    /// The value as an owned text.
    pub fn text(&self, name: &str) -> Option<String> {
        self.get(name).map(Into::into)
    }

    /// The value as an id: not sent, an id, or a text that cannot be an id.
    pub fn id(&self, name: &str) -> Option<Option<Id>> {
        self.get(name).map(parse_id)
    }
}

fn last<'a>(pairs: &'a [(String, String)], name: &str) -> Option<&'a str> {
    let last = pairs.iter().rev().find(|(sent, _)| sent == name);
    last.map(|(_, value)| value.as_str())
}

/// 1 to [`MAX_ID`] ASCII digits; anything else is not an id.
pub fn parse_id(text: &str) -> Option<Id> {
    let is_id =
        (1..=MAX_ID).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    if is_id { text.parse().ok() } else { None }
}

/// Whether an XML 1.0 document can hold a character.
pub fn is_xml_char(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | '\u{20}'..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}' | '\u{10000}'..)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_plain_digits_of_bounded_length() {
        assert_eq!(parse_id("0"), Some(0));
        assert_eq!(parse_id("007"), Some(7));
        assert_eq!(
            parse_id("999999999999999999"),
            Some(999_999_999_999_999_999)
        );
        for bad in [
            "",
            "1000000000000000000",
            "-1",
            "+1",
            " 1",
            "1.0",
            "0x1",
            "١",
        ] {
            assert_eq!(parse_id(bad), None, "{bad}");
        }
    }

    #[test]
    fn the_last_value_of_a_name_counts_and_blank_is_not_sent() {
        let pairs = [("a", "1"), ("b", " "), ("a", "2")];
        let pairs = pairs
            .map(|(name, value)| (name.into(), value.into()))
            .to_vec();
        let parameters = Parameters::new(pairs).unwrap();
        assert_eq!(parameters.get("a"), Some("2"));
        assert_eq!(parameters.raw("b"), Some(" "));
        assert_eq!(parameters.get("b"), None);
        assert_eq!(parameters.raw("c"), None);
    }

    #[test]
    fn the_body_is_told_from_the_query() {
        let pair = |name: &str, value: &str| vec![(name.into(), value.into())];
        let both = Parameters::sent(pair("a", "1"), pair("a", "2")).unwrap();
        assert_eq!((both.raw("a"), both.in_body("a")), (Some("2"), Some("2")));
        let query = Parameters::sent(pair("a", "1"), Vec::new()).unwrap();
        assert_eq!((query.raw("a"), query.in_body("a")), (Some("1"), None));
    }

    #[test]
    fn what_xml_cannot_carry_is_refused_in_names_and_values() {
        for bad in ["\0", "\u{1}", "\u{1f}", "\u{fffe}", "\u{ffff}"] {
            for pair in [
                (bad.to_owned(), String::new()),
                (String::new(), bad.to_owned()),
            ] {
                assert_eq!(
                    Parameters::new(vec![pair]),
                    Err(Fault::ForbiddenCharacter),
                    "{bad:?}"
                );
            }
        }
        assert!(
            Parameters::new(vec![(
                "tab\tnewline\n".into(),
                "\u{fffd}\u{10ffff}\r".into()
            )])
            .is_ok()
        );
    }

    #[test]
    fn the_number_of_parameters_has_a_limit() {
        let pairs = |count| vec![(String::from("a"), String::new()); count];
        assert!(Parameters::new(pairs(MAX_PARAMETERS)).is_ok());
        assert_eq!(
            Parameters::new(pairs(MAX_PARAMETERS + 1)),
            Err(Fault::TooManyParameters)
        );
    }
}
