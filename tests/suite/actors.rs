//! What a plain user reaches through every door: their own things, and nothing of a neighbour with the same owner.

use linebook::service::guard::access::{Actor, Origin};
use linebook::service::lists::Slice;
use linebook::service::{
    Error, Rule, Thing, clis, device_delete, device_lists, device_update, devices, did_life,
    did_lists, did_steps, dids, groups, users,
};
use linebook::store::WriteTx;
use linebook::store::row::Id;
use linebook::store::tables::action_log::Through;
use linebook::store::tables::users as rows;

use crate::common::World;
use crate::common::world::NOW_MS;

/// She has devices 1 and 2, DIDs 2 to 5, CLIs 1 and 2, groups 3 and 12.
const ANNA: Id = 2;
/// Another user of admin's, with devices 3 and 4, DID 7, CLI 4, group 11.
const OFFICE: Id = 100;
const NEIGHBOUR_CLI: &str =
    "INSERT INTO clis (id, device_id, number, created_ms) VALUES (4, 3, '37063333333', 1);
    UPDATE dids SET user_id = 100 WHERE id = 7";
const NOBODY: Id = 999;

/// Asks as Anna, through a door, and rolls changes back.
fn ask<T: Send + 'static>(
    world: &World,
    through: Through,
    rule: impl FnOnce(&WriteTx<'_>, &Actor) -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    let from = Origin {
        through,
        address: None,
        request_id: None,
        now_ms: NOW_MS,
    };
    world.app.core.store.write_blocking(move |tx| {
        let anna = rows::find(tx, ANNA)?.expect("the demo world has her");
        rule(tx, &Actor::find(tx, &anna, from)?)
    })
}

