//! What the columns of a CSV file mean, as a TOML file.
//!
//! ```toml
//! type = "track"                            # or "identify"
//! event = "purchase"                        # name of the event; track alone
//! source = "shop"                           # source of every fact, 1 to 64 bytes
//! keys = { user_id = "customer_id" }        # identifier type = column; blank cells are left out
//! time = { column = "date", format = "%Y-%m-%d" }  # absent: time of arrival. No format: RFC 3339
//! message_id = "order_id"                   # absent: derived from source, line and content
//! delimiter = ","
//!
//! [properties]                              # [traits] for identify; blank cells are left out
//! dollars = { column = "dollars", type = "number" }
//! ```
//!
//! The types of a cell are `text` (default), `number`, `bool` (`true`, `false`, `yes`, `no`, `1`, `0`) and `time`.
//! A `format` is strftime's; times without an offset are UTC.

use std::collections::BTreeMap;

use serde::Deserialize;

/// Longest source that a fact may have, in bytes.
const MAX_SOURCE_BYTES: usize = 64;

/// A mapping that is consistent in itself.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mapping {
    /// What each record becomes.
    #[serde(rename = "type")]
    pub fact_type: FactType,
    /// Name of the event.
    pub event: Option<String>,
    /// The sending system, which also begins every derived message id.
    pub source: String,
    /// Column of each identifier, by identifier type.
    pub keys: BTreeMap<String, String>,
    /// Column of the event time.
    pub time: Option<TimeColumn>,
    /// Column of the message id.
    pub message_id: Option<String>,
    /// What separates two cells: one byte, not a quote.
    #[serde(default = "comma", deserialize_with = "byte")]
    pub delimiter: u8,
    /// What a track fact carries, by property.
    #[serde(default)]
    pub properties: BTreeMap<String, Cell>,
    /// What an identify fact carries, by trait.
    #[serde(default)]
    pub traits: BTreeMap<String, Cell>,
}

/// What a record becomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FactType {
    /// Something happened.
    Track,
    /// Attributes became known.
    Identify,
}

/// A column that holds an instant.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TimeColumn {
    /// Its name in the header.
    pub column: String,
    /// How it is written, in strftime's terms. None: RFC 3339.
    pub format: Option<String>,
}

/// A column that becomes a property or trait.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cell {
    /// Its name in the header.
    pub column: String,
    /// What it holds.
    #[serde(rename = "type", default)]
    pub cell_type: CellType,
    /// For times: how they are written. None: RFC 3339.
    pub format: Option<String>,
}

/// What a cell holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CellType {
    /// Text as it is.
    #[default]
    Text,
    /// A decimal number with a point.
    Number,
    /// Yes or no.
    Bool,
    /// An instant; it becomes RFC 3339 text in UTC.
    Time,
}

impl Mapping {
    /// Reads a mapping. The error says what is wrong and where.
    pub fn parse(toml: &str) -> Result<Self, String> {
        let mapping: Self = toml::from_str(toml).map_err(|error| error.to_string())?;
        mapping.check()?;
        Ok(mapping)
    }

    /// What the fact carries.
    pub(super) fn members(&self) -> &BTreeMap<String, Cell> {
        match self.fact_type {
            FactType::Track => &self.properties,
            FactType::Identify => &self.traits,
        }
    }

    fn check(&self) -> Result<(), String> {
        let problem = match self.fact_type {
            FactType::Track if self.event.is_none() => "a track needs `event`",
            FactType::Track if !self.traits.is_empty() => "a track has `properties` and no `traits`",
            FactType::Identify if self.event.is_some() => "an identify has no `event`",
            FactType::Identify if !self.properties.is_empty() => "an identify has `traits` and no `properties`",
            _ if self.keys.is_empty() => "`keys` is empty: without an identifier a row is nobody's",
            _ if !(1..=MAX_SOURCE_BYTES).contains(&self.source.len()) => "`source` must be 1 to 64 bytes",
            _ => return self.check_formats(),
        };
        Err(problem.into())
    }

    fn check_formats(&self) -> Result<(), String> {
        for (name, cell) in self.members() {
            if cell.format.is_some() && cell.cell_type != CellType::Time {
                return Err(format!("`{name}`: only a column of type time has a `format`"));
            }
        }
        let of_cells = self.members().values().filter_map(|cell| cell.format.as_deref());
        let of_time = self.time.iter().filter_map(|time| time.format.as_deref());
        for format in of_cells.chain(of_time) {
            let epoch = jiff::Timestamp::UNIX_EPOCH.to_zoned(jiff::tz::TimeZone::UTC);
            jiff::fmt::strtime::format(format, &epoch)
                .map_err(|error| format!("`{format}` is no time format: {error}"))?;
        }
        Ok(())
    }
}

fn comma() -> u8 {
    b','
}

fn byte<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<u8, D::Error> {
    let text = String::deserialize(deserializer)?;
    match text.as_bytes() {
        [byte] if !b"\"\r\n".contains(byte) => Ok(*byte),
        _ => Err(serde::de::Error::custom("`delimiter` must be one ASCII character, such as `;`, and no quote")),
    }
}
