//! The steps of a DID's life: what each is called, from where to where it leads, what it clears. The rules take them, pages,
//! commands and methods offer them; none has a list of its own.
//!
//! free → reserved → active → closed → free; reserved → free; active → reserved; free or closed → terminated → free.

use crate::service::action::Action;
use crate::store::tables::dids::{Did, DidStatus};

/// A step.
#[derive(Debug, PartialEq, Eq)]
pub struct Step {
    /// What it is called, in addresses too.
    pub name: &'static str,
    /// The states from which it can be taken.
    pub from: &'static [DidStatus],
    /// A DID that is reserved for the owner of its scope can take it, too: they pass it on.
    pub is_onward: bool,
    /// Where it leads.
    pub to: DidStatus,
    /// What it needs to know beside the DID.
    pub asks: Asks,
    /// What it clears.
    pub clears: Clears,
    /// What the action log calls it.
    pub action: Action,
}

/// What a step needs to know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asks {
    /// The DID is enough.
    Nothing,
    /// For whom.
    User,
    /// On which device.
    Device,
    /// On which dial plan.
    Dialplan,
}

/// What is gone after a step. A closing time goes with the state in any case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clears {
    /// Nothing.
    Nothing,
    /// The device or dial plan that the DID is on.
    Place,
    /// Who has it as well.
    UserAndPlace,
}

/// On a device.
pub static ASSIGN: Step = Step {
    name: "assign",
    from: &[DidStatus::Reserved],
    is_onward: false,
    to: DidStatus::Active,
    asks: Asks::Device,
    clears: Clears::Nothing,
    action: Action::DidAssign,
};
/// On a dial plan.
pub static DIALPLAN: Step = Step {
    name: "dialplan",
    from: &[DidStatus::Reserved],
    is_onward: false,
    to: DidStatus::Active,
    asks: Asks::Dialplan,
    clears: Clears::Nothing,
    action: Action::DidAssign,
};
/// For a user.
pub static RESERVE: Step = Step {
    name: "reserve",
    from: &[DidStatus::Free],
    is_onward: true,
    to: DidStatus::Reserved,
    asks: Asks::User,
    clears: Clears::Nothing,
    action: Action::DidReserve,
};
/// The reservation is taken back.
pub static UNRESERVE: Step = Step {
    name: "unreserve",
    from: &[DidStatus::Reserved],
    is_onward: false,
    to: DidStatus::Free,
    asks: Asks::Nothing,
    clears: Clears::UserAndPlace,
    action: Action::DidUnreserve,
};
/// Off its device or dial plan; its user keeps it.
pub static UNASSIGN: Step = Step {
    name: "unassign",
    from: &[DidStatus::Active],
    is_onward: false,
    to: DidStatus::Reserved,
    asks: Asks::Nothing,
    clears: Clears::Place,
    action: Action::DidUnassign,
};
/// Out of use; its user keeps it until it is freed.
pub static CLOSE: Step = Step {
    name: "close",
    from: &[DidStatus::Active],
    is_onward: false,
    to: DidStatus::Closed,
    asks: Asks::Nothing,
    clears: Clears::Place,
    action: Action::DidClose,
};
/// Nobody's again.
pub static FREE: Step = Step {
    name: "free",
    from: &[DidStatus::Closed, DidStatus::Terminated],
    is_onward: false,
    to: DidStatus::Free,
    asks: Asks::Nothing,
    clears: Clears::UserAndPlace,
    action: Action::DidFree,
};
/// History.
pub static TERMINATE: Step = Step {
    name: "terminate",
    from: &[DidStatus::Free, DidStatus::Closed],
    is_onward: false,
    to: DidStatus::Terminated,
    asks: Asks::Nothing,
    clears: Clears::UserAndPlace,
    action: Action::DidTerminate,
};

/// Every step, in the order in which they are offered.
pub static STEPS: [&Step; 8] = [
    &ASSIGN, &DIALPLAN, &RESERVE, &UNRESERVE, &UNASSIGN, &CLOSE, &FREE, &TERMINATE,
];

/// Whether a DID belongs to the owner of its scope, who may use it for any of their users.
pub fn is_owners(did: &Did) -> bool {
    did.user_id == Some(did.owner_id)
}

impl Step {
    /// The step of this name.
    pub fn find(name: &str) -> Option<&'static Self> {
        STEPS.into_iter().find(|step| step.name == name)
    }

    /// Whether a DID can take it.
    pub fn is_open_to(&self, did: &Did) -> bool {
        let is_onward = self.is_onward && did.status == DidStatus::Reserved && is_owners(did);
        is_onward || self.from.contains(&did.status)
    }

    /// The DID behind this step, taken at `now_ms`. Whom or what it asks for is still to be put in.
    pub fn apply(&self, did: &Did, now_ms: i64) -> Did {
        let mut after = Did {
            status: self.to,
            closed_ms: (self.to == DidStatus::Closed).then_some(now_ms),
            ..did.clone()
        };
        if self.clears != Clears::Nothing {
            after.device_id = None;
            after.dialplan_id = None;
        }
        if self.clears == Clears::UserAndPlace {
            after.user_id = None;
        }
        after
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn did(status: DidStatus) -> Did {
        let has_user = !matches!(status, DidStatus::Free | DidStatus::Terminated);
        Did {
            id: 1,
            did: "37060000001".into(),
            provider_id: 1,
            owner_id: 4,
            status,
            user_id: has_user.then_some(5),
            device_id: (status == DidStatus::Active).then_some(7),
            dialplan_id: None,
            closed_ms: (status == DidStatus::Closed).then_some(1),
        }
    }

    #[test]
    fn each_state_has_its_steps_and_each_step_leaves_what_belongs_to_the_next() {
        let owners = Did {
            user_id: Some(4),
            ..did(DidStatus::Reserved)
        };
        for (did, steps) in [
            (did(DidStatus::Free), &["reserve", "terminate"][..]),
            (
                did(DidStatus::Reserved),
                &["assign", "dialplan", "unreserve"],
            ),
            (owners, &["assign", "dialplan", "reserve", "unreserve"]),
            (did(DidStatus::Active), &["unassign", "close"]),
            (did(DidStatus::Closed), &["free", "terminate"]),
            (did(DidStatus::Terminated), &["free"]),
        ] {
            let open = STEPS.iter().filter(|step| step.is_open_to(&did));
            let names: Vec<&str> = open.map(|step| step.name).collect();
            assert_eq!(names, steps, "{:?}", did.status);
        }
        for (step, before, after) in [
            (&UNRESERVE, DidStatus::Reserved, DidStatus::Free),
            (&CLOSE, DidStatus::Active, DidStatus::Closed),
            (&FREE, DidStatus::Closed, DidStatus::Free),
            (&FREE, DidStatus::Terminated, DidStatus::Free),
            (&TERMINATE, DidStatus::Closed, DidStatus::Terminated),
        ] {
            assert_eq!(step.apply(&did(before), 1), did(after), "{}", step.name);
        }
        let active = did(DidStatus::Active);
        assert_eq!(UNASSIGN.apply(&active, 1), did(DidStatus::Reserved));
        assert_eq!(Step::find("dialplan"), Some(&DIALPLAN));
        assert_eq!(Step::find("paint"), None);
    }
}
