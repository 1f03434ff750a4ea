//! Histories: what was said, as tests tell it.

use std::fmt;

use proptest::prelude::*;
use proptest::sample::{select, subsequence};

use super::naive::Quarantine;

/// Small limits, so that short histories run into them.
pub const MODEL: &str = r#"
[identifiers.user_id]
blocked = ["/nobody$/"]
[identifiers.email]
limit = 2
[identifiers.phone]
canonical = "exact"
limit = 5
[identifiers.device_id]
limit = 2
blocked = ["/nobody$/"]
[kinds.person]
identifiers = ["user_id", "email", "phone", "device_id"]
[computed."orders.count"]
aggregate = "count"
event = "order"
[computed."orders.sum"]
aggregate = "sum"
event = "order"
property = "total"
"#;
/// Rules of resolution, as a model file says them and as the reference reads them.
#[derive(Clone, Copy)]
pub struct Rules {
    pub name: &'static str,
    pub model: &'static str,
    /// The identifier types in the order of rank, with their limits.
    pub limits: [(&'static str, usize); 4],
    /// Identifiers that identify nobody.
    pub blocked: &'static [&'static str],
}

/// The rules of [`MODEL`].
pub const USUAL: Rules = Rules {
    name: "usual",
    model: MODEL,
    limits: [("user_id", 1), ("email", 2), ("phone", 5), ("device_id", 2)],
    blocked: &["user_id:nobody", "device_id:nobody"],
};

/// More restrictive ones.
pub const TIGHT: Rules = Rules {
    name: "tight",
    model: r#"
[identifiers.user_id]
blocked = ["/nobody$/", "/u3$/"]
[identifiers.email]
limit = 1
[identifiers.phone]
canonical = "exact"
limit = 1
blocked = ["/p1$/"]
[identifiers.device_id]
limit = 1
blocked = ["/nobody$/"]
[kinds.person]
identifiers = ["user_id", "email", "phone", "device_id"]
[computed."orders.count"]
aggregate = "count"
event = "order"
[computed."orders.sum"]
aggregate = "sum"
event = "order"
property = "total"
"#,
    limits: [("user_id", 1), ("email", 1), ("phone", 1), ("device_id", 1)],
    blocked: &["user_id:nobody", "device_id:nobody", "user_id:u3", "phone:p1"],
};

/// Less restrictive ones, in another order of rank.
pub const LOOSE: Rules = Rules {
    name: "loose",
    model: r#"
[identifiers.user_id]
limit = 2
blocked = ["/nobody$/"]
[identifiers.email]
limit = 3
[identifiers.phone]
canonical = "exact"
limit = 5
[identifiers.device_id]
limit = 3
[kinds.person]
identifiers = ["device_id", "email", "user_id", "phone"]
[computed."orders.count"]
aggregate = "count"
event = "order"
[computed."orders.sum"]
aggregate = "sum"
event = "order"
property = "total"
"#,
    limits: [("device_id", 3), ("email", 3), ("user_id", 2), ("phone", 5)],
    blocked: &["user_id:nobody"],
};

/// All identifiers that histories are about.
pub const IDENTIFIERS: [&str; 13] = [
    "user_id:u1",
    "user_id:u2",
    "user_id:u3",
    "email:a@x.org",
    "email:b@x.org",
    "email:c@x.org",
    "phone:p1",
    "phone:p2",
    "device_id:d1",
    "device_id:d2",
    "device_id:d3",
    "user_id:nobody",
    "device_id:nobody",
];
/// Event times are below this: few, so that there are ties.
pub const TIMES: u64 = 40;

/// Event time and message id.
pub type Moment = (u64, String);

/// One fact or correction. `Debug` prints it on one line, so that a history that fails can be read.
#[derive(Clone, PartialEq, Eq)]
pub struct Said {
    pub moment: Moment,
    pub says: Says,
}

#[derive(Clone, PartialEq, Eq)]
pub enum Says {
    /// These identifiers were seen together, and what they did.
    Seen { keys: Vec<String>, did: Did },
    /// `previous` is another name of `new`.
    Alias { previous: String, new: String },
    /// These two are not one: for ever, or as far as what was said up to a moment goes.
    Apart { between: [String; 2], until: Option<Moment> },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Did {
    /// Set an attribute.
    Set(u8),
    /// Ordered for so many cents.
    Order(u8),
    /// Had a topic hushed, or lifted.
    Hush { lift: bool },
    /// Allowed a purpose, or forbade it.
    Consent { granted: bool },
}

impl fmt::Debug for Rules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

impl fmt::Debug for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (time, message_id) = &self.moment;
        write!(f, "@{time} {message_id}: {:?}", self.says)
    }
}

