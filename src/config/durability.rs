//! When a write counts as written.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// What an acknowledged write has survived.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Durability {
    /// It is on the disk: fsynced before it is acknowledged.
    #[default]
    Sync,
    /// It is with the operating system and is fsynced within this time: a power cut may lose that much.
    Interval(Duration),
}

impl FromStr for Durability {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const EXPECTED: &str = "durability must be `sync` or `interval(MS)`, MS being 1 or more milliseconds";
        if text == "sync" {
            return Ok(Self::Sync);
        }
        let digits = text.strip_prefix("interval(").and_then(|rest| rest.strip_suffix(')')).ok_or(EXPECTED)?;
        let milliseconds: u32 = digits.trim().parse().map_err(|_| EXPECTED)?;
        if milliseconds == 0 {
            return Err(EXPECTED);
        }
        Ok(Self::Interval(Duration::from_millis(milliseconds.into())))
    }
}

impl fmt::Display for Durability {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sync => out.write_str("sync"),
            Self::Interval(time) => write!(out, "interval({})", time.as_millis()),
        }
    }
}

impl Serialize for Durability {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Durability {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_are_read_and_written_alike() {
        for text in ["sync", "interval(5)", "interval(60000)"] {
            assert_eq!(text.parse::<Durability>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for text in ["", "async", "interval", "interval(0)", "interval(-1)", "interval(5", "interval(x)"] {
            assert!(text.parse::<Durability>().is_err(), "{text}");
        }
    }
}
