//! Users: the list, a new one, one with their password, permissions and access.

use maud::{Markup, html};

use crate::api::parameters::Parameters;
use crate::http::pages::frame::answer::{Answer, Trouble};
use crate::http::pages::frame::filters::yes_or_no;
use crate::http::pages::frame::list::{Column, List};
use crate::http::pages::frame::parts::{
    self, Action, Field, Problem, badge, facts, select, tick, yes_no,
};
use crate::http::pages::frame::password::{hashed, new_password};
use crate::http::pages::frame::problem::{problem, problem_on_page};
use crate::http::pages::frame::visit::Visit;
use crate::service::guard::access::{Actor, Right};
use crate::service::lists::Slice;
use crate::service::users::{self, Filter, NewUser};
use crate::service::{Error, Field as Refused, Rule, Thing};
use crate::store::ReadTx;
use crate::store::row::Cursor;
use crate::store::tables::users::{Permission, User, UserType};

static LIST: List<User> = List {
    path: "/users",
    noun: "users",
    columns: &[
        Column {
            name: "Username",
            sort: Some("name"),
            html: Some(|user| html! { a href={ "/users/" (user.id) } { (user.username) } }),
            text: |user| user.username.clone(),
        },
        Column {
            name: "Type",
            sort: None,
            html: Some(|user| html! { (user.user_type) }),
            text: |user| user.user_type.to_string(),
        },
        Column {
            name: "Access",
            sort: None,
            html: Some(|user| html! { @if user.blocked { (badge("blocked")) } @else { "yes" } }),
            text: |user| yes_no(!user.blocked).into(),
        },
        Column {
            name: "ID",
            sort: Some("newest"),
            html: Some(|user| html! { span.id { (user.id) } }),
            text: |user| user.id.to_string(),
        },
    ],
    filters: &["q", "type", "blocked"],
    searched: "",
    empty: "There are no users yet.",
    fetch,
};

fn fetch(
    tx: &ReadTx<'_>,
    by: &Actor,
    sent: &Parameters,
    after: Option<Cursor>,
    limit: usize,
) -> Result<Slice<User>, Error> {
    let filter = Filter {
        start: sent.get("q").unwrap_or_default().trim().into(),
        user_type: sent.get("type").and_then(|word| word.parse().ok()),
        blocked: sent.get("blocked").and_then(yes_or_no),
        is_newest_first: sent.get("sort") == Some("newest"),
    };
    users::list(tx, by, &filter, after, limit)
}

/// The list.
pub async fn list(visit: Visit) -> Result<Answer, Trouble> {
    let text = |name| visit.sent.get(name).unwrap_or_default();
    let mut types = vec![(String::new(), "any".to_owned())];
    types.extend(
        UserType::ALL
            .iter()
            .map(|known| (known.to_string(), known.to_string())),
    );
    let blocked = [("", "any"), ("yes", "yes"), ("no", "no")];
    let blocked = blocked.map(|(sent, shown)| (sent.to_owned(), shown.to_owned()));
    let filter = html! {
        (Field::text("q", "Name begins with", text("q")).kind("search").render(&None))
        (select("type", "Type", &types, text("type"), "", &None))
        (select("blocked", "Blocked", &blocked, text("blocked"), "", &None))
    };
    LIST.show(
        &visit,
        "Users",
        html! { a.button href="/users/new" { "New user" } },
        filter,
    )
}

/// The list as a CSV file.
pub async fn export(visit: Visit) -> Result<Answer, Trouble> {
    LIST.export(&visit)
}

/// An empty form.
pub async fn new(visit: Visit) -> Result<Answer, Trouble> {
    new_form(&visit, &None)
}

fn new_form(visit: &Visit, problem: &Problem) -> Result<Answer, Trouble> {
    visit.require(Right::ManageUsers)?;
    // A reseller has plain users. The rules say which types go with which owner.
    let types = match visit.by().user_type {
        UserType::Admin => parts::options(&["user", "reseller", "accountant", "manager"]),
        _ => parts::options(&["user"]),
    };
    let body = parts::form(
        visit,
        "/users/new",
        "Add the user",
        problem,
        html! {
            (Field::text("username", "Username", &visit.text("username")).required()
                .hint("1 to 80 visible characters without a space").render(problem))
            (select("type", "Type", &types, &visit.text("type"), "A user has devices; a reseller has their own users; accountants and managers work for admin, with permissions", problem))
            (Field::text("new_password", "Password", "").kind("password")
                .hint("8 to 128 characters; blank: they cannot sign in").render(problem))
            (Field::text("again", "The same again", "").kind("password").render(problem))
        },
    );
    Ok(visit.page_or_problem("New user", problem.is_some(), body))
}

/// Adds one, with a primary device group.
pub async fn create(visit: Visit) -> Result<Answer, Trouble> {
    // This comes before argon2 takes its time.
    visit.require(Right::ManageUsers)?;
    let wants_password = visit.is_on("new_password") || visit.is_on("again");
    let password_hash = match wants_password {
        false => None,
        true => match hashed(&visit).await {
            Ok(hash) => Some(hash),
            Err(error) => return new_form(&visit, &problem(error, "")?),
        },
    };
    let Ok(user_type) = visit.sent.get("type").unwrap_or("user").parse() else {
        let refused = Rule::Invalid(Refused::UserType);
        return new_form(&visit, &problem(refused.into(), "")?);
    };
    let new = NewUser {
        username: visit.text("username"),
        user_type,
        owner_id: visit.by().owner_id(),
        password_hash,
    };
    match visit.write(move |tx, by| users::create(tx, by, new)).await {
        Ok(id) => Ok(Answer::SeeOther(format!("/users/{id}?done=added"))),
        Err(error) => {
            let problem = problem(error, "")?;
            new_form(&visit, &problem)
        }
    }
}

