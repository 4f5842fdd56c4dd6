//! The forms of the things that are set up before devices and DIDs: providers, device groups, IVRs and dial plans.

use maud::{Markup, html};

use crate::http::pages::frame::answer::{Answer, Trouble};
use crate::http::pages::frame::parts::{self, Action, Field, Problem};
use crate::http::pages::frame::problem::problem_on_page;
use crate::http::pages::frame::visit::Visit;
use crate::service::{Error, Thing};
use crate::store::row::Id;

/// The words for one kind of thing.
pub struct Kind {
    /// What it is.
    pub thing: Thing,
    /// The first part of its addresses.
    pub path: &'static str,
    /// The name of many.
    pub plural: &'static str,
    /// The name of one.
    pub singular: &'static str,
    /// The effect of hiding one.
    pub hiding: &'static str,
}

impl Kind {
    /// The form of a new one. `more` are the fields besides its name.
    pub fn new_form(&self, visit: &Visit, problem: &Problem, more: Markup) -> Answer {
        let path = format!("{}/new", self.path);
        let body = parts::form(
            visit,
            &path,
            "Add it",
            problem,
            html! {
                (Field::text("name", "Name", &visit.text("name")).required().hint("1 to 255 characters").render(problem))
                (more)
            },
        );
        visit.page_or_problem(&format!("New {}", self.singular), problem.is_some(), body)
    }

    /// The redirect after one was added, or the form again.
    pub fn added(
        &self,
        visit: &Visit,
        added: Result<Id, Error>,
        more: impl FnOnce(&Problem) -> Markup,
    ) -> Result<Answer, Trouble> {
        match added {
            Ok(id) => Ok(Answer::SeeOther(format!("{}/{id}?done=added", self.path))),
            Err(error) => {
                let problem = problem_on_page(self.thing, error, "")?;
                Ok(self.new_form(visit, &problem, more(&problem)))
            }
        }
    }

    /// The page of one: its facts, its form, and hiding it.
    pub fn show(&self, visit: &Visit, one: &One<'_>) -> Answer {
        let (edit, hide) = (&one.edit_problem, &one.hide_problem);
        let name = match edit {
            Some(_) => visit.text("name"),
            None => one.name.to_owned(),
        };
        let path = |action: &str| format!("{}/{}/{action}", self.path, one.id);
        let body = html! {
            p.crumbs { a href=(self.path) { (self.plural) } " / " (one.name) }
            div.columns {
                section.card { (one.facts) }
                div {
                    (parts::form(visit, &path("edit"), "Save", edit, html! {
                        h2 { "Edit" }
                        (Field::text("name", "Name", &name).required().render(edit))
                        (one.more)
                    }))
                    section.actions {
                        (Action {
                            path: &path("hide"),
                            title: "Hide",
                            consequence: self.hiding,
                            button: "Hide it",
                            is_grave: true,
                        }.render(visit, hide, html! {}))
                    }
                }
            }
        };
        visit.page_or_problem(one.name, edit.is_some() || hide.is_some(), body)
    }

    /// The redirect after one was changed, or why it was not.
    pub fn saved(
        &self,
        id: Id,
        saved: Result<(), Error>,
    ) -> Result<Result<Answer, Problem>, Trouble> {
        match saved {
            Ok(()) => Ok(Ok(Answer::SeeOther(format!(
                "{}/{id}?done=saved",
                self.path
            )))),
            Err(error) => Ok(Err(problem_on_page(self.thing, error, "")?)),
        }
    }

    /// The redirect after one was hidden, or why it was not.
    pub fn hidden(&self, hidden: Result<(), Error>) -> Result<Result<Answer, Problem>, Trouble> {
        match hidden {
            Ok(()) => Ok(Ok(Answer::SeeOther(format!("{}?done=hidden", self.path)))),
            Err(error) => Ok(Err(problem_on_page(self.thing, error, "")?)),
        }
    }
}

/// One of them, on its page.
pub struct One<'a> {
    /// Its number.
    pub id: Id,
    /// Its name.
    pub name: &'a str,
    /// Further facts.
    pub facts: Markup,
    /// The fields besides its name.
    pub more: Markup,
    /// Why it was not changed.
    pub edit_problem: Problem,
    /// Why it was not hidden.
    pub hide_problem: Problem,
}
