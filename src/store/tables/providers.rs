//! The table `providers`: the carriers that DIDs come from, and that calls go out through.

use rusqlite::named_params;
use serde::Serialize;

use crate::amount::Amount;
use crate::store::row::{Id, row, select, text_enum};
use crate::store::{ReadTx, StoreError, WriteTx};

text_enum! {
    /// How calls are sent to a provider.
    Tech {
        /// A card in the machine.
        Dahdi = "dahdi",
        /// SIP.
        Sip = "SIP",
        /// IAX2.
        Iax2 = "IAX2",
        /// H.323.
        H323 = "H323",
    }
}

text_enum! {
    /// How a provider is reached.
    NetworkType {
        /// By its host name.
        Hostname = "hostname",
        /// By its address.
        Ip = "ip",
        /// Where it registers from.
        Dynamic = "dynamic",
    }
}

row! {
    /// A provider, as DIDs need to know it.
    #[derive(Debug, Clone)]
    pub struct Provider from providers {
        /// Its number in the API (`provider_id`).
        id: Id,
        /// Admin, or the reseller it belongs to.
        owner_id: Id,
        /// Its name.
        name: String,
        /// Resellers may use it, too.
        common_use: bool,
    }
}

row! {
    /// Everything that is known of a provider. Its JSON has no secret, so it can be logged.
    #[derive(Debug, Clone, PartialEq, Eq, Serialize)]
    pub struct Details from providers {
        /// Its number in the API (`provider_id`).
        id: Id,
        /// Admin, or the reseller it belongs to.
        owner_id: Id,
        /// Its name, unique among the owner's.
        name: String,
        /// Resellers may use it, too.
        common_use: bool,
        /// How calls are sent to it.
        tech: Tech,
        /// Calls go through it.
        active: bool,
        /// How it is reached.
        network_type: NetworkType,
        /// The host name or address that calls are sent to; `dynamic` for one that registers here.
        server_ip: String,
        /// The address that its calls come from.
        ipaddr: String,
        /// The port at its end; 0 for one that registers here.
        port: u16,
        /// The PBX registers there.
        register: bool,
        /// The name that the PBX signs in with.
        #[serde(skip)]
        login: String,
        /// The password that the PBX signs in with.
        #[serde(skip)]
        password: String,
        /// The user in the From header.
        fromuser: String,
        /// The domain in the From header.
        fromdomain: String,
        /// How pressed keys are sent; blank: as the PBX has it.
        dtmfmode: String,
        /// Seconds that it may ring.
        timeout_s: u32,
        /// Seconds that a call may last; 0: without end.
        max_timeout_s: u32,
        /// Calls at once; 0: no limit.
        call_limit: u32,
        /// The balance at which its calls end.
        balance_limit: Amount = balance_limit_e8,
        /// The caller's name in calls through it; blank: their own.
        cid_name: String,
        /// The caller's number in calls through it; blank: their own.
        cid_number: String,
        /// Numbers of MOR's servers, as they were sent.
        server_ids: String,
    }
}

impl Details {
    /// A new provider, with the schema's defaults. It gets its id when it is inserted.
    pub fn new(owner_id: Id) -> Self {
        Self {
            id: 0,
            owner_id,
            name: String::new(),
            common_use: false,
            tech: Tech::Sip,
            active: true,
            network_type: NetworkType::Ip,
            server_ip: String::new(),
            ipaddr: String::new(),
            port: DEFAULT_PORT,
            register: false,
            login: String::new(),
            password: String::new(),
            fromuser: String::new(),
            fromdomain: String::new(),
            dtmfmode: String::new(),
            timeout_s: 60,
            max_timeout_s: 0,
            call_limit: 0,
            balance_limit: Amount::ZERO,
            cid_name: String::new(),
            cid_number: String::new(),
            server_ids: String::new(),
        }
    }
}

/// The port of a provider that is reached by a name or an address, unless another one is set.
pub const DEFAULT_PORT: u16 = 5060;

const FIND: &str = select!(
    Provider,
    "WHERE id = :id
  AND hidden_ms IS NULL"
);

/// The provider with this id.
pub fn find(tx: &ReadTx<'_>, id: Id) -> Result<Option<Provider>, StoreError> {
    tx.find(FIND, named_params! { ":id": id }, Provider::read)
}

const FIND_ANY: &str = select!(Provider, "WHERE id = :id");

/// The provider with this id, hidden or not: for what already refers to it.
pub fn find_any(tx: &ReadTx<'_>, id: Id) -> Result<Option<Provider>, StoreError> {
    tx.find(FIND_ANY, named_params! { ":id": id }, Provider::read)
}

const FIND_DETAILS: &str = select!(
    Details,
    "WHERE id = :id
  AND hidden_ms IS NULL"
);

/// Everything about the provider with this id.
pub fn find_details(tx: &ReadTx<'_>, id: Id) -> Result<Option<Details>, StoreError> {
    tx.find(FIND_DETAILS, named_params! { ":id": id }, Details::read)
}

