//! What the lock file notes of a folder's database: which file it is. The WAL of a file that is gone is not to be read into the
//! one that was put in its place, and nothing in a WAL says whose it is.

use std::fmt;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use crate::ambient::file_nanos;

/// A file, whatever its name is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Identity {
    /// Its number on its file system, which another file gets when it is gone.
    number: u64,
    /// When it was born, in nanoseconds since 1970, where the file system keeps that.
    born: Option<u128>,
}

impl Identity {
    fn of(path: &Path) -> io::Result<Self> {
        let found = std::fs::metadata(path)?;
        Ok(Self {
            number: found.ino(),
            born: found.created().ok().and_then(file_nanos),
        })
    }

    /// Whether it is the same file. Its birth decides where it is known: not every file system keeps to its numbers.
    fn is(self, other: Self) -> bool {
        match (self.born, other.born) {
            (Some(one), Some(other)) => one == other,
            _ => self.number == other.number,
        }
    }

    fn parse(number: &str, born: &str) -> Option<Self> {
        Some(Self {
            number: number.parse().ok()?,
            born: match born {
                "-" => None,
                born => Some(born.parse().ok()?),
            },
        })
    }
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.born {
            Some(born) => write!(f, "{} {born}", self.number),
            None => write!(f, "{} -", self.number),
        }
    }
}

/// Which file the database is, and which one the lock file: another one in a folder that was copied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Note {
    database: Identity,
    lock: Identity,
}

impl Note {
    /// Of the files that are there now.
    pub fn of(database: &Path, lock: &Path) -> io::Result<Self> {
        Ok(Self {
            database: Identity::of(database)?,
            lock: Identity::of(lock)?,
        })
    }

    /// The one in a lock file, which may be of a release that noted none.
    pub fn parse(text: &str) -> Option<Self> {
        text.lines().find_map(|line| {
            let words: Vec<&str> = line.split(' ').collect();
            let ["database", number, born, "lock", lock_number, lock_born] = words[..] else {
                return None;
            };
            Some(Self {
                database: Identity::parse(number, born)?,
                lock: Identity::parse(lock_number, lock_born)?,
            })
        })
    }

    /// Whether, in the same folder, the database is another file than the noted one. A folder that was copied or unpacked as
    /// a whole is another one, with files that belong together.
    pub fn is_replaced(self, now: Self) -> bool {
        self.lock.is(now.lock) && !self.database.is(now.database)
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "database {} lock {}", self.database, self.lock)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn note(text: &str) -> Note {
        Note::parse(text).unwrap_or_else(|| panic!("{text}"))
    }

    #[test]
    fn a_note_is_read_back() {
        for text in ["database 1 2 lock 3 4", "database 1 - lock 3 -"] {
            assert_eq!(note(&format!("A sentence.\n{text}\n")).to_string(), text);
        }
        for other in ["", "A sentence.\n", "database 1 2", "database x 2 lock 3 4"] {
            assert_eq!(Note::parse(other), None, "{other}");
        }
    }

    #[test]
    fn another_database_in_the_same_folder_is_told_by_its_birth_or_its_number() {
        let noted = note("database 1 10 lock 2 20");
        for (now, is_replaced) in [
            ("database 1 10 lock 2 20", false),
            // Moved over it, or a number that was given anew.
            ("database 5 50 lock 2 20", true),
            ("database 1 50 lock 2 20", true),
            // The whole folder, also where numbers are given anew.
            ("database 5 50 lock 6 60", false),
            ("database 1 50 lock 2 60", false),
            // Numbers that change while the files stay.
            ("database 5 10 lock 6 20", false),
        ] {
            assert_eq!(noted.is_replaced(note(now)), is_replaced, "{now}");
        }
        let noted = note("database 1 - lock 2 -");
        for (now, is_replaced) in [
            ("database 1 - lock 2 -", false),
            ("database 5 - lock 2 -", true),
            ("database 5 - lock 6 -", false),
        ] {
            assert_eq!(noted.is_replaced(note(now)), is_replaced, "{now}");
        }
    }
}
