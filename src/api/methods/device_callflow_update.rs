//! `device_callflow_update`: what happens to the calls of a device at one moment.

use crate::api::method::*;
use crate::service::callflows::{self, Edit, MAX_CALLER_ID, MAX_NUMBER};

const DEVICE: Parameter = id("device_id", Thing::Device, "The called device.").required();
const ACTION: Parameter = one_of(
    "callflow_action",
    &["empty", "forward", "fax_detect", "voicemail"],
    "What happens: nothing, a forward, faxes to a fax device (before the call only), or a message.",
)
.required();
const STATE: Parameter = one_of(
    "state",
    &["before_call", "no_answer", "failed", "busy"],
    "When it happens.",
)
.required();
const TARGET: Parameter = id(
    "forward_to_device",
    Thing::Device,
    "The device that a forward rings. With a number, too, the device counts.",
);
const MISSPELT: Parameter = id(
    "foward_to_device",
    Thing::Device,
    "The same, as a note of MOR's manual spells it.",
);
const NUMBER: Parameter = digits(
    "external_number",
    MAX_NUMBER,
    "The number that a forward dials.",
);
const FAX: Parameter = id(
    "fax_device",
    Thing::FaxDevice,
    "The device that takes faxes.",
);
const VOICEMAIL: Parameter = one_of("voicemail", &["true"], "Ignored: the action says it.");
const BY_DEVICE: Parameter = one_of(
    "device_callerid",
    &["true"],
    "A forwarded call shows the device's caller ID. Of these four the first counts.",
);
const BY_SOURCE: Parameter = one_of(
    "src_callerid",
    &["true"],
    "It shows the caller ID that it came with. None of the four: the same.",
);
const DID: Parameter = id(
    "did_id",
    Thing::Did,
    "It shows the number of this DID, which is on the device.",
);
const CUSTOM: Parameter = text("custom", MAX_CALLER_ID, "It shows this text.");

/// The method.
pub static METHOD: Method = Method {
    name: "device_callflow_update",
    summary: "Sets what happens to a call for a device at one moment.",
    source: "MOR API device callflow update",
    parameters: &[
        DEVICE, ACTION, STATE, TARGET, MISSPELT, NUMBER, FAX, VOICEMAIL, BY_DEVICE, BY_SOURCE, DID,
        CUSTOM,
    ],
    hashes: &[
        strict(
            &[
                "device_id",
                "callflow_action",
                "state",
                "forward_to_device",
                "external_number",
                "fax_device",
                "voicemail",
                "device_callerid",
                "src_callerid",
                "did_id",
                "custom",
            ],
            "the order of the page",
        ),
        strict(
            &[
                "device_id",
                "state",
                "callflow_action",
                "forward_to_device",
                "external_number",
                "fax_device",
                "voicemail",
                "device_callerid",
                "src_callerid",
                "did_id",
                "custom",
            ],
            "the order of its revisions from 2013 to 2016; all is signed",
        ),
        lenient(
            &["device_id", "state", "callflow_action"],
            "seen from a client; where the calls go is unsigned",
        ),
    ],
    right: Right::ManageDevices,
    denied: &denied(
        "Access Denied",
        "You are not authorised to use this functionality",
    ),
    errors: in_order![
        [refuses(
            Rule::NotFound(Thing::Device),
            "Device was not found"
        )],
        incorrect([
            Field::FlowState,
            Field::FlowAction,
            Field::ExternalNumber,
            Field::ForwardTo
        ]),
        [
            refuses(Rule::NotFound(Thing::FaxDevice), "Fax device was not found"),
            refuses(Rule::NotFound(Thing::Did), "DID was not found"),
        ],
        incorrect([Field::Custom]),
        too_long([Field::Custom]),
    ],
    envelope: LATER_IN_STATUS,
    run: Run::Write(|tx, call| {
        let is_true = |value: Option<&str>| {
            // JSON's true comes as 1.
            value.is_some_and(|value| value.eq_ignore_ascii_case("true") || value == "1")
        };
        let edit = Edit {
            device_id: call.need_id(DEVICE)?,
            action: call.need(ACTION)?.into(),
            state: call.need(STATE)?.into(),
            target_ids: [TARGET, MISSPELT]
                .into_iter()
                .filter_map(|sent| call.id(sent))
                .collect(),
            number: call.text(NUMBER),
            fax_id: call.id(FAX),
            with_device: is_true(call.get(BY_DEVICE)),
            with_source: is_true(call.get(BY_SOURCE)),
            did_id: call.id(DID),
            custom: call.text(CUSTOM),
        };
        callflows::update(tx, &call.actor, &edit)?;
        Ok(status("Call Flow was updated", []))
    }),
    ..Method::DEFAULT
};
