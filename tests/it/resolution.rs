//! The fold against a naive reference written from the rules alone, and the engine against both.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicUsize, Ordering};

use kith::domain::answer::{self, Fields};
use kith::domain::fact::{Draft, DraftBody, Event, EventType};
use kith::domain::identifier::Identifier;
use kith::domain::link::{Link, Moment};
use kith::domain::model::Model;
use kith::domain::resolution::Rules;
use kith::domain::resolution::fold::resolve;
use kith::domain::time::Time;
use kith::domain::value::{Value, Values};
use kith::engine::{DEFAULT_WORKSPACE, Durability, Engine, Options, Tier};
use proptest::prelude::*;
use tempfile::TempDir;

/// Small limits, so that short histories run into them.
const MODEL: &str = r#"
[identifiers.email]
limit = 2
[identifiers.device_id]
limit = 3
blocked = ["blocked"]
[kinds.person]
identifiers = ["user_id", "email", "device_id"]
[computed."orders.count"]
aggregate = "count"
event = "order"
[computed."orders.sum"]
aggregate = "sum"
event = "order"
property = "total"
"#;
const LIMITS: [(&str, usize); 3] = [("user_id", 1), ("email", 2), ("device_id", 3)];
const NOW: Time = Time::from_micros(86_400_000_000);

/// One fact of a random history.
#[derive(Clone, Debug)]
struct Told {
    keys: Vec<&'static str>,
    alias_of: Option<&'static str>,
    at: u64,
    value: u8,
    is_order: bool,
}

const KEYS: [&str; 9] = [
    "user_id:u1",
    "user_id:u2",
    "user_id:u3",
    "email:a@x.org",
    "email:b@x.org",
    "email:c@x.org",
    "device_id:d1",
    "device_id:d2",
    "device_id:blocked",
];

fn history() -> impl Strategy<Value = Vec<Told>> {
    let key = prop::sample::select(&KEYS[..]);
    let told = (prop::collection::vec(key, 1..4), prop::option::weighted(0.08, prop::sample::select(&KEYS[..8])))
        .prop_flat_map(|(mut keys, alias_of)| {
            if alias_of.is_some() {
                keys.truncate(1);
            }
            (Just(keys), Just(alias_of), 0_u64..40, any::<u8>(), any::<bool>())
        })
        .prop_map(|(keys, alias_of, at, value, is_order)| Told { keys, alias_of, at, value, is_order });
    prop::collection::vec(told, 2..40)
}

/// The rules of product.md, read word by word over plain sets of strings.
#[derive(Default)]
struct Naive {
    /// In order of creation.
    profiles: Vec<BTreeSet<String>>,
    aliases: BTreeMap<String, String>,
}

impl Naive {
    fn name(&self, key: &str) -> String {
        self.aliases.get(key).cloned().unwrap_or_else(|| key.to_owned())
    }

    fn rank(key: &str) -> usize {
        LIMITS.iter().position(|(name, _)| key.starts_with(name)).unwrap()
    }

    fn fits(&self, ids: &BTreeSet<String>, given_up: Option<&String>) -> bool {
        LIMITS.iter().all(|(name, limit)| {
            let counts =
                |id: &&String| id.starts_with(name) && !self.aliases.contains_key(*id) && Some(*id) != given_up;
            ids.iter().filter(counts).count() <= *limit
        })
    }

    /// Folds one fact. Answers its origin, `None` if it was refused or identifies nobody.
    fn fold(&mut self, told: &Told) -> Option<String> {
        let mut ids: Vec<String> = Vec::new();
        for id in told.keys.iter().map(|key| self.name(key)).filter(|id| !id.ends_with(":blocked")) {
            if !ids.contains(&id) {
                ids.push(id);
            }
        }
        ids.sort_by_key(|id| (Self::rank(id), id.clone()));
        if ids.iter().filter(|id| id.starts_with("user_id")).count() > 1 {
            return None;
        }
        let origin = ids.first()?.clone();
        let mut given_up = told.alias_of.map(|key| self.name(key)).filter(|id| !ids.contains(id));
        loop {
            let hit = |p: &BTreeSet<String>| ids.iter().chain(&given_up).any(|id| p.contains(id));
            let owners: Vec<usize> = (0..self.profiles.len()).filter(|at| hit(&self.profiles[*at])).collect();
            let mut union: BTreeSet<String> = ids.iter().chain(&given_up).cloned().collect();
            union.extend(owners.iter().flat_map(|at| self.profiles[*at].clone()));
            let alone = ids.len() == 1 && given_up.is_none();
            if !alone && !self.fits(&union, given_up.as_ref()) {
                if given_up.take().is_none() {
                    ids.pop();
                }
                continue;
            }
            for at in owners.iter().skip(1).rev() {
                self.profiles.remove(*at);
            }
            match owners.first() {
                Some(at) => self.profiles[*at] = union,
                None => self.profiles.push(union),
            }
            if let Some(previous) = given_up {
                for other in self.aliases.values_mut().filter(|name| **name == previous) {
                    other.clone_from(&ids[0]);
                }
                self.aliases.insert(previous, ids[0].clone());
            }
            return Some(origin);
        }
    }

