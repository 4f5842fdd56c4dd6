//! Who calls, and whether they may: every check of the contract before the method's own. They run when a call comes in,
//! and again when it writes or continues a list, if anything that they depend on has changed meanwhile.

use std::borrow::Cow;
use std::net::IpAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use futures_util::FutureExt;

use super::failure::Failure;
use super::fault::Fault;
use super::method::{Call, Method, Passed, Who};
use super::parameters::Parameters;
use super::request::{Request, Verb};
use super::signature;
use crate::service::core::Core;
use crate::service::guard::access::{Actor, Origin};
use crate::service::guard::attempt::Attempt;
use crate::service::guard::callers::{self, Caller, Callers};
use crate::service::guard::throttle::{self, Proof};
use crate::service::{AccessError, Rule, installation, sessions, settings};
use crate::store::tables::action_log::Through;
use crate::store::tables::settings::{Dialect, Gzip, HashCheck, RequirePassword, Settings};
use crate::store::{ReadTx, Snapshot};

/// What is known about a call on its way through the pipeline: enough to shape the answer wherever it ends.
#[derive(Clone)]
pub(super) struct Known {
    pub(super) dialect: Dialect,
    pub(super) gzip: Gzip,
    pub(super) caller: Option<String>,
}

/// The call, as the checks see it.
struct Asked<'a> {
    method: &'static Method,
    verb: Verb,
    parameters: Result<&'a Parameters, Fault>,
    address: Option<IpAddr>,
    request_id: &'a str,
    now_ms: i64,
}

/// The caller that was found.
struct Identity {
    /// The `access_version` by which they were found.
    version: i64,
    settings: Arc<Settings>,
    caller: Arc<Caller>,
}

/// A call that has passed every check before the method's own.
pub(super) struct Admitted {
    pub(super) call: Call,
    pub(super) known: Known,
    verb: Verb,
    /// The token of the session, if the console sent the call.
    session: Option<String>,
    /// The `access_version` at which it passed.
    version: i64,
    /// The argon2 string of the password that the call sent.
    verified: Option<String>,
}

impl Admitted {
    /// Runs every check in the contract's order. Returns the snapshot of the checks, unless verifying a password took
    /// its time.
    pub(super) async fn new(
        core: &Core,
        request: Request,
        known: &mut Known,
    ) -> Result<(Self, Option<Snapshot>), Failure> {
        let asked = request.asked();
        let (identity, snapshot) = admit(core, &asked, known).await?;
        let actor = identity.actor(&asked);
        let call = Call {
            method: request.method,
            actor,
            parameters: request.parameters?,
            dialect: known.dialect,
            ambient: core.ambient.clone(),
            after: 0,
            passed: Passed::default(),
        };
        let admitted = Self {
            call,
            known: known.clone(),
            verb: request.verb,
            session: request.session,
            version: identity.version,
            verified: identity.caller.password.clone(),
        };
        Ok((admitted, snapshot))
    }

    /// Runs every check again, for a call that passed before the caller's password was changed.
    pub(super) async fn again(&mut self, core: &Core) -> Result<Option<Snapshot>, Failure> {
        let mut known = self.known.clone();
        let admitted = admit(core, &self.asked(), &mut known).await;
        self.known = known;
        let (identity, snapshot) = admitted?;
        self.take(&identity);
        Ok(snapshot)
    }

    /// Refuses a call that would be refused if it came now, and gives any other the rights that its caller has now.
    /// `tx` belongs to the moment that counts. While `access_version` is unchanged, this costs one look at it.
    pub(super) fn renew(&mut self, tx: &ReadTx<'_>) -> Result<(), Failure> {
        if let Some(token) = &self.session
            && !sessions::is_on(tx, token, &self.call.actor)?
        {
            return Err(AccessError::UnknownCaller.into());
        }
        if installation::access_version(tx)? == self.version {
            return Ok(());
        }
        // The shared memory is not used here: what is found in the writer may still be rolled back.
        let unremembered = Callers::default();
        let mut known = self.known.clone();
        let identified = identify(&unremembered, None, tx, &self.asked(), &mut known)
            .map(|(identity, _)| identity);
        self.known = known;
        let identity = identified?;
        let call = &self.call;
        let password = password(call.method, &call.parameters, &identity.settings)?;
        if password.is_some() && identity.caller.password != self.verified {
            return Err(Failure::PasswordMoved);
        }
        authorise(self.call.method, &identity.actor(&self.asked()))?;
        self.take(&identity);
        Ok(())
    }

    /// Counts a failure that may be somebody guessing.
    pub(super) fn note(&self, core: &Core, failure: &Failure) {
        let asked = self.asked();
        note(core, asked.attempt(core), failure);
    }