const FIND_NAMED: &str = select!(
    Provider,
    "  INDEXED BY providers_named
WHERE owner_id = :owner_id
  AND name = :name
  AND hidden_ms IS NULL"
);

/// An owner's provider of this name.
pub fn find_named(
    tx: &ReadTx<'_>,
    owner_id: Id,
    name: &str,
) -> Result<Option<Provider>, StoreError> {
    let params = named_params! { ":owner_id": owner_id, ":name": name };
    tx.find(FIND_NAMED, params, Provider::read)
}

const LIST: &str = select!(
    Details,
    "WHERE id > :after
  AND hidden_ms IS NULL
ORDER BY id
LIMIT :limit"
);

/// Up to `limit` providers with ids above `after`, in id order.
pub fn list(tx: &ReadTx<'_>, after: Id, limit: u32) -> Result<Vec<Details>, StoreError> {
    let params = named_params! { ":after": after, ":limit": limit };
    tx.list(LIST, params, Details::read)
}

const WALK: &str = select!(
    Details,
    "  INDEXED BY providers_of_owner
WHERE owner_id = :owner_id
  AND id > :after
  AND hidden_ms IS NULL
ORDER BY id
LIMIT :limit"
);

/// Up to `limit` of an owner's with ids above `after`, in id order.
pub fn walk(
    tx: &ReadTx<'_>,
    owner_id: Id,
    after: Id,
    limit: u32,
) -> Result<Vec<Details>, StoreError> {
    let params = named_params! { ":owner_id": owner_id, ":after": after, ":limit": limit };
    tx.list(WALK, params, Details::read)
}

const WALK_COMMON: &str = select!(
    Details,
    "  INDEXED BY providers_for_common_use
WHERE common_use = 1
  AND id > :after
  AND owner_id <> :owner_id
  AND hidden_ms IS NULL
ORDER BY id
LIMIT :limit"
);

/// Up to `limit` providers of others that everyone may use, with ids above `after`, in id order.
pub fn walk_common(
    tx: &ReadTx<'_>,
    owner_id: Id,
    after: Id,
    limit: u32,
) -> Result<Vec<Details>, StoreError> {
    let params = named_params! { ":owner_id": owner_id, ":after": after, ":limit": limit };
    tx.list(WALK_COMMON, params, Details::read)
}

const INSERT: &str = "
INSERT INTO providers (
  owner_id,
  name,
  created_ms
) VALUES (
  :owner_id,
  :name,
  :now_ms
)";

/// Adds a provider with all its details; its id.
pub fn insert(tx: &WriteTx<'_>, new: &Details, now_ms: i64) -> Result<Id, StoreError> {
    let params = named_params! { ":owner_id": new.owner_id, ":name": new.name, ":now_ms": now_ms };
    let id = tx.insert(INSERT, params)?;
    let made = Details { id, ..new.clone() };
    update(tx, &made)?;
    Ok(id)
}

const UPDATE: &str = "
UPDATE providers
SET
  name = :name,
  common_use = :common_use,
  tech = :tech,
  active = :active,
  network_type = :network_type,
  server_ip = :server_ip,
  ipaddr = :ipaddr,
  port = :port,
  register = :register,
  login = :login,
  password = :password,
  fromuser = :fromuser,
  fromdomain = :fromdomain,
  dtmfmode = :dtmfmode,
  timeout_s = :timeout_s,
  max_timeout_s = :max_timeout_s,
  call_limit = :call_limit,
  balance_limit_e8 = :balance_limit,
  cid_name = :cid_name,
  cid_number = :cid_number,
  server_ids = :server_ids
WHERE id = :id";

/// Replaces what can be edited of a provider.
pub fn update(tx: &WriteTx<'_>, details: &Details) -> Result<(), StoreError> {
    tx.execute(
        UPDATE,
        named_params! {
            ":id": details.id,
            ":name": details.name,
            ":common_use": details.common_use,
            ":tech": details.tech,
            ":active": details.active,
            ":network_type": details.network_type,
            ":server_ip": details.server_ip,
            ":ipaddr": details.ipaddr,
            ":port": details.port,
            ":register": details.register,
            ":login": details.login,
            ":password": details.password,
            ":fromuser": details.fromuser,
            ":fromdomain": details.fromdomain,
            ":dtmfmode": details.dtmfmode,
            ":timeout_s": details.timeout_s,
            ":max_timeout_s": details.max_timeout_s,
            ":call_limit": details.call_limit,
            ":balance_limit": details.balance_limit,
            ":cid_name": details.cid_name,
            ":cid_number": details.cid_number,
            ":server_ids": details.server_ids,
        },
    )?;
    Ok(())
}

const HIDE: &str = "
UPDATE providers
SET hidden_ms = :now_ms
WHERE id = :id";

/// Hides a provider.
pub fn hide(tx: &WriteTx<'_>, id: Id, now_ms: i64) -> Result<(), StoreError> {
    tx.execute(HIDE, named_params! { ":id": id, ":now_ms": now_ms })?;
    Ok(())
}
