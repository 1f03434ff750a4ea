//! Aggregates against a naive reading of all events at once.

use proptest::prelude::*;

use jiff::tz::TimeZone;

use super::*;

fn moment(at: u64) -> Moment {
    Moment { time: Time::from_micros(at), message_id: at.to_string() }
}

#[test]
fn sums_are_exact_decimals() {
    let cents = |n: f64| State::of(&Aggregate::Sum, &moment(1), Some(&Value::Number(n))).unwrap();
    let total = (0..1_000).fold(cents(0.1), |sum, _| sum.merge(cents(0.1)));
    assert_eq!(total.value(), Value::Number(100.1));
    assert_eq!(cents(-11.77).merge(cents(11.77)).value(), Value::Number(0.0));
    assert_eq!(
        cents(1e17).merge(cents(0.01)),
        State::Sum(Decimal::from_billionths(100_000_000_000_000_000_010_000_000))
    );
    assert_eq!(cents(1e-12).value(), Value::Number(0.0));
}

#[test]
fn useless_values_are_left_out() {
    for aggregate in [Aggregate::Sum, Aggregate::Min, Aggregate::Max, Aggregate::First, Aggregate::Last] {
        assert_eq!(State::of(&aggregate, &moment(1), None), None);
        assert_eq!(State::of(&aggregate, &moment(1), Some(&Value::Null)), None);
    }
    assert_eq!(State::of(&Aggregate::Sum, &moment(1), Some(&Value::Text("7".into()))), None);
    assert_eq!(State::of(&Aggregate::Min, &moment(1), Some(&Value::List(vec![]))), None);
    assert_eq!(State::of(&Aggregate::Sum, &moment(1), Some(&Value::Number(1e18))), None);
}

/// The specification, read naively: look at all events at once.
fn naive(aggregate: &Aggregate, events: &[(u64, i64)]) -> Option<Value> {
    let by_time = |(at, _): &&(u64, i64)| (*at, at.to_string());
    let number = |n: i64| Value::Number(n as f64 / 100.0);
    let values = || events.iter().map(|(_, n)| *n);
    Some(match aggregate {
        Aggregate::Count => Value::Number((!events.is_empty()).then_some(events.len() as f64)?),
        Aggregate::Sum => number((!events.is_empty()).then(|| values().sum())?),
        Aggregate::Min => number(values().min()?),
        Aggregate::Max => number(values().max()?),
        Aggregate::First => number(events.iter().min_by_key(by_time)?.1),
        Aggregate::Last => number(events.iter().max_by_key(by_time)?.1),
        _ => return None,
    })
}

proptest! {
    #[test]
    fn any_split_in_any_order_gives_the_aggregate_of_all(
        cents in prop::collection::vec(-1_000_000_i64..1_000_000, 1..20),
        split in 0_usize..20,
        which in 0_usize..6,
    ) {
        use Aggregate::{Count, First, Last, Max, Min, Sum};
        let aggregate = [Count, Sum, Min, Max, First, Last][which].clone();
        let events: Vec<(u64, i64)> = cents.iter().enumerate().map(|(at, n)| (at as u64 * 7 % 5 * 100 + at as u64, *n)).collect();
        let fold = |events: &[(u64, i64)]| events.iter().filter_map(|(at, n)| {
            State::of(&aggregate, &moment(*at), Some(&Value::Number(*n as f64 / 100.0)))
        }).reduce(State::merge);
        let (left, right) = events.split_at(split.min(events.len()));
        let merged = [fold(right), fold(left)].into_iter().flatten().reduce(State::merge);
        prop_assert_eq!(merged.map(|state| state.value()), naive(&aggregate, &events));
    }
}

const HOUR: u64 = 60 * 60 * 1_000_000;

/// Events of a year around days of daylight saving: quarters of an hour since 2026-01-01, and a value.
fn history() -> impl Strategy<Value = Vec<(u64, i64)>> {
    prop::collection::vec((0_u64..365 * 24 * 4, -3_i64..3), 1..40)
}

fn time(quarter: u64) -> Time {
    Time::from_micros(1_767_225_600_000_000 + quarter * HOUR / 4 + 1)
}

/// The events of both halves and of all at once, as states.
fn folded(aggregate: &Aggregate, window: Option<Window>, events: &[(u64, i64)], split: usize) -> [Option<State>; 2] {
    let fold = |events: &[(u64, i64)], from: usize| {
        let states = events.iter().enumerate().filter_map(|(at, (quarter, number))| {
            let moment = Moment { time: time(*quarter), message_id: (from + at).to_string() };
            let number = Value::Number(*number as f64);
            let value = match aggregate {
                Aggregate::LastEvents { .. } => Value::Object([("n".to_owned(), number)].into()),
                _ => number,
            };
            let state = State::of(aggregate, &moment, Some(&value))?;
            Some(window.into_iter().fold(state, |state, window| state.sliding(window, moment.time)))
        });
        states.reduce(State::merge)
    };
    let split = split.min(events.len());
    let (left, right) = events.split_at(split);
    let halves = [fold(right, split), fold(left, 0)].into_iter().flatten().reduce(State::merge);
    [fold(events, 0), halves]
}