    fn take(&mut self, identity: &Identity) {
        self.call.actor = identity.actor(&self.asked());
        self.call.dialect = self.known.dialect;
        self.version = identity.version;
        self.verified.clone_from(&identity.caller.password);
    }

    fn asked(&self) -> Asked<'_> {
        let actor = &self.call.actor;
        Asked {
            method: self.call.method,
            verb: self.verb,
            parameters: Ok(&self.call.parameters),
            address: actor.address,
            request_id: actor.request_id.as_deref().unwrap_or_default(),
            now_ms: actor.now_ms,
        }
    }
}

impl Request {
    fn asked(&self) -> Asked<'_> {
        Asked {
            method: self.method,
            verb: self.verb,
            parameters: self.parameters.as_ref().map_err(|fault| *fault),
            address: self.address,
            request_id: &self.request_id,
            now_ms: self.now_ms,
        }
    }
}

impl<'a> Asked<'a> {
    /// The attempt to prove an identity, where the call names anybody.
    fn attempt(&self, core: &'a Core) -> Option<Attempt<'a>> {
        let tried = tried(self.method, self.parameters.ok()?)?;
        Some(Attempt::new(core, self.now_ms, self.address, tried))
    }
}

impl Identity {
    fn actor(&self, asked: &Asked<'_>) -> Actor {
        let from = Origin {
            through: Through::Api,
            address: asked.address,
            request_id: Some(asked.request_id.into()),
            now_ms: asked.now_ms,
        };
        Actor::of(&self.caller.user, self.caller.permissions.clone(), from)
    }
}

/// Runs every check, waits for a password if needed, and counts failures.
async fn admit(
    core: &Core,
    asked: &Asked<'_>,
    known: &mut Known,
) -> Result<(Identity, Option<Snapshot>), Failure> {
    let attempt = asked.attempt(core);
    let snapshot = core.store.snapshot()?;
    let identified = identify(
        &core.callers,
        attempt.as_ref(),
        &snapshot.tx(),
        asked,
        known,
    );
    let (identity, sent) = match identified {
        Ok(identified) => identified,
        Err(failure) => {
            // Counting takes a reader, so this one is given back first.
            drop(snapshot);
            note(core, attempt, &failure);
            return Err(failure);
        }
    };
    let (proof, snapshot) = {
        let password = password(asked.method, sent, &identity.settings);
        let mut proof = pin!(check_password(password, &identity, attempt.as_ref()));
        match proof.as_mut().now_or_never() {
            Some(proof) => (proof, Some(snapshot)),
            // Argon2 takes its time, and nobody holds a snapshot for that long.
            None => {
                drop(snapshot);
                (proof.await, None)
            }
        }
    };
    let proof = match proof {
        Ok(proof) => proof,
        Err(failure) => {
            drop(snapshot);
            note(core, attempt, &failure);
            return Err(failure);
        }
    };
    match (asked.method.who, attempt) {
        // Knowing the name of a device proves nothing about its user.
        (Who::Device(_), _) | (_, None) => {}
        (_, Some(attempt)) => attempt.succeeded(proof),
    }
    authorise(asked.method, &identity.actor(asked))?;
    Ok((identity, snapshot))
}

/// API on, verb allowed, well formed, caller known, hash right: on one snapshot of the database.
fn identify<'a>(
    remembered: &Callers,
    attempt: Option<&Attempt<'_>>,
    tx: &ReadTx<'_>,
    asked: &Asked<'a>,
    known: &mut Known,
) -> Result<(Identity, &'a Parameters), Failure> {
    let current = remembered.current(tx, asked.now_ms)?;
    known.gzip = current.settings.gzip;
    let found = check_switches(&current.settings, asked.verb).and_then(|()| {
        let sent = asked.parameters?;
        let username = username(tx, asked.method, sent, attempt)?;
        let caller = remembered.find(tx, &current, &username)?;
        check_address(&caller, asked)?;
        Ok((caller, sent))
    });
    // Until the caller is known, and for callers who stay unknown, the system owner's dialect is spoken.
    known.dialect = match &found {
        Ok((caller, _)) => caller.owner_settings.dialect,
        Err(_) => settings::system_dialect(tx)?,
    };
    known.caller = None;
    let (caller, sent) = found?;
    known.caller = Some(caller.user.username.clone());
    check_hash(asked.method, sent, &caller)?;
    let identity = Identity {
        version: current.version,
        settings: current.settings,
        caller,
    };
    Ok((identity, sent))
}

