//! What happens to a device's calls, as a picture, and the form for each moment.

use maud::{Markup, html};

use crate::api::parameters::parse_id;
use crate::http::pages::frame::answer::{Answer, Trouble};
use crate::http::pages::frame::parts::{self, Field, Problem, select};
use crate::http::pages::frame::problem::problem;
use crate::http::pages::frame::visit::Visit;
use crate::service::callflows::{self, Branch, EMPTY, Edit, Flow};
use crate::service::guard::access::Right;
use crate::service::lists::MAX_OFFERED;
use crate::service::{Error, Refusal, Rule, Thing, devices, dids};
use crate::store::row::Id;
use crate::store::tables::callflows::{CallerIdFrom, FlowAction, FlowState};
use crate::store::tables::devices::{Device, DeviceType};
use crate::store::tables::dids::Did;

/// The most DIDs that a form offers.
const MAX_DIDS: u32 = 50;

/// The picture.
pub async fn show(visit: Visit) -> Result<Answer, Trouble> {
    let flow = find(&visit)?;
    let device = &flow.device;
    let body = html! {
        p.crumbs { a href="/devices" { "Devices" } " / " a href={ "/devices/" (device.id) } { (device.extension) } " / Calls" }
        ol.flow {
            li.step { h2 { "Before it rings" } (branch(&visit, &flow, FlowState::BeforeCall)) }
            li.step.rings {
                h2 { "It rings" }
                p { (device.device_type) "/" (device.username) " rings for " (flow.ringing_s) " seconds." }
                p.hint { "Answered, the call lasts until somebody hangs up." }
            }
            li.ends {
                ul.branches {
                    li.step { h2 { "Not answered" } (branch(&visit, &flow, FlowState::NoAnswer)) }
                    li.step { h2 { "Busy" } (branch(&visit, &flow, FlowState::Busy)) }
                    li.step { h2 { "Failed" } (branch(&visit, &flow, FlowState::Failed)) }
                }
            }
        }
        p.hint { "It is kept for a PBX, which acts on it." }
    };
    Ok(visit.page(&title(device), body))
}

fn title(device: &Device) -> String {
    format!("Calls for {}", device.extension)
}

fn find(visit: &Visit) -> Result<Flow, Trouble> {
    let id = Some(visit.id());
    Ok(visit.read(|tx| callflows::get(tx, visit.by(), id))?)
}

/// What happens at a moment, in words, and the way to its form.
fn branch(visit: &Visit, flow: &Flow, state: FlowState) -> Markup {
    let path = format!("/devices/{}/callflow/{state}", flow.device.id);
    html! {
        p { (in_words(flow.at(state), state)) }
        @if visit.may(Right::ManageDevices) {
            p { a href=(path) { "Change" span.hidden { " what happens " (moment(state)) } } }
        }
    }
}

/// The moment, within a sentence.
fn moment(state: FlowState) -> &'static str {
    match state {
        FlowState::BeforeCall => "before it rings",
        FlowState::NoAnswer => "when it is not answered",
        FlowState::Busy => "when it is busy",
        FlowState::Failed => "when it failed",
    }
}

fn in_words(branch: Option<&Branch>, state: FlowState) -> Markup {
    let Some(branch) = branch else {
        return match state {
            FlowState::BeforeCall => html! { span.none { "Nothing happens: it rings." } },
            _ => html! { span.none { "Nothing happens: the call ends." } },
        };
    };
    let flow = &branch.flow;
    let target = html! {
        @if let Some(target) = &branch.target {
            "device " a href={ "/devices/" (target.id) } { (target.extension) }
            @if !target.description.is_empty() { " (" (target.description) ")" }
        }
        @if let Some(number) = &flow.number { "number " b { (number) } }
    };
    match flow.action {
        FlowAction::Voicemail => html! { "The caller leaves a message." },
        FlowAction::FaxDetect => html! { "A fax goes to " (target) ". Other calls ring." },
        FlowAction::Forward => html! {
            "The call goes to " (target) ", "
            @match flow.caller_id_from {
                CallerIdFrom::Source => "with the caller ID that it came with.",
                CallerIdFrom::Device => "with this device's caller ID.",
                CallerIdFrom::Did => { "with the number of DID " (branch.did.as_deref().unwrap_or_default()) "." },
                CallerIdFrom::Custom => { "with the caller ID “" (flow.caller_id) "”." },
            }
        },
    }
}

