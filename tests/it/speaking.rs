//! What is never said: a value of a field that is suppressed or forbidden, or of another persona or another person. Held
//! for random models and histories against a reading of the facts one by one. Every value names whom it was said of.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};

use kith::domain::answer;
use kith::domain::correction::{Act, Correction};
use kith::domain::fact::{Draft, DraftBody};
use kith::domain::identifier::Identifier;
use kith::domain::ids::WorkspaceId;
use kith::domain::key::Key;
use kith::domain::time::Time;
use kith::domain::value::{Value, Values};
use kith::domain::view::{About, State, Viewed};
use kith::domain::{consent, hush};
use kith::engine::{Engine, Occasion, Tier};
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use proptest::test_runner::{Config, TestRunner};
use tempfile::TempDir;

use crate::harness::engine_options;

const TOPICS: [&str; 2] = ["weddings", "pets"];
const ATTRIBUTES: [&str; 3] = ["p", "q", "r"];
/// Two users, each with an address of their own; `device_id:d` is of the first who is seen with it.
const USERS: [&str; 2] = ["a", "b"];
const NOW: Time = Time::from_micros(1_000_000);

/// What a user says.
#[derive(Clone, Debug)]
enum Says {
    /// An attribute, of the address alone if that is said.
    Is {
        attribute: &'static str,
        of_address: bool,
    },
    Hush {
        topic: &'static str,
        channel: &'static str,
        lift: bool,
    },
    Consent {
        channel: &'static str,
        granted: bool,
        of_address: bool,
    },
}

#[derive(Clone, Debug)]
struct Case {
    /// The topics of each field, those of the view, and whether it takes a yes.
    topics: [Vec<&'static str>; 3],
    view_topics: Vec<&'static str>,
    opt_in: bool,
    /// Whether the two are one human.
    same_human: bool,
    /// By which user (0 or 1), on the shared device or not.
    facts: Vec<(usize, bool, Says)>,
}

fn case() -> impl Strategy<Value = Case> {
    let topics = || subsequence(&TOPICS[..], 0..=2);
    let channel = || select(&["", "email", "sms"][..]);
    let is =
        (select(&ATTRIBUTES[..]), any::<bool>()).prop_map(|(attribute, of_address)| Says::Is { attribute, of_address });
    let hush = (select(&TOPICS[..]), channel(), any::<bool>());
    let hush = hush.prop_map(|(topic, channel, lift)| Says::Hush { topic, channel, lift });
    let consent = (channel(), any::<bool>(), any::<bool>());
    let consent = consent.prop_map(|(channel, granted, of_address)| Says::Consent { channel, granted, of_address });
    let says = prop_oneof![4 => is, 1 => hush, 2 => consent];
    let facts = prop::collection::vec((0..2_usize, any::<bool>(), says), 1..14);
    let seldom = prop_oneof![3 => Just(Vec::new()), 1 => topics()];
    ([topics(), topics(), topics()], seldom, any::<bool>(), any::<bool>(), facts).prop_map(
        |(topics, view_topics, opt_in, same_human, facts)| Case { topics, view_topics, opt_in, same_human, facts },
    )
}

impl Case {
    fn model(&self) -> String {
        let mut model = format!(
            "[kinds.person]\nidentifiers = ['user_id', 'email', 'device_id']\n\
             [attributes.person]\np = 'text'\nq = 'text'\nr = 'text'\n[attributes.address]\np = 'text'\n\
             [views.v]\npurpose = 'ads'\nchannel = 'email'\nopt_in = {}\ntopics = {:?}\n",
            self.opt_in, self.view_topics
        );
        for (attribute, topics) in ATTRIBUTES.iter().zip(&self.topics) {
            let default = if *attribute == "q" { "default = 'nobody'\n" } else { "" };
            let from = if *attribute == "p" { "['address.p', 'p']" } else { &format!("['{attribute}']") };
            model.push_str(&format!("[views.v.fields.{attribute}]\nfrom = {from}\ntopics = {topics:?}\n{default}"));
        }
        model
    }

