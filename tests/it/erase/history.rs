//! Histories of people, households and accounts, in which every identifier and every value can be recognised.

use std::fmt;

use kith::domain::fact::{Draft, DraftBody, Event, EventType};
use kith::domain::time::Time;
use kith::domain::value::{Value, Values};
use kith::domain::{consent, hush};
use proptest::prelude::*;
use proptest::sample::{select, subsequence};

/// When everything has happened that facts tell of.
pub const NOW: Time = Time::from_micros(86_400_000_000);
/// What consent is said of.
pub const PURPOSE: &str = "ads";
/// How long a history is, at most.
pub const LONGEST: usize = 24;

/// Households share a type with persons, so that what is erased of one kind is a part of others. Computed attributes keep
/// values of events in every part of a profile that has any.
pub const MODEL: &str = r#"
[identifiers.email]
limit = 2
[identifiers.device_id]
limit = 2
[identifiers.address_id]
limit = 1
[identifiers.domain]
[kinds.person]
identifiers = ["user_id", "email", "device_id"]
[kinds.household]
identifiers = ["address_id", "email"]
[kinds.account]
identifiers = ["account_id", "domain"]
[computed."orders.count"]
aggregate = "count"
event = "order"
[computed."orders.sum"]
aggregate = "sum"
event = "order"
property = "cents"
[computed."orders.list"]
aggregate = "unique_list"
event = "order"
property = "x"
[computed."orders.recent"]
aggregate = "last_events"
event = "order"
properties = ["x"]
[computed."orders.max_90d"]
aggregate = "max"
event = "order"
property = "x"
window = "90d"
[computed."team.list"]
kind = "account"
aggregate = "unique_list"
event = "order"
property = "x"
over = "members"
[attributes.person]
x = "text"
[attributes.household]
x = "text"
[attributes.account]
x = "text"
[views.person.fields.x]
from = ["x"]
[views.person.fields.list]
from = ["orders.list"]
[views.person.fields.group]
from = ["account.x", "account.id"]
[views.household]
kind = "household"
[views.household.fields.x]
from = ["x"]
[views.account]
kind = "account"
[views.account.fields.x]
from = ["x"]
[views.account.fields.list]
from = ["team.list"]
"#;
pub const KINDS: [&str; 3] = ["person", "household", "account"];
/// The identifiers, each by its type and the part of its value that is its own.
pub const KEYS: [&str; 11] = [
    "user_id:u1",
    "user_id:u2",
    "user_id:u3",
    "email:a",
    "email:b",
    "device_id:d1",
    "device_id:d2",
    "address_id:h1",
    "account_id:c1",
    "account_id:c2",
    "domain:o1",
];
const GROUPS: std::ops::Range<usize> = 8..11;
/// Those that persons have and no other kind: a wall is folded only where a kind has both ends.
const PERSONS: [usize; 5] = [0, 1, 2, 5, 6];

/// What is said, of identifiers by their place in [`KEYS`].
#[derive(Clone, PartialEq, Eq)]
pub enum Says {
    Set(Vec<usize>),
    Order(Vec<usize>, u8),
    /// Of the first of these, as an address.
    Describe(Vec<usize>),
    /// Of the topic that all speak of; the cause is a value.
    Hush {
        keys: Vec<usize>,
        lift: bool,
    },
    /// Of the purpose that all speak of; of the last of these as an address, or of the customer.
    Consent {
        keys: Vec<usize>,
        granted: bool,
        of_address: bool,
    },
    Member {
        keys: Vec<usize>,
        group: usize,
        left: bool,
    },
    Alias {
        previous: usize,
        new: usize,
    },
    KeepApart {
        between: [usize; 2],
        same_human: bool,
    },
    Unlink([usize; 2]),
}

impl fmt::Debug for Says {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = |at: &usize| KEYS[*at];
        let names = |keys: &[usize]| keys.iter().map(name).collect::<Vec<_>>().join(" ");
        match self {
            Self::Set(keys) => write!(f, "set {{{}}}", names(keys)),
            Self::Order(keys, cents) => write!(f, "order {{{}}} {cents}", names(keys)),
            Self::Describe(keys) => write!(f, "describe {{{}}}", names(keys)),
            Self::Hush { keys, lift } => write!(f, "hush {{{}}} lift={lift}", names(keys)),
            Self::Consent { keys, granted, of_address } => {
                write!(f, "consent {{{}}} granted={granted} address={of_address}", names(keys))
            }
            Self::Member { keys, group, left } => write!(f, "{{{}}} in {} left={left}", names(keys), name(group)),
            Self::Alias { previous, new } => write!(f, "{} is {}", name(previous), name(new)),
            Self::KeepApart { between, same_human } => write!(f, "apart {} same={same_human}", names(between)),
            Self::Unlink(between) => write!(f, "unlink {}", names(between)),
        }
    }
}

/// Something said, by the number that is its message id.
#[derive(Clone, Debug)]
pub struct Said {
    pub number: usize,
    /// Event time; corrections happen when they arrive.
    pub time: u64,
    pub says: Says,
}