fn check_switches(settings: &Settings, verb: Verb) -> Result<(), Failure> {
    if !settings.allow_api {
        return Err(AccessError::ApiDisabled.into());
    }
    match verb {
        Verb::Post => Ok(()),
        Verb::Get if settings.allow_get => Ok(()),
        Verb::Get => Err(AccessError::GetDisabled.into()),
        Verb::Other => Err(Fault::VerbNotAllowed.into()),
    }
}

/// The name of the caller, if attempts in that name have not failed too often.
fn username<'a>(
    tx: &ReadTx<'_>,
    method: &Method,
    sent: &'a Parameters,
    attempt: Option<&Attempt<'_>>,
) -> Result<Cow<'a, str>, Failure> {
    let tried = tried(method, sent).ok_or(AccessError::UnknownCaller)?;
    attempt.map_or(Ok(()), Attempt::check)?;
    let found = match method.who {
        Who::Signed | Who::Password => Some(tried.into()),
        Who::Owner(hash) => match sent.get(hash.name) {
            None => callers::admin(tx)?.map(Cow::Owned),
            Some(_) => None,
        },
        Who::Device(name) => {
            let name = sent.get(name.name).unwrap_or_default();
            callers::user_of_device(tx, name)?.map(Cow::Owned)
        }
    };
    Ok(found.ok_or(AccessError::UnknownCaller)?)
}

/// The name under which a call's failures are counted. A secret that works without a name is counted, and told, as no
/// name.
fn tried<'a>(method: &Method, sent: &'a Parameters) -> Option<&'a str> {
    match method.who {
        Who::Signed | Who::Password => sent.get("u"),
        Who::Owner(_) | Who::Device(_) => Some(""),
    }
}

fn check_address(caller: &Caller, asked: &Asked<'_>) -> Result<(), Failure> {
    let allowed = caller.check_address(asked.address);
    allowed.map_err(|_| Failure::Elsewhere)
}

fn check_hash(method: &Method, sent: &Parameters, caller: &Caller) -> Result<(), Failure> {
    let check = caller.owner_settings.hash_check;
    if check == HashCheck::Off {
        return Ok(());
    }
    let hash = sent.get("hash").unwrap_or_default();
    let dialect = caller.owner_settings.dialect;
    let is_needless = hash.is_empty() && signature::is_needless(method, check, dialect);
    if is_needless || !method.looks_at_hash() {
        return Ok(());
    }
    match signature::verify(method, check, sent, &caller.keys, hash) {
        Some(_) => Ok(()),
        None => Err(AccessError::IncorrectHash.into()),
    }
}

/// The password to verify; none: the hash is enough.
fn password<'a>(
    method: &Method,
    sent: &'a Parameters,
    settings: &Settings,
) -> Result<Option<&'a str>, Failure> {
    let is_required = match (method.who, settings.require_password) {
        (Who::Owner(_) | Who::Device(_), _) => return Ok(None),
        (Who::Password, _) | (Who::Signed, RequirePassword::Always) => true,
        (Who::Signed, RequirePassword::Documented) => method.needs_password,
        (Who::Signed, RequirePassword::Never) => return Ok(None),
    };
    match sent.get("p") {
        None if is_required => Err(AccessError::WrongPassword.into()),
        sent => Ok(sent),
    }
}

async fn check_password(
    password: Result<Option<&str>, Failure>,
    identity: &Identity,
    attempt: Option<&Attempt<'_>>,
) -> Result<Proof, Failure> {
    match (password?, attempt) {
        (None, _) => Ok(Proof::Hash),
        // Without a name, nobody was found.
        (Some(_), None) => Err(AccessError::UnknownCaller.into()),
        (Some(password), Some(attempt)) => {
            let stored = identity.caller.password.as_deref();
            attempt.verify(password, stored).await?;
            Ok(Proof::Password)
        }
    }
}

fn authorise(method: &Method, actor: &Actor) -> Result<(), Failure> {
    Ok(actor.require(method.right)?)
}

/// Counts a failure that may be somebody guessing. Nobody guesses without a name.
fn note(core: &Core, attempt: Option<Attempt<'_>>, failure: &Failure) {
    let rule = match failure {
        Failure::Elsewhere => {
            core.address_refusals.fetch_add(1, Ordering::Relaxed);
            AccessError::UnknownCaller.into()
        }
        Failure::Refused(refusal) => refusal.rule,
        Failure::Fault(_) | Failure::PasswordMoved | Failure::Store(_) => return,
    };
    let how = match rule {
        Rule::Access(AccessError::UnknownCaller | AccessError::WrongPassword) => {
            throttle::Failure::Credentials
        }
        Rule::Access(AccessError::IncorrectHash) => throttle::Failure::Hash,
        _ => return,
    };
    if let Some(attempt) = attempt {
        attempt.failed(how);
    }
}
