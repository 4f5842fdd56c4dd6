//! The steps of a DID's life: the name of each, the states before and after it, and what it clears. The rules take the
//! steps; web pages, commands and methods offer them. Nobody else has a list of them.
//!
//! free → reserved → active → closed → free; reserved → free; active → reserved; free or closed → terminated → free; free
//! → active; active → free; closed → reserved; and of a lent one, free or reserved for its reseller → free, back where it
//! came from.

use crate::service::action::Action;
use crate::store::tables::dids::{Did, DidStatus};

/// A step.
#[derive(Debug, PartialEq, Eq)]
pub struct Step {
    /// Its name, in addresses, too.
    pub name: &'static str,
    /// The states in which it can be taken.
    pub from: &'static [DidStatus],
    /// A DID that is reserved for the owner of its scope can take it, too: the owner passes it on.
    pub is_onward: bool,
    /// The state after it.
    pub to: DidStatus,
    /// What it needs besides the DID.
    pub asks: Asks,
    /// What it clears.
    pub clears: Clears,
    /// Whether lent DIDs take it.
    pub lent: Lent,
    /// Its name in the action log.
    pub action: Action,
}

/// What a step needs besides the DID.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asks {
    /// The DID is enough.
    Nothing,
    /// The user.
    User,
    /// The device.
    Device,
    /// The dial plan.
    Dialplan,
}

/// What a step clears. A closing time goes with its state in any case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clears {
    /// Nothing.
    Nothing,
    /// The device or dial plan that the DID is on.
    Place,
    /// Its user as well, and the details that the next user must not inherit.
    UserAndPlace,
}

/// Whether lent DIDs, admin's stock in a reseller's scope, take a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lent {
    /// As all others do.
    Too,
    /// Never: they would leave admin's stock.
    Never,
    /// Only they do, as long as the reseller has not passed them on. They are in their owner's scope again after it.
    Only,
}

/// Assigns the DID to a device.
pub static ASSIGN: Step = Step {
    name: "assign",
    from: &[DidStatus::Free, DidStatus::Reserved],
    is_onward: false,
    to: DidStatus::Active,
    asks: Asks::Device,
    clears: Clears::Nothing,
    lent: Lent::Too,
    action: Action::DidAssign,
};
/// Assigns the DID to a dial plan.
pub static DIALPLAN: Step = Step {
    name: "dialplan",
    from: &[DidStatus::Reserved],
    is_onward: false,
    to: DidStatus::Active,
    asks: Asks::Dialplan,
    clears: Clears::Nothing,
    lent: Lent::Too,
    action: Action::DidAssign,
};
/// Reserves the DID for a user.
pub static RESERVE: Step = Step {
    name: "reserve",
    from: &[DidStatus::Free],
    is_onward: true,
    to: DidStatus::Reserved,
    asks: Asks::User,
    clears: Clears::Nothing,
    lent: Lent::Too,
    action: Action::DidReserve,
};
/// Ends the reservation.
pub static UNRESERVE: Step = Step {
    name: "unreserve",
    from: &[DidStatus::Reserved],
    is_onward: false,
    to: DidStatus::Free,
    asks: Asks::Nothing,
    clears: Clears::UserAndPlace,
    lent: Lent::Too,
    action: Action::DidUnreserve,
};
/// Takes the DID off its device or dial plan. Its user keeps it.
pub static UNASSIGN: Step = Step {
    name: "unassign",
    from: &[DidStatus::Active],
    is_onward: false,
    to: DidStatus::Reserved,
    asks: Asks::Nothing,
    clears: Clears::Place,
    lent: Lent::Too,
    action: Action::DidUnassign,
};
/// Takes the DID out of use. Its user keeps it until it is freed.
pub static CLOSE: Step = Step {
    name: "close",
    from: &[DidStatus::Active],
    is_onward: false,
    to: DidStatus::Closed,
    asks: Asks::Nothing,
    clears: Clears::Place,
    lent: Lent::Too,
    action: Action::DidClose,
};
/// Takes the DID from whoever uses it, and frees it at once.
pub static RELEASE: Step = Step {
    name: "release",
    from: &[DidStatus::Active],
    is_onward: false,
    to: DidStatus::Free,
    asks: Asks::Nothing,
    clears: Clears::UserAndPlace,
    lent: Lent::Too,
    action: Action::DidFree,
};
/// Gives a closed DID back to the user who has it.
pub static REOPEN: Step = Step {
    name: "reopen",
    from: &[DidStatus::Closed],
    is_onward: false,
    to: DidStatus::Reserved,
    asks: Asks::Nothing,
    clears: Clears::Nothing,
    lent: Lent::Too,
    action: Action::DidReserve,
};
/// Takes a lent DID back from its reseller.
pub static TAKE_BACK: Step = Step {
    name: "take-back",
    from: &[DidStatus::Free, DidStatus::Reserved],
    is_onward: false,
    to: DidStatus::Free,
    asks: Asks::Nothing,
    clears: Clears::UserAndPlace,
    lent: Lent::Only,
    action: Action::DidTakeBack,
};
/// Frees the DID.
pub static FREE: Step = Step {
    name: "free",
    from: &[DidStatus::Closed, DidStatus::Terminated],
    is_onward: false,
    to: DidStatus::Free,
    asks: Asks::Nothing,
    clears: Clears::UserAndPlace,
    lent: Lent::Too,
    action: Action::DidFree,
};
/// Ends the DID: nobody has it, and nobody can until it is freed.
pub static TERMINATE: Step = Step {
    name: "terminate",
    from: &[DidStatus::Free, DidStatus::Closed],
    is_onward: false,
    to: DidStatus::Terminated,
    asks: Asks::Nothing,
    clears: Clears::UserAndPlace,
    lent: Lent::Never,
    action: Action::DidTerminate,
};

