//! `device_callflow_get`: what happens to the calls of a device.

use crate::api::method::*;
use crate::service::callflows::{self, Branch, Flow};
use crate::store::tables::callflows::{CallerIdFrom, FlowAction, FlowState};

const DEVICE: Parameter = id("device_id", Thing::Device, "The called device.").required();

/// The method.
pub static METHOD: Method = Method {
    name: "device_callflow_get",
    summary: "Tells what happens to a call for a device: before it rings, and when it is not answered, busy or failed.",
    source: "MOR API device callflow get",
    parameters: &[DEVICE],
    hashes: &[strict(&["device_id"], "the order of the page")],
    right: Right::ManageDevices,
    denied: &denied(
        "Access Denied",
        "You are not authorised to use this functionality",
    ),
    errors: &[refuses(
        Rule::NotFound(Thing::Device),
        "Device was not found",
    )],
    envelope: LATER_IN_STATUS,
    run: Run::Read(|tx, call| {
        let flow = callflows::get(tx, &call.actor, call.need_id(DEVICE)?)?;
        let device = name(&flow);
        let states = states(&flow).into_iter().map(|(state, data)| {
            let mut elements = vec![
                Element::text("state", state),
                Element::number("priority", 1),
            ];
            // The revision of 2013 has no more.
            let tags = ["action", "data", "data2", "data3", "data4", "data5"];
            let shown = match call.dialect {
                Dialect::Classic => 2,
                Dialect::Current => tags.len(),
            };
            let pairs = tags.into_iter().zip(data).take(shown);
            elements.extend(pairs.map(|(tag, data)| Element::text(tag, data)));
            Element::with("callflow", elements)
        });
        let mut elements = vec![
            Element::text("user", flow.username.clone()),
            Element::text("device", device),
        ];
        elements.extend(states);
        Ok(Reply::Elements(elements))
    }),
    ..Method::DEFAULT
};

/// `SIP/1002`.
fn name(flow: &Flow) -> String {
    format!("{}/{}", flow.device.device_type, flow.device.username)
}

/// The six moments of a call, in the manual's order, each with its action and its data.
fn states(flow: &Flow) -> [(&'static str, [String; 6]); 6] {
    let dial = format!("{}|{}", name(flow), flow.ringing_s);
    let at = |state| data(flow.at(state));
    let fixed = |action: &str, data: String| {
        let mut all = empty();
        all[0] = action.into();
        all[1] = data;
        all
    };
    [
        ("Before call", at(FlowState::BeforeCall)),
        ("Call", fixed("Dial", dial)),
        ("Answered", fixed("Hangup", String::new())),
        ("No answer", at(FlowState::NoAnswer)),
        ("Busy", at(FlowState::Busy)),
        ("Failed", at(FlowState::Failed)),
    ]
}

/// A moment at which nothing happens.
fn empty() -> [String; 6] {
    let mut data = [const { String::new() }; 6];
    data[3] = "1".into();
    data
}

/// Action, target, kind of target, source of the caller ID, that caller ID, and a place that is always blank.
fn data(branch: Option<&Branch>) -> [String; 6] {
    let Some(Branch { flow, did, .. }) = branch else {
        return empty();
    };
    let mut data = empty();
    data[0] = match flow.action {
        FlowAction::Forward => "Forward",
        FlowAction::FaxDetect => "Fax detect",
        FlowAction::Voicemail => "Voicemail",
    }
    .into();
    if let Some(id) = flow.target_id {
        data[1] = id.to_string();
        data[2] = "local".into();
    }
    if let Some(number) = &flow.number {
        data[1].clone_from(number);
        data[2] = "external".into();
    }
    let (from, text) = match flow.caller_id_from {
        CallerIdFrom::Source => ("1", ""),
        CallerIdFrom::Device => ("2", ""),
        CallerIdFrom::Did => ("3", did.as_deref().unwrap_or_default()),
        CallerIdFrom::Custom => ("4", flow.caller_id.as_str()),
    };
    data[3] = from.into();
    data[4] = text.into();
    data
}