    /// True if a topic is not to be raised by e-mail with any of these users. What lifts it in all channels lifts it in each.
    fn is_hushed(&self, users: &[usize], topic: &str) -> bool {
        let mut hushed: BTreeSet<&str> = BTreeSet::new();
        for (user, _, says) in &self.facts {
            match says {
                Says::Hush { topic: said, channel, lift } if *said == topic && users.contains(user) => match lift {
                    true if channel.is_empty() => hushed.clear(),
                    true => hushed.retain(|known| known != channel),
                    false => drop(hushed.insert(channel)),
                },
                _ => {}
            }
        }
        hushed.contains("") || hushed.contains("email")
    }

    /// True if a user, asked by their address or not, allows the view.
    fn allows(&self, user: usize, by_address: bool) -> bool {
        let mut last: BTreeMap<(&str, bool), bool> = BTreeMap::new();
        for (by, _, says) in &self.facts {
            if let Says::Consent { channel, granted, of_address } = says
                && *by == user
                && (by_address || !of_address)
            {
                last.insert((channel, *of_address), *granted);
            }
        }
        let mut heard = last.iter().filter(|((channel, _), _)| *channel != "sms").map(|(_, granted)| *granted);
        let any = heard.clone().next().is_some();
        heard.all(|granted| granted) && (any || !self.opt_in)
    }

    /// Holds what is answered by a key that leads to these users.
    fn check(&self, viewed: &Viewed, users: &[usize], by_address: bool) -> Result<(), TestCaseError> {
        // What one persona lifts is lifted for both; of several people each speaks for themselves.
        let humans: Vec<&[usize]> = if self.same_human { vec![&[0, 1]] } else { users.chunks(1).collect() };
        let is_hushed = |topic: &&str| humans.iter().any(|human| self.is_hushed(human, topic));
        let hushed = |topics: &[&str]| topics.iter().any(is_hushed);
        let forbidden = !users.iter().all(|user| self.allows(*user, by_address));
        for shown in &viewed.fields {
            let at = ATTRIBUTES.iter().position(|attribute| *attribute == &*shown.name).unwrap();
            let value = match &shown.value {
                Some(Value::Text(text)) => Some(text.as_str()),
                Some(_) => panic!("only texts were said"),
                None => None,
            };
            let is_hushed = hushed(&self.view_topics) || hushed(&self.topics[at]);
            prop_assert_eq!(shown.state == State::Suppressed, is_hushed, "{}", &shown.name);
            if is_hushed {
                prop_assert_eq!(value, None, "{} is suppressed and said", &shown.name);
            } else if forbidden {
                prop_assert!(value.is_none_or(|value| value == "nobody"), "{} is forbidden and said", &shown.name);
            } else if let Some(value) = value.filter(|value| *value != "nobody") {
                let whose = USERS.iter().position(|user| value.starts_with(user)).unwrap();
                prop_assert_eq!(users, &[whose], "{} is of another", &shown.name);
                prop_assert!(by_address || !value.ends_with("address"), "{} is of an address", &shown.name);
            }
        }
        Ok(())
    }
}

struct Subject {
    engine: Engine,
    runtime: tokio::runtime::Runtime,
    _directory: TempDir,
}

impl Subject {
    fn open() -> Self {
        let directory = TempDir::new().unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        Self { engine: Engine::open(&engine_options(directory.path())).unwrap(), runtime, _directory: directory }
    }

    fn tell(&self, name: &str, case: &Case) -> WorkspaceId {
        let workspace = self.runtime.block_on(self.engine.apply_model(name, &case.model(), NOW)).unwrap();
        if case.same_human {
            let between = ["user_id:a", "user_id:b"].map(|key| Identifier::from_stored(key).unwrap());
            let act = Act::KeepApart { between, same_human: true };
            let correction = Correction { message_id: "apart".to_owned(), source: String::new(), act };
            self.runtime.block_on(self.engine.correct(workspace, correction, NOW)).unwrap();
        }
        for (number, (user, on_device, says)) in case.facts.iter().enumerate() {
            let fact = self.engine.check(workspace, draft(number, *user, *on_device, says), NOW).unwrap();
            let written = async { self.engine.submit(workspace, fact, NOW).await.unwrap().await };
            self.runtime.block_on(written).unwrap();
        }
        workspace
    }