/// Every step, in the order of the forms.
pub static STEPS: [&Step; 11] = [
    &ASSIGN, &DIALPLAN, &RESERVE, &UNRESERVE, &UNASSIGN, &CLOSE, &REOPEN, &RELEASE, &FREE,
    &TAKE_BACK, &TERMINATE,
];

/// Whether the user of a DID is the owner of its scope, who may use it for any of their users.
pub fn is_owners(did: &Did) -> bool {
    did.user_id == Some(did.owner_id)
}

impl Step {
    /// The step of this name.
    pub fn find(name: &str) -> Option<&'static Self> {
        STEPS.into_iter().find(|step| step.name == name)
    }

    /// Whether a DID can take this step.
    pub fn is_open_to(&self, did: &Did) -> bool {
        let is_lent = did.lent_by_id.is_some();
        let is_passed_on = did.user_id.is_some() && !is_owners(did);
        let fits = match self.lent {
            Lent::Too => true,
            Lent::Never => !is_lent,
            Lent::Only => is_lent && !is_passed_on,
        };
        let is_onward = self.is_onward && did.status == DidStatus::Reserved && is_owners(did);
        fits && (is_onward || self.from.contains(&did.status))
    }

    /// The DID after this step, taken at `now_ms`. The caller still fills in the user, device or dial plan that the
    /// step asks for.
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
            after.call_limit = 0;
            after.grace_time_s = 0;
            after.active_from_ms = None;
            after.active_till_ms = None;
            after.custom_sip_header.clear();
            after.reseller_comment.clear();
        }
        if let (Lent::Only, Some(owner_id)) = (self.lent, did.lent_by_id) {
            after.owner_id = owner_id;
            after.lent_by_id = None;
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
            lent_by_id: None,
            call_limit: 0,
            grace_time_s: 0,
            language: "lt".into(),
            tone_zone: "lt".into(),
            active_from_ms: None,
            active_till_ms: None,
            custom_sip_header: String::new(),
            comment: "kept".into(),
            reseller_comment: String::new(),
        }
    }

    fn lent(did: Did) -> Did {
        Did {
            lent_by_id: Some(0),
            ..did
        }
    }

    #[test]
    fn each_state_has_its_steps() {
        let owners = Did {
            user_id: Some(4),
            ..did(DidStatus::Reserved)
        };
        for (did, steps) in [
            (did(DidStatus::Free), "assign reserve terminate"),
            (did(DidStatus::Reserved), "assign dialplan unreserve"),
            (owners.clone(), "assign dialplan reserve unreserve"),
            (did(DidStatus::Active), "unassign close release"),
            (did(DidStatus::Closed), "reopen free terminate"),
            (did(DidStatus::Terminated), "free"),
            (lent(did(DidStatus::Free)), "assign reserve take-back"),
            (lent(did(DidStatus::Reserved)), "assign dialplan unreserve"),
            (lent(owners), "assign dialplan reserve unreserve take-back"),
            (lent(did(DidStatus::Closed)), "reopen free"),
        ] {
            let open = STEPS.iter().filter(|step| step.is_open_to(&did));
            let names: Vec<&str> = open.map(|step| step.name).collect();
            assert_eq!(names.join(" "), steps, "{:?}", did.status);
        }
        assert_eq!(Step::find("dialplan"), Some(&DIALPLAN));
        assert_eq!(Step::find("paint"), None);
    }

    #[test]
    fn each_step_leaves_what_belongs_to_the_next_state() {
        for (step, before, after) in [
            (&UNRESERVE, DidStatus::Reserved, DidStatus::Free),
            (&CLOSE, DidStatus::Active, DidStatus::Closed),
            (&REOPEN, DidStatus::Closed, DidStatus::Reserved),
            (&RELEASE, DidStatus::Active, DidStatus::Free),
            (&FREE, DidStatus::Closed, DidStatus::Free),
            (&FREE, DidStatus::Terminated, DidStatus::Free),
            (&TERMINATE, DidStatus::Closed, DidStatus::Terminated),
            (&UNASSIGN, DidStatus::Active, DidStatus::Reserved),
        ] {
            assert_eq!(step.apply(&did(before), 1), did(after), "{}", step.name);
        }
        let taken = TAKE_BACK.apply(&lent(did(DidStatus::Reserved)), 1);
        let back = Did {
            owner_id: 0,
            ..did(DidStatus::Free)
        };
        assert_eq!(taken, back);
    }

    #[test]
    fn the_next_user_inherits_no_details() {
        let used = Did {
            call_limit: 3,
            grace_time_s: 5,
            active_from_ms: Some(1),
            active_till_ms: Some(2),
            custom_sip_header: "X-A: b".into(),
            reseller_comment: "VIP".into(),
            ..did(DidStatus::Active)
        };
        assert_eq!(RELEASE.apply(&used, 1), did(DidStatus::Free));
        assert_eq!(UNASSIGN.apply(&used, 1).call_limit, 3);
    }
}
