//! `user`: the users and their rights.

use serde::Serialize;
use serde_json::{Value, json};

use crate::ambient::Ambient;
use crate::command::arguments::{Owner, Window, one_of};
use crate::command::database::{change, look};
use crate::command::fault::{Fault, naming};
use crate::command::output::Report;
use crate::command::secret::{self, PasswordFile};
use crate::config::DataDir;
use crate::service;
use crate::service::guard::access::Actor;
use crate::service::guard::passwords;
use crate::service::users::{self as rules, NewUser};
use crate::store::ReadTx;
use crate::store::row::Id;
use crate::store::tables::users::{Permission, User as Found, UserType};

/// Users: add and list them, set passwords and permissions, block them, restrict their addresses
#[derive(Debug, clap::Args)]
pub struct User {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// Make a user, with a password and a primary device group
    Add {
        /// The username: 1 to 80 characters without spaces
        username: String,
        /// The kind of user
        #[arg(long = "type", value_name = "TYPE", default_value = "user", value_parser = one_of(makable()))]
        user_type: UserType,
        #[command(flatten)]
        owner: Owner,
        #[command(flatten)]
        password: PasswordFile,
        #[command(flatten)]
        at: DataDir,
    },
    /// List users, with their permissions and IP allow-lists
    List {
        #[command(flatten)]
        window: Window,
        #[command(flatten)]
        at: DataDir,
    },
    /// Set a user's password
    Passwd {
        /// The user, by id or username
        user: String,
        #[command(flatten)]
        password: PasswordFile,
        #[command(flatten)]
        at: DataDir,
    },
    /// Give a reseller, accountant or manager a permission, or take it away
    Permit {
        /// The user, by id or username
        user: String,
        /// The permission
        #[arg(value_parser = one_of(Permission::ALL.iter().copied()))]
        permission: Permission,
        /// Take it away
        #[arg(long)]
        remove: bool,
        #[command(flatten)]
        at: DataDir,
    },
    /// Take a user's access away: they are an unknown caller
    Block {
        /// The user, by id or username
        user: String,
        #[command(flatten)]
        at: DataDir,
    },
    /// Give a blocked user their access back
    Unblock {
        /// The user, by id or username
        user: String,
        #[command(flatten)]
        at: DataDir,
    },
    /// Add an address to an owner's IP allow-list, or take it off
    ///
    /// While the list is empty, their API may be called from anywhere. The first entry closes it to every other
    /// address.
    AllowIp {
        /// The owner (admin or a reseller), by id or username
        user: String,
        /// An address or a CIDR block
        network: String,
        /// Take it off
        #[arg(long)]
        remove: bool,
        #[command(flatten)]
        at: DataDir,
    },
}

/// Every type but admin: the only admin is made by `init`.
fn makable() -> impl Iterator<Item = UserType> {
    let all = UserType::ALL.iter().copied();
    all.filter(|user_type| *user_type != UserType::Admin)
}

impl User {
    pub(super) fn run(self, ambient: &Ambient) -> Result<Report, Fault> {
        match self.verb {
            Verb::Add {
                username,
                user_type,
                owner,
                password,
                at,
            } => add(&at, ambient, username, user_type, owner, &password),
            Verb::List { window, at } => {
                let rows = look(&at, ambient, |tx, by| list(tx, by, &window))?;
                Ok(Report::list(COLUMNS, rows, window.limit))
            }
            Verb::Passwd { user, password, at } => passwd(&at, ambient, user, &password),
            Verb::Permit {
                user,
                permission,
                remove,
                at,
            } => permit(&at, ambient, user, permission, !remove),
            Verb::Block { user, at } => set_blocked(&at, ambient, user, true),
            Verb::Unblock { user, at } => set_blocked(&at, ambient, user, false),
            Verb::AllowIp {
                user,
                network,
                remove,
                at,
            } => allow_ip(&at, ambient, user, network, !remove),
        }
    }
}

/// A password, and whether it was made here and must be shown.
struct Password {
    text: String,
    is_new: bool,
}

impl Password {
    fn take(from: &PasswordFile, ambient: &Ambient) -> Result<Self, Fault> {
        Ok(match &from.password_file {
            Some(file) => Self {
                text: secret::read(file)?,
                is_new: false,
            },
            None => Self {
                text: passwords::generate(ambient),
                is_new: true,
            },
        })
    }

    /// Adds it to the output, if it was made here.
    fn show(&self, mut text: String, mut json: Value) -> Report {
        if self.is_new {
            text.push_str(&format!("\npassword, shown this once: {}", self.text));
            json["password"] = json!(self.text);
        }
        Report::new(text, &json)
    }
}

