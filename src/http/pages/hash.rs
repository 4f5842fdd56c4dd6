//! Generate hash: how a pasted request is signed, and why its hash is or is not accepted.

use maud::{Markup, html};

use crate::api::diagnosis::{Budget, Diagnosis, diagnose};
use crate::api::encoding::pasted;
use crate::api::fault::Fault;
use crate::api::method::{HashLevel, HashOrder, Method};
use crate::api::parameters::Parameters;
use crate::api::{curl, methods, signature};
use crate::http::pages::frame::answer::{Answer, Trouble};
use crate::http::pages::frame::parts::{self, Problem};
use crate::http::pages::frame::visit::Visit;
use crate::service::guard::access::Right;
use crate::service::guard::callers::{Signers, signers};
use crate::service::keys::mask;
use crate::store::tables::settings::HashCheck;

/// The empty form.
pub async fn form(visit: Visit) -> Result<Answer, Trouble> {
    visit.require(Right::ManageApi)?;
    Ok(render(&visit, &None, html! {}))
}

fn render(visit: &Visit, problem: &Problem, found: Markup) -> Answer {
    let request = visit.sent.raw("request").unwrap_or_default();
    let bad = problem.as_ref().map(|(_, text)| text);
    let body = html! {
        p { b { "A client gets “Incorrect hash”?" } " Paste their request as it was sent to see why: what its hash was made of, and what it must be made of. Nothing is called, and nothing is changed." }
        form.card method="post" action="/hash" {
            (parts::form_token(visit))
            div.field {
                label for="request" { "Request" }
                textarea #request name="request" rows="4" spellcheck="false" aria-invalid=[bad.map(|_| "true")]
                    aria-describedby=(if bad.is_some() { "request-problem request-hint" } else { "request-hint" }) { (request) }
                @if let Some(text) = bad { p.problem #request-problem role="alert" { (text) } }
                p.hint #request-hint { "What the client sends, or the line of curl: " code { "/billing/api/device_create?u=admin&user_id=2&hash=…" }
                    ". A body goes on the next line." }
            }
            div.buttons { button type="submit" { "Explain" } }
        }
        (found)
    };
    visit.page_or_problem("Generate hash", problem.is_some(), body)
}

/// Explains a request.
pub async fn explain(visit: Visit) -> Result<Answer, Trouble> {
    visit.require(Right::ManageApi)?;
    let request = visit.sent.raw("request").unwrap_or_default();
    let (method, parameters) = match read(request) {
        Ok(read) => read,
        Err(text) => return Ok(render(&visit, &Some(("request", text)), html! {})),
    };
    let by = visit.by();
    let user_id = by.user_id.unwrap_or_default();
    let Some(_alone) = visit.app.explanations.begin(user_id) else {
        let text = "Another request of yours is being explained at this moment. Wait until it is done, then send this one again.";
        return Ok(render(&visit, &Some(("request", text.into())), html! {}));
    };
    let username = parameters.get("u").unwrap_or(&by.name).to_owned();
    let signers = visit.read(|tx| signers(tx, by, &username))?;
    let Some(signers) = signers else {
        let text = format!(
            "There is no {username} here who could call: u names nobody, somebody blocked, or somebody else's"
        );
        return Ok(render(&visit, &Some(("request", text)), html! {}));
    };
    let found = html! {
        (verdict(method, &parameters, &signers))
        (signing(&visit, method, &parameters, &signers))
    };
    Ok(render(&visit, &None, found))
}

