//! The people of the demo world and what each of them may do, written out by hand, for API calls and web pages alike.

use linebook::service::guard::access::Right;

/// Someone in the demo world, and the scope they are in.
pub struct Person {
    /// What they are.
    pub name: &'static str,
    /// Their username.
    pub username: &'static str,
    pub id: i64,
    pub scope: Scope,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    Admin,
    Reseller,
    Newcomer,
    Anna,
}

const fn person(name: &'static str, username: &'static str, id: i64, scope: Scope) -> Person {
    Person {
        name,
        username,
        id,
        scope,
    }
}

pub const PEOPLE: &[Person] = &[
    person("admin", "admin", 0, Scope::Admin),
    person("accountant", "username", 1, Scope::Admin),
    person("clerk", "clerk", 6, Scope::Admin),
    person("manager", "manager", 3, Scope::Admin),
    person("trainee", "trainee", 7, Scope::Admin),
    person("reseller", "reseller", 4, Scope::Reseller),
    person("newcomer", "newcomer", 8, Scope::Newcomer),
    person("anna", "anna", 2, Scope::Anna),
];

/// Pairs of one type: with every permission, and without any.
const TWINS: [(&str, &str); 3] = [
    ("accountant", "clerk"),
    ("manager", "trainee"),
    ("reseller", "newcomer"),
];

/// The right that each permission gives to accountants.
pub const PERMISSIONS: [(Right, &str); 8] = [
    (Right::ManagePhonebooks, "manage_devices"),
    (Right::SeeUsers, "manage_devices"),
    (Right::SeeUsers, "manage_dids"),
    (Right::SeeDevices, "manage_devices"),
    (Right::ManageDevices, "manage_devices"),
    (Right::SeeDids, "manage_dids"),
    (Right::ManageDids, "manage_dids"),
    (Right::SeeProviders, "manage_dids"),
];

/// Who has which right. Clerk, trainee and newcomer have no permissions. Written out here instead of asking the rules.
const MATRIX: &[(Right, &[&str])] = &[
    (
        Right::SignedIn,
        &[
            "admin",
            "accountant",
            "clerk",
            "manager",
            "trainee",
            "reseller",
            "newcomer",
            "anna",
        ],
    ),
    (
        Right::SeeUsers,
        &[
            "admin",
            "accountant",
            "manager",
            "reseller",
            "newcomer",
            "anna",
        ],
    ),
    (
        Right::SeeDevices,
        &[
            "admin",
            "accountant",
            "manager",
            "reseller",
            "newcomer",
            "anna",
        ],
    ),
    (
        Right::ManageDevices,
        &["admin", "accountant", "manager", "reseller", "newcomer"],
    ),
    (
        Right::SeeDids,
        &["admin", "accountant", "reseller", "newcomer", "anna"],
    ),
    (Right::ManageDids, &["admin", "accountant", "reseller"]),
    (Right::ManageUsers, &["admin", "reseller", "newcomer"]),
    (Right::ManagePermissions, &["admin"]),
    (
        Right::SeeProviders,
        &["admin", "accountant", "reseller", "newcomer"],
    ),
    (Right::ManageSetup, &["admin", "reseller", "newcomer"]),
    (
        Right::ManagePhonebooks,
        &[
            "admin",
            "accountant",
            "manager",
            "reseller",
            "newcomer",
            "anna",
        ],
    ),
    (
        Right::UseQuickforwards,
        &["admin", "reseller", "newcomer", "anna"],
    ),
    (Right::ManageApi, &["admin", "reseller", "newcomer"]),
    (
        Right::SeeLog,
        &[
            "admin",
            "accountant",
            "clerk",
            "manager",
            "trainee",
            "reseller",
            "newcomer",
        ],
    ),
    (Right::ManageServer, &["admin"]),
];

/// The right with this name in a fixture file.
pub fn named(name: &str) -> Option<Right> {
    let snake = |right: Right| {
        let mut snake = String::new();
        for c in format!("{right:?}").chars() {
            if c.is_uppercase() && !snake.is_empty() {
                snake.push('_');
            }
            snake.extend(c.to_lowercase());
        }
        snake
    };
    let mut rights = MATRIX.iter().map(|(right, _)| *right);
    rights.find(|right| snake(*right) == name)
}

/// Why someone is refused: because of their type, or because a permission is missing. None: they are allowed.
pub fn refusal(person: &Person, right: Right) -> Option<&'static str> {
    if may(person, right) {
        return None;
    }
    let twin = TWINS.iter().find(|(_, without)| *without == person.name);
    let twin = twin.and_then(|(with, _)| PEOPLE.iter().find(|other| other.name == *with));
    Some(match twin {
        Some(twin) if may(twin, right) => "not permitted",
        _ => "wrong type",
    })
}

pub fn may(person: &Person, right: Right) -> bool {
    let row = MATRIX.iter().find(|(known, _)| *known == right);
    row.expect("every right stands in the matrix")
        .1
        .contains(&person.name)
}
