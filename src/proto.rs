//! The wire: messages and services generated from `proto/kith/v1`.
//!
//! Used by the two ends of the wire only: `server`, and `client` with the `cli` on top of it.

/// `package kith.v1`.
#[allow(missing_docs, clippy::all, clippy::pedantic, clippy::restriction)]
pub mod v1 {
    tonic::include_proto!("kith.v1");
}

/// The compiled descriptors of `kith.v1` with their comments, for reflection and the JSON mapping.
pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/kith.v1.bin"));
