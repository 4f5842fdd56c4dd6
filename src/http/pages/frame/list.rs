//! Lists: one description of columns gives the table, the order, the next part and the CSV file.

use std::sync::Arc;

use maud::{Markup, html};

use crate::api::encoding;
use crate::api::parameters::{Parameters, parse_id};
use crate::app::App;
use crate::http::pages::frame::answer::{Answer, Trouble};
use crate::http::pages::frame::export::{Export, line};
use crate::http::pages::frame::layout;
use crate::http::pages::frame::visit::{Standing, Visit};
use crate::service::Error;
use crate::service::guard::access::Actor;
use crate::service::lists::{MAX_LOOKED_AT, Slice, grouped};
use crate::store::ReadTx;
use crate::store::row::Cursor;

/// Rows of one part of a list.
pub const PAGE: usize = 50;
/// Rows of one piece of a CSV file.
const PIECE: usize = 500;

/// A column: its head, its cell on the page, its cell in the file.
pub struct Column<T: 'static> {
    /// Its head in the table, and in the file's first line.
    pub name: &'static str,
    /// The word in the address that orders the list by it.
    pub sort: Option<&'static str>,
    /// The cell on the page; none: it is only in the file.
    pub html: Option<fn(&T) -> Markup>,
    /// The cell in the file.
    pub text: fn(&T) -> String,
}

/// Reads a part of a list.
pub type Fetch<T> =
    fn(&ReadTx<'_>, &Actor, &Parameters, Option<Cursor>, usize) -> Result<Slice<T>, Error>;

/// A list.
pub struct List<T: 'static> {
    /// The path of its page.
    pub path: &'static str,
    /// The name of one row, and of the file.
    pub noun: &'static str,
    /// Its columns. The first one leads to the row's own page.
    pub columns: &'static [Column<T>],
    /// The words in the address that filter it.
    pub filters: &'static [&'static str],
    /// What the field `q` looks at, shown when it finds nothing; blank where its label says it all.
    pub searched: &'static str,
    /// The text of an empty list.
    pub empty: &'static str,
    /// Reads it.
    pub fetch: Fetch<T>,
}

impl<T> List<T> {
    /// The page: the filter, the table, the link to the next part.
    pub fn show(
        &self,
        visit: &Visit,
        title: &str,
        head: Markup,
        filter: Markup,
    ) -> Result<Answer, Trouble> {
        let by = visit.by();
        let after = cursor(&visit.sent);
        let is_first = after.is_none();
        let slice = visit.read(|tx| (self.fetch)(tx, by, &visit.sent, after, PAGE))?;
        let is_filtered = self
            .filters
            .iter()
            .any(|name| visit.sent.get(name).is_some());
        let beside = html! {
            div.buttons {
                (head)
                a.button.quiet href={ (self.path) ".csv" (self.query(&visit.sent, &[])) } { "CSV" }
            }
        };
        let body = html! {
            @if !self.filters.is_empty() {
                form.filter method="get" action=(self.path) role="search" {
                    (filter)
                    @if let Some(sort) = visit.sent.get("sort") { input type="hidden" name="sort" value=(sort); }
                    button.quiet type="submit" { "Filter" }
                    @if is_filtered { a.clear href=(self.path) { "Clear" } }
                }
            }
            @if slice.rows.is_empty() {
                (self.nothing(visit, is_first, is_filtered, &slice))
            } @else {
                (self.table(visit, &slice.rows))
            }
            (self.paging(visit, is_first, &slice))
        };
        let page = layout::page_with(visit, title, beside, body);
        Ok(Answer::Page(200, Box::new(page)))
    }

    fn nothing(
        &self,
        visit: &Visit,
        is_first: bool,
        is_filtered: bool,
        slice: &Slice<T>,
    ) -> Markup {
        let is_searched = visit.sent.text("q").is_some() && !self.searched.is_empty();
        html! {
            div.empty {
                @if slice.is_cut { p { "Nothing found so far." } }
                @else if !is_first { p { "There is nothing more." } }
                @else if is_filtered { p { "Nothing matches this filter." } @if is_searched { p.none { (self.searched) } } p { a href=(self.path) { "Show all" } } }
                @else { p { (self.empty) } }
            }
        }
    }

