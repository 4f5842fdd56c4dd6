//! Every order of some values and a key, hashed as a tree: a text continues from the hash state of its beginning. The
//! cost is counted and limited.

use std::time::Duration;

use sha1::{Digest, Sha1};

use crate::ambient::Deadline;

/// The cost of a text's end, in bytes: SHA1 works on blocks of this size, and fills up the last one.
const BLOCK: u64 = 64;
/// The bytes between two looks at the clock: a power of two, hashed in some tens of microseconds.
const LOOK_EVERY: u64 = 16 * 1024;

/// The limits of a search.
#[derive(Debug, Clone, Copy)]
pub struct Budget {
    /// Bytes that go through SHA1, with its own addition to the end of each text.
    pub bytes: u64,
    /// The time it may take.
    pub time: Duration,
}

impl Budget {
    /// For a web page: others wait for the thread.
    pub const PAGE: Self = Self {
        bytes: 64 * 1024 * 1024,
        time: Duration::from_millis(200),
    };
    /// For the command line, where nobody else waits.
    pub const COMMAND: Self = Self {
        bytes: 16 * 1024 * 1024 * 1024,
        time: Duration::from_secs(30),
    };
}

/// Why a search was given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// The limit of bytes was reached.
    Bytes,
    /// It took too long.
    Time,
}

/// A text with the wanted SHA1.
#[derive(Debug, PartialEq, Eq)]
pub struct Text {
    /// The places of its values, in their order.
    pub row: Vec<usize>,
    /// The place of the key in it.
    pub place: &'static str,
    /// The key, by its place in the list.
    pub key: Option<usize>,
}

/// A search for a text by its SHA1.
pub struct Search<'a> {
    sent: [u8; 20],
    keys: &'a [String],
    budget: Budget,
    deadline: Deadline,
    /// Bytes that went through SHA1.
    pub hashed: u64,
    /// Texts that were hashed to their end.
    pub tried: u64,
}

/// The end of a search: a text, a limit, or none when everything was tried.
type Outcome = Result<Option<Text>, Stop>;

/// What is hashed after the values.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ends {
    /// Nothing: this key, by its place in the list, comes before them.
    KeyFirst(usize),
    /// Nothing, each of the keys, and each of them with a line end.
    Keys,
}

impl<'a> Search<'a> {
    /// A search for `sent`.
    pub fn new(sent: [u8; 20], keys: &'a [String], budget: Budget) -> Self {
        Self {
            sent,
            keys,
            budget,
            deadline: Deadline::after(budget.time),
            hashed: 0,
            tried: 0,
        }
    }

    /// How many texts [`Search::all`] makes of this many values.
    pub fn count(&self, values: usize) -> u64 {
        // No value, or each of them followed by an order of the others.
        let orders = (1..=values as u64).fold(1, |orders, count| 1 + count * orders);
        orders * (1 + 3 * self.keys.len() as u64)
    }

    /// Tries every order of every choice of these values, with a key after them, before them, and without a key.
    pub fn all(&mut self, values: &[String]) -> Outcome {
        let mut row = Vec::with_capacity(values.len());
        if let Some(text) = self.below(&Sha1::new(), values, &mut row, Ends::Keys)? {
            return Ok(Some(text));
        }
        for (place, key) in self.keys.iter().enumerate() {
            let start = self.and(&Sha1::new(), key)?;
            let ends = Ends::KeyFirst(place);
            if let Some(text) = self.below(&start, values, &mut row, ends)? {
                return Ok(Some(text));
            }
        }
        Ok(None)
    }

    /// Tries the values of `row`, which `state` holds, and then with each further value after them.
    fn below(
        &mut self,
        state: &Sha1,
        values: &[String],
        row: &mut Vec<usize>,
        ends: Ends,
    ) -> Outcome {
        if let Some((place, key)) = self.end(state, ends)? {
            let row = row.clone();
            return Ok(Some(Text { row, place, key }));
        }
        for (place, value) in values.iter().enumerate() {
            if row.contains(&place) {
                continue;
            }
            let longer = self.and(state, value)?;
            row.push(place);
            let found = self.below(&longer, values, row, ends)?;
            if found.is_some() {
                return Ok(found);
            }
            row.pop();
        }
        Ok(None)
    }

    fn end(
        &mut self,
        state: &Sha1,
        ends: Ends,
    ) -> Result<Option<(&'static str, Option<usize>)>, Stop> {
        if let Ends::KeyFirst(key) = ends {
            let is_it = self.is_it(state.clone())?;
            return Ok(is_it.then_some((", after the key", Some(key))));
        }
        if self.is_it(state.clone())? {
            return Ok(Some((", without a key", None)));
        }
        for (place, key) in self.keys.iter().enumerate() {
            let keyed = self.and(state, key)?;
            if self.is_it(keyed.clone())? {
                return Ok(Some((", then the key", Some(place))));
            }
            let ended = self.and(&keyed, "\n")?;
            if self.is_it(ended)? {
                return Ok(Some((", then the key and a line end", Some(place))));
            }
        }
        Ok(None)
    }