impl fmt::Debug for Says {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Seen { keys, did } => write!(f, "{{{}}} {did:?}", keys.join(" ")),
            Self::Alias { previous, new } => write!(f, "{previous} is {new}"),
            Self::Apart { between: [a, b], until: None } => write!(f, "{a} is never {b}"),
            Self::Apart { between: [a, b], until: Some((time, message_id)) } => {
                write!(f, "{a} is not {b} until @{time} {message_id}")
            }
        }
    }
}

/// How long histories are.
const LENGTH: std::ops::RangeInclusive<usize> = 2..=60;

/// A history in order of arrival, with facts that come late and facts that come twice, and the identifiers that are in
/// quarantine.
pub fn history() -> impl Strategy<Value = (Vec<Said>, Quarantine)> {
    subsequence(&IDENTIFIERS[..], 3..=8).prop_flat_map(|identifiers| {
        let quarantined = prop::option::weighted(0.2, (select(identifiers.clone()), prop::option::of(moment())));
        let quarantine =
            quarantined.prop_map(|one| one.map(|(key, until)| (key.to_owned(), until)).into_iter().collect());
        (prop::collection::vec(said(identifiers), LENGTH).prop_map(with_message_ids), quarantine)
    })
}

/// What is said without its message id, and whether it is then said twice.
type Unnamed = (u64, Says, bool);

fn said(identifiers: Vec<&'static str>) -> impl Strategy<Value = Unnamed> {
    (0..TIMES, says(identifiers), prop::bool::weighted(0.1))
}

fn says(identifiers: Vec<&'static str>) -> impl Strategy<Value = Says> {
    let most = identifiers.len().min(4);
    let did = prop_oneof![
        any::<u8>().prop_map(Did::Set),
        any::<u8>().prop_map(Did::Order),
        prop::bool::weighted(0.3).prop_map(|lift| Did::Hush { lift }),
        any::<bool>().prop_map(|granted| Did::Consent { granted }),
    ];
    let keys = subsequence(identifiers.clone(), 1..=most).prop_shuffle();
    let seen = (keys, did).prop_map(|(keys, did)| Says::Seen { keys: owned(&keys), did });
    let two = subsequence(identifiers, 2).prop_shuffle();
    let alias = two.clone().prop_map(|two| Says::Alias { previous: two[0].to_owned(), new: two[1].to_owned() });
    let apart = (two, prop::option::weighted(0.7, moment())).prop_map(|(two, until)| {
        let between = [two[0].to_owned(), two[1].to_owned()];
        Says::Apart { between, until }
    });
    prop_oneof![17 => seen, 2 => alias, 2 => apart]
}

fn moment() -> impl Strategy<Value = Moment> {
    (0..TIMES, 0..60_usize).prop_map(|(time, number)| (time, message_id(number)))
}

fn owned(keys: &[&str]) -> Vec<String> {
    keys.iter().map(|key| (*key).to_owned()).collect()
}

fn message_id(number: usize) -> String {
    format!("m{number:02}")
}

