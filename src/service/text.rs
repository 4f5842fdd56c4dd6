//! The shapes that texts must have: digits, names, host names, caller IDs, lengths; and how hidden characters are
//! shown.

use std::borrow::Cow;
use std::ops::RangeInclusive;
use std::str::FromStr;

use unicode_properties::{GeneralCategory, UnicodeGeneralCategory};

use super::{Error, Field, Rule};

/// Longest name of a provider, device group, IVR or dial plan, in characters.
pub const MAX_NAME: usize = 255;
/// Longest host name, in characters.
pub const MAX_DOMAIN: usize = 253;
/// Longest label of a host name, in characters.
const MAX_LABEL: usize = 63;

/// One ASCII digit or more, and nothing else.
pub fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// A whole number in this range, in digits only: the parser alone would also take `+1`.
pub fn number<T: FromStr + PartialOrd>(text: &str, range: RangeInclusive<T>) -> Option<T> {
    let number = text.parse().ok().filter(|_| is_digits(text))?;
    range.contains(&number).then_some(number)
}

/// A name has 1 to [`MAX_NAME`] characters, none of them a control character.
pub fn check_name(name: &str) -> Result<(), Error> {
    let length = name.chars().count();
    if length == 0 || length > MAX_NAME || name.chars().any(char::is_control) {
        return Err(Rule::Invalid(Field::Name).into());
    }
    Ok(())
}

/// Whether nobody sees a character, or it turns the text beside it: two texts may look the same and differ by it. These
/// are controls, formats (zero width, bidi, tags), Unicode's line ends, characters for private use or unassigned, and
/// letters and marks that fonts leave blank. A space of any width counts as visible.
pub fn is_hidden(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_control();
    }
    is_blank(c)
        || matches!(
            c.general_category(),
            GeneralCategory::Control
                | GeneralCategory::Format
                | GeneralCategory::LineSeparator
                | GeneralCategory::ParagraphSeparator
                | GeneralCategory::PrivateUse
                | GeneralCategory::Surrogate
                | GeneralCategory::Unassigned
        )
}

/// Characters that Unicode tells fonts to ignore, although their category is letter, mark or symbol.
fn is_blank(c: char) -> bool {
    matches!(c,
        '\u{34F}' | '\u{115F}' | '\u{1160}' | '\u{17B4}' | '\u{17B5}' | '\u{180B}'..='\u{180F}' | '\u{2800}'
        | '\u{3164}' | '\u{FE00}'..='\u{FE0F}' | '\u{FFA0}' | '\u{E0100}'..='\u{E01EF}')
}

/// A text for people to read, with each hidden character as its escape (`ad\u{200b}min`). Line ends and tabs stay, and
/// so do the joiners of emoji: after a symbol they hide nothing.
pub fn revealed(text: &str) -> Cow<'_, str> {
    let is_plain = |c: char| matches!(c, '\n' | '\r' | '\t') || !is_hidden(c);
    if text.chars().all(is_plain) {
        return text.into();
    }
    let mut revealed = String::with_capacity(text.len() + 16);
    let mut is_behind_symbol = false;
    for c in text.chars() {
        let joins = matches!(c, '\u{200D}' | '\u{FE0E}' | '\u{FE0F}');
        if is_plain(c) || joins && is_behind_symbol {
            revealed.push(c);
        } else {
            revealed.extend(c.escape_unicode());
        }
        is_behind_symbol = joins && is_behind_symbol || is_symbol(c);
    }
    revealed.into()
}

fn is_symbol(c: char) -> bool {
    !c.is_ascii()
        && matches!(
            c.general_category(),
            GeneralCategory::OtherSymbol | GeneralCategory::ModifierSymbol
        )
}

/// Whether a text has more than `limit` characters.
pub fn is_longer(text: &str, limit: usize) -> bool {
    // A text never has more characters than bytes, so most need no counting.
    text.len() > limit && text.chars().count() > limit
}

