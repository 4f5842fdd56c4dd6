//! A handler that answers every request with the same bytes. It shows what the framework itself costs.

use std::net::TcpListener;
use std::path::Path;

use actix_web::web::{self, Bytes};
use actix_web::{App, HttpResponse, HttpServer};

/// Serves the reply in this file, as linebook would send it, until the process is ended.
pub fn serve(reply: &Path) {
    let reply = Bytes::from(std::fs::read(reply).expect("the reply"));
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    println!(
        "fixed on http://{}",
        listener.local_addr().expect("an address")
    );
    let server = HttpServer::new(move || {
        let reply = reply.clone();
        App::new().default_service(web::to(move |_body: Bytes| {
            let reply = reply.clone();
            async move {
                HttpResponse::Ok()
                    .insert_header(("Cache-Control", "no-store"))
                    .insert_header(("Vary", "Accept-Encoding"))
                    .insert_header(("X-Request-Id", "0123456789abcdef"))
                    .insert_header(("Content-Type", "text/xml; charset=utf-8"))
                    .insert_header(("Content-Encoding", "gzip"))
                    .insert_header((
                        "Content-Disposition",
                        "attachment; filename=\"devices_get.xml\"",
                    ))
                    .body(reply)
            }
        }))
    })
    .workers(2)
    .listen(listener)
    .expect("a server")
    .run();
    actix_web::rt::System::new()
        .block_on(server)
        .expect("a server");
}
