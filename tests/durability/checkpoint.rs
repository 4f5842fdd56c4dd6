//! A power cut while the WAL is merged into the file: of what neither file has synced, any part may be on disk, in any
//! order, and pages may be torn. What was acknowledged is there.

use std::fs;
use std::time::Duration;

use super::server::{World, assert_stored, assert_whole, is_slow, reserve};
use super::trace::{Trace, Traced, Write, can_trace, record};

/// What a disk writes as a whole.
const SECTOR: usize = 512;

/// The same dice each time: a failure can be looked at again.
struct Dice(u64);

impl Dice {
    fn is_heads(&mut self) -> bool {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.count_ones().is_multiple_of(2)
    }
}

fn decoded(traced: &Traced) -> Vec<(&Write, Vec<u8>)> {
    let writes = traced.writes.iter();
    writes.map(|write| (write, write.bytes())).collect()
}

/// The file as a power cut in the line `now` leaves it: `before` and all that is synced, and by chance what is not.
fn cut(before: &[u8], writes: &[(&Write, Vec<u8>)], now: usize, dice: &mut Dice) -> Vec<u8> {
    let mut file = before.to_vec();
    for (write, bytes) in writes.iter().filter(|(write, _)| write.began < now) {
        let is_synced = write.synced < now;
        // Half of what is not synced is written as a whole, or not at all.
        let (is_torn, is_there) = (dice.is_heads(), dice.is_heads());
        for (place, sector) in bytes.chunks(SECTOR).enumerate() {
            let is_kept = if is_torn { dice.is_heads() } else { is_there };
            if !is_synced && !is_kept {
                continue;
            }
            let start = write.offset as usize + place * SECTOR;
            if file.len() < start + sector.len() {
                file.resize(start + sector.len(), 0);
            }
            file[start..start + sector.len()].copy_from_slice(sector);
        }
    }
    file
}

/// The lines from the first write to the file on in which something is written or synced; the power is cut after each.
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
        // A merge, and writes that begin the WAL anew.
        let synced = text
            .rsplit_once("linebook.db>) ")
            .map_or("", |(_, later)| later);
        synced.matches("linebook.db-wal>, ").count() > 50
    });
    assert!(!trace.database.syncs.is_empty(), "nothing was merged");
    let (merged, wal) = (decoded(&trace.database), decoded(&trace.wal));
    let moments = moments(&trace);
    let wanted = if is_slow() { 500 } else { 40 };
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
    let data = world.folder.path().join("cut");
    let mut count = 0;
    for now in moments.iter().step_by((moments.len() / wanted).max(1)) {
        let _ = fs::remove_dir_all(&data);
        fs::create_dir(&data).expect("a folder");
        let database = data.join("linebook.db");
        fs::write(&database, cut(&before, &merged, *now, &mut dice)).expect("a file");
        let log = cut(&[], &wal, *now, &mut dice);
        fs::write(data.join("linebook.db-wal"), log).expect("a file");
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