/// A host name: labels of letters, digits and inner hyphens, joined by dots.
pub fn is_domain(text: &str) -> bool {
    let is_label = |label: &str| {
        (1..=MAX_LABEL).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    text.len() <= MAX_DOMAIN && text.split('.').all(is_label)
}

/// A mail address: a local part without spaces and signs that mail programs read as something else, `@`, a host name.
pub fn is_mail(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else {
        return false;
    };
    let is_sign = |c: char| !(c.is_whitespace() || is_hidden(c) || "@\"(),:;<>[\\]".contains(c));
    !local.is_empty() && local.chars().all(is_sign) && is_domain(domain)
}

/// `NUMBER`, `Name <NUMBER>` or `"Name" <NUMBER>`. A number may start with `+`. A name has no quotes and no angle
/// brackets, so that a PBX reads back what was meant.
pub fn is_caller_id(text: &str) -> bool {
    let is_number = |number: &str| is_digits(number.strip_prefix('+').unwrap_or(number));
    if is_number(text) {
        return true;
    }
    let Some((name, number)) = text
        .strip_suffix('>')
        .and_then(|text| text.rsplit_once(" <"))
    else {
        return false;
    };
    let quoted = name
        .strip_prefix('"')
        .and_then(|name| name.strip_suffix('"'));
    let name = quoted.unwrap_or(name);
    is_number(number)
        && !name.trim().is_empty()
        && !name.contains(|c: char| c.is_control() || matches!(c, '"' | '<' | '>'))
}

/// The name and the number in a caller ID.
pub fn caller_id_parts(caller_id: &str) -> (&str, &str) {
    let split = || caller_id.strip_suffix('>')?.rsplit_once(" <");
    let Some((name, number)) = split() else {
        return ("", caller_id);
    };
    (name.trim_matches('"'), number)
}

/// The caller ID with this name and this number, either of which may be blank.
pub fn caller_id_of(name: &str, number: &str) -> String {
    match name.is_empty() {
        true => number.into(),
        false => format!("\"{name}\" <{number}>"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_has_digits_only_and_is_in_its_range() {
        for (text, read) in [
            ("1", Some(1)),
            ("007", Some(7)),
            ("20", Some(20)),
            ("0", None),
            ("21", None),
            ("+1", None),
            ("-1", None),
            ("1.0", None),
            (" 1", None),
            ("", None),
            ("١", None),
            ("257", None),
        ] {
            assert_eq!(number::<u8>(text, 1..=20), read, "{text}");
        }
    }

    #[test]
    fn caller_ids_have_two_parts() {
        for (caller_id, name, number) in [
            ("", "", ""),
            ("+370600", "", "+370600"),
            ("Ann Lee <1001>", "Ann Lee", "1001"),
            ("\"Ann\" <1001>", "Ann", "1001"),
            ("\"Ann\" <>", "Ann", ""),
        ] {
            assert_eq!(caller_id_parts(caller_id), (name, number), "{caller_id}");
        }
        assert_eq!(caller_id_of("Ann", "1"), "\"Ann\" <1>");
        assert_eq!(caller_id_of("Ann", ""), "\"Ann\" <>");
        assert_eq!(caller_id_of("", "1"), "1");
        assert_eq!(caller_id_of("", ""), "");
    }

    #[test]
    fn mail_addresses() {
        for good in ["a@b", "anna.lee+fax@mail.example.com", "ž@example.com"] {
            assert!(is_mail(good), "{good}");
        }
        for bad in [
            "", "@", "a@", "@b", "a b@c", "a@b@c", "a@b c", "a\n@b", "<a@b>", "a@-b", "a@b.",
        ] {
            assert!(!is_mail(bad), "{bad}");
        }
    }

    #[test]
    fn caller_ids() {
        for good in [
            "37060000000",
            "+37060000000",
            "Ann Lee <1001>",
            "\"Ann\" <+1001>",
            "Ž <1>",
        ] {
            assert!(is_caller_id(good), "{good}");
        }
        for bad in [
            "",
            "Ann",
            "<1001>",
            " <1001>",
            "\"\" <1>",
            "Ann <1001",
            "Ann <x>",
            "A\"b <1>",
            "Ann<1>",
            "\"Ann <1>",
            "+",
            "1 2",
            "A\nB <1>",
            "Ann <<1>",
        ] {
            assert!(!is_caller_id(bad), "{bad}");
        }
    }

    #[test]
    fn what_nobody_sees_is_shown_as_its_escape() {
        for (text, shown) in [
            ("ad\u{200b}min", r"ad\u{200b}min"),
            ("\u{202e}nimda", r"\u{202e}nimda"),
            ("a\u{ad}b\u{2060}c", r"a\u{ad}b\u{2060}c"),
            ("\u{3164}", r"\u{3164}"),
            ("a\u{fe0f}", r"a\u{fe0f}"),
            ("\u{e0041}", r"\u{e0041}"),
            ("\u{378}\u{e000}\u{7}", r"\u{378}\u{e000}\u{7}"),
        ] {
            assert_eq!(revealed(text), shown);
        }
        for same in [
            "",
            "Žofia Ünal",
            "two\nlines\tand a tab",
            "東京\u{3000}支店",
            "100\u{a0}€",
            "\u{260e}\u{fe0f}",
            "\u{1f468}\u{200d}\u{1f469}\u{200d}\u{1f467}",
            "\u{1f44d}\u{1f3fd}\u{200d}\u{2764}\u{fe0f}\u{200d}\u{1f525}",
            r"a \u{200b} that was typed",
        ] {
            assert_eq!(revealed(same), same);
        }
    }

    #[test]
    fn domains() {
        for good in [
            "example.com",
            "a",
            "sip-1.example.co.uk",
            "192.0.2.1",
            &format!("{}a", "a.".repeat(126)),
        ] {
            assert!(is_domain(good), "{good}");
        }
        for bad in [
            "",
            ".",
            "a.",
            ".a",
            "a..b",
            "-a",
            "a-",
            "a_b",
            "a b",
            "é.com",
            &"a".repeat(64),
            &format!("{}ab", "a.".repeat(126)),
        ] {
            assert!(!is_domain(bad), "{bad}");
        }
    }

    #[test]
    fn lengths_are_in_characters() {
        assert!(!is_longer("žžž", 3));
        assert!(is_longer("žžžž", 3));
        assert!(!is_longer("", 0));
    }

    #[test]
    fn only_ascii_digits_count() {
        assert!(is_digits("007"));
        assert!(!is_digits(""));
        assert!(!is_digits("٣"));
        assert!(!is_digits("-1"));
    }
}
