//! A list that is sent as a CSV file, piece by piece.

use std::sync::Arc;

use actix_web::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use actix_web::web::Bytes;
use actix_web::{HttpResponse, HttpResponseBuilder};
use futures_util::stream;

use crate::app::App;
use crate::service::{Error, text};
use crate::store::row::Id;

/// Gives the next bytes of a file, until its end.
pub type Pieces = Box<dyn FnMut() -> Option<Result<Vec<u8>, Error>> + Send>;

/// A list that is sent as a CSV file.
pub struct Export {
    /// The server.
    pub app: Arc<App>,
    /// The user whose turn each piece is.
    pub user_id: Id,
    /// The name of the file.
    pub name: String,
    /// Its lines.
    pub pieces: Pieces,
}

impl Export {
    /// The reply that sends it.
    pub fn reply(self, mut builder: HttpResponseBuilder) -> HttpResponse {
        let disposition = format!("attachment; filename=\"{}\"", self.name);
        builder
            .insert_header((CONTENT_TYPE, "text/csv; charset=utf-8"))
            .insert_header((CONTENT_DISPOSITION, disposition))
            .streaming(stream::try_unfold(self, |export| async move {
                let Self {
                    app,
                    user_id,
                    name,
                    mut pieces,
                } = export;
                // An error cuts the connection, so that nobody takes a part for the whole.
                let next = app.aside.go_on(user_id, move || (pieces(), pieces)).await;
                let (piece, pieces) = next.map_err(Error::from)?;
                let rest = Self {
                    app,
                    user_id,
                    name,
                    pieces,
                };
                piece
                    .transpose()
                    .map(|piece| Some((Bytes::from(piece?), rest)))
            }))
    }
}

/// One line of a CSV file.
pub fn line(cells: impl Iterator<Item = String>) -> Vec<u8> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let written = writer.write_record(cells.map(|cell| harmless(&cell)));
    written.expect("writing into memory does not fail");
    writer
        .into_inner()
        .expect("writing into memory does not fail")
}

/// A cell that no spreadsheet takes for a formula, without hidden characters.
fn harmless(cell: &str) -> String {
    let cell = text::revealed(cell);
    match cell.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        true => format!("'{cell}"),
        false => cell.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::line;

    #[test]
    fn cells_are_quoted_and_are_never_formulas() {
        let cells = [
            "=1+1",
            "+370",
            "-1",
            "@x",
            "\tx",
            "\rx",
            "a,b",
            "say \"x\"",
            "plain",
            "",
        ];
        let line = String::from_utf8(line(cells.iter().map(|cell| (*cell).into()))).unwrap();
        assert_eq!(
            line,
            "'=1+1,'+370,'-1,'@x,'\tx,\"'\rx\",\"a,b\",\"say \"\"x\"\"\",plain,\n"
        );
    }
}