    fn ask(&self, workspace: WorkspaceId, key: &str) -> Viewed {
        let active = self.engine.model(workspace).unwrap();
        let (view, about) = (active.model.view("v").unwrap(), About::default());
        let keys = answer::keys(&[key.to_owned()], active.model.kind("person").unwrap(), &active.model).unwrap();
        let occasion = Occasion { view, about: &about, now: NOW };
        let answer = self.engine.lookup(workspace, &keys, occasion, Tier::Disk).unwrap();
        let batch = self.engine.lookup_batch(workspace, &[Key::parse(key, "key", &active.model).unwrap()], occasion);
        assert_eq!(batch.unwrap(), std::slice::from_ref(&answer), "a batch answers otherwise");
        answer.viewed.unwrap()
    }
}

fn draft(number: usize, user: usize, on_device: bool, says: &Says) -> Draft {
    let (user, email) = (USERS[user], format!("email:{}@x.org", USERS[user]));
    let address = |of_address: bool| if of_address { email.clone() } else { String::new() };
    let body = match *says {
        Says::Is { attribute, of_address } => {
            let whose = if of_address { "address" } else { "person" };
            let value = Value::Text(format!("{user} says {number} of the {whose}"));
            DraftBody::Identify { traits: Values::from([(attribute.to_owned(), value)]), address: address(of_address) }
        }
        Says::Hush { topic, channel, lift } => {
            let (topic, channel, cause) = (topic.to_owned(), channel.to_owned(), String::new());
            DraftBody::Hush(hush::Saying { topic, channel, lift, until: None, cause })
        }
        Says::Consent { channel, granted, of_address } => {
            let (purpose, channel, granted) = ("ads".to_owned(), channel.to_owned(), Some(granted));
            DraftBody::Consent(consent::Saying { purpose, channel, granted, address: address(of_address) })
        }
    };
    let device = on_device.then(|| "device_id:d".to_owned());
    let time = Some(Time::from_micros(number as u64 + 1));
    let keys = [format!("user_id:{user}"), email].into_iter().chain(device).collect();
    Draft { message_id: format!("m{number}"), time, source: String::new(), keys, body }
}

#[test]
fn nothing_is_said_that_is_hushed_or_forbidden_or_of_another() {
    let subject = Subject::open();
    let (number, said) = (Cell::new(0), Cell::new(0_usize));
    let mut runner = TestRunner::new(Config { cases: 150, failure_persistence: None, ..Config::default() });
    let ran = runner.run(&case(), |case| {
        number.set(number.get() + 1);
        let workspace = subject.tell(&format!("w{}", number.get()), &case);
        for (user, name) in USERS.iter().enumerate().filter(|(user, _)| case.facts.iter().any(|(by, ..)| by == user)) {
            for (key, by_address) in [(format!("user_id:{name}"), false), (format!("email:{name}@x.org"), true)] {
                let viewed = subject.ask(workspace, &key);
                case.check(&viewed, &[user], by_address)?;
                said.set(said.get() + viewed.fields.iter().filter(|shown| shown.state == State::Present).count());
            }
        }
        // A wall says whose the device is not: of two personas it is of the one who was seen with it first.
        let on_device = case.facts.iter().filter(|(_, on_device, _)| *on_device).map(|(user, ..)| *user);
        let first: Vec<usize> = on_device.clone().take(1).collect();
        let users = if case.same_human { first } else { on_device.collect::<BTreeSet<usize>>().into_iter().collect() };
        if !users.is_empty() {
            case.check(&subject.ask(workspace, "device_id:d"), &users, false)?;
        }
        Ok(())
    });
    ran.unwrap_or_else(|error| panic!("{error}"));
    assert!(said.get() > 80, "hardly anything was said at all: {}", said.get());
}
