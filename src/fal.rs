//! fal's protocol: submit, status, stream, result, cancel, uploads, prices and the list of past requests.

pub mod wire;