    fn partition(&self) -> BTreeSet<BTreeSet<String>> {
        self.profiles.iter().cloned().collect()
    }
}

fn in_order(history: &[Told]) -> Vec<(usize, &Told)> {
    let mut sorted: Vec<(usize, &Told)> = history.iter().enumerate().collect();
    sorted.sort_by_key(|(index, told)| (told.at, message_id(*index)));
    sorted
}

fn message_id(index: usize) -> String {
    format!("m{index:03}")
}

fn identifier(key: &str) -> Identifier {
    Identifier::from_stored(key).unwrap()
}

fn link(index: usize, told: &Told) -> Link {
    let mut identifiers: Vec<Identifier> = Vec::new();
    for key in told.keys.iter().map(|key| identifier(key)) {
        if !identifiers.contains(&key) {
            identifiers.push(key);
        }
    }
    let first = Moment { time: Time::from_micros(told.at), message_id: message_id(index) };
    Link { first, again: Vec::new(), source: String::new(), identifiers, previous: told.alias_of.map(identifier) }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn the_fold_is_what_the_rules_say_in_any_order_of_arrival(
        (history, shuffled) in history().prop_flat_map(|h| (Just(h.clone()), Just((0..h.len()).collect::<Vec<_>>()).prop_shuffle()))
    ) {
        let model = Model::parse(MODEL).unwrap();
        let rules = Rules { model: &model, kind: model.kind("").unwrap() };
        let links: Vec<Link> = shuffled.iter().map(|index| link(*index, &history[*index])).collect();
        let folded = resolve(&links, rules);

        let mut naive = Naive::default();
        for (_, told) in in_order(&history) {
            naive.fold(told);
        }
        let members = |p: &kith::domain::profile::Membership| {
            p.members.iter().map(|member| member.identifier.as_str().to_owned()).collect::<BTreeSet<_>>()
        };
        let partition: BTreeSet<_> = folded.profiles.values().map(members).collect();
        prop_assert_eq!(partition, naive.partition());
        let aliases: BTreeMap<String, String> =
            folded.aliases.iter().map(|(id, of)| (id.as_str().to_owned(), of.as_str().to_owned())).collect();
        prop_assert_eq!(aliases, naive.aliases);
        for (owned, owner) in &folded.owners {
            prop_assert!(folded.profiles[owner].members.iter().any(|member| member.identifier == *owned));
        }
    }
}

#[test]
fn the_reference_sees_a_fold_without_demotion() {
    let facts = [&["user_id:u1", "email:a@x.org"][..], &["user_id:u2", "email:a@x.org"][..]];
    let mut naive = Naive::default();
    for (at, keys) in (0..).zip(facts) {
        naive.fold(&Told { keys: keys.to_vec(), alias_of: None, at, value: 0, is_order: false });
    }
    let one: BTreeSet<String> = ["user_id:u1", "user_id:u2", "email:a@x.org"].map(String::from).into();
    assert_ne!(naive.partition(), BTreeSet::from([one]));
}

/// An engine for many histories: each has its own identifiers, so they share a database.
struct Shared {
    engine: Engine,
    runtime: tokio::runtime::Runtime,
    cases: AtomicUsize,
    _directory: TempDir,
}