    /// The state after `more`.
    fn and(&mut self, state: &Sha1, more: &str) -> Result<Sha1, Stop> {
        self.spend(more.len() as u64)?;
        Ok(state.clone().chain_update(more))
    }

    fn is_it(&mut self, state: Sha1) -> Result<bool, Stop> {
        self.spend(BLOCK)?;
        self.tried += 1;
        Ok(state.finalize()[..] == self.sent)
    }

    fn spend(&mut self, bytes: u64) -> Result<(), Stop> {
        if self.hashed + bytes > self.budget.bytes {
            return Err(Stop::Bytes);
        }
        let after = self.hashed + bytes;
        let is_time_to_look = self.hashed == 0 || self.hashed ^ after >= LOOK_EVERY;
        if is_time_to_look && self.deadline.is_over() {
            return Err(Stop::Time);
        }
        self.hashed = after;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    const LONG: Duration = Duration::from_secs(600);

    fn budget(bytes: u64, time: Duration) -> Budget {
        Budget { bytes, time }
    }

    fn texts(values: &[&str], key: &str) -> HashSet<String> {
        let mut rows = vec![Vec::new()];
        let mut place = 0;
        while let Some(row) = rows.get(place).cloned() {
            let more = (0..values.len()).filter(|next| !row.contains(next));
            rows.extend(more.map(|next| [row.as_slice(), &[next]].concat()));
            place += 1;
        }
        let texts = rows.iter().flat_map(|row: &Vec<usize>| {
            let text: String = row.iter().map(|place| values[*place]).collect();
            [
                text.clone(),
                format!("{text}{key}"),
                format!("{text}{key}\n"),
                format!("{key}{text}"),
            ]
        });
        texts.collect()
    }

    #[test]
    fn every_order_is_tried_and_nothing_else() {
        let (values, keys) = (["1", "22", "333", "4444"], ["secret".to_owned()]);
        let owned = values.map(String::from);
        let wanted = texts(&values, "secret");
        for text in &wanted {
            let sent = Sha1::digest(text).into();
            let mut search = Search::new(sent, &keys, budget(u64::MAX / 2, LONG));
            let found = search
                .all(&owned)
                .unwrap()
                .unwrap_or_else(|| panic!("{text}"));
            let row: String = found.row.iter().map(|place| values[*place]).collect();
            let again = match found.place {
                ", then the key" => format!("{row}secret"),
                ", after the key" => format!("secret{row}"),
                ", without a key" => row,
                _ => format!("{row}secret\n"),
            };
            assert_eq!(&again, text);
            assert_eq!(found.key.is_none(), found.place == ", without a key");
        }
        let mut search = Search::new([0; 20], &keys, budget(u64::MAX / 2, LONG));
        assert_eq!(search.all(&owned), Ok(None));
        assert_eq!(search.tried, search.count(values.len()));
        // The key alone counts twice: before the values and after them.
        assert_eq!(search.tried, wanted.len() as u64 + 1);
    }

    #[test]
    fn what_is_hashed_has_an_end_in_bytes_and_in_time() {
        let keys = ["key-1".to_owned(), "key-2".to_owned()];
        let values: Vec<String> = (0..7).map(|place| place.to_string().repeat(9000)).collect();
        for bytes in [0, 63, 64, 100_000, 1_000_000] {
            let mut search = Search::new([0; 20], &keys, budget(bytes, LONG));
            assert_eq!(search.all(&values), Err(Stop::Bytes), "{bytes}");
            assert!(search.hashed <= bytes, "{} > {bytes}", search.hashed);
            assert!(search.hashed + 9000 + BLOCK > bytes);
            assert_eq!(search.tried == 0, bytes < BLOCK);
        }
        let mut search = Search::new([0; 20], &keys, budget(u64::MAX / 2, Duration::ZERO));
        assert_eq!(search.all(&values), Err(Stop::Time));
        assert_eq!((search.hashed, search.tried), (0, 0));
    }

    #[test]
    fn texts_that_begin_alike_are_hashed_once() {
        let values: Vec<String> = (0..4).map(|_| "v".repeat(1000)).collect();
        let mut search = Search::new([0; 20], &[], budget(u64::MAX / 2, LONG));
        assert_eq!(search.all(&values), Ok(None));
        // 4 + 12 + 24 + 24 texts, each one value longer than another one.
        assert_eq!(search.tried, 65);
        assert_eq!(search.hashed, 64 * 1000 + 65 * BLOCK);
    }
}