fn add(
    at: &DataDir,
    ambient: &Ambient,
    username: String,
    user_type: UserType,
    owner: Owner,
    password: &PasswordFile,
) -> Result<Report, Fault> {
    let password = Password::take(password, ambient)?;
    let hash = passwords::hash(&password.text, ambient)?;
    let (id, username) = change(at, ambient, move |tx, by| {
        let new = NewUser {
            username: username.clone(),
            user_type,
            owner_id: owner.id(tx, by)?,
            password_hash: Some(hash),
        };
        match rules::create(tx, by, new) {
            Ok(id) => Ok((id, username)),
            Err(error) => Err(owner.naming(error, &username)),
        }
    })?;
    let text = format!("user {id} ({username}, {user_type}) was made");
    let json = json!({ "id": id, "username": username, "type": user_type });
    Ok(password.show(text, json))
}

const COLUMNS: &[&str] = &[
    "id",
    "username",
    "type",
    "owner_id",
    "blocked",
    "permissions",
    "networks",
];

#[derive(Serialize)]
struct Row {
    #[serde(flatten)]
    user: Found,
    permissions: Vec<Permission>,
    networks: Vec<String>,
}

fn list(tx: &ReadTx<'_>, by: &Actor, window: &Window) -> Result<Vec<Row>, service::Error> {
    let users = rules::list_all(tx, by, window.after(), window.fetch())?;
    users
        .into_iter()
        .map(|user| {
            Ok(Row {
                permissions: rules::permissions(tx, by, &user)?,
                networks: rules::networks(tx, by, &user)?,
                user,
            })
        })
        .collect()
}

fn passwd(
    at: &DataDir,
    ambient: &Ambient,
    user: String,
    password: &PasswordFile,
) -> Result<Report, Fault> {
    let password = Password::take(password, ambient)?;
    let hash = passwords::hash(&password.text, ambient)?;
    let user = change(at, ambient, move |tx, by| {
        let user = rules::get_named(tx, by, &user)?;
        rules::set_password(tx, by, user.id, &hash)?;
        Ok(user)
    })?;
    let text = format!("user {} ({}) has a new password", user.id, user.username);
    Ok(password.show(text, json!({ "id": user.id })))
}

fn permit(
    at: &DataDir,
    ambient: &Ambient,
    user: String,
    permission: Permission,
    allowed: bool,
) -> Result<Report, Fault> {
    let (id, permissions) = change(at, ambient, move |tx, by| {
        let user = rules::get_named(tx, by, &user)?;
        rules::set_permission(tx, by, user.id, permission, allowed)?;
        Ok((user.id, rules::permissions(tx, by, &user)?))
    })?;
    let words: Vec<&str> = permissions.iter().map(|one| one.as_str()).collect();
    let text = format!("user {id} has the permissions: {}", or_none(&words));
    Ok(Report::new(
        text,
        &json!({ "id": id, "permissions": words }),
    ))
}

fn set_blocked(
    at: &DataDir,
    ambient: &Ambient,
    user: String,
    blocked: bool,
) -> Result<Report, Fault> {
    let id: Id = change(at, ambient, move |tx, by| {
        let user = rules::get_named(tx, by, &user)?;
        rules::set_blocked(tx, by, user.id, blocked)?;
        Ok(user.id)
    })?;
    let state = if blocked { "blocked" } else { "not blocked" };
    let json = json!({ "id": id, "blocked": blocked });
    Ok(Report::new(format!("user {id} is {state}"), &json))
}

fn allow_ip(
    at: &DataDir,
    ambient: &Ambient,
    user: String,
    network: String,
    allowed: bool,
) -> Result<Report, Fault> {
    let (id, networks) = change(at, ambient, move |tx, by| {
        let user = rules::get_named(tx, by, &user)?;
        rules::allow_network(tx, by, user.id, &network, allowed)
            .map_err(|error| naming(error, &user.username))?;
        Ok((user.id, rules::networks(tx, by, &user)?))
    })?;
    let words: Vec<&str> = networks.iter().map(String::as_str).collect();
    let text = match words.is_empty() {
        true => format!("the API of owner {id} may be called from anywhere"),
        false => format!(
            "the API of owner {id} may be called from: {}",
            words.join(" ")
        ),
    };
    Ok(Report::new(
        text,
        &json!({ "id": id, "networks": networks }),
    ))
}

fn or_none(words: &[&str]) -> String {
    match words {
        [] => "none".into(),
        words => words.join(" "),
    }
}
