//! A clock that leaps: nothing that cannot be undone happens because of it until an operator has looked.

use std::sync::Arc;
use std::time::Duration;

use linebook::ambient::{Ambient, LAST_MS};
use linebook::app::App;
use linebook::housekeeping;
use linebook::service::clock;
use linebook::service::guard::access::Actor;
use linebook::store::{Options, Store};

use super::server::{World, look, ok, wait_for};
use super::start::{a_moment, status, wait_until_free};

const HOUR: Duration = Duration::from_secs(60 * 60);
const HOUR_MS: i64 = 60 * 60 * 1000;
const DAY_MS: i64 = 24 * HOUR_MS;
const WAITS: &str = "closed DIDs are not freed: the clock has leapt";

/// A closed DID.
fn close(world: &World, did: &str, closed_ms: i64) {
    ok(&["did", "create", did, "--provider", "1"], &world.data);
    let sql = "UPDATE dids SET status = 'closed', user_id = 1, closed_ms = ?2 WHERE did = ?1";
    let changed = look(&world.database()).execute(sql, (did, closed_ms));
    assert_eq!(changed, Ok(1));
}

fn leap_ms(world: &World) -> Option<i64> {
    look(&world.database())
        .query_row("SELECT leap_ms FROM installation", [], |row| row.get(0))
        .expect("a row")
}

/// A linebook in the test's own process, with a clock that stands still.
fn app(world: &World, now_ms: i64) -> Arc<App> {
    let store = Store::open(&world.data, Options::default()).expect("the database");
    Arc::new(App::new(store, Arc::new(Ambient::fixed(now_ms, 1))))
}

async fn accept(app: &App, now_ms: i64) {
    let accepted = app
        .core
        .store
        .write(move |tx| clock::accept(tx, &Actor::operator(now_ms)));
    accepted.await.expect("it is accepted");
}

/// Moves the clocks forward by these times, and runs housekeeping.
async fn an_hour_later(app: &App, now_ms: i64, running_ms: i64) {
    app.core.ambient.set(now_ms);
    app.core.ambient.set_running(running_ms);
    tokio::time::advance(HOUR).await;
    a_moment().await;
    a_moment().await;
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_leaps_while_the_server_runs_frees_nothing_until_it_is_accepted() {
    let world = World::new();
    let database = world.database();
    let now_ms = Ambient::system().now_ms();
    close(&world, "371", now_ms);
    let app = app(&world, now_ms);
    let running = tokio::spawn(housekeeping::run(app.core.clone(), app.backups.clone()));
    a_moment().await;
    // Less than a day against the other clock, and then more, in two steps.
    let step_ms = 23 * HOUR_MS;
    an_hour_later(&app, now_ms + HOUR_MS + step_ms, HOUR_MS).await;
    assert_eq!(leap_ms(&world), None, "less than a day");
    let leapt_ms = now_ms + 2 * HOUR_MS + 91 * DAY_MS;
    an_hour_later(&app, leapt_ms, 2 * HOUR_MS).await;
    assert_eq!(status(&database, "371"), "closed");
    assert_eq!(leap_ms(&world), Some(leapt_ms));
    // It stays so, even when the clock goes on as it should.
    an_hour_later(&app, leapt_ms + HOUR_MS, 3 * HOUR_MS).await;
    assert_eq!(status(&database, "371"), "closed");
    accept(&app, leapt_ms + HOUR_MS).await;
    an_hour_later(&app, leapt_ms + 2 * HOUR_MS, 4 * HOUR_MS).await;
    wait_until_free(&database, "371").await;
    running.abort();
}

#[tokio::test(start_paused = true)]
async fn a_database_from_long_ago_frees_nothing_until_it_is_accepted_over_restarts_too() {
    let world = World::new();
    let database = world.database();
    let made_ms = Ambient::system().now_ms();
    close(&world, "371", made_ms - 100 * DAY_MS);
    let late_ms = made_ms + 31 * DAY_MS;
    // Alone, the second start sees nothing wrong.
    for now_ms in [late_ms, made_ms + HOUR_MS] {
        let app = app(&world, now_ms);
        let running = tokio::spawn(housekeeping::run(app.core.clone(), app.backups.clone()));
        for _ in 0..4 {
            a_moment().await;
        }
        assert_eq!(status(&database, "371"), "closed");
        assert_eq!(leap_ms(&world), Some(late_ms));
        running.abort();
        let _ = running.await;
    }
    let app = app(&world, late_ms);
    accept(&app, late_ms).await;
    let running = tokio::spawn(housekeeping::run(app.core.clone(), app.backups.clone()));
    wait_until_free(&database, "371").await;
    running.abort();
}

/// A row from the future, whoever wrote it, stops freeing until an operator says, while the server runs, that the clock
/// is right.
#[test]
fn a_time_to_come_in_the_database_waits_for_linebook_clock_accept() {
    let world = World::new();
    let database = world.database();
    close(&world, "371", Ambient::system().now_ms() - 100 * DAY_MS);
    let row = format!(
        "INSERT INTO action_log (at_ms, actor, through, action) VALUES ({}, 'x', 'cli', 'x')",
        LAST_MS
    );
    look(&database).execute_batch(&row).expect("a row");
    let server = world.start();
    wait_for("its log line", || {
        server.log().contains(WAITS).then_some(())
    });
    assert_eq!(status(&database, "371"), "closed");
    let said = ok(&["clock", "accept"], &world.data);
    assert!(said.starts_with("the clock is accepted: it is 2"), "{said}");
    assert_eq!(leap_ms(&world), None);
    server.terminate();
    let server = world.start();
    wait_for("a freed DID", || {
        (status(&database, "371") == "free").then_some(())
    });
    assert!(!server.log().contains(WAITS), "{}", server.log());
    server.terminate();
    let by: String = look(&database)
        .query_row(
            "SELECT actor || ' ' || through FROM action_log WHERE action = 'clock.accept'",
            [],
            |row| row.get(0),
        )
        .expect("one row");
    assert_eq!(by, "operator cli");
    ok(&["check"], &world.data);
}

/// A DID was closed by a clock that was set back since. Nobody knows how long ago, so its days count from now.
#[test]
fn a_did_that_was_closed_in_a_time_to_come_is_not_closed_for_ever() {
    let world = World::new();
    let database = world.database();
    let now_ms = Ambient::system().now_ms();
    close(&world, "371", now_ms + 1000 * DAY_MS);
    close(&world, "372", now_ms + 30_000);
    let server = world.start();
    let closed_ms = |did: &str| -> i64 {
        let sql = "SELECT closed_ms FROM dids WHERE did = ?1";
        look(&database)
            .query_row(sql, [did], |row| row.get(0))
            .expect("a DID")
    };
    wait_for("another time", || {
        (closed_ms("371") < now_ms + DAY_MS).then_some(())
    });
    assert_eq!(status(&database, "371"), "closed");
    assert_eq!(closed_ms("372"), now_ms + 30_000);
    server.terminate();
}
