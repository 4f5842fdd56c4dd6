//! `kill -9` while 64 connections write: every acknowledged object is there afterwards, nothing is half done, and the
//! server starts again by itself.

use std::time::Duration;

use linebook::ambient::Ambient;

use super::server::{Load, World, assert_stored, assert_whole, is_slow, linebook, reserve};

const CONNECTIONS: usize = 64;
/// Rounds in the full test, and in the quick one.
const ROUNDS: (usize, usize) = (200, 4);

/// Kills per database. Everything in it is checked after each kill, and that should not take most of the time.
const KILLS_PER_WORLD: usize = 20;

#[test]
fn nothing_acknowledged_is_lost_by_kill_9() {
    let rounds = if is_slow() { ROUNDS.0 } else { ROUNDS.1 };
    let dice = Ambient::system();
    let (mut left, mut total, mut quiet) = (rounds, 0, 0);
    while left > 0 {
        let kills = left.min(KILLS_PER_WORLD);
        let counts = torment(&dice, kills);
        left -= kills;
        total += counts.iter().sum::<usize>();
        quiet += counts.iter().filter(|count| **count == 0).count();
    }
    eprintln!("{rounds} kills, {total} objects acknowledged, {quiet} rounds without any");
    assert!(total > rounds, "hardly anything was written");
}

/// Kills the server of one database again and again. Gives the number of acknowledged writes in each round.
fn torment(dice: &Ambient, kills: usize) -> Vec<usize> {
    let world = World::new();
    let random_ms = |most: u64| {
        let digits: u64 = dice.digits(6).parse().expect("digits");
        Duration::from_micros(digits * most / 1000)
    };
    let (mut all, mut counts) = (Vec::new(), Vec::new());
    for round in 0..kills {
        if round % 5 == 3 {
            kill_at_the_start(&world, random_ms(60));
        }
        let reserved = reserve(&world.database(), 400);
        let server = world.start();
        let load = Load::start(server.address, CONNECTIONS, reserved);
        std::thread::sleep(random_ms(400));
        server.kill();
        let outcome = load.finish();
        assert_eq!(outcome.refusals, [] as [String; 0]);
        assert_whole(&world.database());
        assert_stored(&world.database(), &outcome.acknowledged);
        counts.push(outcome.acknowledged.len());
        all.extend(outcome.acknowledged);
    }
    world.start().terminate();
    assert_stored(&world.database(), &all);
    assert_whole(&world.database());
    counts
}

/// Kills the server while it opens the database and the WAL that the last kill has left.
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
