//! The made-up people of a benchmark: person `i` of a population is the same in every run, on every machine and in
//! every store that is compared.
//!
//! Invariant: pure functions of (seed, number, slot); no random generator with a state, no clock.

use std::fmt;

use jiff::Timestamp;

/// Attributes of every person.
pub const ATTRIBUTES: usize = 30;

/// One value, before a store gives it its own form.
#[derive(Clone, Debug, PartialEq)]
pub enum Datum {
    /// About 12 bytes of lower-case letters, or a time of day of 2026 as RFC 3339.
    Text(String),
    /// Two decimal places.
    Number(f64),
    /// Yes or no.
    Flag(bool),
}

impl fmt::Display for Datum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Datum::Text(text) => f.write_str(text),
            Datum::Number(number) => write!(f, "{number}"),
            Datum::Flag(flag) => write!(f, "{flag}"),
        }
    }
}

/// A number of people, numbered from 0.
#[derive(Clone, Copy, Debug)]
pub struct Population {
    /// How many there are.
    pub profiles: u64,
    /// Another seed makes other people under the same keys.
    pub seed: u64,
}

impl Population {
    /// The identifier that person `number` is written and looked up by.
    pub fn key(self, number: u64) -> String {
        format!("user_id:u{number:08}")
    }

    /// The e-mail address of person `number`, for populations that have one.
    pub fn email(self, number: u64) -> String {
        format!("email:u{number:08}@example.com")
    }

    /// Attribute `slot` of person `number`: two texts, a number, a flag, a time, and again.
    pub fn datum(self, number: u64, slot: usize) -> Datum {
        let noise = mix(self.seed ^ mix(number) ^ mix(slot as u64 | 1 << 63));
        match slot % 5 {
            0 | 1 => Datum::Text(letters(noise)),
            2 => Datum::Number((noise % 1_000_000) as f64 / 100.0),
            3 => Datum::Flag(noise.is_multiple_of(2)),
            _ => Datum::Text(moment(noise)),
        }
    }

    /// All attributes of person `number`, by name.
    pub fn data(self, number: u64) -> impl Iterator<Item = (String, Datum)> {
        (0..ATTRIBUTES).map(move |slot| (attribute_name(slot), self.datum(number, slot)))
    }
}

/// The name of the attribute in `slot`.
pub fn attribute_name(slot: usize) -> String {
    format!("attr_{slot:02}")
}

/// `count` attribute names, spread over the document from its first to its last attribute.
pub fn spread_names(count: usize) -> Vec<String> {
    let count = count.clamp(1, ATTRIBUTES);
    let steps = (count - 1).max(1);
    (0..count).map(|step| attribute_name(step * (ATTRIBUTES - 1) / steps)).collect()
}

/// Turns neighbouring numbers into unrelated ones (the finaliser of splitmix64).
pub fn mix(number: u64) -> u64 {
    let mut z = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// 8 to 16 letters, 12 on average.
fn letters(noise: u64) -> String {
    let length = 8 + noise % 9;
    (0..length).map(|at| char::from(b'a' + (mix(noise ^ at) % 26) as u8)).collect()
}

/// A second of the year 2026.
fn moment(noise: u64) -> String {
    const START_OF_2026: i64 = 1_767_225_600;
    const SECONDS_OF_A_YEAR: u64 = 365 * 86_400;
    let second = START_OF_2026 + (noise % SECONDS_OF_A_YEAR) as i64;
    Timestamp::from_second(second).unwrap_or(Timestamp::UNIX_EPOCH).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PEOPLE: Population = Population { profiles: 10, seed: 1 };

    #[test]
    fn a_person_is_the_same_every_time() {
        let first: Vec<_> = PEOPLE.data(7).collect();
        assert_eq!(first, PEOPLE.data(7).collect::<Vec<_>>());
        assert_eq!(first.len(), ATTRIBUTES);
        assert_ne!(first, PEOPLE.data(8).collect::<Vec<_>>());
        assert_eq!(PEOPLE.key(7), "user_id:u00000007");
    }

    #[test]
    fn texts_are_about_twelve_bytes() {
        let lengths: Vec<usize> = (0..1000).map(|n| PEOPLE.datum(n, 0).to_string().len()).collect();
        let mean = lengths.iter().sum::<usize>() as f64 / lengths.len() as f64;
        assert!((11.5..12.5).contains(&mean), "mean length {mean}");
    }

    #[test]
    fn names_are_spread_from_first_to_last() {
        assert_eq!(spread_names(6), ["attr_00", "attr_05", "attr_11", "attr_17", "attr_23", "attr_29"]);
        assert_eq!(spread_names(1), ["attr_00"]);
        assert_eq!(spread_names(99).len(), ATTRIBUTES);
    }
}