/// Numbers what is said in order of arrival. What is said twice comes again at the end.
fn with_message_ids(unnamed: Vec<Unnamed>) -> Vec<Said> {
    let mut again = Vec::new();
    let mut history = Vec::new();
    for (number, (time, says, twice)) in unnamed.into_iter().enumerate() {
        let said = Said { moment: (time, message_id(number)), says };
        again.extend(twice.then(|| said.clone()));
        history.push(said);
    }
    history.extend(again);
    history
}

/// One thing that reaches the engine.
#[derive(Clone)]
pub struct Arrival {
    /// When, in order. What corrects happens when it arrives; facts may be as old as the history.
    pub now: u64,
    pub brings: Brings,
}

#[derive(Clone)]
pub enum Brings {
    /// A fact or a correction; if its message id is known, nothing new.
    Said(Said),
    /// The n-th of the merges that there are is undone.
    Undo { moment: Moment, nth: usize },
}

impl fmt::Debug for Arrival {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.brings {
            Brings::Said(said) => write!(f, "{} → {said:?}", self.now),
            Brings::Undo { nth, .. } => write!(f, "{} → undo merge {nth}", self.now),
        }
    }
}

/// What happens at a place in a history that is not known yet.
#[derive(Clone, Debug)]
enum Step {
    /// A fact of the time that is so many thousandths of all time so far, or a correction.
    Says(u64, Says),
    Undo(usize),
    /// The same message id once more, with the same or with something else.
    Again(prop::sample::Index, Option<Says>),
}

/// Identifiers, and a history of them as it reaches the engine.
pub fn arrivals() -> impl Strategy<Value = (Vec<&'static str>, Vec<Arrival>)> {
    subsequence(&IDENTIFIERS[..], 3..=8).prop_flat_map(|identifiers| {
        let step = prop_oneof![
            20 => (0..1_000_u64, says(identifiers.clone())).prop_map(|(part, says)| Step::Says(part, says)),
            1 => (0..8_usize).prop_map(Step::Undo),
            2 => (any::<prop::sample::Index>(), prop::option::of(says(identifiers.clone()))).prop_map(|(of, says)| Step::Again(of, says)),
        ];
        (Just(identifiers), prop::collection::vec((step, any::<u8>()), LENGTH).prop_map(in_order_of_arrival))
    })
}

/// Message ids are in no order, so that facts of one time come in any.
fn in_order_of_arrival(steps: Vec<(Step, u8)>) -> Vec<Arrival> {
    let mut arrivals = Vec::new();
    let mut said: Vec<Said> = Vec::new();
    for (now, (step, order)) in (1..).zip(steps) {
        let message_id = format!("{order:02x}.{now:02}");
        let brings = match step {
            Step::Says(part, says) => said_at(now, part, message_id, says),
            Step::Undo(nth) => Brings::Undo { moment: (now, message_id), nth },
            Step::Again(..) if said.is_empty() => continue,
            Step::Again(of, None) if !matches!(of.get(&said).says, Says::Apart { .. }) => {
                Brings::Said(of.get(&said).clone())
            }
            Step::Again(of, says) => {
                let Said { moment: (_, message_id), says: known } = of.get(&said).clone();
                said_at(now, 1_000, message_id, says.unwrap_or(known))
            }
        };
        if let Brings::Said(new) = &brings {
            said.push(new.clone());
        }
        arrivals.push(Arrival { now, brings });
    }
    arrivals
}

/// What is said when it arrives `now`: a correction then, a fact after so many thousandths of all time until then.
pub fn said_at(now: u64, part: u64, message_id: String, says: Says) -> Brings {
    let moment = match says {
        Says::Apart { .. } => (now, message_id),
        Says::Seen { .. } | Says::Alias { .. } => (part * now / 1_000, message_id),
    };
    let says = match says {
        Says::Apart { between, until } => Says::Apart { between, until: until.map(|_| moment.clone()) },
        fact => fact,
    };
    Brings::Said(Said { moment, says })
}
