//! Patterns of numbers: digits, `,` or `|` between alternatives, `%` for any digits, and `[..]` for one of several. A
//! pattern is for the whole number.

/// Longest pattern, in characters.
pub const MAX_PATTERN: usize = 255;

/// A pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern(Vec<Vec<Part>>);

/// A part of an alternative.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    /// One of these digits.
    Digit(Vec<u8>),
    /// Any digits, or none.
    Any,
}

impl Pattern {
    /// Reads a pattern; none: it is not one. A blank one fits no number.
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() > MAX_PATTERN {
            return None;
        }
        if text.is_empty() {
            return Some(Self(Vec::new()));
        }
        let alternatives = text.split([',', '|']).map(alternative);
        alternatives.collect::<Option<_>>().map(Self)
    }

    /// Whether a number fits.
    pub fn fits(&self, number: &str) -> bool {
        let digits = number.as_bytes();
        self.0.iter().any(|parts| fits(parts, digits))
    }
}

/// The parts of an alternative, which has one at least.
fn alternative(text: &str) -> Option<Vec<Part>> {
    let mut parts = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((first, more)) = rest.split_first() {
        rest = more;
        parts.push(match first {
            b'%' => Part::Any,
            b'[' => {
                let end = rest.iter().position(|byte| *byte == b']')?;
                let (digits, behind) = rest.split_at(end);
                rest = behind.get(1..)?;
                if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
                    return None;
                }
                Part::Digit(digits.into())
            }
            digit if digit.is_ascii_digit() => Part::Digit(vec![*digit]),
            _ => return None,
        });
    }
    Some(parts).filter(|parts| !parts.is_empty())
}

/// Whether digits fit, in steps that grow with their number times that of the parts: after a part that does not fit,
/// only the last `%` takes one digit more.
fn fits(parts: &[Part], digits: &[u8]) -> bool {
    let (mut part, mut digit) = (0, 0);
    let mut last_any: Option<(usize, usize)> = None;
    while digit < digits.len() {
        match parts.get(part) {
            Some(Part::Any) => {
                last_any = Some((part, digit));
                part += 1;
            }
            Some(Part::Digit(known)) if known.contains(&digits[digit]) => {
                part += 1;
                digit += 1;
            }
            _ => {
                let Some((any, taken)) = last_any else {
                    return false;
                };
                last_any = Some((any, taken + 1));
                part = any + 1;
                digit = taken + 1;
            }
        }
    }
    parts[part..].iter().all(|part| *part == Part::Any)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        for (pattern, good, bad) in [
            ("370", &["370"][..], &["", "37", "3700", "1370"][..]),
            ("3706%", &["3706", "37061"], &["370", "13706"]),
            ("%", &["", "1"], &[]),
            ("[37]70,1|2", &["370", "770", "1", "2"], &["570", "12", "3"]),
            ("3%7%1", &["371", "30700011", "3771"], &["37", "3710"]),
            ("%[12]%[34]", &["13", "924", "1234"], &["31", "15"]),
            ("%%0", &["0", "10"], &["01"]),
        ] {
            let pattern = Pattern::parse(pattern).unwrap();
            for number in good {
                assert!(pattern.fits(number), "{pattern:?} {number}");
            }
            for number in bad {
                assert!(!pattern.fits(number), "{pattern:?} {number}");
            }
        }
        assert!(!Pattern::parse("").unwrap().fits(""));
    }

    #[test]
    fn what_is_no_pattern() {
        for text in [
            "x", " ", "1,", ",", "|1", "[", "[]", "[12", "]", "1]", "[1%]", "[[1]]", "[1,2]", "3-7",
        ] {
            assert_eq!(Pattern::parse(text), None, "{text}");
        }
        assert_eq!(Pattern::parse(&"1".repeat(256)), None);
        assert!(Pattern::parse(&"1".repeat(255)).is_some());
    }

    /// Many `%` cost no more than their number times that of the digits.
    #[test]
    fn no_pattern_takes_long() {
        let hard = Pattern::parse(&("%1".repeat(120) + "2")).unwrap();
        assert!(!hard.fits(&"1".repeat(2000)));
    }
}
