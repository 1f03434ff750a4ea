use proptest::prelude::*;
use proptest::sample::Index;

use super::*;
use crate::domain::time::Time;

const CHANNELS: [&str; 2] = ["", "email"];

/// A fact as the naive reference has it: of whom, the first of which is its origin; when; in which channel; and what.
#[derive(Clone, Debug)]
struct Fact {
    names: Vec<usize>,
    time: u64,
    channel: usize,
    granted: bool,
}

fn facts() -> impl Strategy<Value = Vec<Fact>> {
    let names = prop::collection::btree_set(0_usize..4, 1..4).prop_map(|names| names.into_iter().collect());
    let fact = (names, 0_u64..8, 0_usize..2, any::<bool>());
    let fact = fact.prop_map(|(names, time, channel, granted)| Fact { names, time, channel, granted });
    prop::collection::vec(fact, 0..10)
}

fn identifier(number: usize) -> Identifier {
    Identifier::from_canonical("user_id", &number.to_string())
}

fn purpose(channel: usize) -> Purpose {
    Purpose { name: "marketing".to_owned(), channel: CHANNELS[channel].to_owned() }
}

fn learn(consents: &mut Consents, fact: &Fact, message_id: String) -> bool {
    let Fact { names, time, channel, granted } = fact;
    let moment = Moment { time: Time::from_micros(*time), message_id };
    let stamp = Arc::new(Stamp { moment, source: String::new(), origin: identifier(names[0]) });
    let others: Vec<Identifier> = names[1..].iter().copied().map(identifier).collect();
    let said = Said { purpose: purpose(*channel), granted: *granted, address: None };
    consents.learn(&said, &stamp, if *granted { &others } else { &[] })
}

/// What is allowed in a channel, by the rules and nothing else: nobody denies it, in the channel or in all, after the last
/// grant that names them, and somebody grants it.
fn state_by_the_rules(facts: &[Fact], channel: usize) -> State {
    let heard: Vec<(usize, &Fact)> =
        facts.iter().enumerate().filter(|(_, fact)| [channel, 0].contains(&fact.channel)).collect();
    let when = |(at, fact): &(usize, &Fact)| (fact.time, *at);
    let denies = |denial: &&(usize, &Fact)| {
        let ends = |grant: &&(usize, &Fact)| {
            grant.1.granted && grant.1.channel == denial.1.channel && grant.1.names.contains(&denial.1.names[0])
        };
        !denial.1.granted && !heard.iter().filter(ends).any(|grant| when(grant) > when(denial))
    };
    match heard.iter().any(|fact| denies(&fact)) {
        true => State::Denied,
        false if heard.iter().any(|(_, fact)| fact.granted) => State::Granted,
        false => State::Unknown,
    }
}

