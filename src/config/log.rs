//! What the server says on stderr, and how.

use std::io::IsTerminal as _;

use serde::{Deserialize, Serialize};

/// The server's log.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Log {
    /// Least severe line that is written: `error`, `warn`, `info` (default), `debug` or `trace`.
    pub level: LogLevel,
    /// Shape of a line: `json` or `text`. Unless set: text where stderr is a terminal, JSON everywhere else.
    pub format: LogFormat,
}

/// Severity of a log line.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", try_from = "String")]
pub enum LogLevel {
    /// The server failed at something.
    Error,
    /// Something to look at.
    Warn,
    /// Starts, stops and changes.
    #[default]
    Info,
    /// For people who work on kith.
    Debug,
    /// Everything.
    Trace,
}

impl LogLevel {
    /// As it is written in the configuration.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Debug => "debug",
            Self::Trace => "trace",
        }
    }
}

impl TryFrom<String> for LogLevel {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, &'static str> {
        let levels = [Self::Error, Self::Warn, Self::Info, Self::Debug, Self::Trace];
        let named = levels.into_iter().find(|level| level.as_str() == text);
        named.ok_or("log.level must be error, warn, info, debug or trace")
    }
}

/// Shape of a log line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", try_from = "String")]
pub enum LogFormat {
    /// One JSON object a line.
    Json,
    /// For people.
    Text,
}

impl Default for LogFormat {
    fn default() -> Self {
        if std::io::stderr().is_terminal() { Self::Text } else { Self::Json }
    }
}

impl TryFrom<String> for LogFormat {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        match text.as_str() {
            "json" => Ok(Self::Json),
            "text" => Ok(Self::Text),
            _ => Err("log.format must be json or text"),
        }
    }
}