type List = fn(&WriteTx<'_>, &Actor, Option<Id>) -> Result<Vec<Id>, Error>;

fn ids<T>(slice: Slice<T>, id: fn(&T) -> Id) -> Vec<Id> {
    let mut ids: Vec<Id> = slice.rows.iter().map(id).collect();
    ids.sort();
    ids
}

/// The lists, in full and for one user.
const LISTS: &[(&str, List, &[Id])] = &[
    (
        "devices::list",
        |tx, by, user_id| {
            let filter = device_lists::Filter {
                user_id,
                ..device_lists::Filter::default()
            };
            Ok(ids(device_lists::list(tx, by, &filter, None, 100)?, |it| {
                it.id
            }))
        },
        &[1, 2],
    ),
    (
        "devices::list, searched",
        |tx, by, user_id| {
            let filter = device_lists::Filter {
                user_id,
                search: "100".into(),
                ..device_lists::Filter::default()
            };
            Ok(ids(device_lists::list(tx, by, &filter, None, 100)?, |it| {
                it.id
            }))
        },
        &[1, 2],
    ),
    (
        "devices::list_of_user",
        |tx, by, user_id| {
            let user_id = user_id.or(Some(ANNA));
            let listed = devices::list_of_user(tx, by, user_id, true, 0, 100)?;
            Ok(listed.iter().map(|it| it.id).collect())
        },
        &[1, 2],
    ),
    (
        "devices::addresses_of_user",
        |tx, by, user_id| {
            let user_id = user_id.or(Some(ANNA));
            let listed = devices::addresses_of_user(tx, by, user_id, true, 0, 100)?;
            Ok(listed.iter().map(|it| it.device_id).collect())
        },
        &[1, 2],
    ),
    (
        "dids::list",
        |tx, by, user_id| {
            let filter = did_lists::Filter {
                user_id,
                ..did_lists::Filter::default()
            };
            Ok(ids(did_lists::list(tx, by, &filter, None, 100)?, |it| {
                it.id
            }))
        },
        &[2, 3, 4, 5],
    ),
    (
        "clis::list",
        |tx, by, user_id| {
            let filter = clis::Filter {
                // This list has no filter by user, so the neighbour is named by their device.
                device_id: user_id.map(|_| 3),
                ..clis::Filter::default()
            };
            Ok(ids(clis::list(tx, by, &filter, None, 100)?, |it| it.id))
        },
        &[1, 2],
    ),
    (
        "groups::list_offered",
        |tx, by, user_id| {
            let listed = groups::list_offered(tx, by, user_id.unwrap_or(ANNA))?;
            Ok(listed.iter().map(|it| it.id).collect())
        },
        &[3, 12],
    ),
    (
        "users::list_offered",
        |tx, by, _| {
            let listed = users::list_offered(tx, by)?;
            Ok(listed.iter().map(|it| it.id).collect())
        },
        &[ANNA],
    ),
];

type One = fn(&WriteTx<'_>, &Actor, Id) -> Result<(), Error>;

/// Rules that read one thing: Anna's own, and the neighbour's.
const LOOKS: &[(&str, One, Id, Id)] = &[
    (
        "devices::find_own",
        |tx, by, id| {
            let found = devices::find_own(tx, by, id)?;
            found.map(drop).ok_or(Rule::NotFound(Thing::Device).into())
        },
        1,
        3,
    ),
    (
        "dids::get",
        |tx, by, id| dids::get(tx, by, id).map(drop),
        3,
        7,
    ),
    (
        "clis::get",
        |tx, by, id| clis::get(tx, by, id).map(drop),
        1,
        4,
    ),
    (
        "users::get_named",
        |tx, by, id| users::get_named(tx, by, &id.to_string()).map(drop),
        ANNA,
        OFFICE,
    ),
];

/// Rules that would change one of the neighbour's things.
const CHANGES: &[(&str, One)] = &[
    ("devices::set_trunk", |tx, by, _| {
        devices::set_trunk(tx, by, 3, true)
    }),
    ("device_delete::remove", |tx, by, _| {
        device_delete::remove(tx, by, Some(4))
    }),
    ("device_update::set_blocked", |tx, by, _| {
        device_update::set_blocked(tx, by, 4, true)
    }),
    ("devices::show_secret", |tx, by, _| {
        devices::show_secret(tx, by, 3).map(drop)
    }),
    ("devices::show_pin", |tx, by, _| {
        devices::show_pin(tx, by, 3).map(drop)
    }),
    ("dids::unreserve", |tx, by, _| {
        did_steps::take(tx, by, &did_life::UNRESERVE, "37060000007").map(drop)
    }),
    ("dids::reserve", |tx, by, id| {
        did_steps::reserve(tx, by, "37060000007", id).map(drop)
    }),
    ("clis::delete", |tx, by, _| {
        clis::delete(tx, by, clis::Named::by_id(4)).map(drop)
    }),
    ("clis::update", |tx, by, _| {
        clis::update(tx, by, 4, clis::Edit::default())
    }),
    ("groups::update", |tx, by, _| {
        groups::update(tx, by, 11, "mine")
    }),
    ("groups::hide", |tx, by, _| groups::hide(tx, by, 11)),
    ("groups::get", |tx, by, _| groups::get(tx, by, 11).map(drop)),
    ("groups::create", |tx, by, _| {
        groups::create(tx, by, OFFICE, "mine").map(drop)
    }),
    ("users::set_blocked", |tx, by, _| {
        users::set_blocked(tx, by, OFFICE, true)
    }),
];

/// The name of the broken rule, without its values.
fn rule<T: std::fmt::Debug>(result: Result<T, Error>) -> Rule {
    match result {
        Err(Error::Refused(refusal)) => refusal.rule,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_plain_user_sees_what_is_theirs_through_every_door() {
    let world = World::after(NEIGHBOUR_CLI);
    for through in Through::ALL {
        for (name, list, own) in LISTS {
            let listed = ask(&world, *through, |tx, by| list(tx, by, None));
            assert_eq!(listed.unwrap(), *own, "{name} through {through}");
            let of_neighbour = ask(&world, *through, |tx, by| list(tx, by, Some(OFFICE)));
            match of_neighbour {
                Ok(listed) => assert!(
                    listed.iter().all(|id| own.contains(id)),
                    "{name} through {through} gives {listed:?}"
                ),
                Err(error) => {
                    let nobody = ask(&world, *through, |tx, by| list(tx, by, Some(NOBODY)));
                    assert_eq!(rule(Err::<(), _>(error)), rule(nobody), "{name}");
                }
            }
        }
        for (name, look, own, other) in LOOKS {
            let asked = |id: Id| ask(&world, *through, move |tx, by| look(tx, by, id));
            assert!(asked(*own).is_ok(), "{name} through {through}");
            // It answers as if the thing did not exist.
            assert_eq!(
                rule(asked(*other)),
                rule(asked(NOBODY)),
                "{name} through {through}"
            );
        }
    }
}

#[test]
fn a_plain_user_changes_nothing_of_a_neighbour_through_any_door() {
    let world = World::after(NEIGHBOUR_CLI);
    let before = world.dump();
    for through in Through::ALL {
        for (name, change) in CHANGES {
            let tried = ask(&world, *through, |tx, by| change(tx, by, ANNA));
            assert!(tried.is_err(), "{name} through {through}");
        }
        // Every rule that lets users in will ask this, whatever it asks first.
        ask(&world, *through, |tx, by| {
            let neighbour = rows::find(tx, OFFICE)?.expect("the demo world has it");
            assert!(!by.owns_user(&neighbour));
            assert!(!by.owns(neighbour.owner_id));
            assert_eq!(by.own_user(tx, OFFICE)?, None);
            assert_eq!(by.own_user(tx, 0)?, None);
            assert_eq!(by.only_user(), Some(ANNA));
            Ok(())
        })
        .unwrap();
    }
    assert_eq!(world.dump(), before);
}
