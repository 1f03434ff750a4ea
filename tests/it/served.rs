//! Sends: what was answered first stays, across writes, crashes and whoever else asks at the same time; and what is to be
//! respected does not wait for it.

mod pins;
mod wire;
