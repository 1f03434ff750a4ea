use proptest::prelude::*;
use proptest::sample::Index;

use super::*;

/// One fact about a topic, as the naive reference has it: of which identifier, when, and what.
#[derive(Clone, Debug)]
struct Fact {
    origin: usize,
    time: u64,
    topic: (usize, usize),
    lift: bool,
    until: Option<u64>,
}

const NAMES: [&str; 2] = ["babies", "weddings"];
const CHANNELS: [&str; 3] = ["", "email", "push"];
const NOW: u64 = 50;

fn facts() -> impl Strategy<Value = Vec<Fact>> {
    let until = proptest::option::weighted(0.6, 40_u64..60);
    let fact = (0_usize..3, 0_u64..8, (0_usize..2, 0_usize..3), proptest::bool::weighted(0.3), until);
    let fact = fact.prop_map(|(origin, time, topic, lift, until)| Fact { origin, time, topic, lift, until });
    prop::collection::vec(fact, 0..14)
}

fn topic((name, channel): (usize, usize)) -> Topic {
    Topic { name: NAMES[name].to_owned(), channel: CHANNELS[channel].to_owned() }
}

fn learn(hushes: &mut Hushes, fact: &Fact, message_id: String) -> bool {
    let Fact { origin, time, topic: of, lift, until } = fact;
    let moment = Moment { time: Time::from_micros(*time), message_id };
    let origin = Identifier::from_canonical("user_id", &origin.to_string());
    let until = until.filter(|_| !lift).map(Time::from_micros);
    let said = Said { topic: topic(*of), lift: *lift, until, cause: String::new() };
    hushes.learn(&said, &Arc::new(Stamp { moment, source: String::new(), origin }))
}

/// What is hushed, by the rules and nothing else: of each identifier its newest hush of a topic, unless anybody lifted
/// that later on, in its channel or in all.
fn hushed_by_the_rules(facts: &[Fact]) -> Vec<Hushed> {
    let when = |at: usize| (facts[at].time, at);
    let stands = |at: usize| {
        let Fact { origin, topic: (name, channel), lift, until, .. } = &facts[at];
        let of_us = |other: &Fact| other.origin == *origin && other.topic == (*name, *channel) && !other.lift;
        let lifts = |other: &Fact| other.lift && other.topic.0 == *name && [*channel, 0].contains(&other.topic.1);
        let ended = until.is_some_and(|until| until <= NOW);
        let mut later = (0..facts.len()).filter(|other| when(*other) > when(at));
        !lift && !ended && !later.any(|other| of_us(&facts[other]) || lifts(&facts[other]))
    };
    let mut hushed: BTreeMap<Topic, Vec<Option<u64>>> = BTreeMap::new();
    for at in (0..facts.len()).filter(|at| stands(*at)) {
        hushed.entry(topic(facts[at].topic)).or_default().push(facts[at].until);
    }
    let longest = |ends: Vec<Option<u64>>| if ends.contains(&None) { None } else { ends.into_iter().flatten().max() };
    hushed.into_iter().map(|(topic, ends)| Hushed { topic, until: longest(ends).map(Time::from_micros) }).collect()
}

proptest! {
    #[test]
    fn neither_the_order_of_facts_nor_that_of_merges_matters(
        facts in facts(),
        order in prop::collection::vec(any::<Index>(), 14),
        part in prop::collection::vec(0_usize..4, 14),
    ) {
        let mut left: Vec<usize> = (0..facts.len()).collect();
        let mut parts = vec![Hushes::default(); 4];
        for (index, part) in order.iter().zip(part) {
            if !left.is_empty() {
                let at = left.swap_remove(index.index(left.len()));
                learn(&mut parts[part], &facts[at], format!("{at:02}"));
            }
        }
        let mut merged = Hushes::default();
        parts.into_iter().for_each(|part| merged.absorb(part));
        prop_assert_eq!(merged.hushed(Time::from_micros(NOW)), hushed_by_the_rules(&facts));
        // What is said again is nothing new, and the answer of what is told says so.
        let before = merged.clone();
        for (at, fact) in facts.iter().enumerate() {
            let changed = learn(&mut merged, fact, format!("{at:02}"));
            prop_assert!(!changed);
        }
        prop_assert!(merged == before);
    }

    /// Of facts of one moment too, which only a sender that uses an id for two facts has.
    #[test]
    fn the_union_is_commutative_associative_and_idempotent(parts in prop::collection::vec(facts(), 3)) {
        let of = |facts: &Vec<Fact>| {
            let mut hushes = Hushes::default();
            facts.iter().for_each(|fact| { learn(&mut hushes, fact, String::new()); });
            hushes
        };
        let [a, b, c] = [of(&parts[0]), of(&parts[1]), of(&parts[2])];
        let union = |a: &Hushes, b: &Hushes| {
            let mut union = a.clone();
            union.absorb(b.clone());
            union
        };
        prop_assert!(union(&a, &b) == union(&b, &a));
        prop_assert!(union(&union(&a, &b), &c) == union(&a, &union(&b, &c)));
        prop_assert!(union(&a, &a) == a);
        // What is copied when a profile comes apart is the same hush once when the two meet again.
        let all = union(&a, &b);
        prop_assert!(union(&all, &all.holding(Time::from_micros(NOW))) == all);
        let apart = union(&a, &all.holding(Time::from_micros(NOW)));
        prop_assert_eq!(union(&all, &apart).hushed(Time::from_micros(NOW)), all.hushed(Time::from_micros(NOW)));
    }
}

#[test]
fn what_a_fact_may_say_is_bounded() {
    let good = || Saying {
        topic: "Weddings".to_owned(),
        channel: "Push".to_owned(),
        lift: false,
        until: Some(Time::from_micros(8)),
        cause: "c".repeat(MAX_CAUSE_BYTES),
    };
    let said = good().check(Time::from_micros(7)).unwrap();
    assert!(said.topic == Topic { name: "weddings".to_owned(), channel: "push".to_owned() });
    let cases = [
        (Saying { topic: String::new(), ..good() }, "hush.topic", Reason::Missing),
        (Saying { channel: "a b".to_owned(), ..good() }, "hush.channel", Reason::BadValue),
        (Saying { cause: "c".repeat(MAX_CAUSE_BYTES + 1), ..good() }, "hush.cause", Reason::TooLarge),
        (Saying { lift: true, ..good() }, "hush.until", Reason::BadValue),
        (Saying { until: Some(Time::from_micros(7)), ..good() }, "hush.until", Reason::BadValue),
    ];
    for (saying, field, reason) in cases {
        let refused = saying.check(Time::from_micros(7)).err().unwrap();
        assert_eq!((refused.field.as_str(), refused.reason), (field, reason));
    }
}
