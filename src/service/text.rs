//! The shapes that texts must have: digits, host names, caller IDs, lengths.

/// Longest host name, in characters.
pub const MAX_DOMAIN: usize = 253;
/// Longest label of a host name, in characters.
const MAX_LABEL: usize = 63;

/// One ASCII digit or more, and nothing else.
pub fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Longer than `limit` characters.
pub fn is_longer(text: &str, limit: usize) -> bool {
    // No text has more characters than bytes: most need not be counted.
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

/// `NUMBER`, `Name <NUMBER>` or `"Name" <NUMBER>`. A number may start with `+`; a name has no quotes and no angle
/// brackets, so that what a PBX reads back is what was meant.
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

#[cfg(test)]
mod tests {
    use super::*;

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
