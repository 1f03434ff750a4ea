//! Names of people: which texts are none, and how one that was shouted or whispered is written.
//!
//! Two mistakes are possible, and they do not weigh the same. To take junk for a name says "Hello null," to somebody; to
//! take a name for junk says "Hello there," to Mr Null for the rest of his life. So [`tidy`] refuses only what nobody is
//! called, or what software writes where a name should be, and [`repair`] touches only what has lost its case.

mod case;
mod junk;

pub use case::repair;
pub use junk::{Junk, MAX_NAME_CHARS, tidy};
