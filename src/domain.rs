//! Meaning, pure: what identifiers, facts, profiles and answers are, and the rules between them.
//!
//! No I/O, no clock, no randomness, no async: times and new ids come in as arguments.

pub mod access;
pub mod aggregate;
pub mod answer;
pub mod attributes;
pub mod backfill;
pub mod belonging;
pub mod canonical;
pub mod consent;
pub mod correction;
pub mod erasure;
pub mod event;
pub mod fact;
pub mod holdings;
pub mod hush;
pub mod identifier;
pub mod ids;
pub mod invalid;
pub mod key;
pub mod label;
pub mod link;
pub mod model;
pub mod name;
pub mod owner;
pub mod profile;
pub mod receipt;
pub mod refold;
pub mod resolution;
pub mod segment;
pub mod served;
pub mod size;
pub mod suggest;
pub mod time;
pub mod token;
pub mod tombstone;
pub mod value;
pub mod view;
pub mod wall;