/// What a form offers.
struct Offers {
    devices: Vec<Device>,
    dids: Vec<Did>,
}

fn offers(visit: &Visit, device: &Device) -> Result<Offers, Trouble> {
    let by = visit.by();
    let found = visit.read(|tx| {
        Ok::<_, Error>(Offers {
            devices: devices::list_offered(tx, by, device.user_id)?,
            dids: match by.has(Right::SeeDids) {
                true => dids_on(tx, visit, device.id)?,
                false => Vec::new(),
            },
        })
    });
    Ok(found?)
}

/// The form of a moment.
pub async fn form(visit: Visit) -> Result<Answer, Trouble> {
    visit.require(Right::ManageDevices)?;
    render(&visit, &None)
}

fn render(visit: &Visit, problem: &Problem) -> Result<Answer, Trouble> {
    let state: FlowState = visit.name.parse().map_err(|_| Trouble::NotFound)?;
    let flow = find(visit)?;
    let device = &flow.device;
    let offers = offers(visit, device)?;
    let path = format!("/devices/{}/callflow", device.id);
    let fields = fields(visit, &flow, state, &offers, problem);
    let body = html! {
        p.crumbs { a href={ "/devices/" (device.id) } { (device.extension) } " / " a href=(path) { "Calls" } }
        (parts::form(visit, &format!("{path}/{state}"), "Save", problem, fields))
    };
    let title = format!("Calls for {}, {}", device.extension, moment(state));
    Ok(visit.page_or_problem(&title, problem.is_some(), body))
}

fn fields(
    visit: &Visit,
    flow: &Flow,
    state: FlowState,
    offers: &Offers,
    problem: &Problem,
) -> Markup {
    let row = flow.at(state).map(|branch| &branch.flow);
    let value = |name: &str, stored: String| match problem {
        Some(_) => visit.sent.raw(name).unwrap_or_default().to_owned(),
        None => stored,
    };
    let action = row.map_or(EMPTY, |row| row.action.as_str());
    let target_of = |wanted: FlowAction| {
        let found = row.filter(|row| row.action == wanted);
        found.and_then(|row| row.target_id).map(|id| id.to_string())
    };
    let is_other = |device: &&Device| device.id != flow.device.id;
    let mut others: Vec<(String, String)> =
        offers.devices.iter().filter(is_other).map(named).collect();
    // The device of another user.
    if let Some(target) = flow.at(state).and_then(|branch| branch.target.as_ref())
        && !offers.devices.iter().any(|device| device.id == target.id)
    {
        others.push(named(target));
    }
    let faxes: Vec<(String, String)> = offers
        .devices
        .iter()
        .filter(is_other)
        .filter(|device| device.device_type == DeviceType::Fax)
        .map(named)
        .collect();
    let number = row.and_then(|row| row.number.clone()).unwrap_or_default();
    let custom = row.map(|row| row.caller_id.clone()).unwrap_or_default();
    html! {
        (select("callflow_action", "What happens", &actions(state), &value("callflow_action", action.into()), "", problem))
        (device("forward_to_device", "Forward to the device", "It counts if there is a number, too", others, value("forward_to_device", target_of(FlowAction::Forward).unwrap_or_default()), problem))
        (Field::text("external_number", "Or to the number", &value("external_number", number)).hint("1 to 20 digits").render(problem))
        (select("caller_id_from", "The forwarded call shows", &sources(offers), &value("caller_id_from", source(row)), "", problem))
        (Field::text("custom", "This text", &value("custom", custom)).hint("For “the text below”: up to 80 characters").render(problem))
        @if state == FlowState::BeforeCall {
            (device("fax_device", "Send faxes to", "", faxes, value("fax_device", target_of(FlowAction::FaxDetect).unwrap_or_default()), problem))
        }
    }
}

