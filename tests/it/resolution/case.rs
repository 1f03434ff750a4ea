//! Histories on their way into a real engine, and what it answers then.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::time::Duration;

use kith::domain::answer::{Answer, Fields, Resolution};
use kith::domain::consent::{self, Purpose};
use kith::domain::correction::{Act, Correction};
use kith::domain::fact::{Draft, DraftBody, Event, EventType};
use kith::domain::hush;
use kith::domain::identifier::Identifier;
use kith::domain::ids::{KindId, ProfileId, WorkspaceId};
use kith::domain::key::Key;
use kith::domain::link::Moment;
use kith::domain::profile::{Member, Merge, Profile};
use kith::domain::receipt::Receipt;
use kith::domain::refold::Tally;
use kith::domain::time::Time;
use kith::domain::value::{Value, Values};
use kith::engine::{DEFAULT_WORKSPACE, Durability, Engine, Error, Options, Question, Tier};
use proptest::prelude::*;
use tempfile::TempDir;

use super::history::{self, Did, Rules, Said, Says, USUAL};

/// An engine for many cases: each has identifiers, message ids and a time of its own, so they share a database.
pub struct Shared {
    engine: Engine,
    runtime: tokio::runtime::Runtime,
    workspace: WorkspaceId,
    kind: KindId,
    cases: Cell<u64>,
    /// The rules in force.
    rules: Cell<Rules>,
    /// All cases before have ended by then.
    clock: Cell<u64>,
    _directory: TempDir,
}

/// One case. Its keys, times and message ids are those of the history; what it writes has its number in front.
pub struct Case<'a> {
    shared: &'a Shared,
    number: u64,
    start: u64,
    /// The identifiers that it is about.
    pub keys: Vec<String>,
}

/// Profiles as the engine shows them, each with its merges.
pub type Shown = BTreeMap<ProfileId, (Profile, Vec<Merge>)>;

/// What all hushes are about, and all consents.
const TOPIC: &str = "weddings";
const PURPOSE: &str = "ads";

/// How long a case may take, in microseconds of its own time.
const LONGEST: u64 = 1_000;

impl Shared {
    pub fn open() -> Self {
        let directory = TempDir::new().unwrap();
        let options = Options {
            data: directory.path().to_owned(),
            durability: Durability::Interval(Duration::from_secs(1)),
            cache_bytes: 64 * 1024 * 1024,
            write_queue: 64,
            refold_portion: 1,
            invalidates: true,
        };
        let engine = Engine::open(&options).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let model = engine.apply_model(DEFAULT_WORKSPACE, USUAL.model, Time::from_micros(0));
        let workspace = runtime.block_on(model).unwrap();
        let kind = engine.model(workspace).unwrap().model.kind("").unwrap().id;
        let (cases, rules, clock) = (Cell::new(0), Cell::new(USUAL), Cell::new(0));
        Self { engine, runtime, workspace, kind, cases, rules, clock, _directory: directory }
    }

    /// A case about these identifiers.
    pub fn case(&self, keys: &[impl ToString]) -> Case<'_> {
        let number = self.cases.replace(self.cases.get() + 1);
        let start = self.clock.replace(self.clock.get() + LONGEST);
        Case { shared: self, number, start, keys: keys.iter().map(ToString::to_string).collect() }
    }
}

