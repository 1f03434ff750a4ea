//! How large a profile is and how fast it grows: what finds those that one bad identifier holds together.

use super::time::Time;

/// From so many identifiers on, the size of a profile is kept.
pub const LISTED_FROM: usize = 8;
/// Over how many days growth is kept: today, in UTC, and those before it.
pub const GROWTH_DAYS: u32 = 7;

const MICROS_PER_DAY: u64 = 24 * 60 * 60 * 1_000_000;

/// The size of a profile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Size {
    /// How many identifiers it has.
    pub identifiers: u32,
    /// By how many it grew on each of the last [`GROWTH_DAYS`] days on which it did, oldest first.
    pub gained: Vec<Gain>,
}

/// By how many identifiers a profile grew in a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gain {
    /// The day, counted from 1970-01-01 in UTC.
    pub day: u32,
    /// How many more identifiers.
    pub identifiers: u32,
}

impl Size {
    /// The size of a profile that is to be listed from now on: what it has below [`LISTED_FROM`] is no growth.
    pub fn unlisted() -> Self {
        Self { identifiers: u32::try_from(LISTED_FROM - 1).unwrap_or(u32::MAX), gained: Vec::new() }
    }

    /// Notes at log time `now` how many identifiers there are. That some have gone is no growth, and undoes none.
    pub fn becomes(&mut self, identifiers: usize, now: Time) {
        let identifiers = u32::try_from(identifiers).unwrap_or(u32::MAX);
        let more = identifiers.saturating_sub(self.identifiers);
        self.identifiers = identifiers;
        let today = day(now);
        self.gained.retain(|gain| counts(gain, today));
        match self.gained.last_mut().filter(|gain| gain.day == today) {
            Some(gain) => gain.identifiers = gain.identifiers.saturating_add(more),
            None if more > 0 => self.gained.push(Gain { day: today, identifiers: more }),
            None => {}
        }
    }

    /// By how many identifiers it grew in the days that count at log time `now`.
    pub fn growth(&self, now: Time) -> u32 {
        let today = day(now);
        let gains = self.gained.iter().filter(|gain| counts(gain, today));
        gains.fold(0, |sum, gain| sum.saturating_add(gain.identifiers))
    }
}

fn day(time: Time) -> u32 {
    u32::try_from(time.micros() / MICROS_PER_DAY).unwrap_or(u32::MAX)
}

fn counts(gain: &Gain, today: u32) -> bool {
    gain.day.saturating_add(GROWTH_DAYS) > today
}

#[cfg(test)]
mod tests {
    use super::*;

    fn on(day: u64) -> Time {
        Time::from_micros(day * MICROS_PER_DAY + 5)
    }

    #[test]
    fn growth_is_that_of_the_last_seven_days() {
        let mut size = Size::unlisted();
        size.becomes(8, on(10));
        size.becomes(20, on(10));
        assert_eq!(size.gained, [Gain { day: 10, identifiers: 13 }]);
        size.becomes(15, on(12));
        size.becomes(16, on(16));
        assert_eq!((size.identifiers, size.growth(on(16))), (16, 14));
        assert_eq!(size.growth(on(17)), 1, "the day is forgotten after a week, without a write");
        size.becomes(16, on(17));
        assert_eq!(size.gained, [Gain { day: 16, identifiers: 1 }]);
    }
}
