//! The parts of web pages: fields with their labels and problems, forms, badges, times.

use std::borrow::Cow;

use maud::{Markup, html};

use crate::ambient::{plain_time, rfc3339};
use crate::http::pages::frame::visit::Visit;
use crate::service::lists::MAX_OFFERED;
use crate::service::{sessions, text};

/// A page without hidden characters: names and other texts show them as escapes. Text that goes back to the server
/// (values, typed text) stays as it is.
pub fn revealed(html: String) -> String {
    if let Cow::Borrowed(_) = text::revealed(&html) {
        return html;
    }
    let mut shown = String::with_capacity(html.len() + 64);
    let (mut rest, mut is_typed) = (html.as_str(), false);
    // In texts and values `<` and `>` are escaped, so each pair of them is a tag.
    while let Some((text, tag)) = rest.split_once('<') {
        let (tag, behind) = tag.split_once('>').unwrap_or((tag, ""));
        push(&mut shown, text, is_typed);
        shown.extend(["<", tag, ">"]);
        is_typed = tag.starts_with("textarea");
        rest = behind;
    }
    push(&mut shown, rest, is_typed);
    shown
}

fn push(shown: &mut String, text: &str, is_typed: bool) {
    match is_typed {
        true => shown.push_str(text),
        false => shown.push_str(&text::revealed(text)),
    }
}

/// The problem that stopped a form: the name of its field, and its text. A form without such a field shows it at the
/// top.
pub type Problem = Option<(&'static str, String)>;

fn problem_of<'a>(problem: &'a Problem, name: &str) -> Option<&'a str> {
    let found = problem.as_ref().filter(|(field, _)| *field == name);
    found.map(|(_, text)| text.as_str())
}

/// The text above a refused form, where none of its fields is to blame.
pub fn problem_of_form(problem: &Problem, fields: &Markup) -> Markup {
    let is_beside = |name: &str| fields.0.contains(&format!("id=\"{name}-problem\""));
    html! {
        @match problem {
            Some((name, text)) if !is_beside(name) => p.notice.bad role="alert" { (text) },
            _ => {},
        }
    }
}

/// The hidden token without which a form is refused.
pub fn form_token(visit: &Visit) -> Markup {
    html! { input type="hidden" name="form_token" value=(sessions::form_token(&visit.token)); }
}

/// A field of a form.
pub struct Field<'a> {
    /// Its name in the form.
    pub name: &'static str,
    /// Its label.
    pub label: &'static str,
    /// Its value.
    pub value: &'a str,
    /// The hint for filling it in.
    pub hint: &'a str,
    /// `text`, `password`, `number`, ...
    pub kind: &'static str,
    /// Whether the browser asks for it.
    pub is_required: bool,
    /// The values that it offers.
    pub offers: &'a [(String, String)],
    /// Set if the offers are complete, unless there are [`MAX_OFFERED`] of them. Then this says what to type instead.
    pub typed: Option<&'static str>,
}

impl<'a> Field<'a> {
    /// A text.
    pub fn text(name: &'static str, label: &'static str, value: &'a str) -> Self {
        Self {
            name,
            label,
            value,
            hint: "",
            kind: "text",
            is_required: false,
            offers: &[],
            typed: None,
        }
    }

    /// Adds a hint.
    pub fn hint(self, hint: &'a str) -> Self {
        Self { hint, ..self }
    }

    /// Makes it required.
    pub fn required(self) -> Self {
        Self {
            is_required: true,
            ..self
        }
    }

    /// Gives it another kind.
    pub fn kind(self, kind: &'static str) -> Self {
        Self { kind, ..self }
    }

    /// Adds offers. Anything else can be typed, too.
    pub fn offers(self, offers: &'a [(String, String)]) -> Self {
        Self { offers, ..self }
    }

    /// Makes it a choice among these, as long as they are few. Beyond that it is a text with offers, which takes what
    /// `typed` says.
    pub fn among(self, offers: &'a [(String, String)], typed: &'static str) -> Self {
        Self {
            offers,
            typed: Some(typed),
            ..self
        }
    }

    fn choice(&self, problem: &Problem) -> Markup {
        let bad = problem_of(problem, self.name);
        let none = if self.is_required { "choose…" } else { "any" };
        let is_offered = self.offers.iter().any(|(sent, _)| sent == self.value);
        html! {
            div.field {
                label for=(self.name) { (self.label) (self.must()) }
                select #(self.name) name=(self.name) required[self.is_required]
                    aria-invalid=[bad.map(|_| "true")] aria-describedby=[described(self.name, self.hint, bad)] {
                    option value="" { (none) }
                    @if !is_offered && !self.value.is_empty() { option value=(self.value) selected { (self.value) } }
                    @for (sent, shown) in self.offers {
                        option value=(sent) selected[sent == self.value] { (shown) }
                    }
                }
                (help(self.name, self.hint, bad))
            }
        }
    }

    fn must(&self) -> Markup {
        html! { @if self.is_required { span.must aria-hidden="true" { " *" } } }
    }

