//! What hangs on devices and DIDs follows them: call flows, device rules, and the time of a CLI's last change.

use linebook::service::guard::access::Actor;
use linebook::service::{
    Error, Rule, Thing, callflows, clis, device_delete, did_life, did_steps, quickforwards,
};
use linebook::store::WriteTx;
use linebook::store::tables::users;

use crate::common::world::NOW_MS;
use crate::common::{Call, World};

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

/// Each verb of the command line, and what the database holds after it.
const VERBS: &[(&str, &str, &str)] = &[
    (
        "callflow set 1 busy forward --to-number 370 --did 3",
        "SELECT state, action, number, caller_id_from, did_id FROM callflows",
        "busy|forward|370|did|3",
    ),
    (
        "callflow set 1 busy empty",
        "SELECT count(*) FROM callflows",
        "0",
    ),
    (
        "device rule add 1 Local --cut 8 --add 370 --for src --with-name",
        "SELECT name, cut, prefix, applies_to, changes_name FROM device_rules WHERE device_id = 1",
        "Local|8|370|src|1",
    ),
    (
        "device rule delete 1",
        "SELECT count(*) FROM device_rules WHERE id = 1",
        "0",
    ),
    (
        "dialplan add Plan --kind quickforwards",
        "SELECT name, kind FROM dialplans ORDER BY id DESC LIMIT 1",
        "Plan|quickforwards",
    ),
    (
        "dialplan periods 1 2 3",
        "SELECT time_period1_id, time_period2_id, time_period3_id FROM dialplans WHERE id = 1",
        "2|3|NULL",
    ),
    (
        "period add Nights --start-hour 20 --end-hour 5 --start-weekday mon",
        "SELECT name, start_minute_of_day, end_minute_of_day, start_weekday FROM ivr_time_periods ORDER BY id DESC LIMIT 1",
        "Nights|1200|359|1",
    ),
    (
        "period set 1 --name Days",
        "SELECT name FROM ivr_time_periods WHERE id = 1",
        "Days",
    ),
    (
        "period hide 2",
        "SELECT hidden_ms IS NULL FROM ivr_time_periods WHERE id = 2",
        "0",
    ),
    (
        "quickforward pattern office 370%",
        "SELECT quickforwards FROM users WHERE id = 100",
        "370%",
    ),
    (
        "quickforward set anna 37060000004 37061 --description Mobile",
        "SELECT forward_to, description FROM quickforwards WHERE user_id = 2",
        "37061|Mobile",
    ),
    (
        "quickforward delete admin 37060000004",
        "SELECT count(*) FROM quickforwards WHERE user_id = 0",
        "0",
    ),
    (
        "phonebook add anna Dad 37061 33",
        "SELECT name, number, speeddial FROM phonebook_records WHERE user_id = 2 AND speeddial = '33'",
        "Dad|37061|33",
    ),
    (
        "phonebook set 2 --name Granny",
        "SELECT name, speeddial FROM phonebook_records WHERE id = 2",
        "Granny|22",
    ),
];

#[test]
fn the_command_line_has_the_same_verbs() {
    for (line, sql, rows) in VERBS {
        let world = World::new();
        if line.ends_with("empty") {
            world.sql(
                "INSERT INTO callflows (device_id, state, action) VALUES (1, 'busy', 'voicemail')",
            );
        }
        world.linebook(line);
        assert_eq!(world.select(sql), *rows, "{line}");
        assert_eq!(
            world.select("SELECT through FROM action_log ORDER BY id DESC LIMIT 1"),
            "cli",
            "{line}"
        );
    }
    let world = World::new();
    for line in [
        "callflow show 1",
        "device rule list 2",
        "dialplan list",
        "period list",
        "quickforward list admin",
        "phonebook list 0",
    ] {
        world.linebook(line);
    }
}

#[test]
fn a_did_that_leaves_its_dial_plan_takes_nobody_anywhere() {
    for step in [&did_life::UNASSIGN, &did_life::CLOSE] {
        let world = World::after("INSERT INTO quickforwards VALUES (2, 4, '370', '')");
        change(&world, |tx, by| did_steps::take(tx, by, step, 4)).unwrap();
        assert_eq!(
            world.select("SELECT count(*) FROM quickforwards"),
            "0",
            "{}",
            step.name
        );
    }
}

