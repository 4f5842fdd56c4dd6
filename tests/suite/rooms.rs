//! The plan of the house: which room may import which. No imports may form a circle.

use std::collections::{BTreeMap, BTreeSet};

use crate::imports::{self, Graph};

/// A room of `src` (a folder or a loose file), the rooms that it may import, and what to do instead of importing
/// another.
struct Room {
    name: &'static str,
    may: &'static [&'static str],
    instead: &'static str,
}

const fn room(name: &'static str, may: &'static [&'static str], instead: &'static str) -> Room {
    Room { name, may, instead }
}

/// All of them, the lowest first.
const ROOMS: &[Room] = &[
    room("ambient.rs", &[], "be told"),
    room("amount.rs", &[], "be told"),
    room("device_options.rs", &[], "be told"),
    room("telemetry.rs", &[], "be told"),
    room(
        "store",
        &["ambient.rs", "amount.rs", "device_options.rs"],
        "take what is stored as a type of your own",
    ),
    room(
        "service",
        &["store", "ambient.rs", "amount.rs", "device_options.rs"],
        "take what is asked as values",
    ),
    room(
        "api",
        &[
            "service",
            "store",
            "ambient.rs",
            "amount.rs",
            "device_options.rs",
        ],
        "take a Core, and a Request",
    ),
    room("aside.rs", &["store"], "be told"),
    room(
        "housekeeping.rs",
        &["service", "store", "ambient.rs"],
        "take a Core",
    ),
    room("metrics.rs", &["api", "store"], "take what was Seen"),
    room(
        "app.rs",
        &[
            "service",
            "store",
            "ambient.rs",
            "aside.rs",
            "housekeeping.rs",
            "metrics.rs",
            "telemetry.rs",
        ],
        "let the door bring it along",
    ),
    room(
        "config.rs",
        &["store", "aside.rs", "housekeeping.rs", "telemetry.rs"],
        "let the verb hand it on",
    ),
    room(
        "http",
        &[
            "api",
            "service",
            "store",
            "ambient.rs",
            "app.rs",
            "aside.rs",
            "housekeeping.rs",
            "metrics.rs",
            "device_options.rs",
        ],
        "let the verb hand it on",
    ),
    room(
        "command",
        &[
            "http",
            "api",
            "service",
            "store",
            "ambient.rs",
            "device_options.rs",
            "app.rs",
            "config.rs",
            "telemetry.rs",
        ],
        "let the verb hand it on",
    ),
    room("main.rs", &["command"], "put it into a verb"),
    room("lib.rs", &[], "declare it"),
];

/// The room of a file.
fn room_of(file: &str) -> &str {
    file.split_once('/').map_or(file, |(room, _)| room)
}

/// Every import from one room into another that is not on the plan.
fn backwards(graph: &Graph) -> Vec<String> {
    let mut found = Vec::new();
    for (from, arrows) in graph {
        let name = room_of(from);
        let Some(room) = ROOMS.iter().find(|room| room.name == name) else {
            found.push(format!("src/{from} is in no room: put {name} on the plan"));
            continue;
        };
        for (to, names) in arrows {
            let other = room_of(to);
            if other != name && !room.may.contains(&other) {
                let names: Vec<&str> = names.iter().map(String::as_str).collect();
                found.push(format!(
                    "src/{from} takes {} from src/{to}: {} may not; {}",
                    names.join(", "),
                    name,
                    room.instead
                ));
            }
        }
    }
    found
}

#[test]
fn doors_open_one_way() {
    let graph = imports::graph(&imports::tree());
    let found = backwards(&graph);
    assert!(found.is_empty(), "{}", found.join("\n"));
    let rooms: BTreeSet<&str> = graph.keys().map(|file| room_of(file)).collect();
    for room in ROOMS {
        assert!(rooms.contains(room.name), "{} is gone", room.name);
        for other in room.may {
            let is_used = graph.iter().any(|(from, arrows)| {
                room_of(from) == room.name && arrows.keys().any(|to| room_of(to) == *other)
            });
            assert!(is_used, "{} has no need of {other}", room.name);
        }
    }
}

/// A reader of a file need not have read the files that import it.
#[test]
fn no_files_import_each_other_in_a_circle() {
    let graph = imports::graph(&imports::tree());
    let circles = imports::circles(&graph);
    let shown: Vec<String> = circles
        .iter()
        .map(|circle| imports::arrows(&graph, circle))
        .collect();
    assert!(
        circles.is_empty(),
        "{} circles: move what both need into a file of its own, below both\n{}",
        circles.len(),
        shown.join("\n\n")
    );
}

/// The area of a web page's file: `things.rs` (the list) and `thing.rs` (one of them) are one area.
fn area(file: &str) -> Option<&str> {
    let name = file.strip_prefix("http/pages/")?.strip_suffix(".rs")?;
    let is_area = !name.contains('/') && !["mod", "routes"].contains(&name);
    is_area.then(|| name.trim_end_matches('s'))
}

/// Every import from one area of the web pages into another.
fn neighbours(graph: &Graph) -> Vec<String> {
    let mut found = Vec::new();
    for (from, arrows) in graph {
        let Some(own) = area(from) else { continue };
        let others = arrows
            .keys()
            .filter(|to| area(to).is_some_and(|other| other != own));
        found.extend(others.map(|to| {
            format!("src/{from} imports src/{to}: put what both need into src/http/pages/frame")
        }));
    }
    found
}

#[test]
fn areas_of_the_pages_import_the_frame_and_never_each_other() {
    let graph = imports::graph(&imports::tree());
    let found = neighbours(&graph);
    assert!(found.is_empty(), "{}", found.join("\n"));
    let areas: BTreeSet<&str> = graph.keys().filter_map(|file| area(file)).collect();
    assert!(areas.len() > 12, "{areas:?}");
    // The frame imports no area.
    for (from, arrows) in &graph {
        if from.starts_with("http/pages/frame/") {
            let area = arrows
                .keys()
                .find(|to| area(to).is_some() || to.ends_with("pages/routes.rs"));
            assert_eq!(area, None, "src/{from}: let the area hand it in");
        }
    }
}

#[test]
fn what_is_not_on_the_plan_is_found() {
    let graph = |files: &[(&str, &str)]| -> Graph {
        let files = files.iter();
        let tree: BTreeMap<String, String> = files
            .map(|(file, text)| ((*file).into(), imports::code(text)))
            .collect();
        imports::graph(&tree)
    };
    let rooms = [
        ("ambient.rs", ""),
        ("store/a.rs", "use crate::ambient::now;"),
        ("service/b.rs", "use crate::store::a;"),
        ("http/pages/dids.rs", "use super::frame::list;"),
        ("http/pages/did.rs", "use super::dids;"),
        ("http/pages/frame/list.rs", ""),
    ];
    assert_eq!(backwards(&graph(&rooms)), Vec::<String>::new());
    assert_eq!(neighbours(&graph(&rooms)), Vec::<String>::new());
    let with = |file, text| graph(&[&rooms[..], &[(file, text)]].concat());
    for (file, text, expected) in [
        (
            "store/c.rs",
            "use crate::service::b::B;",
            "src/store/c.rs takes B from src/service/b.rs: store may not; take what is stored as a type of your own",
        ),
        (
            "telemetry.rs",
            "fn f() { crate::store::a::g() }",
            "src/telemetry.rs takes g from src/store/a.rs: telemetry.rs may not; be told",
        ),
        (
            "other.rs",
            "",
            "src/other.rs is in no room: put other.rs on the plan",
        ),
    ] {
        assert_eq!(backwards(&with(file, text)), [expected]);
    }
    let seen = neighbours(&with(
        "http/pages/users.rs",
        "use crate::http::pages::dids;",
    ));
    assert_eq!(
        seen,
        [
            "src/http/pages/users.rs imports src/http/pages/dids.rs: put what both need into src/http/pages/frame"
        ]
    );
}
