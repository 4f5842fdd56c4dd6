//! The overview: counts, things that need attention, and the last changes.

use maud::{Markup, html};

use crate::http::pages::frame::answer::{Answer, Trouble};
use crate::http::pages::frame::change::{self, Change};
use crate::http::pages::frame::parts::{self, badge};
use crate::http::pages::frame::visit::Visit;
use crate::service::Error;
use crate::service::guard::access::Right;
use crate::service::lists::{MAX_OVERVIEW, counted, counted_short, grouped};
use crate::service::log;
use crate::service::overview::{self, LONG_RESERVED_DAYS, LOOKED_AT, Overview, Warning};
use crate::store::tables::dids::DidStatus;

/// How many changes are shown.
const CHANGES: usize = 8;
/// The chart's measures, in its own units.
const BAR: u32 = 240;

/// The page.
pub async fn show(visit: Visit) -> Result<Answer, Trouble> {
    let by = visit.by();
    let filter = log::Filter {
        without_sessions: true,
        ..Default::default()
    };
    let (overview, changes) = visit.read(|tx| {
        let changes = match visit.may(Right::SeeLog) {
            true => log::list(tx, by, &filter, None, CHANGES)?
                .rows
                .into_iter()
                .map(|(_, entry)| Change::of(tx, by, entry))
                .collect::<Result<_, _>>()?,
            false => Vec::new(),
        };
        let overview = overview::get(tx, by, visit.app.backups.known())?;
        Ok::<_, Error>((overview, changes))
    })?;
    let body = html! {
        @if by.only_user().is_some() { (for_user()) }
        @for warning in &overview.warnings { (warn(warning, overview.devices)) }
        @if visit.may(Right::ManageApi) { (first_steps(&visit, &overview)) }
        (cards(&overview))
        div.columns {
            @if !overview.dids.is_empty() { (chart(&overview)) }
            @if visit.may(Right::SeeLog) {
                section.card {
                    h2 { "Last changes" }
                    @if changes.is_empty() { p.none { "None yet." } }
                    ol.changes-list { @for change in &changes { li { (change::line(change)) } } }
                    p { a href="/log" { "The whole action log" } }
                }
            }
        }
        @if visit.may(Right::ManageApi) { (parts::way_to_hash()) }
    };
    Ok(visit.page("Overview", body))
}

fn for_user() -> Markup {
    html! {
        section.card {
            p { "Here are " a href="/devices" { "your devices" } ", " a href="/dids" { "your DIDs" } " and " a href="/clis" { "your CLIs" } "." }
        }
    }
}

fn cards(overview: &Overview) -> Markup {
    let limit = MAX_OVERVIEW + 1;
    let card = |path: &str, name: &str, count: u32| {
        html! { a.count href=(path) { b { (counted_short(count, limit)) } " " (name) } }
    };
    html! {
        div.counts {
            @if let Some((devices, trunks)) = overview.devices {
                (card("/devices", "devices", devices))
                (card("/devices?trunk=yes", "trunks", trunks))
            }
            @if let Some(clis) = overview.clis { (card("/clis", "CLIs", clis)) }
            @if !overview.dids.is_empty() { (card("/dids", "DIDs", overview.dids.iter().map(|(_, count)| count).sum())) }
            @if let Some(users) = overview.users { (card("/users", "users", users)) }
        }
    }
}

fn chart(overview: &Overview) -> Markup {
    let limit = MAX_OVERVIEW + 1;
    let most = overview
        .dids
        .iter()
        .map(|(_, count)| *count)
        .max()
        .unwrap_or(0)
        .max(1);
    html! {
        section.card {
            h2 { "DIDs by status" }
            table.chart {
                tbody {
                    @for (status, count) in &overview.dids {
                        tr {
                            th scope="row" { a href={ "/dids?status=" (status) } { (badge(status.as_str())) } }
                            td { (bar(*status, *count, most)) }
                            td.number { (counted_short(*count, limit)) }
                        }
                    }
                }
            }
        }
    }
}

fn bar(status: DidStatus, count: u32, most: u32) -> Markup {
    let full = u64::from(BAR) * u64::from(count) / u64::from(most);
    // A bar above zero is always visible.
    let width = if count == 0 { 0 } else { full.max(3) };
    html! {
        svg class={ "bar " (status) } viewBox={ "0 0 " (BAR) " 12" } preserveAspectRatio="none" aria-hidden="true" {
            rect.rest width=(BAR) height="12" rx="3" {}
            rect.part width=(width) height="12" rx="3" {}
        }
    }
}

fn warn(warning: &Warning, devices: Option<(u32, u32)>) -> Markup {
    let devices = devices.map_or(0, |(devices, _)| devices);
    let notice = |text: Markup| html! { p.notice.warn { (text) } };
    match warning {
        Warning::Demo => notice(
            html! { "This is the demo world: its passwords and keys are public, so it answers on this machine only." },
        ),
        Warning::ClockLeapt => notice(html! {
            "The server's clock has leapt: closed DIDs are not freed until it is right and someone says so, with "
            code { "linebook clock accept" } "."
        }),
        Warning::NoBackups => notice(html! {
            "This server makes no backups, and knows of none. Start it with " code { "--backup-every 24h" }
            ", and it makes them by itself. (It does not see those that " code { "linebook backup" } " makes.)"
        }),
        Warning::NoBackupYet => notice(html! {
            "There is no backup yet. The server makes the first one right after its start: if this does not go away, its log says why."
        }),
        Warning::OldBackup(hours) => notice(html! {
            "The last backup by the server is " (hours) " hours old: its log says why there is none since."
        }),
        Warning::ApiOff => notice(
            html! { "The API is switched off: every call is refused. " a href="/settings" { "API settings" } },
        ),
        Warning::HashOff => notice(
            html! { "Calls in your name need no hash. " a href="/settings" { "API settings" } },
        ),
        Warning::LongReserved(count) => notice(html! {
            "DIDs that have been reserved for more than " (LONG_RESERVED_DAYS) " days and ring nowhere: "
            (counted(*count, MAX_OVERVIEW + 1)) ". "
            a href="/dids?status=reserved" { "Reserved DIDs" }
        }),
        Warning::WithoutCallerId(count) => notice(html! {
            (grouped(*count)) " of the "
            @if devices >= LOOKED_AT { "newest " (grouped(LOOKED_AT)) } @else { (devices) }
            " devices show no number when they call. "
            a href="/devices?caller_id=no" { "Devices without a caller ID" }
        }),
    }
}

fn first_steps(visit: &Visit, overview: &Overview) -> Markup {
    let has_devices = overview.devices.is_some_and(|(devices, _)| devices > 0);
    html! {
        @if !has_devices {
            section.card {
                h2 { "First steps" }
                ol {
                    li { a href="/users/new" { "Add a user" } " whose devices they will be." }
                    li { a href="/devices/new" { "Create their first device" } ": it can register at once." }
                    @if visit.may(Right::ManageDids) {
                        li { a href="/providers/new" { "Add a provider" } ", and " a href="/dids/new" { "DIDs" } " from it; reserve one for the user, and assign it." }
                    }
                    li { a href="/console" { "Try the API" } "." }
                }
            }
        }
    }
}
