//! Compares the schema of a file with that of a fresh one, object by object.
//!
//! A trigger is code that runs as linebook does, and a missing trigger is a rule that does not hold. So a file is
//! trusted only when it has exactly what this release's schema makes. An older file must have what the steps to its
//! version make.

use std::collections::BTreeMap;

use rusqlite::Connection;

use crate::store::{StoreError, pool};

const OBJECTS: &str = "
SELECT
  type,
  name,
  tbl_name,
  sql
FROM sqlite_schema";

/// Tables that SQLite makes by itself, on ANALYZE or for AUTOINCREMENT, in its own words.
const OF_SQLITE: &[&str] = &[
    "CREATE TABLE sqlite_stat1(tbl,idx,stat)",
    "CREATE TABLE sqlite_stat4(tbl,idx,neq,nlt,ndlt,sample)",
    "CREATE TABLE sqlite_sequence(name,seq)",
];

/// Characters of a foreign name that are shown.
const MAX_NAME: usize = 80;

/// The key of an object: its type and its name.
type Key = (String, String);

/// An object's table, and the words of its SQL. An index that SQLite makes for a constraint has no SQL.
type Shape = (String, Option<Vec<String>>);

/// Every difference, in words, between the schema of the open file and the one that `schema` makes.
pub fn differences(connection: &Connection, schema: &[&str]) -> Result<Vec<String>, StoreError> {
    let fresh = pool::in_memory()?;
    for statements in schema {
        fresh.execute_batch(statements)?;
    }
    let wanted = objects(&fresh)?;
    let mut found = objects(connection)?;
    let mut differences = Vec::new();
    for (key, shape) in &wanted {
        let (kind, name) = key;
        match found.remove(key) {
            None => differences.push(format!("{kind} {name} is missing")),
            Some(found) if found != *shape => {
                differences.push(format!("{kind} {name} is not as linebook makes it"));
            }
            Some(_) => {}
        }
    }
    let foreign = found
        .into_iter()
        .filter(|(_, (_, sql))| !is_of_sqlite(sql.as_deref()));
    for ((kind, name), (table, _)) in foreign {
        let (kind, name, table) = (shown(&kind), shown(&name), shown(&table));
        differences.push(match kind.as_str() {
            "table" | "view" => format!("{kind} {name} is not linebook's"),
            _ => format!("{kind} {name} on {table} is not linebook's"),
        });
    }
    Ok(differences)
}

fn objects(connection: &Connection) -> Result<BTreeMap<Key, Shape>, StoreError> {
    let mut statement = connection.prepare(OBJECTS)?;
    let rows = statement.query_map([], |row| {
        let sql: Option<String> = row.get(3)?;
        let key = (row.get(0)?, row.get(1)?);
        Ok((key, (row.get(2)?, sql.map(|sql| read_words(&sql)))))
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// The words of a statement in a file. SQLite reads a statement only up to a NUL, so one with a NUL equals no other,
/// even when the NUL is in a comment.
fn read_words(sql: &str) -> Vec<String> {
    let mut words = words(sql);
    words.extend(sql.contains('\0').then(|| "\0".into()));
    words
}

fn is_of_sqlite(sql: Option<&[String]>) -> bool {
    sql.is_some_and(|sql| OF_SQLITE.iter().any(|known| words(known) == sql))
}

/// A name in a form that fits into a line.
fn shown(name: &str) -> String {
    name.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(MAX_NAME)
        .collect()
}

/// The words and signs of a statement, without its spaces and comments: a step that changes a table may write it down
/// in another way than a fresh file does. A quoted text is one word, with its spaces.
pub fn words(sql: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut rest = sql;
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '-' if rest.starts_with("--") => rest.find('\n').unwrap_or(rest.len()),
            '/' if rest.starts_with("/*") => rest[2..].find("*/").map_or(rest.len(), |end| end + 4),
            '\'' | '"' | '`' => quoted(rest, first),
            '[' => rest.find(']').map_or(rest.len(), |end| end + 1),
            _ if is_word(first) => rest.find(|c| !is_word(c)).unwrap_or(rest.len()),
            _ => first.len_utf8(),
        };
        let (word, after) = rest.split_at(length);
        let is_said =
            !(first.is_ascii_whitespace() || word.starts_with("--") || word.starts_with("/*"));
        if is_said {
            words.push(word.into());
        }
        rest = after;
    }
    words
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c == '$' || !c.is_ascii()
}

/// The length of a quoted text. A doubled quote stands for a quote. The text after it becomes a word of its own, in
/// both files alike.
fn quoted(text: &str, quote: char) -> usize {
    let inner = &text[quote.len_utf8()..];
    inner.find(quote).map_or(text.len(), |end| end + 2)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::file::schema::SCHEMA;

    #[test]
    fn spaces_and_comments_are_no_difference_and_all_else_is() {
        let one = "CREATE TABLE t ( -- why\n  a TEXT CHECK (a <> 'x -- y') /* or */ )";
        assert_eq!(
            words(one),
            words("CREATE TABLE t(a TEXT CHECK(a<>'x -- y'))")
        );
        for other in [
            "CREATE TABLE t(a TEXT CHECK(a<>'x'))",
            "CREATE TABLE t(a TEXT CHECK(a<>'x  -- y'))",
            "CREATE TABLE t(a TEXT CHECK(a<>'X -- y'))",
            "CREATE TABLE t(a TEXT CHECK(a<>\"x -- y\"))",
            "CREATE TABLE t(a TEXT CHECK(a<>'x -- y')) STRICT",
            "CREATE TABLE t(a TE XT CHECK(a<>'x -- y'))",
        ] {
            assert_ne!(words(one), words(other), "{other}");
        }
        assert_eq!(words("'it''s' [a b] -- end"), ["'it'", "'s'", "[a b]"]);
        assert_eq!(words("a /* open"), ["a"]);
        assert_eq!(words("'open"), ["'open"]);
    }

    #[test]
    fn a_fresh_file_is_as_it_should_be() {
        let fresh = pool::in_memory().expect("a database");
        fresh.execute_batch(SCHEMA).expect("the schema");
        fresh.execute_batch("ANALYZE").expect("statistics");
        assert_eq!(differences(&fresh, &[SCHEMA]), Ok(Vec::new()));
    }
}
