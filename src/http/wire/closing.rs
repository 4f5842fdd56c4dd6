//! The end of a connection. It lets the last answer reach a client that is still sending.

use std::future::poll_fn;
use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::task::{Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::time::timeout;

/// The bytes that are read from a socket at once.
pub const READ_BYTES: usize = 8 * 1024;
/// The bytes that are still read from a client after the last answer, so that the answer reaches them.
pub const MAX_DRAINED: usize = 256 * 1024;

/// Closes after the last answer. Closing with unread bytes would tear the connection down, and the answer with it. So
/// bytes that still come are thrown away first, up to a limit and for a short time.
pub(in crate::http) async fn close(
    io: &mut (impl AsyncRead + AsyncWrite + Unpin),
    within: Duration,
) {
    let drained = timeout(within, async {
        io.shutdown().await?;
        let mut drained = 0;
        while drained < MAX_DRAINED {
            let count = poll_fn(|cx| {
                let mut space = [MaybeUninit::uninit(); READ_BYTES];
                let mut came = ReadBuf::uninit(&mut space);
                ready!(Pin::new(&mut *io).poll_read(cx, &mut came))?;
                Poll::Ready(io::Result::Ok(came.filled().len()))
            });
            match count.await? {
                0 => break,
                count => drained += count,
            }
        }
        io::Result::Ok(())
    });
    // A client that is gone or goes on sending has had its time.
    let _ = drained.await;
}
