//! The options of devices, as a table: what only tunes a PBX. The parameters of the API, the tags of its answers, the
//! command line, the web form, the reference and the check of a database all read it. The database keeps a row only for a
//! value that differs from the default.

/// An option.
#[derive(Debug)]
pub struct DeviceOption {
    /// Its name in the database, and the parameter that sets it.
    pub name: &'static str,
    /// Another parameter that sets it.
    pub also: Option<&'static str>,
    /// Its tag in the details of a device.
    pub tag: &'static str,
    /// Where people look for it.
    pub group: Group,
    /// The values that it takes.
    pub kind: Kind,
    /// The value of a device that has none of its own.
    pub default: &'static str,
    /// A blank value clears it; elsewhere it counts as not sent.
    pub is_cleared_by_blank: bool,
    /// It changes the caller ID of calls, which takes a permission.
    pub is_caller_id: bool,
    /// Its value may hold a key, so the log does not have it.
    pub is_secret: bool,
    /// What it is for.
    pub doc: &'static str,
}

/// The kind of an option's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A whole number, from the first to the second.
    Number(u64, u64),
    /// 0 or 1.
    Flag,
    /// One of these words, in any letter case.
    Word(&'static [&'static str]),
    /// Up to so many characters, without control characters.
    Text(usize),
    /// Up to so many visible ASCII characters.
    Visible(usize),
    /// Up to so many digits.
    Digits(usize),
    /// The number of something that linebook does not keep.
    Id,
    /// A mail address.
    Mail,
    /// Two letters.
    Letters,
    /// The address of a web service, of up to so many characters.
    Url(usize),
    /// Names of codecs with commas between them, up to so many characters.
    Codecs(usize),
    /// `ADDRESS/MASK`, several with `;` between them, up to so many characters.
    Networks(usize),
}

/// Where people look for an option.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Group {
    /// How many calls, and how long.
    Limits,
    /// Whose number and name a call shows.
    CallerId,
    /// What is heard and recorded.
    Calls,
    /// How SIP is spoken.
    Signalling,
    /// Codecs and faxes.
    Media,
    /// From where it may come.
    Network,
    /// Everything else.
    Other,
}

impl Group {
    /// Every group, in the order of the form.
    pub const ALL: [Self; 7] = [
        Self::Limits,
        Self::CallerId,
        Self::Calls,
        Self::Signalling,
        Self::Media,
        Self::Network,
        Self::Other,
    ];

    /// Its title for people.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Limits => "Limits",
            Self::CallerId => "Caller ID",
            Self::Calls => "During a call",
            Self::Signalling => "SIP",
            Self::Media => "Codecs and faxes",
            Self::Network => "Networks",
            Self::Other => "Other",
        }
    }
}

const YES_NO: Kind = Kind::Word(&["yes", "no"]);

const fn option(
    name: &'static str,
    group: Group,
    kind: Kind,
    default: &'static str,
    doc: &'static str,
) -> DeviceOption {
    DeviceOption {
        name,
        also: None,
        tag: name,
        group,
        kind,
        default,
        is_cleared_by_blank: false,
        is_caller_id: false,
        is_secret: false,
        doc,
    }
}

impl DeviceOption {
    const fn tag(mut self, tag: &'static str) -> Self {
        self.tag = tag;
        self
    }

    const fn also(mut self, name: &'static str) -> Self {
        self.also = Some(name);
        self
    }

    const fn cleared_by_blank(mut self) -> Self {
        self.is_cleared_by_blank = true;
        self
    }

    const fn caller_id(mut self) -> Self {
        self.is_caller_id = true;
        self
    }

    const fn secret(mut self) -> Self {
        self.is_secret = true;
        self
    }

    /// The most characters of a value; none: its kind says more than that.
    pub const fn limit(&self) -> Option<usize> {
        match self.kind {
            Kind::Text(limit)
            | Kind::Visible(limit)
            | Kind::Digits(limit)
            | Kind::Url(limit)
            | Kind::Codecs(limit)
            | Kind::Networks(limit) => Some(limit),
            Kind::Mail => Some(254),
            Kind::Number(..) | Kind::Flag | Kind::Word(_) | Kind::Id | Kind::Letters => None,
        }
    }
}

/// The option of this name.
pub fn find(name: &str) -> Option<&'static DeviceOption> {
    OPTIONS.iter().find(|option| option.name == name)
}

