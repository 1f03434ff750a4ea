//! Constants that CEL writes as calls: `duration("36h")` and `timestamp("2026-01-31T00:00:00Z")`. They are read when the
//! model is loaded, so that a slip of the pen is found there.

use chrono::TimeDelta;

/// The units of a duration in nanoseconds. The longer names stand first, so that `ms` is no `m`.
const UNITS: [(&str, f64); 8] = [
    ("ms", 1e6),
    ("us", 1e3),
    ("ns", 1.0),
    ("w", 7.0 * 24.0 * 3.6e12),
    ("d", 24.0 * 3.6e12),
    ("h", 3.6e12),
    ("m", 6e10),
    ("s", 1e9),
];
/// The longest duration that CEL knows, about 292 years, with room for rounding.
const MAX_NANOS: f64 = 9.2e18;

/// The duration that a text names: numbers with units, such as `1h30m`. CEL has `h`, `m`, `s`, `ms`, `us` and `ns`; days
/// and weeks are `d` and `w`, as elsewhere in the model.
pub(super) fn duration(text: &str) -> Option<TimeDelta> {
    let (is_negative, mut rest) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
    if rest == "0" {
        return Some(TimeDelta::zero());
    }
    let mut nanos = 0.0;
    loop {
        let end = rest.find(|letter: char| !letter.is_ascii_digit() && letter != '.')?;
        let (number, after) = rest.split_at_checked(end)?;
        let number: f64 = number.parse().ok()?;
        let (unit, each) = UNITS.into_iter().find(|(unit, _)| after.starts_with(unit))?;
        nanos += number * each;
        rest = after.strip_prefix(unit)?;
        if rest.is_empty() {
            break;
        }
    }
    if nanos > MAX_NANOS {
        return None;
    }
    #[allow(clippy::cast_possible_truncation)] // It is below the bound, and parts of nanoseconds do not matter.
    let nanos = nanos as i64;
    Some(TimeDelta::nanoseconds(if is_negative { -nanos } else { nanos }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_cel_reads_them() {
        let seconds = |text: &str| duration(text).map(|duration| duration.num_seconds());
        for (text, expected) in [
            ("0", Some(0)),
            ("168h", Some(604_800)),
            ("7d", Some(604_800)),
            ("1w", Some(604_800)),
            ("1h30m", Some(5_400)),
            ("1.5m", Some(90)),
            ("-2s", Some(-2)),
            ("1500ms", Some(1)),
        ] {
            assert_eq!(seconds(text), expected, "{text}");
        }
        for text in ["", "-", "7", "d", "1 h", "1y", "--9h", "1e9h", "9999999999h", "1.2.3s", "1h ", "٣h"] {
            assert_eq!(duration(text), None, "{text}");
        }
    }
}
