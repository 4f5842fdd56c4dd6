//! Makes the HTTP reply from a page's answer: headers, cookies, and a text where no page exists.

use actix_web::http::header::{CONTENT_TYPE, LOCATION, RETRY_AFTER, SET_COOKIE};
use actix_web::{HttpResponse, HttpResponseBuilder};
use maud::{Markup, html};

use crate::api::encoding::percent_encode;
use crate::api::fault::Fault;
use crate::http::pages::frame::answer::{Answer, Trouble, is_forbidden, words};
use crate::http::pages::frame::cookies;
use crate::http::pages::frame::layout;
use crate::http::pages::frame::parts;
use crate::http::pages::frame::visit::Visit;
use crate::http::reply;

/// Allows only the pages' own style sheet and icon: no script, no frame, no other origin.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

impl Visit {
    /// A redirect to the sign-in, which leads back to this page.
    pub fn ask_to_sign_in(&self) -> Answer {
        let next = match self.is_action || self.address == "/" {
            true => String::new(),
            false => format!("?next={}", percent_encode(&self.address)),
        };
        Answer::SeeOther(format!("/sign-in{next}"))
    }

    /// The HTTP reply.
    pub fn reply(&self, answer: Result<Answer, Trouble>) -> HttpResponse {
        match answer {
            Ok(answer) => self.send(answer),
            Err(trouble) => {
                let retry_after_s = trouble.retry_after_s();
                let mut reply = self.send(self.explain(trouble));
                if let Some(seconds) = retry_after_s {
                    reply.headers_mut().insert(RETRY_AFTER, seconds.into());
                }
                reply
            }
        }
    }

    fn send(&self, answer: Answer) -> HttpResponse {
        match answer {
            Answer::Page(status, markup) => self.html(status, *markup),
            Answer::Form(status, markup) => {
                let mut reply = self.html(status, *markup);
                if self.by.is_none() {
                    self.set_cookie(
                        &mut reply,
                        &cookies::keep(&self.token, false, self.is_secure),
                    );
                }
                reply
            }
            Answer::SeeOther(to) => self.see_other(&to),
            Answer::SignedIn(to, token) => {
                let mut reply = self.see_other(&to);
                self.set_cookie(&mut reply, &cookies::keep(&token, true, self.is_secure));
                reply
            }
            Answer::SignedOut(to) => {
                let mut reply = self.see_other(&to);
                self.set_cookie(&mut reply, &cookies::forget());
                reply
            }
            Answer::Csv(export) => export.reply(self.builder(200)),
            Answer::Asset(content_type, bytes) => self
                .builder(200)
                .insert_header((CONTENT_TYPE, content_type))
                .insert_header(("Cache-Control", "public, max-age=31536000, immutable"))
                .body(bytes),
        }
    }

    fn html(&self, status: u16, markup: Markup) -> HttpResponse {
        self.builder(status)
            .insert_header((CONTENT_TYPE, "text/html; charset=utf-8"))
            .body(parts::revealed(markup.into_string()))
    }

    fn see_other(&self, to: &str) -> HttpResponse {
        self.builder(303).insert_header((LOCATION, to)).finish()
    }

    fn set_cookie(&self, reply: &mut HttpResponse, cookie: &str) {
        if let Ok(value) = cookie.parse() {
            reply.headers_mut().append(SET_COOKIE, value);
        }
    }

    fn builder(&self, status: u16) -> HttpResponseBuilder {
        let mut builder = reply::builder(status, &self.request_id);
        builder
            .insert_header(("Content-Security-Policy", POLICY))
            .insert_header(("X-Content-Type-Options", "nosniff"))
            .insert_header(("Referrer-Policy", "no-referrer"));
        builder
    }

    fn explain(&self, trouble: Trouble) -> Answer {
        let (status, title, text) = match trouble {
            Trouble::SignedOut => return self.ask_to_sign_in(),
            Trouble::NotFound => (
                404,
                "Not found",
                "There is nothing at this address, or nothing that is yours.".into(),
            ),
            Trouble::WrongVerb => (
                405,
                "Not that way",
                "This address takes only what its form sends.".into(),
            ),
            Trouble::WrongForm => (
                403,
                "The form has expired",
                "It was not made in this session, so nothing was changed. Go back, reload the page, and try again.".into(),
            ),
            Trouble::Refused(refusal) => {
                let status = if is_forbidden(&refusal) { 403 } else { 422 };
                (status, "Not possible", words(&refusal, None))
            }
            Trouble::Fault(fault @ Fault::TooManyFailures) => (
                fault.status(),
                "Too many failed attempts",
                "Your address has sent too many wrong passwords. Wait a minute, then try again.".into(),
            ),
            Trouble::Fault(fault) => (fault.status(), "Not possible now", fault.text()),
            Trouble::Store(error) => {
                let fault = Fault::from(&error);
                (fault.status(), "The database does not answer", fault.text())
            }
        };
        let body = html! {
            div.empty {
                p { (text) }
                @match self.by {
                    Some(_) => p { a href="/" { "To the overview" } },
                    None => p { a href="/sign-in" { "To the sign-in" } },
                }
            }
        };
        Answer::Page(status, Box::new(layout::page(self, title, body)))
    }
}
