//! The API console: any method, its form made from its entry in the table, called through the API's own pipeline.

use maud::{Markup, html};

use crate::api::answer::Body;
use crate::api::dispatch::{Request, Verb, dispatch};
use crate::api::method::{Kind, Method, Parameter};
use crate::api::parameters::Parameters;
use crate::api::{encoding, methods, signature};
use crate::http::pages::frame::answer::{Answer, Trouble};
use crate::http::pages::frame::parts::{self, Field, select};
use crate::http::pages::frame::visit::Visit;
use crate::service::guard::access::Right;
use crate::service::guard::callers::{Signers, signers};

/// The most bytes of an answer that are shown.
const SHOWN: usize = 64 * 1024;

/// All methods.
pub async fn choose(visit: Visit) -> Result<Answer, Trouble> {
    visit.require(Right::ManageApi)?;
    let body = html! {
        p { "Pick a method, fill it in, and see the signed request and the XML that comes back. The call is real, and so are its changes." }
        ul.methods {
            @for method in methods::METHODS {
                li { a href={ "/console/" (method.name) } { code { (method.name) } } " " (method.summary) }
            }
        }
        (parts::way_to_hash())
    };
    Ok(visit.page("API console", body))
}

fn method(visit: &Visit) -> Result<&'static Method, Trouble> {
    let found = methods::METHODS
        .iter()
        .find(|method| method.name == visit.name);
    found.copied().ok_or(Trouble::NotFound)
}

/// The form of one method.
pub async fn form(visit: Visit) -> Result<Answer, Trouble> {
    visit.require(Right::ManageApi)?;
    let method = method(&visit)?;
    Ok(render(&visit, method, html! {}))
}

fn render(visit: &Visit, method: &'static Method, outcome: Markup) -> Answer {
    let body = html! {
        p.crumbs { a href="/console" { "API console" } " / " (method.name) }
        p { (method.summary) }
        div.columns {
            (parts::form(visit, &format!("/console/{}", method.name), "Call it", &None, html! {
                p.hint { "u is " b { (visit.by().name) } "; the hash is made with your oldest active key. Blank fields are not sent." }
                @for parameter in method.parameters { (field(visit, parameter)) }
                @if method.asks_for_password() {
                    (Field::text("p", "p", "").kind("password").hint("Your password: MOR's manual asks for it").render(&None))
                }
            }))
            div { (outcome) }
        }
    };
    visit.page(method.name, body)
}

fn field(visit: &Visit, parameter: &'static Parameter) -> Markup {
    let value = visit.sent.raw(parameter.name).unwrap_or_default();
    if let Kind::OneOf(words) = parameter.kind {
        let mut options = vec![(String::new(), "(not sent)".to_owned())];
        options.extend(parts::options(words));
        return select(
            parameter.name,
            parameter.name,
            &options,
            value,
            parameter.doc,
            &None,
        );
    }
    // Nothing is required here: the API's answer to a call without it is worth seeing.
    Field::text(parameter.name, parameter.name, value)
        .hint(parameter.doc)
        .render(&None)
}

/// Signs a call and makes it.
pub async fn call(visit: Visit) -> Result<Answer, Trouble> {
    visit.require(Right::ManageApi)?;
    let method = method(&visit)?;
    let by = visit.by();
    let signers = visit.read(|tx| signers(tx, by, &by.name))?;
    let key = signers.and_then(|Signers { keys, .. }| keys.into_iter().next());
    let Some(key) = key else {
        let none = html! { p.notice.bad { "There is no active key to sign with. " a href="/settings" { "Make one" } } };
        return Ok(render(&visit, method, none));
    };
    let mut pairs = Vec::new();
    if method.names_caller() {
        pairs.push(("u".to_owned(), by.name.clone()));
    }
    let names = method
        .parameters
        .iter()
        .map(|parameter| parameter.name)
        .chain(["p"]);
    pairs.extend(names.filter_map(|name| Some((name.to_owned(), visit.sent.text(name)?))));
    let unsigned = Parameters::new(pairs.clone())?;
    let hash = method
        .order()
        .map(|order| signature::sign(order, &unsigned, &key));
    pairs.extend(hash.map(|hash| ("hash".into(), hash)));
    // This asks for XML that people can read.
    pairs.push(("test".into(), "1".into()));
    let request = Request {
        method,
        verb: Verb::Post,
        parameters: Parameters::new(pairs.clone()),
        address: visit.remote,
        request_id: visit.request_id.clone(),
        now_ms: visit.now_ms,
        session: Some(visit.token.clone()),
    };
    let answer = dispatch(&visit.app.core, request).await;
    // If the session had ended by then, the call did nothing, and nothing is shown either.
    visit.read(|tx| visit.standing().renew(tx))?;
    let status = answer.status;
    let (xml, is_whole) = collect(answer.body);
    let outcome = html! {
        section.card {
            h2 { "Request" }
            pre #request tabindex="0" { (written(method, &pairs)) }
            h2 { "Answer, HTTP " (status) }
            pre #answer tabindex="0" { (xml) }
            @if !is_whole { p.hint { "The rest is not shown here." } }
        }
    };
    Ok(render(&visit, method, outcome))
}

/// The request as it is sent. The page does not repeat the password.
fn written(method: &Method, pairs: &[(String, String)]) -> String {
    let sent = pairs.iter().map(|(name, value)| match name.as_str() {
        "p" => "p=******".into(),
        name => encoding::query([(name, value.as_str())]),
    });
    let sent: Vec<String> = sent.collect();
    format!("POST /billing/api/{}?{}", method.name, sent.join("&"))
}

/// The XML, as far as it is shown.
fn collect(body: Body) -> (String, bool) {
    let mut bytes = match body {
        Body::Whole(bytes) => bytes,
        Body::Pieces(pieces) => {
            let mut bytes = Vec::new();
            for piece in pieces {
                bytes.extend(piece.unwrap_or_default());
                if bytes.len() > SHOWN {
                    break;
                }
            }
            bytes
        }
    };
    let is_whole = bytes.len() <= SHOWN;
    bytes.truncate(SHOWN);
    (String::from_utf8_lossy(&bytes).into_owned(), is_whole)
}