    fn table(&self, visit: &Visit, rows: &[T]) -> Markup {
        let shown = || {
            self.columns
                .iter()
                .filter_map(|column| Some((column, column.html?)))
        };
        let sorted = visit.sent.get("sort");
        html! {
            div.scroll tabindex="0" role="region" aria-label="List" {
                table {
                    thead { tr {
                        @for (column, _) in shown() {
                            th scope="col" aria-sort=[is_sorted(column.sort, sorted).then_some("other")] {
                                @match column.sort {
                                    Some(sort) => a href={ (self.path) (self.query(&visit.sent, &[("sort", sort)])) } { (column.name) },
                                    None => (column.name),
                                }
                            }
                        }
                    } }
                    tbody {
                        @for row in rows {
                            tr { @for (column, cell) in shown() { td data-name=(column.name) { div { (cell(row)) } } } }
                        }
                    }
                }
            }
        }
    }

    fn paging(&self, visit: &Visit, is_first: bool, slice: &Slice<T>) -> Markup {
        let next = slice.next.as_ref().map(|next| {
            let id = next.id.to_string();
            let extra = [("after", id.as_str()), ("at", next.text.as_str())];
            format!("{}{}", self.path, self.query(&visit.sent, &extra))
        });
        html! {
            @if slice.is_cut {
                p.hint { "This page looked at " (grouped(MAX_LOOKED_AT)) " rows; there may be more further on." }
            }
            @if next.is_some() || !is_first {
                nav.paging aria-label="Pages of the list" {
                    @if !is_first { a.button.quiet href={ (self.path) (self.query(&visit.sent, &[])) } { "First page" } }
                    @if let Some(next) = next { a.button.quiet rel="next" href=(next) { "Next page" } }
                }
            }
        }
    }

    /// The filter and the order as an address has them, with `extra` pairs.
    pub fn query(&self, sent: &Parameters, extra: &[(&str, &str)]) -> String {
        let kept = self.filters.iter().copied().chain(["sort"]);
        let kept = kept.filter(|name| extra.iter().all(|(other, _)| other != name));
        let kept = kept.filter_map(|name| Some((name, sent.get(name)?)));
        let pairs = kept
            .chain(extra.iter().copied())
            .filter(|(_, value)| !value.is_empty());
        match encoding::query(pairs) {
            query if query.is_empty() => query,
            query => format!("?{query}"),
        }
    }

    /// The whole list as a CSV file, whichever part it is asked from.
    pub fn export(&'static self, visit: &Visit) -> Result<Answer, Trouble> {
        let (app, standing, sent) = (visit.app.clone(), visit.standing(), visit.sent.clone());
        let names: Vec<&str> = self.columns.iter().map(|column| column.name).collect();
        let mut place = Place::Start(line(names.into_iter().map(Into::into)));
        // The first piece is read while an error can still have a status.
        let mut first = self.piece(&app, &standing, &sent, &mut place)?;
        let mut next = move || match first.take() {
            Some(piece) => Ok(Some(piece)),
            None => self.piece(&app, &standing, &sent, &mut place),
        };
        let (app, user_id) = (visit.app.clone(), visit.by().user_id.unwrap_or_default());
        Ok(Answer::Csv(Box::new(Export {
            app,
            user_id,
            name: format!("{}.csv", self.noun),
            pieces: Box::new(move || next().transpose()),
        })))
    }

    /// The next lines of the file. Each piece has a snapshot of its own, so a slow reader holds no transaction open,
    /// and someone who loses the right reads no further.
    fn piece(
        &self,
        app: &Arc<App>,
        standing: &Standing,
        sent: &Parameters,
        place: &mut Place,
    ) -> Result<Option<Vec<u8>>, Error> {
        let (mut text, after) = match std::mem::replace(place, Place::End) {
            Place::Start(head) => (head, None),
            Place::After(cursor) => (Vec::new(), Some(cursor)),
            Place::End => return Ok(None),
        };
        let slice = app
            .core
            .store
            .read(|tx| (self.fetch)(tx, &standing.renew(tx)?, sent, after, PIECE))?;
        for row in &slice.rows {
            text.extend(line(self.columns.iter().map(|column| (column.text)(row))));
        }
        if let Some(next) = slice.next {
            *place = Place::After(next);
        }
        Ok(Some(text))
    }
}

fn is_sorted(sort: Option<&str>, sorted: Option<&str>) -> bool {
    sort.is_some() && sort == sorted
}

/// Where the list continues, as the address says.
fn cursor(sent: &Parameters) -> Option<Cursor> {
    let id = parse_id(sent.get("after")?)?;
    let text = sent.raw("at").unwrap_or_default().to_owned();
    Some(Cursor { text, id })
}

enum Place {
    Start(Vec<u8>),
    After(Cursor),
    End,
}