/// One user.
pub async fn show(visit: Visit) -> Result<Answer, Trouble> {
    render(&visit, &None, &None)
}

fn render(visit: &Visit, password: &Problem, access: &Problem) -> Result<Answer, Trouble> {
    let by = visit.by();
    let (user, permissions) = visit.read(|tx| {
        let user = users::get(tx, by, visit.id())?;
        let permissions = users::permissions(tx, by, &user)?;
        Ok::<_, Error>((user, permissions))
    })?;
    let takes = matches!(
        user.user_type,
        UserType::Reseller | UserType::Accountant | UserType::Manager
    );
    let permissions_path = format!("/users/{}/permissions", user.id);
    let body = html! {
        p.crumbs { a href="/users" { "Users" } " / " (user.username) }
        div.columns {
            div {
                section.card {
                    (facts(&[
                        ("Type", html! { (user.user_type) }),
                        ("Access", html! { @if user.blocked { (badge("blocked")) } @else { "yes" } }),
                        ("In the API", html! { code { "user_id=" (user.id) } }),
                    ]))
                    p {
                        a href={ "/devices?user=" (user.id) } { "Their devices" } " · "
                        a href={ "/dids?user=" (user.id) } { "their DIDs" } " · "
                        a href={ "/groups?user=" (user.id) } { "their groups" } " · "
                        a href={ "/phonebooks/" (user.id) } { "their phonebook" } " · "
                        a href={ "/quickforwards/" (user.id) } { "their quickforwards" }
                        @if visit.may(Right::SeeLog) { " · " a href={ "/log?object=" (user.id) "&action=user" } { "what was done to them" } }
                    }
                }
                @if takes && visit.may(Right::ManagePermissions) {
                    (parts::form(visit, &permissions_path, "Save the permissions", &None, html! {
                        h2 { "Permissions" }
                        @for permission in Permission::ALL {
                            (tick(permission.as_str(), permission.as_str(), permissions.contains(permission), explain(*permission), &None))
                        }
                    }))
                }
            }
            (actions(visit, &user, password, access))
        }
    };
    let has_problem = password.is_some() || access.is_some();
    Ok(visit.page_or_problem(&format!("User {}", user.username), has_problem, body))
}

/// A new password, and access taken or given back.
fn actions(visit: &Visit, user: &User, password: &Problem, access: &Problem) -> Markup {
    let path = |action: &str| format!("/users/{}/{action}", user.id);
    html! {
        section.actions {
            @if visit.by().user_id == Some(user.id) {
                p { a href="/account" { "Change your password" } " on the page of your account." }
            } @else {
                (Action {
                    path: &path("password"),
                    title: "Set a new password",
                    consequence: "The old one stops working at once, for the pages and for the API's p, and they are signed out everywhere.",
                    button: "Set the password",
                    is_grave: false,
                }.render(visit, password, new_password(password)))
            }
            @if user.blocked {
                (Action {
                    path: &path("unblock"),
                    title: "Give access back",
                    consequence: "They can sign in and call the API again, with their password and permissions as before.",
                    button: "Give access back",
                    is_grave: false,
                }.render(visit, access, html! {}))
            } @else {
                (Action {
                    path: &path("block"),
                    title: "Block",
                    consequence: "They are signed out everywhere, and the API answers as if they did not exist. Their devices, DIDs and history stay. This can be undone.",
                    button: "Block them",
                    is_grave: true,
                }.render(visit, access, html! {}))
            }
        }
    }
}

fn explain(permission: Permission) -> &'static str {
    match permission {
        Permission::ManageDevices => "Devices, groups and CLIs (resellers have it by their type)",
        Permission::ManageDids => "DIDs (managers never)",
        Permission::ManageCallerId => "The caller ID of a device",
    }
}

/// Sets their password.
pub async fn set_password(visit: Visit) -> Result<Answer, Trouble> {
    let id = visit.id();
    visit.read(|tx| users::get(tx, visit.by(), id))?;
    match hashed(&visit).await {
        Err(error) => render(&visit, &problem(error, "")?, &None),
        Ok(hash) => {
            visit
                .write(move |tx, by| users::set_password(tx, by, id, &hash))
                .await?;
            Ok(Answer::SeeOther(format!("/users/{id}?done=password")))
        }
    }
}

/// Gives and takes permissions, all in one step.
pub async fn set_permissions(visit: Visit) -> Result<Answer, Trouble> {
    let id = visit.id();
    let wanted = Permission::ALL
        .iter()
        .map(|permission| (*permission, visit.is_on(permission.as_str())));
    let wanted: Vec<(Permission, bool)> = wanted.collect();
    let set = visit.write(move |tx, by| {
        for (permission, allowed) in wanted {
            users::set_permission(tx, by, id, permission, allowed)?;
        }
        Ok(())
    });
    set.await?;
    Ok(Answer::SeeOther(format!("/users/{id}?done=saved")))
}

/// Takes their access away.
pub async fn block(visit: Visit) -> Result<Answer, Trouble> {
    set_blocked(visit, true).await
}

/// Gives their access back.
pub async fn unblock(visit: Visit) -> Result<Answer, Trouble> {
    set_blocked(visit, false).await
}

async fn set_blocked(visit: Visit, blocked: bool) -> Result<Answer, Trouble> {
    let id = visit.id();
    match visit
        .write(move |tx, by| users::set_blocked(tx, by, id, blocked))
        .await
    {
        Ok(()) => {
            let done = if blocked { "blocked" } else { "unblocked" };
            Ok(Answer::SeeOther(format!("/users/{id}?done={done}")))
        }
        Err(error) => {
            let access = problem_on_page(Thing::User, error, "")?;
            render(&visit, &None, &access)
        }
    }
}
