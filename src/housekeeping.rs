//! What the server does by itself while it runs: it frees closed DIDs on time.

use std::sync::Arc;
use std::time::Duration;

use crate::app::App;
use crate::service::access::Actor;
use crate::service::dids;

/// How often the server looks for something to do, beginning at its start.
pub const INTERVAL: Duration = Duration::from_secs(60 * 60);

/// Runs until it is dropped.
pub async fn run(app: Arc<App>) {
    loop {
        free_closed_dids(&app).await;
        tokio::time::sleep(INTERVAL).await;
    }
}

/// Frees the DIDs that have been closed for `did_closed_days`, some at a time, so that callers get in between.
async fn free_closed_dids(app: &App) {
    let mut count = 0;
    loop {
        let by = Actor::system(app.ambient.now_ms());
        match app.store.write(move |tx| dids::free_closed(tx, &by)).await {
            Ok(0) => break,
            Ok(freed) => count += freed,
            Err(error) => {
                tracing::error!(%error, "closed DIDs were not freed, the next try is in an hour");
                break;
            }
        }
    }
    if count > 0 {
        tracing::info!(count, "closed DIDs were freed");
    }
}
