//! The overview: its warnings, and who gets them.

use std::sync::Arc;
use std::time::Duration;

use linebook::housekeeping::{BackupPlan, Backups};

use crate::world::World;

const NONE_MADE: &str = "This server makes no backups";
const NONE_YET: &str = "There is no backup yet.";

#[test]
fn a_missing_backup_is_told_to_admin() {
    let mut world = World::new();
    let (admin, reseller) = (world.token(0), world.token(4));
    let demo = world.get("/", &admin).body;
    assert!(!demo.contains(NONE_MADE), "{demo}");
    world.sql("UPDATE installation SET is_demo = 0");
    let body = world.get("/", &admin).body;
    assert!(
        body.contains(NONE_MADE) && body.contains("--backup-every"),
        "{body}"
    );
    assert!(!world.get("/", &reseller).body.contains("backup"));

    let app = Arc::get_mut(&mut world.app).expect("nobody else has it");
    app.backups = Arc::new(Backups::new(Some(BackupPlan {
        data: world.folder.path().into(),
        folder: world.folder.path().join("backups"),
        every: Duration::from_secs(3600),
        keep: 1,
    })));
    let body = world.get("/", &admin).body;
    assert!(
        body.contains(NONE_YET) && !body.contains(NONE_MADE),
        "{body}"
    );
    assert!(!world.get("/", &reseller).body.contains("backup"));
}

#[test]
fn a_clock_that_leapt_is_told_to_admin() {
    let world = World::new();
    let (admin, reseller) = (world.token(0), world.token(4));
    let says = |token: &str| {
        let body = world.get("/", token).body;
        body.contains("linebook clock accept")
    };
    assert!(!says(&admin));
    world.sql("UPDATE installation SET leap_ms = 1");
    assert!(says(&admin) && !says(&reseller));
}

#[test]
fn a_time_that_is_none_is_shown_as_a_number() {
    let world = World::new();
    let admin = world.token(0);
    for at_ms in [253_402_300_800_000, i64::MAX, -1, i64::MIN] {
        world.sql(&format!(
            "INSERT INTO action_log (at_ms, actor, through, action) VALUES ({at_ms}, 'x', 'cli', 'user.unblock')"
        ));
        for path in ["/", "/log", "/log.csv"] {
            let reply = world.get(path, &admin);
            assert_eq!(reply.status, 200, "{path} {at_ms}");
            assert!(reply.body.contains(&at_ms.to_string()), "{path} {at_ms}");
        }
    }
}

#[test]
fn a_change_links_to_its_object_where_that_opens() {
    let world = World::new();
    let admin = world.token(0);
    let cases = [
        // An own user, and one of the reseller's.
        ("user.create", 2, Some("/users/2")),
        ("user.create", 5, None),
        ("device.create", 1, Some("/devices/1")),
        ("device.create", 999, None),
        ("did.create", 1, Some("/dids/1")),
        ("did.create", 999, None),
        ("cli.create", 999, None),
        ("group.create", 999, None),
        ("provider.create", 999, None),
        ("ivr.create", 999, None),
        ("dialplan.create", 3, Some("/dialplans/3")),
        ("dialplan.create", 999, None),
        ("time_period.create", 999, None),
        ("phonebook.create", 1, Some("/records/1")),
        ("phonebook.create", 999, None),
    ];
    for (action, id, page) in cases {
        world.sql("DROP TRIGGER IF EXISTS action_log_is_not_deleted; DELETE FROM action_log");
        world.sql(&format!(
            "INSERT INTO action_log (at_ms, actor, through, action, object_id) VALUES (0, 'operator', 'cli', '{action}', {id})"
        ));
        for list in ["/", "/log"] {
            let body = world.get(list, &admin).body;
            let (_, after) = body
                .split_once(&format!("<code>{action}</code> "))
                .expect(list);
            let linked = after.strip_prefix("<a href=\"");
            let linked = linked.and_then(|rest| rest.split('"').next());
            assert_eq!(linked, page, "{list} {action} {id}");
            if let Some(page) = page {
                assert_eq!(world.get(page, &admin).status, 200, "{page}");
            }
        }
    }
}

#[test]
fn first_steps_are_those_that_the_visitor_may_take() {
    let world = World::new();
    let newcomer = world.token(8);
    let has_dids = || world.get("/", &newcomer).body.contains("/dids/new");
    assert!(!has_dids());
    world.sql("INSERT INTO permissions VALUES (8, 'manage_dids')");
    assert!(has_dids());
}