proptest! {
    #[test]
    fn windows_are_a_recount_at_any_moment(
        events in history(), split in 0_usize..40, ahead in 0_u64..100 * 24 * 4, which in 0_usize..5, length in 0_usize..4,
    ) {
        let window = Window::ALL[length];
        let aggregate =
            [Aggregate::Count, Aggregate::Sum, Aggregate::Average, Aggregate::Min, Aggregate::Max][which].clone();
        // No event is dated more than a day ahead of any moment that something is asked at.
        let newest = events.iter().map(|(quarter, _)| *quarter).max().unwrap();
        let now = time((newest + ahead).saturating_sub(24 * 4));
        let bucket = [HOUR / 4, HOUR, 6 * HOUR, 24 * HOUR][length];
        let last = now.micros() / bucket;
        let counted: Vec<i64> = events
            .iter()
            .filter(|(quarter, _)| {
                let at = time(*quarter).micros() / bucket;
                at <= last && at >= last - window.micros() / bucket
            })
            .map(|(_, number)| *number)
            .collect();
        let sum = counted.iter().sum::<i64>() as f64;
        let number = |number: f64| Some(Value::Number(number));
        let expected = match aggregate {
            Aggregate::Count => number(counted.len() as f64),
            Aggregate::Sum => number(sum),
            Aggregate::Average => number(sum / counted.len() as f64).filter(|_| !counted.is_empty()),
            Aggregate::Min => counted.iter().min().and_then(|least| number(*least as f64)),
            _ => counted.iter().max().and_then(|most| number(*most as f64)),
        };
        let [all, halves] = folded(&aggregate, Some(window), &events, split);
        prop_assert_eq!(&all, &halves);
        prop_assert_eq!(all.unwrap().read(&aggregate, now, &TimeZone::UTC), expected);
    }

    #[test]
    fn hours_are_those_of_each_local_day(events in history(), split in 0_usize..40, which in 0_usize..4) {
        let name = ["UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu"][which];
        let mut expected = [0.0; 24];
        for (quarter, _) in &events {
            let at = jiff::Timestamp::from_microsecond(time(*quarter).micros() as i64).unwrap();
            expected[at.in_tz(name).unwrap().hour() as usize] += 1.0;
        }
        let aggregate = Aggregate::Hours { time_zone: None };
        let [all, halves] = folded(&aggregate, None, &events, split);
        prop_assert_eq!(&all, &halves);
        let expected = Value::List(expected.into_iter().map(Value::Number).collect());
        prop_assert_eq!(all.unwrap().read(&aggregate, Time::default(), &zone(name)), Some(expected));
    }

    #[test]
    fn days_are_a_recount_at_any_moment(
        events in history(), split in 0_usize..40, at in 0_u64..400 * 24 * HOUR, which in 0_usize..3,
    ) {
        use Aggregate::{DaysBetween, DaysSinceFirst, DaysSinceLast};
        let aggregate = [DaysSinceFirst, DaysSinceLast, DaysBetween][which].clone();
        let [all, halves] = folded(&aggregate, None, &events, split);
        prop_assert_eq!(&all, &halves);
        let all = all.unwrap();

        let mut order: Vec<Time> = events.iter().map(|(quarter, _)| time(*quarter)).collect();
        order.sort_unstable();
        let (first, last) = (order[0], order[order.len() - 1]);
        // Day by day from the event on, as long as one more is over.
        let days = |from: Time, to: Time| {
            let over = (1..).map(|day| from.plus_micros(day * 24 * HOUR)).take_while(|over| *over <= to);
            Some(Value::Number(over.count() as f64))
        };
        let expected = |now: Time| match aggregate {
            DaysSinceFirst => days(first, now),
            DaysSinceLast => days(last, now),
            _ => days(first, last),
        };
        let now = time(0).plus_micros(at);
        // At any moment, and at those where a day is over: then and not a microsecond before.
        let over = all.changes_at(now);
        prop_assert_eq!(over.is_some(), all.is_live());
        let before = over.map(|over| Time::from_micros(over.micros() - 1));
        for now in [Some(now), before, over].into_iter().flatten() {
            prop_assert_eq!(all.read(&aggregate, now, &TimeZone::UTC), expected(now));
        }
        if let (Some(before), Some(over)) = (before, over) {
            prop_assert!(over > now);
            prop_assert_eq!(expected(before), expected(now));
            prop_assert_ne!(expected(over), expected(now));
        }
    }

    #[test]
    fn lists_and_counts_are_a_recount(events in history(), split in 0_usize..40, limit in 1_usize..8) {
        let newest_first = || {
            let mut order: Vec<usize> = (0..events.len()).collect();
            order.sort_by_key(|at| std::cmp::Reverse((events[*at].0, at.to_string())));
            order
        };
        let number = |at: &usize| Value::Number(events[*at].1 as f64);

        let aggregate = Aggregate::LastEvents { limit, properties: vec!["n".to_owned()] };
        let [all, halves] = folded(&aggregate, None, &events, split);
        prop_assert_eq!(&all, &halves);
        let told = |at: &usize| {
            let at_time = ("time".to_owned(), Value::Time(time(events[*at].0)));
            Value::Object([("n".to_owned(), number(at)), at_time].into())
        };
        let expected = newest_first().iter().take(limit).map(told).collect();
        prop_assert_eq!(all.unwrap().value(), Value::List(expected));

        let aggregate = Aggregate::UniqueList { limit };
        let [all, halves] = folded(&aggregate, None, &events, split);
        prop_assert_eq!(&all, &halves);
        let mut distinct: Vec<(u64, i64)> = Vec::new();
        for number in -3..3 {
            let last = events.iter().filter(|(_, n)| *n == number).map(|(at, _)| *at).max();
            distinct.extend(last.map(|at| (at, number)));
        }
        distinct.sort_by_key(|(at, number)| (std::cmp::Reverse(*at), *number));
        let all = all.unwrap();
        prop_assert_eq!(all.capped(), Some(distinct.len() > limit));
        let expected = distinct.iter().take(limit).map(|(_, number)| Value::Number(*number as f64)).collect();
        prop_assert_eq!(all.value(), Value::List(expected));

        let [all, halves] = folded(&Aggregate::MostFrequent, None, &events, split);
        prop_assert_eq!(&all, &halves);
        let often = |number: &i64| events.iter().filter(|(_, n)| n == number).count();
        let most = (-3..3).max_by_key(|number| (often(number), -number)).unwrap();
        prop_assert_eq!(all.unwrap().value(), Value::Number(most as f64));
    }
}

