//! Lists that stay fast however long they are: a walk along an index, a bounded number of rows for the filter, and the
//! place where the next part continues.

use super::{Error, Rule, Thing};
use crate::store::StoreError;
use crate::store::row::{Cursor, Id};

/// The most rows that one part of a list looks at, before it says how far it came.
pub const MAX_LOOKED_AT: u32 = 20_000;
/// The rows that are read at once.
const CHUNK: u32 = 500;
/// The highest count of a list. Beyond it, the page says `more than`.
pub const MAX_COUNTED: u32 = 10_000;
/// The highest count on the overview.
pub const MAX_OVERVIEW: u32 = 100_000;
/// The most entries that a form offers.
pub const MAX_OFFERED: u32 = 200;

/// A part of a list.
#[derive(Debug)]
pub struct Slice<T> {
    /// The rows.
    pub rows: Vec<T>,
    /// Where the next part continues; none: this is the last.
    pub next: Option<Cursor>,
    /// Whether it ended after [`MAX_LOOKED_AT`] rows, before it was full.
    pub is_cut: bool,
}

impl<T> Slice<T> {
    /// An empty list.
    pub fn empty() -> Self {
        Self {
            rows: Vec::new(),
            next: None,
            is_cut: false,
        }
    }

    /// The part with each row turned into something else.
    pub fn map<U>(self, make: impl FnMut(T) -> U) -> Slice<U> {
        Slice {
            rows: self.rows.into_iter().map(make).collect(),
            next: self.next,
            is_cut: self.is_cut,
        }
    }

    /// The part with each row turned into something else, where that can fail.
    pub fn try_map<U, E>(self, make: impl FnMut(T) -> Result<U, E>) -> Result<Slice<U>, E> {
        Ok(Slice {
            rows: self.rows.into_iter().map(make).collect::<Result<_, E>>()?,
            next: self.next,
            is_cut: self.is_cut,
        })
    }
}

/// A piece of a list that must not be empty as a whole: its first piece holds something.
pub fn some<T>(piece: Vec<T>, after: Id, thing: Thing) -> Result<Vec<T>, Error> {
    match piece.is_empty() && after == 0 {
        true => Err(Rule::NoneFound(thing).into()),
        false => Ok(piece),
    }
}

/// Up to `limit` rows after `after` that `keep` accepts, out of those that `read` reads in the order of their `cursor`.
pub fn walk<T>(
    after: Option<Cursor>,
    limit: usize,
    mut read: impl FnMut(Option<&Cursor>, u32) -> Result<Vec<T>, StoreError>,
    cursor: impl Fn(&T) -> Cursor,
    keep: impl Fn(&T) -> bool,
) -> Result<Slice<T>, StoreError> {
    let mut rows: Vec<T> = Vec::new();
    let mut place = after;
    let mut looked_at = 0;
    loop {
        // Mostly every row is kept, and one row beyond the limit shows whether more exist.
        let chunk = match looked_at {
            0 => (limit as u32 + 1).min(CHUNK),
            _ => CHUNK,
        };
        let read = read(place.as_ref(), chunk)?;
        let is_last = (read.len() as u32) < chunk;
        looked_at += chunk;
        for row in read {
            if rows.len() == limit && keep(&row) {
                let next = rows.last().map(&cursor);
                return Ok(Slice {
                    rows,
                    next,
                    is_cut: false,
                });
            }
            place = Some(cursor(&row));
            if keep(&row) {
                rows.push(row);
            }
        }
        if is_last {
            return Ok(Slice {
                rows,
                next: None,
                is_cut: false,
            });
        }
        if looked_at >= MAX_LOOKED_AT {
            return Ok(Slice {
                rows,
                next: place,
                is_cut: true,
            });
        }
    }
}

/// A cursor in rising id order, for lists without another order.
pub fn id_cursor(id: Id) -> Cursor {
    Cursor {
        text: String::new(),
        id,
    }
}

/// A number that was counted up to a limit, in words.
pub fn counted(count: u32, limit: u32) -> String {
    if count >= limit {
        return format!("more than {}", grouped(limit - 1));
    }
    grouped(count)
}

/// A number that was counted up to a limit, in short: `10,000+`.
pub fn counted_short(count: u32, limit: u32) -> String {
    if count >= limit {
        return format!("{}+", grouped(limit - 1));
    }
    grouped(count)
}

/// `12,345`.
pub fn grouped(number: u32) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Counts to one more than the limit, so that `more than` is true.
pub fn count(
    limit: u32,
    count: impl FnOnce(u32) -> Result<u32, StoreError>,
) -> Result<String, StoreError> {
    Ok(counted(count(limit + 1)?, limit + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(after: Option<i64>, limit: usize, count: i64, keep: fn(&i64) -> bool) -> Slice<i64> {
        walk(
            after.map(id_cursor),
            limit,
            |after, limit| {
                let first = after.map_or(1, |after| after.id + 1);
                Ok((first..=count).take(limit as usize).collect())
            },
            |id| id_cursor(*id),
            keep,
        )
        .unwrap()
    }

    #[test]
    fn pages_follow_each_other_without_gaps() {
        let first = numbers(None, 3, 7, |_| true);
        assert_eq!(first.rows, [1, 2, 3]);
        let second = numbers(first.next.map(|next| next.id), 3, 7, |_| true);
        assert_eq!(second.rows, [4, 5, 6]);
        let third = numbers(second.next.map(|next| next.id), 3, 7, |_| true);
        assert_eq!((third.rows, third.next), (vec![7], None));
        assert_eq!(numbers(None, 3, 3, |_| true).next, None);
    }

    #[test]
    fn a_filter_looks_at_a_bounded_number_of_rows() {
        let cut = numbers(None, 3, 1_000_000, |id| *id == 999_999);
        assert!(cut.is_cut && cut.rows.is_empty());
        assert!(cut.next.is_some_and(|next| next.id < 30_000));
        let found = numbers(None, 3, 5_000, |id| *id % 1000 == 0);
        assert_eq!(found.rows, [1000, 2000, 3000]);
        assert_eq!(
            numbers(Some(3000), 3, 5_000, |id| *id % 1000 == 0).rows,
            [4000, 5000]
        );
    }

    #[test]
    fn counts_say_where_they_stopped() {
        assert_eq!(counted(999, 10_001), "999");
        assert_eq!(counted(10_000, 10_001), "10,000");
        assert_eq!(counted(10_001, 10_001), "more than 10,000");
        assert_eq!(counted_short(10_001, 10_001), "10,000+");
        assert_eq!(grouped(1_234_567), "1,234,567");
    }
}