/// Every option, in the order in which the API checks them and shows them. One row each.
#[rustfmt::skip]
pub const OPTIONS: &[DeviceOption] = &[
    option("call_limit", Group::Limits, Kind::Number(0, 1_000_000), "0", "Calls at once that it makes; 0: any number."),
    option("inbound_call_limit", Group::Limits, Kind::Number(0, 1_000_000), "0", "Calls at once that reach it; 0: any number."),
    option("total_call_limit", Group::Limits, Kind::Number(0, 1_000_000), "0", "Calls at once in both directions; 0: any number."),
    option("call_timeout", Group::Limits, Kind::Number(0, 86_400), "0", "Seconds after which a call ends; 0: it does not."),
    option("ringing_timeout", Group::Limits, Kind::Number(10, 3600), "60", "Seconds that it rings."),
    option("fromuser", Group::Signalling, Kind::Text(80), "", "The user in the From header of its calls."),
    option("comment", Group::Other, Kind::Text(255), "", "A note for people.").cleared_by_blank(),
    option("voicemail_email", Group::Other, Kind::Mail, "", "Where its voicemail is sent."),
    option("language", Group::Calls, Kind::Letters, "", "The language of announcements: two letters."),
    option("encryption", Group::Media, Kind::Flag, "0", "Whether its calls are encrypted."),
    option("transport", Group::Signalling, Kind::Word(&["udp", "tcp", "udp,tcp", "tcp,udp", "tls"]), "udp", "How its SIP travels."),
    option("device_balance_enabled", Group::Limits, Kind::Flag, "0", "Whether it spends its own balance."),
    option("callerid_control_by_dids", Group::CallerId, Kind::Flag, "0", "Whether it may show only the DIDs that are on it.").tag("cid_from_dids").caller_id(),
    option("progressinband", Group::Signalling, Kind::Word(&["no", "yes", "never"]), "never", "Whether ringing is sent as sound."),
    option("emergency_callerid", Group::CallerId, Kind::Digits(20), "", "The number that emergency calls show.").caller_id(),
    option("emergency_callerid_pool_id", Group::CallerId, Kind::Id, "", "The pool of numbers that emergency calls show.").caller_id(),
    option("sendrpid", Group::CallerId, YES_NO, "no", "Whether the caller's identity is sent to it."),
    option("t38_support", Group::Media, Kind::Word(&["no", "yes", "fec", "redundancy", "none"]), "no", "Faxes over T.38, and how errors are corrected."),
    option("copy_legA_name_to_LegB_number", Group::CallerId, Kind::Flag, "0", "Whether the caller's name stands in for the number.").also("сopy_legA_name_to_LegB_number"),
    option("webhook_url_for_call_end", Group::Other, Kind::Url(500), "", "Where the end of a call is reported. Nothing is sent there yet.").cleared_by_blank().secret(),
    option("record", Group::Calls, Kind::Flag, "0", "Whether its calls are recorded."),
    option("tell_balance", Group::Calls, Kind::Flag, "0", "Whether the balance is announced before a call."),
    option("tell_time", Group::Calls, Kind::Flag, "0", "Whether the time that the balance lasts is announced before a call."),
    option("transfer", Group::Calls, YES_NO, "no", "Whether it may transfer calls."),
    option("canreinvite", Group::Media, YES_NO, "no", "Whether sound may bypass the PBX."),
    option("trustrpid", Group::CallerId, YES_NO, "no", "Whether the identity that it sends is believed."),
    option("videosupport", Group::Media, YES_NO, "no", "Whether it may send video."),
    option("nat", Group::Network, Kind::Visible(40), "yes", "What is done about address translation."),
    option("qualify", Group::Network, Kind::Visible(40), "500", "Whether it is asked for a sign of life, and within how many milliseconds."),
    option("insecure", Group::Network, Kind::Visible(40), "no", "What is not looked at when it calls."),
    option("disallow", Group::Media, Kind::Codecs(255), "all", "Codecs that it may not use."),
    option("allow", Group::Media, Kind::Codecs(255), "all", "Codecs that it may use, the best first."),
    option("deny", Group::Network, Kind::Networks(255), "0.0.0.0/0.0.0.0", "From where it may not register."),
    option("permit", Group::Network, Kind::Networks(255), "0.0.0.0/0.0.0.0", "From where it may register all the same."),
    option("dtmfmode", Group::Media, Kind::Word(&["inband", "info", "rfc2833", "auto"]), "rfc2833", "How pressed keys are sent."),
    option("callgroup", Group::Calls, Kind::Text(80), "", "The groups that its calls belong to."),
    option("pickupgroup", Group::Calls, Kind::Text(80), "", "The groups whose calls it may pick up."),
    option("fromdomain", Group::Signalling, Kind::Text(80), "", "The domain in the From header of its calls."),
    option("allowtransfer", Group::Calls, Kind::Text(80), "", "Whether the PBX transfers its calls."),
    option("tell_rtime_when_left", Group::Calls, Kind::Number(0, 3600), "60", "Seconds before the end at which the rest is announced."),
    option("repeat_rtime_every", Group::Calls, Kind::Number(0, 3600), "60", "Seconds after which that is announced again."),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_option_has_names_of_its_own() {
        let names = OPTIONS.iter().map(|option| option.name);
        let others = OPTIONS.iter().filter_map(|option| option.also);
        let names: Vec<&str> = names.chain(others).collect();
        assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len());
        let tags: BTreeSet<&str> = OPTIONS.iter().map(|option| option.tag).collect();
        assert_eq!(tags.len(), OPTIONS.len());
        assert!(OPTIONS.iter().all(|option| option.name.len() <= 40));
        assert!(find("call_limit").is_some());
        assert!(find("cid_from_dids").is_none());
    }

    #[test]
    fn the_other_name_begins_with_a_letter_that_only_looks_like_ours() {
        let option = find("copy_legA_name_to_LegB_number").expect("an option");
        let also = option.also.expect("another name");
        assert!(also.starts_with('\u{441}'), "{also}");
        assert_eq!(&also[2..], &option.name[1..]);
    }

    #[test]
    fn every_group_has_an_option_and_every_default_is_a_word_of_its_kind() {
        for group in Group::ALL {
            assert!(
                OPTIONS.iter().any(|option| option.group == group),
                "{group:?}"
            );
        }
        for option in OPTIONS {
            if let Kind::Word(words) = option.kind {
                assert!(words.contains(&option.default), "{}", option.name);
            }
        }
    }
}
