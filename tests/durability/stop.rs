//! SIGTERM and SIGINT: what is in flight is finished, what is queued is drained, what was answered is what is stored.

use std::time::{Duration, Instant};

use super::server::{Load, What, World, assert_stored, assert_whole, look, reserve, wait_for};

fn stop(signal: &str) {
    let world = World::new();
    let reserved = reserve(&world.database(), 200);
    let mut server = world.start();
    let load = Load::start(server.address, 64, reserved);
    wait_for("some writes", || (load.count() > 300).then_some(()));
    let told = Instant::now();
    server.signal(signal);
    let status = wait_for("the end", || server.child.try_wait().expect("a child"));
    assert!(status.success(), "{status}: {}", server.log());
    // Connections that keep on asking do not use the limit of 30 seconds up.
    assert!(told.elapsed() < Duration::from_secs(10));
    let outcome = load.finish();
    assert_eq!(outcome.half_answers, 0);
    assert_eq!(outcome.refusals, [] as [String; 0]);
    assert_stored(&world.database(), &outcome.acknowledged);
    assert_whole(&world.database());

    // Every write that happened was answered: none was dropped between the disk and its caller.
    let count = |what: fn(&What) -> bool| {
        let done = outcome.acknowledged.iter();
        done.filter(|done| what(&done.what)).count() as i64
    };
    let connection = look(&world.database());
    let stored = |action: &str| -> i64 {
        let sql = "SELECT count(*) FROM action_log WHERE action = ?1 AND through = 'api'";
        connection
            .query_row(sql, [action], |row| row.get(0))
            .expect("a count")
    };
    // The world's own device came through the API too.
    assert_eq!(
        stored("device.create") - 1,
        count(|what| matches!(what, What::Device { .. }))
    );
    assert_eq!(
        stored("did.create"),
        count(|what| matches!(what, What::Did { .. }))
    );
    assert_eq!(
        stored("did.assign"),
        count(|what| matches!(what, What::Assigned { .. }))
    );
    assert_eq!(
        stored("cli.create"),
        count(|what| matches!(what, What::Cli { .. }))
    );
    drop(connection);
    assert!(!world.data.join("linebook.db-wal").exists());
}

#[test]
fn sigterm_finishes_what_is_in_flight() {
    stop("TERM");
}

#[test]
fn sigint_does_so_too() {
    stop("INT");
}
