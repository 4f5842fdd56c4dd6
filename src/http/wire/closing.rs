//! How a connection ends, so that the last answer reaches a client who still sends.

use std::future::poll_fn;
use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::task::{Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::time::timeout;

/// What is taken off a socket at once.
pub const READ_BYTES: usize = 8 * 1024;
/// What is read of a client who still sends when nothing is listened to any more, so that the answer reaches them.
pub const MAX_DRAINED: usize = 256 * 1024;

/// Closes after the last answer. To close with something unread would tear the connection down, answer and all, so what
/// still comes is thrown away first: some KiB, and not for long.
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
    // Whoever is gone, or goes on sending, has had their time.
    let _ = drained.await;
}
