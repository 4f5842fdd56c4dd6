//! The one cookie: it holds the token of a session, or of a visitor who is about to sign in.

use actix_web::HttpRequest;
use actix_web::http::header::COOKIE;

use crate::service::sessions::ABSOLUTE_MS;

/// Its name.
const NAME: &str = "linebook";
/// The length of a token, in characters.
const TOKEN: usize = 64;

/// The token that the browser sent.
pub fn token(http: &HttpRequest) -> Option<String> {
    http.headers()
        .get_all(COOKIE)
        .filter_map(|header| header.to_str().ok())
        .flat_map(|header| header.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(name, value)| *name == NAME && is_token(value))
        .map(|(_, value)| value.to_owned())
}

fn is_token(value: &str) -> bool {
    value.len() == TOKEN && value.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// A `Set-Cookie` that keeps a token: a session's for as long as it can last, a visitor's until the browser is closed.
/// It is `Lax`, so that a shared link to a page works.
pub fn keep(token: &str, is_session: bool, is_secure: bool) -> String {
    let mut cookie = format!("{NAME}={token}; Path=/; HttpOnly; SameSite=Lax");
    if is_session {
        cookie.push_str(&format!("; Max-Age={}", ABSOLUTE_MS / 1000));
    }
    if is_secure {
        cookie.push_str("; Secure");
    }
    cookie
}

/// A `Set-Cookie` that forgets the token.
pub fn forget() -> String {
    format!("{NAME}=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0")
}
