//! gzip: one reused compressor per thread for whole replies, one of its own for a reply in pieces.

use std::cell::RefCell;

use flate2::{Compress, Compression, FlushCompress, Status};

/// 2^15 bytes: the window that every gzip reader has.
const WINDOW_BITS: u8 = 15;
/// Room for gzip's header and trailer beside the compressed text.
const OVERHEAD: usize = 64;

thread_local! {
    // A new compressor costs more than compressing a small list with it.
    static COMPRESSOR: RefCell<Compress> = RefCell::new(compressor());
}

fn compressor() -> Compress {
    Compress::new_gzip(Compression::fast(), WINDOW_BITS)
}

/// Gzips the whole of `plain`.
pub fn whole(plain: &[u8]) -> Vec<u8> {
    COMPRESSOR.with_borrow_mut(|compressor| {
        compressor.reset();
        run(compressor, plain, FlushCompress::Finish)
    })
}

/// A gzip file that is made piece by piece.
pub struct Gzip(Compress);

impl Gzip {
    /// An empty file.
    pub fn new() -> Self {
        Self(compressor())
    }

    /// Adds `plain`, and gives the bytes that can be sent now.
    pub fn piece(&mut self, plain: &[u8]) -> Vec<u8> {
        run(&mut self.0, plain, FlushCompress::None)
    }

    /// The last bytes of the file.
    pub fn finish(&mut self) -> Vec<u8> {
        run(&mut self.0, &[], FlushCompress::Finish)
    }
}

fn run(compressor: &mut Compress, plain: &[u8], flush: FlushCompress) -> Vec<u8> {
    let mut packed = Vec::with_capacity(plain.len() / 2 + OVERHEAD);
    let start = compressor.total_in();
    loop {
        let taken = (compressor.total_in() - start) as usize;
        let status = compressor
            .compress_vec(&plain[taken..], &mut packed, flush)
            .expect("deflate fails only on a misused stream");
        let is_taken = (compressor.total_in() - start) as usize == plain.len();
        let is_done = match flush {
            FlushCompress::Finish => status == Status::StreamEnd,
            // Room left over means that no more output comes for now.
            _ => is_taken && packed.len() < packed.capacity(),
        };
        if is_done {
            return packed;
        }
        packed.reserve(packed.capacity().max(OVERHEAD));
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    fn unpack(packed: &[u8]) -> Vec<u8> {
        let mut plain = Vec::new();
        let mut reader = flate2::read::GzDecoder::new(packed);
        reader.read_to_end(&mut plain).unwrap();
        plain
    }

    /// Bytes that compress badly, so that the output outgrows its first buffer.
    fn noise(length: u32) -> Vec<u8> {
        (0..length)
            .map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8)
            .collect()
    }

    #[test]
    fn whole_replies_come_back_from_a_reused_compressor() {
        for plain in [
            Vec::new(),
            b"<page></page>".to_vec(),
            noise(300_000),
            b"again".to_vec(),
        ] {
            assert_eq!(unpack(&whole(&plain)), plain);
        }
    }

    #[test]
    fn pieces_make_one_file() {
        let pieces = [noise(100_000), Vec::new(), b"x".to_vec(), noise(7)];
        let mut gzip = Gzip::new();
        let mut packed: Vec<u8> = pieces.iter().flat_map(|piece| gzip.piece(piece)).collect();
        packed.extend(gzip.finish());
        assert_eq!(unpack(&packed), pieces.concat());
    }
}