/// A choice among devices. Where there are too many for one, it takes an ID.
fn device(
    name: &'static str,
    label: &'static str,
    hint: &str,
    mut offers: Vec<(String, String)>,
    value: String,
    problem: &Problem,
) -> Markup {
    if offers.len() >= MAX_OFFERED as usize {
        let field = Field::text(name, label, &value).offers(&offers);
        return field.hint("the ID of a device").render(problem);
    }
    if !value.is_empty() && !offers.iter().any(|(id, _)| *id == value) {
        offers.push((value.clone(), value.clone()));
    }
    offers.insert(0, (String::new(), "none".into()));
    select(name, label, &offers, &value, hint, problem)
}

fn named(device: &Device) -> (String, String) {
    let name = format!("{} {}", device.extension, device.description);
    (device.id.to_string(), name.trim_end().into())
}

fn actions(state: FlowState) -> Vec<(String, String)> {
    let fax =
        (state == FlowState::BeforeCall).then_some(("fax_detect", "faxes go to a fax device"));
    let words = [
        (EMPTY, "nothing"),
        ("forward", "the call is forwarded"),
        ("voicemail", "the caller leaves a message"),
    ];
    let words = words.into_iter().chain(fax);
    words
        .map(|(sent, shown)| (sent.into(), shown.into()))
        .collect()
}

/// The sources of a caller ID that the form offers.
fn sources(offers: &Offers) -> Vec<(String, String)> {
    let mut sources: Vec<(String, String)> = vec![
        ("source".into(), "the caller ID that it came with".into()),
        ("device".into(), "the device's caller ID".into()),
        ("custom".into(), "the text below".into()),
    ];
    let dids = offers.dids.iter();
    sources.extend(dids.map(|did| (format!("did-{}", did.id), format!("DID {}", did.did))));
    sources
}

/// The offered source that a row has.
fn source(row: Option<&crate::store::tables::callflows::Callflow>) -> String {
    match row {
        Some(row) if row.caller_id_from == CallerIdFrom::Did => {
            format!("did-{}", row.did_id.unwrap_or_default())
        }
        Some(row) => row.caller_id_from.as_str().into(),
        None => CallerIdFrom::Source.as_str().into(),
    }
}

/// Sets what happens.
pub async fn save(visit: Visit) -> Result<Answer, Trouble> {
    visit.require(Right::ManageDevices)?;
    let device = find(&visit)?.device;
    let Some(edit) = edit(&visit, device.id) else {
        let text = "choose one of these".to_owned();
        return render(&visit, &Some(("caller_id_from", text)));
    };
    let _: FlowState = visit.name.parse().map_err(|_| Trouble::NotFound)?;
    let saved = visit.write(move |tx, by| callflows::update(tx, by, &edit));
    match saved.await {
        Ok(()) => {
            let path = format!("/devices/{}/callflow?done=saved", device.id);
            Ok(Answer::SeeOther(path))
        }
        // The device itself is there.
        Err(Error::Refused(Refusal {
            rule: Rule::NotFound(Thing::Device),
            ..
        })) => render(
            &visit,
            &Some(("forward_to_device", "Device was not found".into())),
        ),
        Err(error) => render(&visit, &problem(error, "device_callflow_update")?),
    }
}

/// The form as an edit; none: nothing that it offers is the source of the caller ID.
fn edit(visit: &Visit, device_id: Id) -> Option<Edit> {
    let sent = |name: &str| Some(visit.text(name)).filter(|text| !text.is_empty());
    let mut edit = Edit {
        device_id: Some(device_id),
        state: visit.name.clone(),
        action: visit.text("callflow_action"),
        target_ids: sent("forward_to_device")
            .iter()
            .map(|id| parse_id(id))
            .collect(),
        number: sent("external_number"),
        fax_id: sent("fax_device").map(|id| parse_id(&id)),
        custom: sent("custom"),
        ..Edit::default()
    };
    match visit.text("caller_id_from").as_str() {
        "" | "source" => edit.with_source = true,
        "device" => edit.with_device = true,
        "custom" => {}
        other => edit.did_id = Some(parse_id(other.strip_prefix("did-")?)),
    }
    Some(edit)
}

fn dids_on(tx: &crate::store::ReadTx<'_>, visit: &Visit, device_id: Id) -> Result<Vec<Did>, Error> {
    dids::list_on_device(tx, visit.by(), device_id, MAX_DIDS)
}
