//! A demo world of one's own, whose web pages anyone in it can ask for, without a network.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use actix_web::dev::Service;
use actix_web::http::header::{ACCEPT, COOKIE, LOCATION, SET_COOKIE};
use actix_web::http::{Method, StatusCode};
use actix_web::rt::System;
use actix_web::test::{TestRequest, init_service, read_body};
use linebook::ambient::Ambient;
use linebook::api::encoding::percent_encode;
use linebook::app::App;
use linebook::http::entry::routes;
use linebook::service::guard::access::Actor;
use linebook::service::sessions;
use linebook::store::tables::installation;
use linebook::store::{FILE_NAME, OpenError, Options, Store};
use rusqlite::Connection;
use rusqlite::types::Value;
use tempfile::TempDir;

/// When everything in a world happens.
pub const NOW_MS: i64 = 1_800_000_000_000;

static DEMO: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::create(folder.path(), Options::default(), |tx| {
        installation::insert(tx, true, 1, NOW_MS)?;
        installation::insert_demo_world(tx)?;
        Ok::<_, OpenError>(())
    });
    drop(store.unwrap());
    std::fs::read(folder.path().join(FILE_NAME)).unwrap()
});

/// Every row of every table except for the sessions.
pub type Dump = BTreeMap<String, Vec<Vec<Value>>>;

pub struct World {
    pub app: Arc<App>,
    pub folder: TempDir,
    system: actix_web::rt::SystemRunner,
}

/// A web page's reply.
#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Reply {
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }

    pub fn location(&self) -> &str {
        self.header(LOCATION.as_str()).unwrap_or("")
    }

    /// The token in the cookie that was set.
    pub fn token(&self) -> Option<String> {
        let cookie = self.header(SET_COOKIE.as_str())?;
        let value = cookie.strip_prefix("linebook=")?.split(';').next()?;
        Some(value.to_owned())
    }
}

impl World {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(FILE_NAME), &*DEMO).unwrap();
        let store = Store::open(folder.path(), Options::default()).unwrap();
        let ambient = Arc::new(Ambient::fixed(NOW_MS, 1));
        Self {
            app: Arc::new(App::new(store, ambient)),
            folder,
            system: System::new(),
        }
    }

    /// A session of this user, made without their password.
    pub fn token(&self, user_id: i64) -> String {
        let token = sessions::new_token(&self.app.core.ambient);
        let kept = token.clone();
        let started =
            self.app.core.store.write_blocking(move |tx| {
                sessions::start(tx, &Actor::system(NOW_MS), user_id, &kept)
            });
        started.unwrap();
        token
    }

    pub fn send(&self, method: Method, path: &str, token: &str, form: &[(&str, &str)]) -> Reply {
        self.system.block_on(async {
            let app = self.app.clone();
            let service =
                init_service(actix_web::App::new().configure(|config| routes(config, app)));
            let service = service.await;
            let body: Vec<String> = form
                .iter()
                .map(|(name, value)| format!("{name}={}", percent_encode(value)))
                .collect();
            let mut request = TestRequest::default()
                .method(method)
                .uri(path)
                .peer_addr("127.0.0.1:5000".parse().unwrap())
                .insert_header((ACCEPT, "text/html,*/*;q=0.8"));
            if !token.is_empty() {
                request = request.insert_header((COOKIE, format!("a=b; linebook={token}")));
            }
            if !form.is_empty() {
                request = request
                    .insert_header(("Content-Type", "application/x-www-form-urlencoded"))
                    .set_payload(body.join("&"));
            }
            let response = service.call(request.to_request()).await.unwrap();
            let status: StatusCode = response.status();
            let headers = response.headers().iter();
            let headers = headers
                .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
                .collect();
            let body = read_body(response).await;
            Reply {
                status: status.as_u16(),
                headers,
                body: String::from_utf8(body.to_vec()).unwrap(),
            }
        })
    }

    pub fn block_on<T>(&self, future: impl Future<Output = T>) -> T {
        self.system.block_on(future)
    }

    pub fn get(&self, path: &str, token: &str) -> Reply {
        self.send(Method::GET, path, token, &[])
    }

    /// Sends a form with the token that its page holds.
    pub fn post(&self, path: &str, token: &str, form: &[(&str, &str)]) -> Reply {
        let form_token = sessions::form_token(token);
        let whole = [&[("form_token", form_token.as_str())], form].concat();
        self.send(Method::POST, path, token, &whole)
    }

    pub fn connection(&self) -> Connection {
        Connection::open(self.folder.path().join(FILE_NAME)).unwrap()
    }

    pub fn sql(&self, sql: &str) {
        self.connection().execute_batch(sql).expect(sql);
    }

    pub fn value(&self, sql: &str) -> String {
        let value: Value = self
            .connection()
            .query_row(sql, [], |row| row.get(0))
            .expect(sql);
        match value {
            Value::Text(text) => text,
            Value::Integer(number) => number.to_string(),
            other => format!("{other:?}"),
        }
    }

    pub fn dump(&self) -> Dump {
        let connection = self.connection();
        let mut names = connection
            .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name <> 'sessions'")
            .unwrap();
        let names: Vec<String> = names
            .query_map([], |row| row.get(0))
            .unwrap()
            .map(Result::unwrap)
            .collect();
        let read = |name: &String| {
            let mut rows = connection
                .prepare(&format!("SELECT * FROM {name}"))
                .unwrap();
            let count = rows.column_count();
            rows.query_map([], |row| (0..count).map(|place| row.get(place)).collect())
                .unwrap()
                .map(Result::unwrap)
                .collect()
        };
        names
            .iter()
            .map(|name| (name.clone(), read(name)))
            .collect()
    }
}
