//! Who acts, on whose things, and with which rights: the rules that every other rule asks.

use std::net::IpAddr;

use crate::service::{AccessError, Error, Field, Rule};
use crate::store::row::Id;
use crate::store::tables::action_log::Through;
use crate::store::tables::users::{self, ADMIN, Permission, User, UserType};
use crate::store::{ReadTx, StoreError};

/// The things that an actor reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scope {
    /// Everyone's: an operator on the command line has the file anyway.
    Everything,
    /// One owner's: admin's (0) or a reseller's.
    Owner(Id),
    /// One plain user's own, for looking only.
    User(Id),
}

/// A right to see or do something. The API's rules about callers are the model, also for things that the API has no
/// method for. Every function of the rules that shows or changes something asks for one by itself, whoever calls it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Right {
    /// Be signed in at all: the overview, one's own password.
    SignedIn,
    /// See one's own users by name: someone who manages a thing says whose it is.
    SeeUsers,
    /// See devices and CLIs.
    SeeDevices,
    /// Create, change and hide devices and device groups; add, change and delete CLIs.
    ManageDevices,
    /// See DIDs.
    SeeDids,
    /// Create DIDs and take them through their life.
    ManageDids,
    /// See, create, block users; set their passwords.
    ManageUsers,
    /// Give and take permissions.
    ManagePermissions,
    /// See the providers that one may put DIDs on.
    SeeProviders,
    /// Providers, IVRs and dial plans.
    ManageSetup,
    /// Say to which number a DID takes oneself.
    UseQuickforwards,
    /// See and change phonebooks.
    ManagePhonebooks,
    /// Keys, an owner's settings and allow-list; Generate hash and the console.
    ManageApi,
    /// See the action log.
    SeeLog,
    /// Things of the server as a whole: its clock.
    ManageServer,
}

/// The action log's name for someone on the command line. It cannot be a username.
pub const OPERATOR: &str = "operator";
/// Its name for the server itself. It cannot be a username.
pub const SYSTEM: &str = "system";

/// Where somebody acts from, and when.
#[derive(Debug, Clone)]
pub struct Origin {
    /// The door.
    pub through: Through,
    /// The address.
    pub address: Option<IpAddr>,
    /// The id of the request.
    pub request_id: Option<String>,
    /// When, in milliseconds since 1970-01-01 UTC.
    pub now_ms: i64,
}

/// Someone who acts, as far as the rules and the action log need to know them.
#[derive(Debug, Clone)]
pub struct Actor {
    /// Their user; none for the operator and the server itself.
    pub user_id: Option<Id>,
    /// Their username, `operator` or `system`.
    pub name: String,
    /// The type of their user. The operator and the server act as admin.
    pub user_type: UserType,
    /// Their permissions beyond their type.
    pub permissions: Vec<Permission>,
    /// The door they came through.
    pub through: Through,
    /// The address.
    pub address: Option<IpAddr>,
    /// The id of their request.
    pub request_id: Option<String>,
    /// When, in milliseconds since 1970-01-01 UTC.
    pub now_ms: i64,
    /// The things they reach. Private, so that every actor is made in this file.
    scope: Scope,
}

impl Actor {
    /// The actor for a user, whichever door they come through. A plain user reaches their own things, everyone else the
    /// things of their owner.
    pub fn of(user: &User, permissions: Vec<Permission>, from: Origin) -> Self {
        Self {
            scope: match user.user_type {
                UserType::User => Scope::User(user.id),
                _ => Scope::Owner(scope_of(user)),
            },
            user_id: Some(user.id),
            name: user.username.clone(),
            user_type: user.user_type,
            permissions,
            through: from.through,
            address: from.address,
            request_id: from.request_id,
            now_ms: from.now_ms,
        }
    }

    /// The actor for a user, with their permissions from the database.
    pub fn find(tx: &ReadTx<'_>, user: &User, from: Origin) -> Result<Self, StoreError> {
        Ok(Self::of(user, users::permissions(tx, user.id)?, from))
    }

    /// The operator on the command line.
    pub fn operator(now_ms: i64) -> Self {
        Self::nobody(OPERATOR, Through::Cli, now_ms)
    }

    /// The server itself.
    pub fn system(now_ms: i64) -> Self {
        Self::nobody(SYSTEM, Through::System, now_ms)
    }

    fn nobody(name: &str, through: Through, now_ms: i64) -> Self {
        Self {
            user_id: None,
            name: name.into(),
            scope: Scope::Everything,
            user_type: UserType::Admin,
            permissions: Vec::new(),
            through,
            address: None,
            request_id: None,
            now_ms,
        }
    }

    /// Where they act from, and when.
    pub fn origin(&self) -> Origin {
        Origin {
            through: self.through,
            address: self.address,
            request_id: self.request_id.clone(),
            now_ms: self.now_ms,
        }
    }

    /// Whether they have a permission. Admin has all of them.
    pub fn may(&self, permission: Permission) -> bool {
        self.user_type == UserType::Admin || self.permissions.contains(&permission)
    }

