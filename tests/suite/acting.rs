//! Who calls is decided when it happens: what was changed while a call was on its way, or while its write waited, counts.

use linebook::ambient::Ambient;
use linebook::service::access::Actor;
use linebook::service::users;
use linebook::store::Options;

use crate::common::moment::{Change, overtaken};
use crate::common::world::NOW_MS;
use crate::common::{Call, World};

fn operator() -> Actor {
    Actor::operator(NOW_MS)
}

#[test]
fn what_is_written_bears_the_time_at_which_it_is() {
    let world = World::with(Options::default(), Ambient::system());
    let request = Call::sample("device_create").signed_by_admin().post();
    let unblock: Change = |tx| users::set_blocked(tx, &operator(), 9, false);
    let asked = overtaken(&world.app, unblock, || world.send(&request));
    assert_eq!(asked.reply.error(), None);
    let logged = world.select("SELECT at_ms FROM action_log ORDER BY id");
    let logged: Vec<i64> = logged.split(';').map(|at| at.parse().unwrap()).collect();
    // The change and the call were one transaction, and both came before it.
    assert_eq!(logged.len(), 2);
    assert_eq!(logged[0], logged[1]);
    assert!(logged[0] >= asked.open_ms);
    let created = "SELECT created_ms FROM devices ORDER BY id DESC LIMIT 1";
    assert_eq!(world.select(created), logged[1].to_string());
}