proptest! {
    #[test]
    fn neither_the_order_of_facts_nor_that_of_merges_matters(
        facts in facts(),
        order in prop::collection::vec(any::<Index>(), 10),
        halves in any::<Index>(),
    ) {
        let mut left: Vec<usize> = (0..facts.len()).collect();
        // What came under each identifier, as the engine keeps it, in any order of arrival.
        let mut fragments = vec![Consents::default(); 4];
        for index in order.iter().take(facts.len()) {
            let at = left.swap_remove(index.index(left.len()));
            learn(&mut fragments[facts[at].names[0]], &facts[at], format!("{at:02}"));
        }
        // Only what is of one profile counts: first what a part of the identifiers come to, then all of them.
        let split = halves.index(5);
        let (one, other) = fragments.split_at(split);
        let union = |parts: &[Consents]| {
            let mut union = Consents::default();
            parts.iter().cloned().for_each(|part| union.absorb(part));
            union
        };
        let of_part: Vec<Fact> = facts.iter().filter(|fact| fact.names[0] < split).cloned().collect();
        let mut all = union(other);
        all.absorb(union(one));
        for channel in 0..CHANNELS.len() {
            prop_assert_eq!(union(one).state(&purpose(channel)), state_by_the_rules(&of_part, channel));
            prop_assert_eq!(all.state(&purpose(channel)), state_by_the_rules(&facts, channel));
        }
        // What is said again is nothing new, and the answer of what is told says so.
        let before = all.clone();
        for (at, fact) in facts.iter().enumerate() {
            let changed = learn(&mut all, fact, format!("{at:02}"));
            prop_assert!(!changed);
        }
        prop_assert!(all == before);
    }

    /// Of facts of one moment too, which only a sender that uses an id for two facts has.
    #[test]
    fn the_union_is_commutative_associative_and_idempotent(parts in prop::collection::vec(facts(), 3)) {
        let of = |facts: &Vec<Fact>| {
            let mut consents = Consents::default();
            facts.iter().for_each(|fact| { learn(&mut consents, fact, String::new()); });
            consents
        };
        let [a, b, c] = [of(&parts[0]), of(&parts[1]), of(&parts[2])];
        let union = |a: &Consents, b: &Consents| {
            let mut union = a.clone();
            union.absorb(b.clone());
            union
        };
        prop_assert!(union(&a, &b) == union(&b, &a));
        prop_assert!(union(&union(&a, &b), &c) == union(&a, &union(&b, &c)));
        prop_assert!(union(&a, &a) == a);
    }
}

#[test]
fn of_several_people_each_must_allow_it_and_so_must_the_address() {
    let said = |granted| {
        let mut consents = Consents::default();
        learn(&mut consents, &Fact { names: vec![0], time: 1, channel: 1, granted }, String::new());
        consents
    };
    let (yes, no, silent) = (said(true), said(false), Consents::default());
    let asked = purpose(1);
    let state = |people: &[&Consents], address: &Consents| {
        let people: Vec<Consents> = people.iter().copied().cloned().collect();
        let consents = answer(&asked, &people, address);
        assert_eq!(consents.len(), 1);
        consents[0].state
    };
    assert_eq!(state(&[], &silent), State::Unknown);
    assert_eq!(state(&[], &no), State::Denied);
    assert_eq!(state(&[&yes], &silent), State::Granted);
    assert_eq!(state(&[&silent], &yes), State::Granted);
    assert_eq!(state(&[&yes], &no), State::Denied);
    assert_eq!(state(&[&no], &yes), State::Denied);
    assert_eq!(state(&[&yes, &yes], &silent), State::Granted);
    assert_eq!(state(&[&yes, &silent], &silent), State::Unknown);
    assert_eq!(state(&[&silent, &no], &yes), State::Denied);
    // Asked for no channel, every channel is told.
    let told = answer(&purpose(0), &[yes], &silent);
    let told: Vec<(&str, State)> = told.iter().map(|told| (told.purpose.channel.as_str(), told.state)).collect();
    assert_eq!(told, [("", State::Unknown), ("email", State::Granted)]);
}

#[test]
fn what_one_identifier_brings_is_bounded() {
    let mut consents = Consents::default();
    let names: Vec<usize> = (0..MAX_CONSENTS).collect();
    learn(&mut consents, &Fact { names, time: 1, channel: 0, granted: true }, String::new());
    let admitted = consents.admit(&purpose(0), &[identifier(1), identifier(500), identifier(501)]);
    assert!(admitted == [identifier(1), identifier(500)], "there is room for one more, and the known one needs none");
    for number in 1..MAX_CONSENTS {
        let said = Said {
            purpose: Purpose { name: format!("p{number}"), channel: String::new() },
            granted: true,
            address: None,
        };
        let stamp = Stamp {
            moment: Moment { time: Time::from_micros(1), message_id: String::new() },
            source: String::new(),
            origin: identifier(0),
        };
        assert!(consents.has_room_for(&said.purpose));
        consents.learn(&said, &Arc::new(stamp), &[]);
    }
    assert!(consents.has_room_for(&purpose(0)) && !consents.has_room_for(&purpose(1)));
}