    /// Whether they have a right. Accountants and managers act for admin within their permissions, managers never on
    /// DIDs. A reseller needs the permission to manage DIDs, and sees their own without it. A plain user looks at their
    /// own things.
    pub fn has(&self, right: Right) -> bool {
        let devices = self.may(Permission::ManageDevices);
        let dids = self.may(Permission::ManageDids);
        match self.user_type {
            UserType::Admin => true,
            UserType::Reseller => match right {
                Right::ManageDids => dids,
                Right::ManagePermissions | Right::ManageServer => false,
                _ => true,
            },
            UserType::Accountant | UserType::Manager => match right {
                Right::SignedIn | Right::SeeLog => true,
                Right::SeeUsers => self.has(Right::SeeDevices) || self.has(Right::SeeDids),
                Right::SeeDevices | Right::ManageDevices | Right::ManagePhonebooks => devices,
                Right::SeeDids | Right::ManageDids | Right::SeeProviders => {
                    dids && self.user_type == UserType::Accountant
                }
                _ => false,
            },
            UserType::User => matches!(
                right,
                Right::SignedIn
                    | Right::SeeUsers
                    | Right::SeeDevices
                    | Right::SeeDids
                    | Right::ManagePhonebooks
                    | Right::UseQuickforwards
            ),
        }
    }

    /// What a user of this type needs for a right beyond their type: nothing, or a permission. None: they can never
    /// have it.
    pub fn needs(user_type: UserType, right: Right) -> Option<Option<Permission>> {
        let mut actor = Self::system(0);
        actor.user_type = user_type;
        let permissions = Permission::ALL.iter().copied().map(Some);
        let mut needed = std::iter::once(None).chain(permissions);
        needed.find(|permission| {
            actor.permissions = permission.iter().copied().collect();
            actor.has(right)
        })
    }

    /// Refuses an actor who lacks a right.
    pub fn require(&self, right: Right) -> Result<(), Error> {
        if self.has(right) {
            return Ok(());
        }
        // If a permission would give their type the right, the refusal says that it is missing.
        let could = Self {
            permissions: Permission::ALL.to_vec(),
            ..self.clone()
        };
        Err(match could.has(right) {
            true => AccessError::NotPermitted.into(),
            false => AccessError::WrongType.into(),
        })
    }

    /// Refuses an actor who does not reach everything: lists over all owners are the operator's alone.
    pub fn require_everything(&self) -> Result<(), Error> {
        match self.scope {
            Scope::Everything => Ok(()),
            Scope::Owner(_) | Scope::User(_) => Err(AccessError::WrongType.into()),
        }
    }

    /// The owner they make things for: their scope, or admin. A plain user makes nothing; for them it is their own id,
    /// which owns nothing.
    pub fn owner_id(&self) -> Id {
        match self.scope {
            Scope::Everything => ADMIN,
            Scope::Owner(id) | Scope::User(id) => id,
        }
    }

    /// The plain user, if the actor is one and sees only their own things.
    pub fn only_user(&self) -> Option<Id> {
        match self.scope {
            Scope::User(id) => Some(id),
            Scope::Everything | Scope::Owner(_) => None,
        }
    }

    /// Whether the things of `owner_id` are theirs.
    pub fn owns(&self, owner_id: Id) -> bool {
        match self.scope {
            Scope::Everything => true,
            Scope::Owner(own) => own == owner_id,
            Scope::User(_) => false,
        }
    }

    /// Whether a user is their own: one in their scope, or the scope itself.
    pub fn owns_user(&self, user: &User) -> bool {
        match self.scope {
            Scope::User(id) => id == user.id,
            _ => self.owns(user.owner_id) || self.owns(user.id),
        }
    }

    /// The user with this id, if they are the actor's own. Any other counts as missing.
    pub fn own_user(&self, tx: &ReadTx<'_>, id: Id) -> Result<Option<User>, StoreError> {
        Ok(users::find(tx, id)?.filter(|user| self.owns_user(user)))
    }
}

/// The owner whose scope a user's things are in: admin and resellers are their own, everyone else's is their owner.
pub fn scope_of(user: &User) -> Id {
    match user.user_type {
        UserType::Admin | UserType::Reseller => user.id,
        UserType::Accountant | UserType::Manager | UserType::User => user.owner_id,
    }
}

/// Refuses an owner who is not admin or a reseller whom the actor reaches.
pub fn check_owner(tx: &ReadTx<'_>, by: &Actor, owner_id: Id) -> Result<(), Error> {
    if !is_owner(tx, by, owner_id)? {
        return Err(Rule::Invalid(Field::Owner).into());
    }
    Ok(())
}

/// Whether `owner_id` is admin or a reseller whom the actor reaches.
pub fn is_owner(tx: &ReadTx<'_>, by: &Actor, owner_id: Id) -> Result<bool, StoreError> {
    let owner = by.own_user(tx, owner_id)?;
    Ok(owner.is_some_and(|owner| matches!(owner.user_type, UserType::Admin | UserType::Reseller)))
}
