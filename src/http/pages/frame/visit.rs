//! One request for a page: who asks, what they sent, and as whom they act.

use std::net::IpAddr;
use std::sync::Arc;

use actix_web::HttpRequest;
use actix_web::http::header::HOST;

use crate::api::parameters::Parameters;
use crate::app::App;
use crate::http::address::Client;
use crate::http::pages::frame::answer::Trouble;
use crate::http::pages::frame::cookies;
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
    /// Who asks; none: nobody is signed in.
    pub by: Option<Actor>,
    /// The `access_version` by which that was found.
    pub version: i64,
    /// It is time to note that he was seen.
    pub is_due: bool,
    /// When the request had come in whole: limits and ends are measured by it.
    pub now_ms: i64,
    /// It is to change something, and no page to come back to.
    pub is_action: bool,
    /// The token of his cookie, or a new one.
    pub token: String,
    /// What he sent, in the address and in the form.
    pub sent: Parameters,
    /// The ids in the path.
    pub ids: Vec<Id>,
    /// The name in the path.
    pub name: String,
    /// The route's path.
    pub route: &'static str,
    /// The path.
    pub path: String,
    /// The path and what stands behind its question mark.
    pub address: String,
    /// From where.
    pub remote: Option<IpAddr>,
    /// Ties the reply, the log line and the action log together.
    pub request_id: String,
    /// Over TLS.
    pub is_secure: bool,
    /// The server as the browser names it: `http://127.0.0.1:8080`.
    pub base: String,
}

/// Who a request found to be signed in, for when they act.
pub struct Standing {
    token: String,
    by: Actor,
    version: i64,
}

impl Standing {
    /// As whom they act in this moment; refused, if their session has ended.
    pub fn renew(&self, tx: &ReadTx<'_>) -> Result<Actor, Error> {
        sessions::renew(tx, &self.token, &self.by, self.version)
    }
}

impl Visit {
    /// What the request says, before anything is looked up.
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

    /// Finds out who holds the token.
    pub fn sign_in(&mut self) -> Result<(), StoreError> {
        let found = self.read(|tx| sessions::find(tx, &self.token, self.origin()))?;
        self.is_due = found.as_ref().is_some_and(|found| found.is_due);
        self.version = found.as_ref().map_or(0, |found| found.version);
        self.by = found.map(|found| found.actor);
        Ok(())
    }

    /// From where whoever asks acts.
    pub fn origin(&self) -> Origin {
        Origin {
            through: Through::Pages,
            address: self.remote,
            request_id: Some(self.request_id.clone()),
            now_ms: self.now_ms,
        }
    }

    /// Who is signed in. A route for [`Who::SignedIn`](super::route::Who) is not reached by anyone else.
    pub fn by(&self) -> &Actor {
        self.by.as_ref().expect("the route is for who is signed in")
    }

    /// Refuses whoever lacks a right, before a form is shown or read: the rules behind the form ask again.
    pub fn require(&self, right: Right) -> Result<(), Trouble> {
        Ok(self.by().require(right)?)
    }

    /// Whether whoever is signed in has a right: what he lacks is not offered.
    pub fn may(&self, right: Right) -> bool {
        self.by.as_ref().is_some_and(|by| by.has(right))
    }

    /// The first id in the path.
    pub fn id(&self) -> Id {
        self.ids.first().copied().unwrap_or(-1)
    }

    /// What was sent under a name, without the space around it; blank when nothing was.
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

    /// Changes something as whoever is signed in, if in that moment he still is, and with the rights that he then has.
    pub async fn write<T, F>(&self, work: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce(&WriteTx<'_>, &Actor) -> Result<T, Error> + Send + 'static,
    {
        let standing = self.standing();
        let written = self
            .app
            .core
            .store
            .write(move |tx| work(tx, &standing.renew(tx)?));
        written.await
    }

    /// Whether the form that was sent was made for the holder of the token.
    pub fn is_own_form(&self) -> bool {
        let sent = self.sent.in_body("form_token").unwrap_or_default();
        sessions::is_form_token(&self.token, sent)
    }

    /// What it takes to ask later who is signed in.
    pub fn standing(&self) -> Standing {
        Standing {
            token: self.token.clone(),
            by: self.by().clone(),
            version: self.version,
        }
    }
}