impl Case<'_> {
    /// The rules in force.
    pub fn rules(&self) -> Rules {
        self.shared.rules.get()
    }

    /// Changes the rules; identities are folded again from then on.
    pub fn change_rules(&self, rules: Rules, now: u64) {
        let Shared { engine, runtime, workspace, .. } = self.shared;
        let change = engine.change_model(*workspace, rules.model.to_owned(), self.time(now));
        runtime.block_on(change).unwrap();
        self.shared.rules.set(rules);
    }

    /// What rules would change.
    pub fn difference(&self, rules: Rules) -> Tally {
        let Shared { engine, workspace, .. } = self.shared;
        engine.diff_model(*workspace, rules.model, |_, _| true).unwrap().0.tally
    }

    /// Waits until identities are folded by the rules in force, and answers what that did.
    pub fn refolded(&self) -> Tally {
        let Shared { engine, workspace, .. } = self.shared;
        while engine.model(*workspace).unwrap().refolding {
            std::thread::yield_now();
        }
        engine.model_state(*workspace).unwrap().refold.unwrap_or_default().tally
    }

    fn own(&self, key: &str) -> String {
        let (name, value) = key.split_once(':').unwrap();
        format!("{name}:{}.{value}", self.number)
    }

    pub fn identifier(&self, key: &str) -> Identifier {
        Identifier::from_stored(&self.own(key)).unwrap()
    }

    /// The key as the history has it.
    pub fn plain(&self, identifier: &Identifier) -> String {
        let (_, value) = identifier.value().split_once('.').unwrap();
        format!("{}:{value}", identifier.type_name())
    }

    fn message_id(&self, message_id: &str) -> String {
        format!("{}.{message_id}", self.number)
    }

    /// The time as the engine has it.
    pub fn time(&self, time: u64) -> Time {
        assert!(time < LONGEST);
        Time::from_micros(self.start + time)
    }

    /// The moment as the history has it.
    pub fn plain_moment(&self, moment: &Moment) -> history::Moment {
        let (_, message_id) = moment.message_id.split_once('.').unwrap();
        (moment.time.micros() - self.start, message_id.to_owned())
    }

    fn draft(&self, said: &Said) -> Draft {
        let (keys, body) = match &said.says {
            Says::Seen { keys, did } => (keys.clone(), body(*did)),
            Says::Alias { previous, new } => (vec![new.clone()], DraftBody::Alias { previous: self.own(previous) }),
            Says::Apart { .. } => panic!("a correction is no fact"),
        };
        Draft {
            message_id: self.message_id(&said.moment.1),
            time: Some(self.time(said.moment.0)),
            source: String::new(),
            keys: keys.iter().map(|key| self.own(key)).collect(),
            body,
        }
    }

    /// Hands facts to the engine, each with the time of its arrival, without waiting for one before the next.
    pub fn write(&self, facts: &[(&Said, u64)]) -> Vec<Result<Receipt, Error>> {
        let Shared { engine, runtime, workspace, .. } = self.shared;
        runtime.block_on(async {
            let mut pending = Vec::new();
            for (said, now) in facts {
                let now = self.time(*now);
                pending.push(match engine.check(*workspace, self.draft(said), now) {
                    Ok(fact) => engine.submit(*workspace, fact, now).await,
                    Err(refused) => Err(refused),
                });
            }
            let mut receipts = Vec::new();
            for pending in pending {
                receipts.push(match pending {
                    Ok(pending) => pending.await,
                    Err(refused) => Err(refused),
                });
            }
            receipts
        })
    }

    pub fn correct(&self, message_id: &str, act: Act, now: u64) -> Result<Receipt, Error> {
        let Shared { engine, runtime, workspace, .. } = self.shared;
        let correction = Correction { message_id: self.message_id(message_id), source: String::new(), act };
        runtime.block_on(engine.correct(*workspace, correction, self.time(now)))
    }

    /// What a lookup by one key answers.
    pub fn lookup(&self, key: Key, fields: &[&str]) -> Answer {
        let Shared { engine, workspace, kind, .. } = self.shared;
        let fields = Fields::Named(fields.iter().map(|name| (*name).into()).collect());
        let purpose = Purpose { name: PURPOSE.into(), channel: String::new() };
        let question = Question { kind: *kind, fields: &fields, now: Time::default(), purpose: Some(&purpose) };
        engine.lookup(*workspace, &[(0, key)], question, Tier::Disk).unwrap()
    }

    /// Where a profile id leads.
    pub fn find(&self, id: ProfileId) -> Result<ProfileId, TestCaseError> {
        match self.lookup(Key::Profile(id), &[]).resolution {
            Resolution::Found(found) => Ok(found),
            other => Err(TestCaseError::fail(format!("{id} leads nowhere: {other:?}"))),
        }
    }

    /// All profiles. Whatever was said, an identifier is of one profile, what a profile counts is what it has, and the
    /// ids that it took over lead to it.
    pub fn profiles(&self) -> Result<Shown, TestCaseError> {
        let Shared { engine, workspace, kind, .. } = self.shared;
        let mut profiles = BTreeMap::new();
        let mut owners = BTreeMap::new();
        for key in &self.keys {
            let identifier = self.identifier(key);
            let found = engine.profile(*workspace, &Key::Identifier(identifier.clone()), *kind).unwrap();
            if let Some((profile, merges)) = found {
                owners.insert(identifier, profile.id);
                profiles.insert(profile.id, (profile, merges));
            }
        }
        let mut members = BTreeMap::new();
        for (id, (profile, merges)) in &profiles {
            for (name, _) in USUAL.limits {
                let counts = |member: &&Member| member.identifier.type_name() == name && member.alias_of.is_none();
                let counted = profile.membership.members().iter().filter(counts).count();
                prop_assert_eq!(profile.membership.count(name) as usize, counted);
            }
            for member in profile.membership.members() {
                prop_assert_eq!(
                    members.insert(member.identifier.clone(), *id),
                    None,
                    "two profiles have one identifier"
                );
            }
            for gone in profile.retired.iter().chain(merges.iter().map(|merge| &merge.survivor)) {
                prop_assert_eq!(self.find(*gone)?, *id, "an id of the profile leads elsewhere");
            }
        }
        prop_assert_eq!(members, owners);
        Ok(profiles)
    }
}

fn body(did: Did) -> DraftBody {
    match did {
        Did::Set(cents) => {
            DraftBody::Identify { traits: Values::from([("x".into(), number(cents))]), address: String::new() }
        }
        Did::Order(cents) => {
            let properties = Values::from([("total".into(), number(cents))]);
            DraftBody::Event(Event { event_type: EventType::Track, name: "order".into(), properties })
        }
        Did::Hush { lift } => {
            let (topic, channel, cause) = (TOPIC.into(), String::new(), String::new());
            DraftBody::Hush(hush::Saying { topic, channel, lift, until: None, cause })
        }
        Did::Consent { granted } => {
            let (purpose, channel, address) = (PURPOSE.into(), String::new(), String::new());
            DraftBody::Consent(consent::Saying { purpose, channel, granted: Some(granted), address })
        }
    }
}

/// The value that a fact brings.
pub fn number(cents: u8) -> Value {
    Value::Number(f64::from(cents) / 100.0)
}
