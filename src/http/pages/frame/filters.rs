//! The filters of lists as an address has them, for the lists and for what acts on everything that they find.

use crate::api::parameters::Parameters;
use crate::service::device_lists::{self, Sort};
use crate::service::guard::access::Actor;
use crate::service::{Error, devices, did_lists, providers, users};
use crate::store::ReadTx;
use crate::store::row::Id;

/// The words in the address that filter DIDs.
pub const DID_FILTERS: &[&str] = &[
    "q", "part", "status", "user", "provider", "device", "dialplan", "lent_to", "language", "hide",
];
/// The words in the address that filter devices.
pub const DEVICE_FILTERS: &[&str] = &[
    "q",
    "user",
    "type",
    "trunk",
    "blocked",
    "caller_id",
    "group",
];

/// What the forms of the lists call a word of a filter.
pub fn label(path: &str, name: &str) -> String {
    match name {
        "q" if path.starts_with("/dids") => "number begins with".into(),
        "q" => "search".into(),
        "part" => "number contains".into(),
        "lent_to" => "on loan to".into(),
        "dialplan" => "dial plan".into(),
        "caller_id" => "caller ID".into(),
        "hide" => "hide terminated ones".into(),
        other => other.into(),
    }
}

/// What a choice between yes and no means; none: it is none of the two.
pub fn yes_or_no(word: &str) -> Option<bool> {
    match word {
        "yes" => Some(true),
        "no" => Some(false),
        _ => None,
    }
}

/// A filter out of an address.
pub struct Read<T> {
    /// What it looks for.
    pub filter: T,
    /// The words whose values mean nothing. A list goes on without them; what acts on all that it finds must not.
    pub unread: Vec<&'static str>,
}

/// Reads one value after the other, and notes those that mean nothing.
struct Reader<'a> {
    tx: &'a ReadTx<'a>,
    by: &'a Actor,
    sent: &'a Parameters,
    unread: Vec<&'static str>,
}

impl<'a> Reader<'a> {
    fn text(&self, name: &str) -> &'a str {
        self.sent.get(name).unwrap_or_default().trim()
    }

    /// The meaning of a word; none: any.
    fn word<T>(&mut self, name: &'static str, find: impl Fn(&str) -> Option<T>) -> Option<T> {
        match self.text(name) {
            "" => None,
            sent => {
                let found = find(sent);
                if found.is_none() {
                    self.unread.push(name);
                }
                found
            }
        }
    }

    fn switch(&mut self, name: &'static str) -> Option<bool> {
        self.word(name, yes_or_no)
    }

    /// An id; -1, which nothing has: what was sent is none.
    fn id(&mut self, name: &'static str) -> Option<Id> {
        let sent = self.sent.id(name)?;
        if sent.is_none() {
            self.unread.push(name);
        }
        Some(sent.unwrap_or(-1))
    }

    /// The user that is named. An unknown name, or somebody else's user, has nothing.
    fn user(&mut self, name: &'static str) -> Option<Id> {
        let (tx, by) = (self.tx, self.by);
        let is_named = !self.text(name).is_empty();
        let user = self.word(name, |sent| users::get_named(tx, by, sent).ok());
        is_named.then_some(user.map_or(-1, |user| user.id))
    }

    fn read<T>(self, filter: T) -> Read<T> {
        Read {
            filter,
            unread: self.unread,
        }
    }
}

/// Which DIDs are meant.
pub fn did_filter(
    tx: &ReadTx<'_>,
    by: &Actor,
    sent: &Parameters,
) -> Result<Read<did_lists::Filter>, Error> {
    let mut reader = reader(tx, by, sent);
    let filter = did_lists::Filter {
        start: reader.text("q").into(),
        status: reader.word("status", |sent| sent.parse().ok()),
        // A provider whose name is hidden from the actor has no DIDs here: the list would tell which of them it gave.
        provider_id: match reader.id("provider") {
            None => None,
            Some(id) => Some(providers::name_of(tx, by, id)?.map_or(-1, |_| id)),
        },
        user_id: reader.user("user"),
        part: reader.text("part").into(),
        device_id: reader.id("device"),
        dialplan_id: reader.id("dialplan"),
        lent_to_id: reader.user("lent_to"),
        language: reader.text("language").to_lowercase(),
        is_hiding_terminated: reader
            .word("hide", |sent| (sent == "1").then_some(()))
            .is_some(),
    };
    Ok(reader.read(filter))
}

/// Which devices are meant, and in which order.
pub fn device_filter(
    tx: &ReadTx<'_>,
    by: &Actor,
    sent: &Parameters,
) -> Result<Read<device_lists::Filter>, Error> {
    let mut reader = reader(tx, by, sent);
    let filter = device_lists::Filter {
        search: reader.text("q").into(),
        is_strict: false,
        user_id: reader.user("user"),
        device_group_id: reader.id("group"),
        device_type: reader.word("type", devices::find_type),
        is_trunk: reader.switch("trunk"),
        is_blocked: reader.switch("blocked"),
        has_caller_id: reader.switch("caller_id"),
        sort: match reader.text("sort") {
            "extension" => Sort::Extension,
            "description" => Sort::Description,
            _ => Sort::Newest,
        },
    };
    Ok(reader.read(filter))
}

fn reader<'a>(tx: &'a ReadTx<'a>, by: &'a Actor, sent: &'a Parameters) -> Reader<'a> {
    Reader {
        tx,
        by,
        sent,
        unread: Vec::new(),
    }
}