/// Facts and corrections in order of arrival, and the identifier that an erasure is tried by first. With `loose` there
/// are aliases and unlinks, after which repetition of what was said may do something.
pub fn histories(loose: bool) -> impl Strategy<Value = (Vec<Said>, usize)> {
    let all: Vec<usize> = (0..KEYS.len()).collect();
    let members: Vec<usize> = (0..GROUPS.start).collect();
    let keys = move || subsequence(all.clone(), 1..=3);
    let persons = move || subsequence(members.clone(), 1..=2);
    let two = |of: Vec<usize>| subsequence(of, 2).prop_shuffle().prop_map(|two| [two[0], two[1]]);
    let (alias, apart, unlink) = (two((0..GROUPS.start).collect()), two(PERSONS.to_vec()), two(PERSONS.to_vec()));
    let member = (persons(), select(GROUPS.collect::<Vec<_>>()), prop::bool::weighted(0.3));
    let hush = (keys(), prop::bool::weighted(0.3));
    let consent = (keys(), any::<bool>(), prop::bool::weighted(0.3));
    let says = prop_oneof![
        6 => keys().prop_map(Says::Set),
        4 => (keys(), any::<u8>()).prop_map(|(keys, cents)| Says::Order(keys, cents)),
        2 => persons().prop_map(Says::Describe),
        2 => hush.prop_map(|(keys, lift)| Says::Hush { keys, lift }),
        4 => consent.prop_map(|(keys, granted, of_address)| Says::Consent { keys, granted, of_address }),
        3 => member.prop_map(|(keys, group, left)| Says::Member { keys, group, left }),
        1 => (apart, any::<bool>()).prop_map(|(between, same_human)| Says::KeepApart { between, same_human }),
        u32::from(loose) => alias.prop_map(|[previous, new]| Says::Alias { previous, new }),
        u32::from(loose) => unlink.prop_map(Says::Unlink),
    ];
    let number = |said: Vec<(u64, Says)>| -> Vec<Said> {
        said.into_iter().enumerate().map(|(number, (time, says))| Said { number, time, says }).collect()
    };
    (prop::collection::vec((0..40_u64, says), 2..=LONGEST).prop_map(number), 0..KEYS.len())
}

/// The identifiers and the values of one case. No other has the same.
#[derive(Clone, Copy)]
pub struct Names {
    pub case: usize,
    /// Its values are others then.
    pub is_reference: bool,
}

impl Names {
    /// The part of an identifier that is its own.
    pub fn canary(self, at: usize) -> String {
        let (_, own) = KEYS[at].split_once(':').unwrap();
        format!("z{}x{own}z", self.case)
    }

    /// The identifier as it is given, which is not its canonical form.
    pub fn raw(self, at: usize) -> String {
        let (name, _) = KEYS[at].split_once(':').unwrap();
        let own = self.canary(at);
        match name {
            "email" => format!("email: {}@X.org ", own.to_uppercase()),
            _ => format!("{name}:{own}"),
        }
    }

    /// The value that something said brings.
    pub fn value(self, number: usize) -> String {
        let letter = if self.is_reference { 'r' } else { 'v' };
        format!("{letter}{}x{number}z", self.case)
    }

    pub fn message_id(self, number: usize) -> String {
        format!("m{}.{number:02}", self.case)
    }

    /// Facts are old when they arrive; corrections, and the erasure, happen then.
    pub fn arrival(self, number: usize) -> Time {
        NOW.plus_micros((self.case * (LONGEST + 1) + number) as u64 * 1_000_000)
    }

    /// A fact as it comes in. `None` for a correction.
    pub fn draft(self, said: &Said) -> Option<Draft> {
        let Said { number, time, says } = said;
        let set = || Values::from([("x".to_owned(), Value::Text(self.value(*number)))]);
        let raw = |keys: &[usize]| keys.iter().map(|at| self.raw(*at)).collect::<Vec<_>>();
        let (keys, body) = match says {
            Says::Set(keys) => (raw(keys), DraftBody::Identify { traits: set(), address: String::new() }),
            Says::Describe(keys) => (raw(keys), DraftBody::Identify { traits: set(), address: self.raw(keys[0]) }),
            Says::Order(keys, cents) => {
                let mut properties = set();
                properties.insert("cents".to_owned(), Value::Number(f64::from(*cents)));
                let event = Event { event_type: EventType::Track, name: "order".to_owned(), properties };
                (raw(keys), DraftBody::Event(event))
            }
            Says::Hush { keys, lift } => {
                let (topic, cause) = ("weddings".to_owned(), self.value(*number));
                let saying = hush::Saying { topic, channel: String::new(), lift: *lift, until: None, cause };
                (raw(keys), DraftBody::Hush(saying))
            }
            Says::Consent { keys, granted, of_address } => {
                let (purpose, address) =
                    (PURPOSE.to_owned(), if *of_address { self.raw(keys[keys.len() - 1]) } else { String::new() });
                let saying = consent::Saying { purpose, channel: String::new(), granted: Some(*granted), address };
                (raw(keys), DraftBody::Consent(saying))
            }
            Says::Member { keys, group, left } => {
                let (key, role) = (self.raw(*group), self.value(*number));
                (raw(keys), DraftBody::Group { key, traits: set(), role, left: *left })
            }
            Says::Alias { previous, new } => (raw(&[*new]), DraftBody::Alias { previous: self.raw(*previous) }),
            Says::KeepApart { .. } | Says::Unlink(_) => return None,
        };
        let time = Some(Time::from_micros(time * 1_000_000));
        Some(Draft { message_id: self.message_id(*number), time, source: String::new(), keys, body })
    }
}