#[test]
fn a_day_is_over_to_the_microsecond_and_none_is_negative() {
    let day = 24 * HOUR;
    let of = |aggregate: &Aggregate, at: u64| State::of(aggregate, &moment(at), None).unwrap();
    let told = |aggregate: &Aggregate, state: &State, now: u64| {
        let Some(Value::Number(days)) = state.read(aggregate, Time::from_micros(now), &TimeZone::UTC) else { panic!() };
        days
    };
    for aggregate in [Aggregate::DaysSinceFirst, Aggregate::DaysSinceLast] {
        let state = of(&aggregate, 5 * day);
        let days = [0, 5 * day, 6 * day - 1, 6 * day, 7 * day - 1, 7 * day].map(|now| told(&aggregate, &state, now));
        assert_eq!(days, [0.0, 0.0, 0.0, 1.0, 1.0, 2.0], "{aggregate:?}");
        // What is dated ahead is no day ago until a day after it.
        assert_eq!(state.changes_at(Time::from_micros(0)), Some(Time::from_micros(6 * day)));
        assert_eq!((state.is_live(), state.value(), state.capped()), (true, Value::Null, None));
    }
    let between = |last: u64| of(&Aggregate::DaysBetween, last).merge(of(&Aggregate::DaysBetween, day));
    assert_eq!([day, 2 * day - 1, 2 * day].map(|last| between(last).value()), [0.0, 0.0, 1.0].map(Value::Number));
    assert_eq!((between(day).is_live(), between(day).changes_at(Time::default())), (false, None));
}

#[test]
fn what_is_kept_is_bounded_and_says_so() {
    let of = |aggregate: &Aggregate, range: std::ops::Range<u64>| {
        let states = range.map(|at| {
            let moment = Moment { time: time(at), message_id: at.to_string() };
            State::of(aggregate, &moment, Some(&Value::Number((at % 1_500) as f64))).unwrap()
        });
        states.reduce(State::merge).unwrap()
    };
    for aggregate in [Aggregate::MostFrequent, Aggregate::Hours { time_zone: None }] {
        let all = of(&aggregate, 0..3_001);
        assert_eq!(all.capped(), Some(true));
        assert_eq!(of(&aggregate, 700..3_001).merge(of(&aggregate, 0..700)), all, "{aggregate:?}");
        assert_eq!(of(&aggregate, 0..1_000).capped(), Some(false));
    }
    // Zero came three times, all others twice or not at all as far as they are counted.
    assert_eq!(of(&Aggregate::MostFrequent, 0..3_001).value(), Value::Number(0.0));
    assert_eq!(State::of(&Aggregate::MostFrequent, &moment(1), Some(&Value::Text("x".repeat(257)))), None);
}
