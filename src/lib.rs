//! kith: who is this, and what should I know before I speak to them?
//!
//! The floors, from the top; a floor uses only what is below it, and `tests/it/layering.rs` sees to that.
//!
//! - [`cli`] parses arguments and prints; [`config`] is what it reads, [`intake`] turns foreign rows into facts, and
//!   [`client`] is the other end of the wire.
//! - [`server`] answers the wire: gRPC, HTTP, keys, limits.
//! - [`engine`] is what kith does: apply a command, look up, show.
//! - [`store`] keeps typed tables in RocksDB.
//! - [`codec`] lays out keys and records in bytes.
//! - [`domain`] is meaning, pure: facts, the fold of identities, aggregates, models, answers.
//!
//! [`proto`] is the wire itself, shared by its two ends; `shards` is how caches are shared between threads.

pub mod cli;
pub mod client;
pub mod codec;
pub mod config;
pub mod domain;
pub mod engine;
pub mod intake;
pub mod proto;
pub mod server;
mod shards;
pub mod store;
