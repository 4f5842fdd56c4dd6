//! `kill -9` while 64 connections write: every acknowledged object is there afterwards, nothing is half made, and the
//! server starts again by itself.

use std::time::Duration;

use linebook::ambient::Ambient;

use super::server::{Load, World, assert_stored, assert_whole, is_slow, linebook, reserve};

const CONNECTIONS: usize = 64;
/// Rounds in the full test, and in the quick one.
const ROUNDS: (usize, usize) = (200, 4);

#[test]
fn nothing_acknowledged_is_lost_by_kill_9() {
    let rounds = if is_slow() { ROUNDS.0 } else { ROUNDS.1 };
    let world = World::new();
    let dice = Ambient::system();
    let random_ms = |most: u64| {
        let digits: u64 = dice.digits(6).parse().expect("digits");
        Duration::from_micros(digits * most / 1000)
    };
    let (mut all, mut quiet) = (Vec::new(), 0);
    for round in 0..rounds {
        if round % 5 == 4 {
            kill_at_the_start(&world, random_ms(60));
        }
        let reserved = reserve(&world.database(), 400);
        let server = world.start();
        let load = Load::start(server.address, CONNECTIONS, reserved);
        std::thread::sleep(random_ms(400));
        server.kill();
        let outcome = load.finish();
        assert_eq!(outcome.refusals, [] as [String; 0]);
        quiet += usize::from(outcome.acknowledged.is_empty());
        assert_whole(&world.database());
        assert_stored(&world.database(), &outcome.acknowledged);
        all.extend(outcome.acknowledged);
    }
    world.start().terminate();
    assert_stored(&world.database(), &all);
    assert_whole(&world.database());
    eprintln!(
        "{rounds} kills, {} objects acknowledged, {quiet} rounds without any",
        all.len()
    );
    assert!(all.len() > rounds, "hardly anything was written");
}

/// While the server opens the database and what the last kill left of its WAL.
fn kill_at_the_start(world: &World, after: Duration) {
    let mut child = linebook()
        .args(["serve", "--listen", "127.0.0.1:0", "--log", "error"])
        .arg("--data")
        .arg(&world.data)
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .expect("the binary runs");
    std::thread::sleep(after);
    child.kill().expect("it runs");
    child.wait().expect("it ends");
}