impl Shared {
    fn open() -> Self {
        let directory = TempDir::new().unwrap();
        let options = Options {
            data: directory.path().to_owned(),
            durability: Durability::Interval(std::time::Duration::from_secs(1)),
            cache_bytes: 8 * 1024 * 1024,
            write_queue: 64,
        };
        let engine = Engine::open(&options).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(engine.apply_model(DEFAULT_WORKSPACE, MODEL, NOW)).unwrap();
        Self { engine, runtime, cases: AtomicUsize::new(0), _directory: directory }
    }

    /// The key as this case writes it.
    fn own(case: usize, key: &str) -> String {
        let (name, value) = key.split_once(':').unwrap();
        if value == "blocked" { key.to_owned() } else { format!("{name}:c{case}.{value}") }
    }

    fn write(&self, case: usize, index: usize, told: &Told) -> bool {
        let number = Value::Number(f64::from(told.value) / 100.0);
        let body = match told.alias_of {
            Some(previous) => DraftBody::Alias { previous: Self::own(case, previous) },
            None if told.is_order => DraftBody::Event(Event {
                event_type: EventType::Track,
                name: "order".into(),
                properties: Values::from([("total".into(), number)]),
            }),
            None => DraftBody::Identify { traits: Values::from([("x".into(), number)]), address: String::new() },
        };
        let draft = Draft {
            message_id: format!("c{case}.{}", message_id(index)),
            time: Some(Time::from_micros(told.at)),
            source: String::new(),
            keys: told.keys.iter().map(|key| Self::own(case, key)).collect(),
            body,
        };
        let workspace = self.engine.workspace(DEFAULT_WORKSPACE).unwrap();
        let Ok(fact) = self.engine.check(workspace, draft, NOW) else { return false };
        self.runtime.block_on(async { self.engine.submit(workspace, fact, NOW).await.unwrap().await.is_ok() })
    }

    /// What lookups by `key` answer: the profile, x, the count of orders and their sum.
    fn read(&self, case: usize, key: &str) -> (answer::Resolution, Vec<Option<Value>>) {
        let workspace = self.engine.workspace(DEFAULT_WORKSPACE).unwrap();
        let active = self.engine.model(workspace).unwrap();
        let kind = active.model.kind("").unwrap();
        let keys = answer::keys(&[Self::own(case, key)], kind, &active.model).unwrap();
        let fields = Fields::Named(["x", "orders.count", "orders.sum"].map(String::from).into());
        let answer = self.engine.lookup(workspace, &keys, kind.id, &fields, Tier::Disk).unwrap();
        (answer.resolution, answer.fields.into_iter().map(|(_, value)| value).collect())
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn facts_in_order_of_time_leave_the_engine_as_the_fold_says(history in history()) {
        static SHARED: std::sync::OnceLock<Shared> = std::sync::OnceLock::new();
        let shared = SHARED.get_or_init(Shared::open);
        let case = shared.cases.fetch_add(1, Ordering::Relaxed);

        let mut naive = Naive::default();
        let mut origins: Vec<(String, &Told)> = Vec::new();
        for (index, told) in in_order(&history) {
            // An alias with any other number of keys than one is refused on the way in.
            let distinct: BTreeSet<_> = told.keys.iter().collect();
            prop_assume!(told.alias_of.is_none() || distinct.len() == 1);
            let refused = shared.write(case, index, told);
            let origin = naive.fold(told);
            if let Some(origin) = origin {
                prop_assert!(refused, "a fact was refused that the rules accept");
                origins.push((origin, told));
            }
        }

        for profile in &naive.profiles {
            let ours = || origins.iter().filter(|(origin, told)| profile.contains(origin) && told.alias_of.is_none());
            let number = |told: &Told| f64::from(told.value) / 100.0;
            let x = ours().rfind(|(_, told)| !told.is_order).map(|(_, told)| Value::Number(number(told)));
            let orders: Vec<u32> = ours().filter(|(_, t)| t.is_order).map(|(_, t)| u32::from(t.value)).collect();
            let some = |value: f64| (!orders.is_empty()).then_some(Value::Number(value));
            let expected = vec![x, some(orders.len() as f64), some(f64::from(orders.iter().sum::<u32>()) / 100.0)];
            let mut found = BTreeSet::new();
            for key in profile {
                let (resolution, values) = shared.read(case, key);
                prop_assert_eq!(&values, &expected);
                found.insert(format!("{resolution:?}"));
            }
            prop_assert_eq!(found.len(), 1, "one profile answers by different ids");
            prop_assert!(!found.contains("NotFound"));
        }
    }
}
