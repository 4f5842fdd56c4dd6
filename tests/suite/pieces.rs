//! Searches that are read in pieces, each on a snapshot of its own, while others write between them.

use linebook::service::did_search::{Found, Reached, Search, search};
use linebook::service::guard::access::Actor;
use linebook::service::{Error, Rule, Thing};

use crate::common::World;
use crate::common::world::NOW_MS;

/// DIDs with even ids, more than two pieces look at: four of eleven are a user's.
const MANY: &str = "
WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i <= 45000)
INSERT INTO dids (id, did, provider_id, owner_id, status, user_id, created_ms)
SELECT 100000 + 2 * i, 48000000000 + i, 1, 0, iif(i % 11 < 7, 'free', 'reserved'), iif(i % 11 < 7, NULL, 2), 1 FROM n";

fn free() -> Search {
    Search {
        number: Some("8".into()),
        status: Some("free".into()),
        ..Search::default()
    }
}

/// A user's: few enough to be looked up one by one.
fn of_user() -> Search {
    Search {
        number: Some("48".into()),
        user_id: Some(Some(2)),
        ..Search::default()
    }
}

/// Every id that a search finds, in the order in which it does. `between` runs after each piece, with the row that the
/// search has reached.
fn ids(world: &World, wanted: &Search, mut between: impl FnMut(i64)) -> Result<Vec<i64>, Error> {
    let by = Actor::system(NOW_MS);
    let (mut ids, mut place) = (Vec::new(), Some(Reached::default()));
    while let Some(reached) = place {
        let store = &world.app.core.store;
        let Found { dids, next } = store.read(|tx| search(tx, &by, wanted, reached))?;
        ids.extend(dids.iter().map(|did| did.id));
        place = next;
        if let Some(next) = next {
            between(next.after);
        }
    }
    Ok(ids)
}

fn selected(world: &World, sql: &str) -> Vec<i64> {
    let rows = world.select(sql);
    let rows = rows.split(';').filter(|id| !id.is_empty());
    rows.map(|id| id.parse().unwrap()).collect()
}

#[test]
fn what_others_write_between_the_pieces_is_neither_lost_nor_repeated() {
    for (wanted, state, stays) in [
        (free(), "'free', NULL", "status = 'free'"),
        (of_user(), "'reserved', 2", "user_id = 2 AND did LIKE '48%'"),
    ] {
        let world = World::after(MANY);
        let all = format!("SELECT id FROM dids WHERE {stays} AND did LIKE '%8%' ORDER BY id");
        let before = selected(&world, &all);
        let (mut pieces, mut added, mut gone) = (0, Vec::new(), Vec::new());
        let found = ids(&world, &wanted, |at| {
            pieces += 1;
            let insert = |id: i64| {
                world.sql(&format!(
                    "INSERT INTO dids (id, did, provider_id, owner_id, status, user_id, created_ms)
                     SELECT {id}, 48100000000 + {id}, 1, 0, {state}, 1
                     WHERE NOT EXISTS (SELECT 1 FROM dids WHERE id = {id})"
                ));
            };
            // One behind, one ahead; the last that was seen goes, and so does a later one.
            insert(at - 1);
            insert(at + 1);
            // Where a piece ends between two DIDs, the next one is there already.
            if at % 2 == 0 {
                added.push(at + 1);
            }
            let next = format!("SELECT id FROM dids WHERE {stays} AND id > {at} + 2 AND id % 2 = 0 ORDER BY id LIMIT 1");
            let later = selected(&world, &next);
            world.sql(&format!("DELETE FROM dids WHERE id = {at}"));
            for id in later {
                world.sql(&format!(
                    "UPDATE dids SET status = 'terminated', user_id = NULL WHERE id = {id}"
                ));
                gone.push(id);
            }
        })
        .unwrap();
        assert!(pieces > 20, "{pieces} pieces");
        assert!(found.is_sorted_by(|a, b| a < b), "in order, each once");
        let kept: Vec<i64> = found
            .iter()
            .copied()
            .filter(|id| !added.contains(id))
            .collect();
        let expected: Vec<i64> = before.into_iter().filter(|id| !gone.contains(id)).collect();
        assert!(kept == expected, "what was there all the time is found");
        assert!(gone.iter().all(|id| !found.contains(id)));
    }
}

#[test]
fn a_search_from_any_place_gives_the_rows_from_there() {
    let world = World::after(MANY);
    let all = selected(
        &world,
        "SELECT id FROM dids WHERE did LIKE '%8%' ORDER BY id",
    );
    for skip in [
        0, 1, 499, 500, 501, 19_999, 20_000, 20_001, 39_999, 40_000, 44_998, 45_000,
    ] {
        for limit in [1, 700] {
            let wanted = Search {
                number: Some("8".into()),
                skip,
                limit: Some(limit),
                ..Search::default()
            };
            let found = ids(&world, &wanted, |_| {}).unwrap();
            let expected = all.iter().skip(skip as usize).take(limit as usize);
            assert!(found.iter().eq(expected), "{limit} after {skip}");
        }
    }
    for skip in [all.len() as u64, 1_000_000, u64::MAX] {
        let (mut past, mut few) = (free(), of_user());
        (past.skip, few.skip) = (skip, skip);
        for wanted in [past, few] {
            let refused = ids(&world, &wanted, |_| {}).unwrap_err();
            let is_none =
                matches!(&refused, Error::Refused(why) if why.rule == Rule::NoneFound(Thing::Did));
            assert!(is_none, "{refused:?}");
        }
    }
}