/// The operator reaches everyone's devices, and still no call leaves an owner's users.
#[test]
fn a_call_flow_leads_to_no_other_owner_s_device() {
    let world = World::new();
    let before = world.dump();
    for (target, is_good) in [(5, false), (3, true)] {
        let edit = callflows::Edit {
            device_id: Some(1),
            state: "busy".into(),
            action: "forward".into(),
            target_ids: vec![Some(target)],
            ..callflows::Edit::default()
        };
        let set = change(&world, move |tx, by| callflows::update(tx, by, &edit));
        assert_eq!(set.is_ok(), is_good, "{target}: {set:?}");
        assert_eq!(world.dump() != before, is_good, "{target}");
    }
}

/// Someone in the demo world changes something.
fn change_as<T: Send + 'static>(
    world: &World,
    id: i64,
    rule: impl FnOnce(&WriteTx<'_>, &Actor) -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    let store = &world.app.core.store;
    store.write_blocking(move |tx| {
        let user = users::find(tx, id)?.expect("the demo world has them");
        rule(
            tx,
            &Actor::find(tx, &user, Actor::operator(NOW_MS).origin())?,
        )
    })
}

#[test]
fn nobody_widens_their_own_pattern() {
    let world = World::new();
    let before = world.dump();
    for (id, of) in [(2, 2), (4, 4), (4, 2), (8, 5)] {
        let set = change_as(&world, id, move |tx, by| {
            quickforwards::set_pattern(tx, by, of, "%")
        });
        assert!(set.is_err(), "{id} sets that of {of}");
    }
    assert_eq!(world.dump(), before);
    for (id, of) in [(0, 0), (0, 2), (0, 4), (4, 5)] {
        let set = change_as(&world, id, move |tx, by| {
            quickforwards::set_pattern(tx, by, of, "3%")
        });
        assert!(set.is_ok(), "{id} sets that of {of}: {set:?}");
    }
}

/// The answer to a call of admin's.
fn answer(world: &World, method: &str, sent: &[(&str, &str)]) -> String {
    let call = Call::new(method).with("u", "admin").with_all(sent);
    world.send(&call.signed_by_admin().post()).text()
}

/// Every piece of a list follows the one before, and none is left out.
#[test]
fn long_lists_are_complete() {
    let world = World::after(
        "INSERT INTO dialplans (id, owner_id, name, kind, created_ms) VALUES (50, 0, 'x', 'quickforwards', 1);
         WITH RECURSIVE n (i) AS (SELECT 1000 UNION ALL SELECT i + 1 FROM n WHERE i < 4999)
         INSERT INTO dids (id, did, provider_id, owner_id, status, user_id, dialplan_id, created_ms)
         SELECT i, '3706000' || i, 1, 0, 'active', 2, iif(i % 3 = 0, 3, 50), 1 FROM n;
         WITH RECURSIVE n (i) AS (SELECT 1000 UNION ALL SELECT i + 1 FROM n WHERE i < 1449)
         INSERT INTO phonebook_records (user_id, name, number, speeddial, created_ms) SELECT 100, 'x', i, i, 1 FROM n;
         WITH RECURSIVE n (i) AS (SELECT 1000 UNION ALL SELECT i + 1 FROM n WHERE i < 1449)
         INSERT INTO device_rules (device_id, name, cut, prefix, min_length, max_length, applies_to, changes_name, created_ms)
         SELECT 1, 'x', i, '', 1, 100, 'dst', 0, 1 FROM n;
         UPDATE users SET quickforwards = '3706000%[05]' WHERE id = 0",
    );
    let texts = |answer: &str, tag: &str| -> Vec<String> {
        let tag = format!("<{tag}>");
        let parts = answer.split(&tag).skip(1);
        parts
            .map(|part| part.split('<').next().unwrap().to_owned())
            .collect()
    };
    let dids = texts(&answer(&world, "quickforwards_dids_get", &[]), "did");
    let expected: Vec<String> = (1000..5000)
        .filter(|i| i % 5 == 0)
        .map(|i| format!("3706000{i}"))
        .collect();
    assert_eq!(dids, expected);
    // Few of the DIDs that a part looks at, on dial plans of different length.
    world.sql("UPDATE users SET quickforwards = '3706000%00' WHERE id = 0");
    let dids = texts(&answer(&world, "quickforwards_dids_get", &[]), "did");
    let expected: Vec<String> = (10..50).map(|i| format!("3706000{i}00")).collect();
    assert_eq!(dids, expected);
    let numbers: Vec<String> = (1000..1450).map(|i: i64| i.to_string()).collect();
    let records = answer(&world, "phonebooks_get", &[("user_id", "100")]);
    assert_eq!(texts(&records, "number"), numbers);
    let rules = answer(&world, "device_rules_get", &[("device_id", "1")]);
    assert_eq!(texts(&rules, "cut"), numbers);
}
