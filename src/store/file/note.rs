//! The lock file's note about a folder's database: which file it is. The WAL of a lost file must not be read into its
//! replacement, and a WAL does not say which file it belongs to.

use std::fmt;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use crate::ambient::file_nanos;

/// The identity of a file, whatever its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Identity {
    /// Its number on its file system. Another file may get the number of a deleted one.
    number: u64,
    /// When it was created, in nanoseconds since 1970, where the file system keeps that.
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

    /// Whether both are one file. The time of creation decides where it is known, because some file systems change
    /// their numbers.
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

/// Which files the database and the lock file are. Both are new files in a copied folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Note {
    database: Identity,
    lock: Identity,
}

impl Note {
    /// The note about the present files.
    pub fn of(database: &Path, lock: &Path) -> io::Result<Self> {
        Ok(Self {
            database: Identity::of(database)?,
            lock: Identity::of(lock)?,
        })
    }

    /// The note in a lock file. Older releases wrote none.
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

    /// Whether the database of this folder was replaced by another file. A folder that was copied or unpacked as a
    /// whole is a new folder, and its files belong together.
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
            // Another file was moved over it, or got its number.
            ("database 5 50 lock 2 20", true),
            ("database 1 50 lock 2 20", true),
            // The whole folder was copied, with new numbers or with numbers used again.
            ("database 5 50 lock 6 60", false),
            ("database 1 50 lock 2 60", false),
            // The numbers change while the files stay.
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
