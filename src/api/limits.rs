//! How large a call may be.

/// Largest body, in bytes.
pub const MAX_BODY: usize = 64 * 1024;
/// Longest query string, in bytes.
pub const MAX_QUERY: usize = 8 * 1024;
/// Longest request line and headers together, in bytes: the framework's own limit.
pub const MAX_HEAD: usize = 128 * 1024;
/// The most parameters, counting every one that was sent.
pub const MAX_PARAMETERS: usize = 200;
/// Longest segment of a path after a method's name, in characters.
pub const MAX_SEGMENT: usize = 128;
