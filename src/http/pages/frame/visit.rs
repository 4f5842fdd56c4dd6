//! One request for a web page: who asks, what they sent, and the actor they are.

use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::Arc;

use actix_web::HttpRequest;
use actix_web::http::header::HOST;

use crate::api::parameters::Parameters;
use crate::app::App;
use crate::http::address::Client;
use crate::http::pages::frame::answer::Trouble;
use crate::http::pages::frame::cookies;
use crate::service::bulk::{Tried, Undo};
use crate::service::guard::access::{Actor, Origin, Right};
use crate::service::{Error, sessions};
use crate::store::row::Id;
use crate::store::tables::action_log::Through;
use crate::store::{ReadTx, StoreError, WriteTx};

/// A request for a page.
#[derive(Clone)]
pub struct Visit {
    /// The server.
    pub app: Arc<App>,
    /// The actor who asks; none: nobody is signed in.
    pub by: Option<Actor>,
    /// The `access_version` by which they were found.
    pub version: i64,
    /// Whether it is time to note that they were seen.
    pub is_due: bool,
    /// When all of the request had come. Limits and ends are measured by this.
    pub now_ms: i64,
    /// Whether it should change something. Such a request has no page to come back to.
    pub is_action: bool,
    /// The token of their cookie, or a new one.
    pub token: String,
    /// What they sent, in the address and in the form.
    pub sent: Parameters,
    /// The ids in the path.
    pub ids: Vec<Id>,
    /// The name in the path.
    pub name: String,
    /// The route's path.
    pub route: &'static str,
    /// The path.
    pub path: String,
    /// The path with its query.
    pub address: String,
    /// The address it comes from.
    pub remote: Option<IpAddr>,
    /// Ties the reply, the log line and the action log together.
    pub request_id: String,
    /// Whether it came over TLS.
    pub is_secure: bool,
    /// The server's base address as the browser names it: `http://127.0.0.1:8080`.
    pub base: String,
}

/// The user whom a request found to be signed in, for the moment when they act.
pub struct Standing {
    token: String,
    by: Actor,
    version: i64,
}

impl Standing {
    /// The actor they are at this moment. Refuses if their session has ended.
    pub fn renew(&self, tx: &ReadTx<'_>) -> Result<Actor, Error> {
        sessions::renew(tx, &self.token, &self.by, self.version)
    }
}

impl Visit {
    /// Reads the request, before anything is looked up.
    pub fn new(http: &HttpRequest, app: &Arc<App>, client: Client, request_id: &str) -> Self {
        let host = http.headers().get(HOST).and_then(|host| host.to_str().ok());
        let scheme = if client.is_secure { "https" } else { "http" };
        Self {
            by: None,
            version: 0,
            is_due: false,
            now_ms: app.core.ambient.now_ms(),
            is_action: false,
            token: cookies::token(http).unwrap_or_else(|| sessions::new_token(&app.core.ambient)),
            sent: Parameters::default(),
            ids: Vec::new(),
            name: String::new(),
            route: "",
            path: http.path().into(),
            address: http.uri().to_string(),
            remote: client.address,
            request_id: request_id.into(),
            base: format!("{scheme}://{}", host.unwrap_or("127.0.0.1:8080")),
            is_secure: client.is_secure,
            app: app.clone(),
        }
    }

    /// Looks up the holder of the token.
    pub fn sign_in(&mut self) -> Result<(), StoreError> {
        let found = self.read(|tx| sessions::find(tx, &self.token, self.origin()))?;
        self.is_due = found.as_ref().is_some_and(|found| found.is_due);
        self.version = found.as_ref().map_or(0, |found| found.version);
        self.by = found.map(|found| found.actor);
        Ok(())
    }

    /// The address, door and time of the request, for the actor.
    pub fn origin(&self) -> Origin {
        Origin {
            through: Through::Pages,
            address: self.remote,
            request_id: Some(self.request_id.clone()),
            now_ms: self.now_ms,
        }
    }

    /// The actor who is signed in. Nobody else reaches a route for [`Who::SignedIn`](super::route::Who).
    pub fn by(&self) -> &Actor {
        self.by.as_ref().expect("the route is for who is signed in")
    }

    /// Refuses someone who lacks a right, before a form is shown or read. The rules behind the form ask again.
    pub fn require(&self, right: Right) -> Result<(), Trouble> {
        Ok(self.by().require(right)?)
    }

    /// Whether the signed-in user has a right. Actions without it are not offered.
    pub fn may(&self, right: Right) -> bool {
        self.by.as_ref().is_some_and(|by| by.has(right))
    }

    /// The first id in the path.
    pub fn id(&self) -> Id {
        self.ids.first().copied().unwrap_or(-1)
    }

    /// The value sent under a name, without the space around it; blank when none was sent.
    pub fn text(&self, name: &str) -> String {
        self.sent.raw(name).unwrap_or_default().trim().into()
    }

    /// Whether a box was ticked.
    pub fn is_on(&self, name: &str) -> bool {
        self.sent.get(name).is_some()
    }

    /// Reads on one snapshot.
    pub fn read<T, E: From<StoreError>>(
        &self,
        work: impl FnOnce(&ReadTx<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        self.app.core.store.read(work)
    }

    /// Changes something as the signed-in user, if at that moment they still are, and with the rights that they have
    /// then.
    pub async fn write<T, F>(&self, work: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce(&WriteTx<'_>, &Actor) -> Result<T, Error> + Send + 'static,
    {
        self.as_they_stand(work).await
    }

    /// What the signed-in user would change, if at that moment they still are one: it is done, and rolled back.
    pub async fn try_out<F>(&self, work: F) -> Result<Tried, Error>
    where
        F: FnOnce(&WriteTx<'_>, &Actor) -> Result<Infallible, Undo> + Send + 'static,
    {
        match self.as_they_stand(work).await {
            Ok(never) => match never {},
            Err(undo) => undo.tried(),
        }
    }

    async fn as_they_stand<T, E, F>(&self, work: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + From<Error> + Send + 'static,
        F: FnOnce(&WriteTx<'_>, &Actor) -> Result<T, E> + Send + 'static,
    {
        let standing = self.standing();
        let store = &self.app.core.store;
        let written = store.write(move |tx| work(tx, &standing.renew(tx)?));
        written.await
    }

    /// Whether the sent form was made for the holder of the token.
    pub fn is_own_form(&self) -> bool {
        let sent = self.sent.in_body("form_token").unwrap_or_default();
        sessions::is_form_token(&self.token, sent)
    }

    /// What is needed to ask again later who is signed in.
    pub fn standing(&self) -> Standing {
        Standing {
            token: self.token.clone(),
            by: self.by().clone(),
            version: self.version,
        }
    }
}