/// The method and the parameters of a pasted request.
fn read(request: &str) -> Result<(&'static Method, Parameters), String> {
    let (address, body) = match request.trim().split_once('\n') {
        Some((address, body)) => (address.trim(), body.trim()),
        None => (request.trim(), ""),
    };
    if address.is_empty() {
        return Err("Paste a request first".into());
    }
    // A line of curl holds the address between quotes.
    let address = address
        .split(['\'', '"'])
        .find(|part| part.contains("api/"))
        .unwrap_or(address);
    // One of the manual's own addresses has a misprinted question mark.
    let (path, query) = address.split_once(['?', '&']).unwrap_or((address, ""));
    let name = path
        .trim_end_matches('/')
        .rsplit('/')
        .next()
        .unwrap_or_default();
    let method = methods::find(name).ok_or_else(|| {
        let known: Vec<&str> = methods::METHODS.iter().map(|method| method.name).collect();
        format!("`{name}` is not a method: there are {}", known.join(", "))
    })?;
    let mut pairs = pasted(query).map_err(Fault::text)?;
    pairs.extend(pasted(body).map_err(Fault::text)?);
    let parameters = Parameters::new(pairs).map_err(Fault::text)?;
    Ok((method, parameters))
}

/// What the server would say to the sent hash.
fn verdict(method: &Method, parameters: &Parameters, signers: &Signers) -> Markup {
    let sent = parameters.get("hash").unwrap_or_default();
    if signers.check == HashCheck::Off {
        return html! { section.notice.warn { p #verdict { "The hash is not looked at: hash_check is off for these calls." } } };
    }
    let Signers { keys, check } = signers;
    let found = diagnose(method, *check, parameters, keys, sent, Budget::PAGE).diagnosis;
    let key = found.key().and_then(|key| keys.get(key));
    let is_good = matches!(found, Diagnosis::Accepted(..));
    html! {
        section.notice.good[is_good].bad[!is_good] {
            p {
                b { @if is_good { "The hash that was sent is accepted. " } @else { "The server would answer “Incorrect hash”. " } }
                span #verdict { (plainly(&found)) @if let Some(key) = key { " (" code { (mask(key)) } ")" } "." }
            }
            (advice(&found, signers))
            @for parameter in method.parameters.iter().filter(|one| one.is_lacking(parameters)) {
                p { code { (parameter.name) } " was not sent: the call is refused without it, whatever its hash." }
            }
        }
    }
}

/// The finding, as a sentence.
fn plainly(found: &Diagnosis) -> String {
    match found {
        Diagnosis::Accepted(order, _) => format!("It is the SHA1 of {}", order.describe()),
        Diagnosis::LevelTooLow(order, _) => format!(
            "It is the SHA1 of {}, which is accepted only from hash_check {} on",
            order.describe(),
            order.level.as_str()
        ),
        Diagnosis::NotSha1(shape) => format!("The hash is not a SHA1: {shape}"),
        Diagnosis::OtherText(text, _) => format!("It is the SHA1 of {text}"),
        Diagnosis::NoKey => "There is no active key to sign with".into(),
        Diagnosis::Unknown => {
            "It is not the SHA1 of the values that were sent, in any order, with any active key"
                .into()
        }
        Diagnosis::NotAllTried(untried) => {
            format!("Nothing that was tried gives it, and {untried}")
        }
    }
}

/// Advice about the finding.
fn advice(found: &Diagnosis, signers: &Signers) -> Markup {
    html! {
        @match found {
            Diagnosis::Accepted(..) | Diagnosis::NoKey => {},
            Diagnosis::LevelTooLow(order, _) => p {
                "Sign everything, as below, or set hash_check to " (order.level.as_str()) " in the " a href="/settings" { "API settings" } "."
            },
            Diagnosis::NotSha1(_) | Diagnosis::OtherText(..) => p {
                "The client must hash the values of the table below, in its order, and send the SHA1 as " code { "hash" } "."
            },
            Diagnosis::Unknown | Diagnosis::NotAllTried(_) => {
                p { "Look for one of these:" }
                ul {
                    li {
                        "The key. The client must sign with "
                        @for (place, key) in signers.keys.iter().enumerate() { @if place > 0 { " or " } code { (mask(key)) } }
                        ", letter by letter (" a href="/settings" { "API settings" } ")."
                    }
                    li { "The values. What is signed must be what is sent: the same parameters, the same spaces and letter case, before any percent-encoding." }
                }
            },
        }
    }
}

/// The values in their order, the hash, and a line to paste.
fn signing(
    visit: &Visit,
    method: &'static Method,
    parameters: &Parameters,
    signers: &Signers,
) -> Markup {
    let Some((order, others)) = method.hashes.split_first() else {
        return html! {};
    };
    let Some(key) = signers.keys.first() else {
        return html! { p.notice.bad { "There is no active key to sign with. " a href="/settings" { "Make one" } } };
    };
    let hash = signature::sign(order, parameters, key);
    html! {
        section.card {
            h2 { "The hash of " code { (method.name) } }
            p { "SHA1 over these values one after the other, without anything between them, and then the key." }
            div.scroll tabindex="0" role="region" aria-label="What is hashed" {
                table.hashed {
                    thead { tr { th scope="col" { "Order" } th scope="col" { "Parameter" } th scope="col" { "Value" } } }
                    tbody {
                        @for (place, name) in order.parameters.iter().enumerate() {
                            tr {
                                td { (place + 1) }
                                td { code { (name) } }
                                td { @match parameters.raw(name) {
                                    Some("") => span.none { "sent blank" },
                                    Some(value) => code { (value) },
                                    None if is_lacking(method, name, parameters) => b { "required, but not sent" },
                                    None => span.none { "not sent, so not hashed" },
                                } }
                            }
                        }
                        tr { td { (order.parameters.len() + 1) } td { "key" } td { code { (mask(key)) } } }
                    }
                }
            }
            (parts::facts(&[
                ("String", html! { code.long #hashed { (signature::signed_text(order, parameters)) (mask(key)) } }),
                ("Hash", html! { code.long #hash { (hash) } }),
                ("Paste this", html! { code.long { (curl::line(&visit.base, method, parameters, order, key)) } }),
            ]))
            (other_orders("Also accepted here:", others.iter().filter(|other| is_accepted(other.level, signers.check))))
            (other_orders("Not accepted here:", others.iter().filter(|other| !is_accepted(other.level, signers.check))))
        }
    }
}

fn other_orders<'a>(title: &str, orders: impl Iterator<Item = &'a HashOrder>) -> Markup {
    let mut orders = orders.peekable();
    html! {
        @if orders.peek().is_some() {
            p { (title) }
            ul {
                @for order in orders {
                    li { code { (order.describe()) } ": " (order.why) " (hash_check " (order.level.as_str()) ")" }
                }
            }
        }
    }
}

fn is_lacking(method: &Method, name: &str, parameters: &Parameters) -> bool {
    let found = method.parameter(name);
    found.is_some_and(|one| one.is_lacking(parameters))
}

fn is_accepted(level: HashLevel, check: HashCheck) -> bool {
    match check {
        HashCheck::Strict => level == HashLevel::Strict,
        HashCheck::Documented => level != HashLevel::Lenient,
        HashCheck::Lenient | HashCheck::Off => true,
    }
}

#[cfg(test)]
mod tests {
    use super::read;

    fn check(request: &str, method: &str, pairs: &[(&str, &str)]) {
        let (found, parameters) = read(request).unwrap_or_else(|text| panic!("{request}: {text}"));
        assert_eq!(found.name, method);
        assert_eq!(parameters.iter().collect::<Vec<_>>(), pairs);
    }

    #[test]
    fn requests_are_read_as_people_paste_them() {
        let pairs = [("u", "a b"), ("user_id", "2")];
        for request in [
            "http://127.0.0.1/billing/api/device_create?u=a%20b&user_id=2",
            "/api/device_create/?u=a+b&user_id=2",
            "device_create?u=a+b&user_id=2",
            "curl -X POST 'http://x/billing/api/device_create?u=a+b&user_id=2'",
            " /billing/api/device_create&u=a+b&user_id=2\n",
            "/billing/api/device_create?u=a+b\nuser_id=2",
            "/billing/api/device_create\n{\"u\": \"a b\", \"user_id\": 2}",
        ] {
            check(request, "device_create", &pairs);
        }
        assert!(read("").is_err());
        assert!(read("/billing/api/device_kill?u=1").is_err());
        assert!(read("/billing/api/device_create?u=%").is_err());
    }
}