    /// The field, with the problem if it belongs to this field.
    pub fn render(&self, problem: &Problem) -> Markup {
        if self.typed.is_some()
            && !self.offers.is_empty()
            && self.offers.len() < MAX_OFFERED as usize
        {
            return self.choice(problem);
        }
        let bad = problem_of(problem, self.name);
        let hint = match (self.hint, self.typed) {
            (hint, None) => hint.to_owned(),
            ("", Some(typed)) => typed.to_owned(),
            (hint, Some(typed)) => format!("{hint}: {typed}"),
        };
        let described = described(self.name, &hint, bad);
        let list = format!("{}-offers", self.name);
        let autocomplete = match (self.kind, self.name) {
            ("password", "password") => "current-password",
            ("password", _) => "new-password",
            (_, "username") => "username",
            _ => "off",
        };
        html! {
            div.field {
                label for=(self.name) { (self.label) (self.must()) }
                input #(self.name) name=(self.name) type=(self.kind) value=(self.value)
                    required[self.is_required] autocomplete=(autocomplete)
                    aria-invalid=[bad.map(|_| "true")] aria-describedby=[described]
                    list=[(!self.offers.is_empty()).then_some(&list)];
                @if !self.offers.is_empty() {
                    datalist id=(list) {
                        @for (value, text) in self.offers { option value=(value) { (text) } }
                    }
                }
                (help(self.name, &hint, bad))
            }
        }
    }
}

fn described(name: &str, hint: &str, bad: Option<&str>) -> Option<String> {
    match (hint.is_empty(), bad.is_none()) {
        (true, true) => None,
        (false, true) => Some(format!("{name}-hint")),
        (true, false) => Some(format!("{name}-problem")),
        (false, false) => Some(format!("{name}-problem {name}-hint")),
    }
}

fn help(name: &str, hint: &str, bad: Option<&str>) -> Markup {
    html! {
        @if let Some(text) = bad { p.problem id={ (name) "-problem" } role="alert" { (text) } }
        @if !hint.is_empty() { p.hint id={ (name) "-hint" } { (hint) } }
    }
}

/// A choice. An option has a sent value and a shown text.
pub fn select(
    name: &'static str,
    label: &str,
    options: &[(String, String)],
    value: &str,
    hint: &str,
    problem: &Problem,
) -> Markup {
    let bad = problem_of(problem, name);
    html! {
        div.field {
            label for=(name) { (label) }
            select #(name) name=(name) aria-invalid=[bad.map(|_| "true")] aria-describedby=[described(name, hint, bad)] {
                @for (sent, shown) in options {
                    option value=(sent) selected[sent == value] { (shown) }
                }
            }
            (help(name, hint, bad))
        }
    }
}

/// Options from words that are shown as they are sent.
pub fn options(words: &[&str]) -> Vec<(String, String)> {
    words
        .iter()
        .map(|word| ((*word).into(), (*word).into()))
        .collect()
}

/// A box to tick.
pub fn tick(name: &str, label: &str, is_on: bool, hint: &str, problem: &Problem) -> Markup {
    let bad = problem_of(problem, name);
    html! {
        div.field.tick {
            input #(name) name=(name) type="checkbox" value="1" checked[is_on]
                aria-invalid=[bad.map(|_| "true")] aria-describedby=[described(name, hint, bad)];
            label for=(name) { (label) }
            (help(name, hint, bad))
        }
    }
}

/// A form that changes something, with its button.
pub fn form(
    visit: &Visit,
    action: &str,
    button: &str,
    problem: &Problem,
    fields: Markup,
) -> Markup {
    html! {
        form.card method="post" action=(action) {
            (form_token(visit))
            (problem_of_form(problem, &fields))
            (fields)
            div.buttons { button type="submit" { (button) } }
        }
    }
}

/// An action. It opens first and says what it will do; the button in it does it.
pub struct Action<'a> {
    /// The path that its form is sent to.
    pub path: &'a str,
    /// Its title.
    pub title: &'a str,
    /// Its consequence.
    pub consequence: &'a str,
    /// The text of its button.
    pub button: &'a str,
    /// Whether it takes something away.
    pub is_grave: bool,
}

impl Action<'_> {
    /// The action, with the fields of its form.
    pub fn render(&self, visit: &Visit, problem: &Problem, fields: Markup) -> Markup {
        html! {
            details.action open[problem.is_some()] {
                summary { (self.title) }
                form method="post" action=(self.path) {
                    (form_token(visit))
                    (problem_of_form(problem, &fields))
                    p { (self.consequence) }
                    (fields)
                    div.buttons { button.grave[self.is_grave] type="submit" { (self.button) } }
                }
            }
        }
    }
}

/// A short word in a colour of its own. The word alone says everything.
pub fn badge(word: &str) -> Markup {
    html! { span class={ "badge " (word) } { (word) } }
}

/// `yes` or `no`.
pub fn yes_no(is: bool) -> &'static str {
    if is { "yes" } else { "no" }
}

/// A time as people read it, to the second, in UTC.
pub fn time(at_ms: i64) -> Markup {
    let exact = rfc3339(at_ms);
    html! { time datetime=(exact) { (plain_time(at_ms)) } }
}

/// A definition list of facts.
pub fn facts(facts: &[(&str, Markup)]) -> Markup {
    html! {
        dl.facts {
            @for (name, value) in facts { div { dt { (name) } dd { (value) } } }
        }
    }
}

/// The text, or a dash for a blank one.
pub fn or_dash(text: &str) -> Markup {
    html! { @if text.is_empty() { span.none { "–" } } @else { (text) } }
}

/// The link to Generate hash, for people who look for the words that their client shows.
pub fn way_to_hash() -> Markup {
    html! { p.hint { "A client gets “Incorrect hash”? " a href="/hash" { "Generate hash" } " says why." } }
}
