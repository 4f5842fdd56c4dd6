//! The entry of every request: which path leads where.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Instant;

use actix_web::http::Method as HttpMethod;
use actix_web::http::header::{CONTENT_TYPE, HeaderValue, STRICT_TRANSPORT_SECURITY};
use actix_web::web::{self, Data, Payload, ServiceConfig};
use actix_web::{HttpMessage, HttpRequest, HttpResponse};
use futures_util::FutureExt;

use super::address::Client;
use super::line::Answered;
use super::reply::HSTS;
use super::{pages, reply, request};
use crate::api::answer;
use crate::api::dispatch::{Request, Verb, dispatch};
use crate::api::fault::Fault;
use crate::api::methods::{self, METHODS};
use crate::api::xml::Layout;
use crate::app::App;
use crate::metrics;

/// The routes, for the server and for tests alike. This code matches paths instead of the framework, so that doubled
/// and trailing slashes are tolerated without a redirect, which a client would follow with a GET.
pub fn routes(config: &mut ServiceConfig, app: Arc<App>) {
    config
        .app_data(Data::from(app))
        .default_service(web::to(entry));
}

/// The routes of the metrics' own address.
pub fn metrics_routes(config: &mut ServiceConfig, app: Arc<App>) {
    config
        .app_data(Data::from(app))
        .default_service(web::to(inside));
}

/// A request that came in: its sender, and its time.
struct Arrival {
    http: HttpRequest,
    app: Arc<App>,
    client: Client,
    started: Instant,
}

impl Arrival {
    fn new(http: HttpRequest, app: Data<App>) -> Self {
        let (app, started) = (app.into_inner(), Instant::now());
        let client = Client::of(&http, &app);
        Self {
            http,
            app,
            client,
            started,
        }
    }
}

async fn entry(http: HttpRequest, payload: Payload, app: Data<App>) -> HttpResponse {
    let arrival = Arrival::new(http, app);
    let mut reply = arrival.answer(payload).await;
    if arrival.client.is_secure {
        let headers = reply.headers_mut();
        headers.insert(STRICT_TRANSPORT_SECURITY, HeaderValue::from_static(HSTS));
    }
    reply
}

async fn inside(http: HttpRequest, app: Data<App>) -> HttpResponse {
    let path = http.path().to_owned();
    let arrival = Arrival::new(http, app);
    arrival.look(&segments(&path)).await
}

fn segments(path: &str) -> Vec<&str> {
    let segments = path.split('/');
    segments.filter(|segment| !segment.is_empty()).collect()
}

impl Arrival {
    async fn answer(&self, payload: Payload) -> HttpResponse {
        if self.http.method() == HttpMethod::CONNECT {
            return self.fault(Fault::VerbNotAllowed);
        }
        let path = self.http.path().to_owned();
        match segments(&path)[..] {
            ["billing", "api", ref call @ ..] | ["api", ref call @ ..] => {
                self.api(payload, call).await
            }
            ["metrics"] if !self.app.has_public_metrics => self.unknown(),
            // Below the API's paths every answer is XML: never a web page, never a redirect to one.
            ref other @ ["billing" | "health" | "metrics", ..] => self.look(other).await,
            ref other => self.page(payload, other).await,
        }
    }

    async fn page(&self, payload: Payload, segments: &[&str]) -> HttpResponse {
        let (http, app) = (&self.http, &self.app);
        let Some(found) = pages::find(http, segments) else {
            return self.unknown();
        };
        let request_id = app.core.ambient.request_id();
        let name = found.name();
        let served = pages::serve(http, payload, app, self.client, found, &request_id);
        let reply = AssertUnwindSafe(served).catch_unwind().await;
        let Ok(reply) = reply else {
            return self.fault(Fault::Internal);
        };
        let answered = self.answered(&request_id, reply.status().as_u16());
        answered.page(name, http.method().as_str());
        reply
    }

    /// Health, metrics, and everything else that is not a call.
    async fn look(&self, path: &[&str]) -> HttpResponse {
        let (http, app) = (&self.http, &self.app);
        let is_known = matches!(path, ["health", "live" | "ready"] | ["metrics"]);
        if !is_known {
            return self.unknown();
        }
        if !matches!(*http.method(), HttpMethod::GET | HttpMethod::HEAD) {
            return self.fault(Fault::OnlyGet);
        }
        // The body is not looked at, but the request has to be complete.
        let broken = http.extensions().get::<Fault>().copied();
        if let Some(broken) = broken {
            return self.fault(broken);
        }
        let (content_type, text) = match path {
            ["metrics"] => (metrics::CONTENT_TYPE, app.metrics()),
            ["health", "ready"] => match app.check_ready().await {
                Ok(()) => (TEXT, "ok\n".into()),
                Err(error) => return self.fault(Fault::from(&error)),
            },
            _ => (TEXT, "ok\n".into()),
        };
        // Machines ask this every few seconds, so it gets no line in the log.
        reply::builder(200, &app.core.ambient.request_id())
            .insert_header((CONTENT_TYPE, content_type))
            .body(text)
    }

    async fn api(&self, payload: Payload, path: &[&str]) -> HttpResponse {
        let (http, app) = (&self.http, &self.app);
        let (method, parameters) = match methods::route(METHODS, path) {
            Some((method, segment)) => (method, request::parameters(http, payload, segment).await),
            None if path.is_empty() => match request::parameters(http, payload, None).await {
                // A parameter names the method. It is never signed.
                Ok(sent) => match sent.get(ACTION).and_then(methods::find) {
                    Some(method) => (method, Ok(sent)),
                    None => return self.unknown(),
                },
                Err(fault) => return self.fault(fault),
            },
            None => return self.unknown(),
        };
        let request_id = app.core.ambient.request_id();
        let call = Request {
            method,
            verb: match *http.method() {
                HttpMethod::POST => Verb::Post,
                HttpMethod::GET => Verb::Get,
                _ => Verb::Other,
            },
            parameters,
            address: self.client.address,
            request_id: request_id.clone(),
            now_ms: app.core.ambient.now_ms(),
            session: None,
        };
        // A panic is a defect, but its caller gets an answer, and others do not notice.
        let answer = AssertUnwindSafe(dispatch(&app.core, call))
            .catch_unwind()
            .await
            .unwrap_or_else(|_| answer::fault(Fault::Internal, Layout::Compact));
        let answered = self.answered(&request_id, answer.status);
        answered.call(app, method, answer.caller.as_deref(), answer.outcome);
        reply::xml(http.headers(), &request_id, answer)
    }

    fn answered<'a>(&self, request_id: &'a str, status: u16) -> Answered<'a> {
        Answered {
            request_id,
            address: self.client.address,
            status,
            took: self.started.elapsed(),
        }
    }

    fn unknown(&self) -> HttpResponse {
        self.fault(Fault::UnknownMethod)
    }

    /// The answer to a request that calls no method.
    fn fault(&self, fault: Fault) -> HttpResponse {
        let (headers, took) = (self.http.headers(), self.started.elapsed());
        reply::fault(&self.app, headers, self.client.address, fault, took)
    }
}

/// The parameter that names the method of a call whose path does not.
const ACTION: &str = "action";

const TEXT: &str = "text/plain; charset=utf-8";
