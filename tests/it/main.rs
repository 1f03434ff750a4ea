//! The integration tests: the real server, the real binary and the real wire. One binary, a module for each subject.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "a test that fails may panic")]

mod backfill;
mod bad_input;
mod bench;
mod bytes;
mod canary;
mod cdnow;
mod cli;
mod crash;
mod decisions;
mod erase;
mod examples;
mod golden;
mod groups;
mod grpcurl;
mod harness;
mod identity;
mod layering;
mod linear;
mod reads;
mod refold;
mod resolution;
mod segments;
mod served;
mod server;
mod speaking;
mod views;
mod writes;
