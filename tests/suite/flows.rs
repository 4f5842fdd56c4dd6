//! What hangs on devices and DIDs follows them: call flows, device rules, and the time of a CLI's last change.

use linebook::service::guard::access::Actor;
use linebook::service::{Error, Rule, Thing, clis, device_delete, did_life, did_steps};
use linebook::store::WriteTx;

use crate::common::World;
use crate::common::world::NOW_MS;

/// Changes something as the operator.
fn change<T: Send + 'static>(
    world: &World,
    rule: impl FnOnce(&WriteTx<'_>, &Actor) -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    let store = &world.app.core.store;
    store.write_blocking(move |tx| rule(tx, &Actor::operator(NOW_MS)))
}

/// The caller ID of the flow, and how often the log says that it changed.
const SHOWN: &str = "SELECT caller_id_from, did_id, number,
  (SELECT count(*) FROM action_log WHERE action = 'callflow.update' AND object_id = 1) FROM callflows";

#[test]
fn a_did_that_leaves_its_device_leaves_its_call_flow() {
    let flow = "INSERT INTO callflows (device_id, state, action, number, caller_id_from, did_id)
      VALUES (1, 'busy', 'forward', '370', 'did', 3)";
    for step in [&did_life::UNASSIGN, &did_life::CLOSE] {
        let world = World::after(flow);
        change(&world, |tx, by| did_steps::take(tx, by, step, 3)).unwrap();
        assert_eq!(world.select(SHOWN), "source|NULL|370|1", "{}", step.name);
    }
    // Another DID changes nothing.
    let world = World::after(&format!(
        "{flow}; UPDATE dids SET status = 'active', device_id = 1 WHERE id = 2"
    ));
    let other = |tx: &WriteTx<'_>, by: &Actor| did_steps::take(tx, by, &did_life::UNASSIGN, 2);
    change(&world, other).unwrap();
    assert_eq!(world.select(SHOWN), "did|3|370|0");
}

#[test]
fn a_device_is_not_removed_while_others_send_calls_to_it() {
    let refused = |sql: &str, id: i64| {
        let world = World::after(sql);
        let before = world.dump();
        let removed = change(&world, move |tx, by| {
            device_delete::remove(tx, by, Some(id))
        });
        assert_eq!(world.dump(), before);
        match removed {
            Err(Error::Refused(refusal)) => refusal.rule,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(
        refused(
            "INSERT INTO callflows (device_id, state, action, target_id) VALUES (3, 'busy', 'forward', 4)",
            4
        ),
        Rule::InUse(Thing::Callflow)
    );
    assert_eq!(
        refused(
            "UPDATE devices SET type = 'FAX' WHERE id = 4;
             INSERT INTO callflows (device_id, state, action, target_id) VALUES (3, 'before_call', 'fax_detect', 4)",
            4
        ),
        Rule::InUse(Thing::FaxDevice)
    );
}

#[test]
fn a_removed_device_keeps_no_call_flow_and_no_rules() {
    let world = World::after(
        "INSERT INTO callflows (device_id, state, action, target_id) VALUES (4, 'busy', 'forward', 3);
         INSERT INTO callflows (device_id, state, action) VALUES (3, 'busy', 'voicemail')",
    );
    let rules = "SELECT count(*) FROM device_rules WHERE device_id = 4";
    assert_eq!(world.select(rules), "1");
    change(&world, |tx, by| device_delete::remove(tx, by, Some(4))).unwrap();
    assert_eq!(world.select(rules), "0");
    assert_eq!(world.select("SELECT device_id FROM callflows"), "3");
    // Nothing leads to device 3 any more.
    change(&world, |tx, by| device_delete::remove(tx, by, Some(3))).unwrap();
}

#[test]
fn a_cli_says_when_it_was_last_changed() {
    let world = World::new();
    let updated = "SELECT updated_ms FROM clis WHERE id = 1";
    assert_eq!(world.select(updated), "NULL");
    let edit = |description: &str| clis::Edit {
        description: description.into(),
        ..clis::Edit::default()
    };
    // Nothing changes.
    let same = edit("Head office");
    change(&world, move |tx, by| clis::update(tx, by, 1, same)).unwrap();
    assert_eq!(world.select(updated), "NULL");
    let other = edit("Front desk");
    change(&world, move |tx, by| clis::update(tx, by, 1, other)).unwrap();
    assert_eq!(world.select(updated), NOW_MS.to_string());
}
