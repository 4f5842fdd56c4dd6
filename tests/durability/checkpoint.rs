//! A power cut while the WAL is merged into the file. Any part of what is not synced may be on disk, in any order, and
//! database pages may be torn. Everything acknowledged is still there.

use std::fs;
use std::time::Duration;

use super::server::{World, assert_stored, assert_whole, is_slow, reserve};
use super::trace::{Power, Trace, can_trace, record};

/// These dice fall the same way each time, so that a failure can be repeated.
struct Dice(u64);

impl Dice {
    fn is_heads(&mut self) -> bool {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.count_ones().is_multiple_of(2)
    }

    /// Which sectors of a write are kept: half of the writes are kept as a whole, or not at all.
    fn fate(&mut self, sectors: usize) -> Vec<bool> {
        let (is_torn, is_there) = (self.is_heads(), self.is_heads());
        let kept = std::iter::repeat_with(|| if is_torn { self.is_heads() } else { is_there });
        kept.take(sectors).collect()
    }
}

/// The lines that write or sync something, from the first write to the file on. The power is cut after each.
fn moments(trace: &Trace) -> Vec<usize> {
    let first = trace.database.writes[0].began;
    let mut moments = Vec::new();
    for traced in [&trace.wal, &trace.database] {
        moments.extend(traced.writes.iter().map(|write| write.began + 1));
        moments.extend(traced.syncs.iter().flat_map(|sync| [sync.1, sync.1 + 1]));
    }
    moments.extend(trace.replies.iter().map(|reply| reply.0 + 1));
    moments.retain(|now| *now > first);
    moments.sort_unstable();
    moments.dedup();
    moments
}

#[test]
fn a_power_cut_during_a_checkpoint_loses_nothing() {
    if !can_trace() {
        return;
    }
    let world = World::new();
    let reserved = reserve(&world.database(), 2000);
    let before = fs::read(world.database()).expect("the file");
    assert!(!world.data.join("linebook.db-wal").exists());
    let path = world.folder.path().join("trace");
    let (acknowledged, trace) = record(&world, &path, reserved, |_| {
        std::thread::sleep(Duration::from_millis(200));
        let text = fs::read(&path).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        // Waits for a merge, and for writes that begin the WAL anew.
        let synced = text
            .rsplit_once("linebook.db>) ")
            .map_or("", |(_, later)| later);
        synced.matches("linebook.db-wal>, ").count() > 50
    });
    assert!(!trace.database.syncs.is_empty(), "nothing was merged");
    let power = Power::new(&before, &trace);
    let moments = moments(&trace);
    let wanted = if is_slow() { 500 } else { 40 };
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
    let data = world.folder.path().join("cut");
    let mut count = 0;
    for now in moments.iter().step_by((moments.len() / wanted).max(1)) {
        let database = power.cut(&data, *now, |sectors| dice.fate(sectors));
        let answered = trace.replies.iter().filter(|(line, _)| line < now);
        let answered: Vec<&String> = answered.map(|(_, id)| id).collect();
        let mut known = acknowledged.clone();
        known.retain(|done| answered.contains(&&done.request_id));
        assert_stored(&database, &known);
        assert_whole(&database);
        count += 1;
    }
    eprintln!(
        "{} pages merged, {} syncs of the file, {count} power cuts",
        trace.database.writes.len(),
        trace.database.syncs.len()
    );
}
