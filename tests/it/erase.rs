//! Erasing people: nothing is left of them in any byte of the database, and everybody else is as if they had never been
//! named.

mod bounds;
mod doors;
mod history;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use kith::domain::answer::{self, Fields, Resolution};
use kith::domain::consent;
use kith::domain::correction::{Act, Correction, pair};
use kith::domain::erasure::Erasure;
use kith::domain::fact::Draft;
use kith::domain::ids::{KindId, ProfileId, WorkspaceId};
use kith::domain::key::Key;
use kith::domain::profile::Profile;
use kith::domain::receipt::Receipt;
use kith::domain::served::SendId;
use kith::domain::time::Time;
use kith::domain::tombstone::TombstoneSecret;
use kith::domain::value::Value;
use kith::domain::view::About;
use kith::engine::{Durability, Engine, Error, Occasion, Options, Question, REFOLD_PORTION, Sent, Tier};
use kith::store::catalogue::Family;
use kith::store::{self, Store};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use tempfile::TempDir;

use crate::resolution::as_asked;
use history::{KEYS, KINDS, LONGEST, MODEL, NOW, Names, PURPOSE, Said, Says, histories};

struct Subject {
    engine: Engine,
    runtime: tokio::runtime::Runtime,
}

/// A workspace with what was said in it. Cases share it: none has the identifiers of another.
#[derive(Clone, Copy)]
struct World<'a> {
    subject: &'a Subject,
    workspace: WorkspaceId,
    names: Names,
}

/// Where the body of a fact is kept, by its number and the kind.
type Origins = BTreeMap<(usize, &'static str), usize>;

impl Subject {
    fn open(directory: &Path) -> Self {
        let options = Options {
            data: directory.to_owned(),
            durability: Durability::Interval(Duration::from_secs(1)),
            cache_bytes: 64 * 1024 * 1024,
            write_queue: 64,
            refold_portion: REFOLD_PORTION,
            invalidates: true,
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        Self { engine: Engine::open(&options).unwrap(), runtime }
    }

    fn world(&self, name: &str, names: Names) -> World<'_> {
        let workspace = self.runtime.block_on(self.engine.apply_model(name, MODEL, NOW)).unwrap();
        World { subject: self, workspace, names }
    }
}

impl<'a> World<'a> {
    fn write(self, draft: Draft) -> Result<Receipt, Error> {
        let Subject { engine, runtime } = self.subject;
        let fact = engine.check(self.workspace, draft, NOW)?;
        runtime.block_on(async { engine.submit(self.workspace, fact, NOW).await?.await })
    }

    fn correct(self, said: &Said) -> Result<Receipt, Error> {
        let Subject { engine, runtime } = self.subject;
        let model = engine.model(self.workspace)?;
        let pair = |[a, b]: [usize; 2]| pair(&self.names.raw(a), &self.names.raw(b), &model.model);
        let act = match said.says {
            Says::KeepApart { between, same_human } => Act::KeepApart { between: pair(between)?, same_human },
            Says::Unlink(between) => Act::Unlink { between: pair(between)? },
            _ => panic!("a fact is no correction"),
        };
        let correction = Correction { message_id: self.names.message_id(said.number), source: String::new(), act };
        runtime.block_on(engine.correct(self.workspace, correction, self.names.arrival(said.number)))
    }

    fn say(self, said: &Said) -> Result<Receipt, Error> {
        match self.names.draft(said) {
            Some(draft) => self.write(draft),
            None => self.correct(said),
        }
    }

    /// Writes facts none of which is refused.
    fn write_all(self, drafts: impl Iterator<Item = Draft>) {
        let Subject { engine, runtime } = self.subject;
        runtime.block_on(async {
            let mut last = None;
            for draft in drafts {
                let fact = engine.check(self.workspace, draft, NOW).unwrap();
                last = Some(engine.submit(self.workspace, fact, NOW).await.unwrap());
            }
            last.unwrap().await.unwrap();
        });
    }

    fn erase(self, key: Key, kind: &str, suppress: bool) -> Result<Receipt, Error> {
        self.subject.runtime.block_on(self.erasing(key, kind, suppress))
    }

    async fn erasing(self, key: Key, kind: &str, suppress: bool) -> Result<Receipt, Error> {
        let secret = TombstoneSecret([3; 32]);
        let erasure = Erasure::new(self.names.message_id(LONGEST), key, KindId::of(kind), suppress, secret)?;
        self.subject.engine.erase(self.workspace, erasure, self.names.arrival(LONGEST)).await
    }

    fn key(self, at: usize) -> Key {
        let model = self.subject.engine.model(self.workspace).unwrap();
        Key::parse(&self.names.raw(at), "key", &model.model).unwrap()
    }

    fn at(self, identifier: &kith::domain::identifier::Identifier) -> usize {
        (0..KEYS.len()).find(|at| self.key(*at) == Key::Identifier(identifier.clone())).unwrap()
    }

    fn profile(self, at: usize, kind: &str) -> Option<Profile> {
        let found = self.subject.engine.profile(self.workspace, &self.key(at), KindId::of(kind));
        match found {
            Err(Error::Erased(_)) => None,
            found => found.unwrap().map(|(profile, _)| profile),
        }
    }

    /// Serves everybody by the view of each kind, by one of their identifiers and by the id of their profile.
    fn serve_all(self, send: usize) {
        let Subject { engine, runtime } = self.subject;
        let model = engine.model(self.workspace).unwrap();
        let mut servings = Vec::new();
        for (kind, at) in KINDS.iter().flat_map(|kind| (0..KEYS.len()).map(move |at| (*kind, at))) {
            let send = SendId::parse(&format!("{kind}-{send}")).unwrap();
            let kind_of = model.model.kind(kind).unwrap();
            let Ok((_, key)) = answer::ranked_key(&self.names.raw(at), "key", kind_of, &model.model) else { continue };
            let id = self.profile(at, kind).map(|profile| Key::Profile(profile.id));
            let view = model.model.view(kind).unwrap();
            let occasion = Occasion { view, about: &About::default(), now: NOW };
            for key in [key].into_iter().chain(id) {
                let sent = engine.lookup_sent(self.workspace, &[(0, key)], occasion, &send, Tier::Disk).unwrap();
                servings.extend(match sent {
                    Sent::First(_, serving) => Some(*serving),
                    Sent::Done(_) => None,
                });
            }
        }
        runtime.block_on(engine.serve(self.workspace, servings, NOW)).unwrap();
    }

    /// Who is one customer, by any of the identifiers.
    fn partition(self, kind: &str) -> BTreeMap<usize, BTreeSet<usize>> {
        let members = |profile: Profile| self.members(&profile);
        (0..KEYS.len()).filter_map(|at| Some((at, self.profile(at, kind).map(members)?))).collect()
    }

    fn members(self, profile: &Profile) -> BTreeSet<usize> {
        profile.membership.members().iter().map(|member| self.at(&member.identifier)).collect()
    }

    fn origins(self) -> Origins {
        let mut origins = Origins::new();
        for (at, kind) in (0..KEYS.len()).flat_map(|at| KINDS.map(|kind| (at, kind))) {
            let id = KindId::of(kind);
            let events = self.subject.engine.events(self.workspace, &self.key(at), id, None, 1_000).unwrap();
            for event in events.unwrap_or_default() {
                let number = event.moment.message_id.split_once('.').unwrap().1.parse().unwrap();
                origins.insert((number, kind), self.at(&event.origin));
            }
        }
        origins
    }

    fn lookup(self, key: Key, kind: &str) -> (Resolution, BTreeMap<String, Value>) {
        let keys = [(0, key)];
        let engine = &self.subject.engine;
        let question =
            Question { kind: KindId::of(kind), fields: &Fields::Everything, now: Time::default(), purpose: None };
        let answer = engine.lookup(self.workspace, &keys, question, Tier::Disk).unwrap();
        let values = answer.fields.into_iter().filter_map(|(name, field)| Some((name.to_string(), field.value()?)));
        (answer.resolution, values.collect())
    }
}

/// What is left of something said without the erased: the evidence alone.
fn evidence(said: &Said, erased: &BTreeSet<usize>, names: Names) -> Option<Said> {
    let rest = |keys: &[usize]| keys.iter().copied().filter(|at| !erased.contains(at)).collect::<Vec<_>>();
    let says = match &said.says {
        Says::Set(keys) | Says::Order(keys, _) | Says::Describe(keys) => Says::Set(rest(keys)),
        Says::Hush { keys, .. } | Says::Consent { keys, .. } => Says::Set(rest(keys)),
        Says::Member { keys, group, left } if !rest(keys).is_empty() && !erased.contains(group) => {
            Says::Member { keys: rest(keys), group: *group, left: *left }
        }
        Says::Member { keys, group, .. } => Says::Set([rest(keys), rest(&[*group])].concat()),
        Says::Alias { new, previous } if erased.contains(new) || erased.contains(previous) => Says::Set(rest(&[*new])),
        Says::KeepApart { between, .. } | Says::Unlink(between) if between.iter().any(|at| erased.contains(at)) => {
            let time = names.arrival(said.number).micros() / 1_000_000;
            return Some(Said { time, says: Says::Set(rest(between)), ..*said })
                .filter(|said| says_something(&said.says));
        }
        other => other.clone(),
    };
    Some(Said { says, ..*said }).filter(|said| says_something(&said.says))
}

fn says_something(says: &Says) -> bool {
    !matches!(says, Says::Set(keys) if keys.is_empty())
}

/// What a profile of these identifiers has by what was said, all of it looked at at once.
fn known(accepted: &[Said], origins: &Origins, members: &BTreeSet<usize>, kind: &'static str, names: Names) -> Known {
    let (x, groups, consent) = (None, BTreeMap::new(), consent::State::Unknown);
    let mut known = Known { x, orders: 0, cents: 0, groups, consent };
    let mut decisions: Vec<(usize, &[usize], bool)> = Vec::new();
    let mut sorted: Vec<&Said> = accepted.iter().collect();
    sorted.sort_by_key(|said| (said.time, said.number));
    for said in
        sorted.into_iter().filter(|said| origins.get(&(said.number, kind)).is_some_and(|at| members.contains(at)))
    {
        match &said.says {
            Says::Set(_) => known.x = Some(names.value(said.number)),
            // The traits of a group are those of the account.
            Says::Member { .. } if kind == "account" => known.x = Some(names.value(said.number)),
            Says::Member { group, left, .. } => {
                known.groups.insert(*group, !left);
            }
            Says::Order(_, cents) if kind == "person" => {
                known.orders += 1;
                known.cents += u64::from(*cents);
            }
            Says::Consent { keys, granted, of_address: false } => {
                decisions.push((origins[&(said.number, kind)], keys, *granted));
            }
            _ => {}
        }
    }
    known.groups.retain(|_, is_member| *is_member);
    known.consent = allowed(&decisions);
    known
}

/// Denied, if one denies it and no later grant names them; else granted, if any grants it. Each decision has the
/// identifier that it is kept under and those that its fact names.
fn allowed(decisions: &[(usize, &[usize], bool)]) -> consent::State {
    let is_over = |origin: usize, later: &[(usize, &[usize], bool)]| {
        later.iter().any(|(_, names, granted)| *granted && names.contains(&origin))
    };
    let denies = |(at, (origin, _, granted)): (usize, &(usize, &[usize], bool))| {
        !granted && !is_over(*origin, &decisions[at + 1..])
    };
    match decisions.iter().enumerate().any(denies) {
        true => consent::State::Denied,
        false if decisions.iter().any(|(_, _, granted)| *granted) => consent::State::Granted,
        false => consent::State::Unknown,
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Known {
    x: Option<String>,
    orders: u64,
    cents: u64,
    groups: BTreeMap<usize, bool>,
    consent: consent::State,
}

impl World<'_> {
    fn shown(self, profile: &Profile) -> Known {
        let x = profile.holdings.attributes.cells().get("x").map(|cell| match &cell.value {
            Value::Text(text) => text.clone(),
            other => panic!("no fact says {other:?}"),
        });
        let number = |name: &str| match profile.holdings.computed.get(name).map(kith::domain::aggregate::State::value) {
            Some(Value::Number(number)) => number as u64,
            _ => 0,
        };
        let groups = profile.holdings.ties.groups.iter().filter(|(_, belonging)| belonging.since().is_some());
        let groups = groups.map(|(group, _)| (self.at(group), true)).collect();
        let purpose = consent::Purpose { name: PURPOSE.to_owned(), channel: String::new() };
        let consent = profile.holdings.consents.state(&purpose);
        Known { x, orders: number("orders.count"), cents: number("orders.sum"), groups, consent }
    }
}

/// Whether a value is the erased's alone: wherever it was kept, it was kept under them.
fn is_theirs(said: &Said, origins: &Origins, erased: &BTreeSet<usize>) -> bool {
    match &said.says {
        Says::Describe(keys) if erased.contains(&keys[0]) => return true,
        Says::Describe(_) => return false,
        Says::Member { group, .. } if erased.contains(group) => return true,
        _ => {}
    }
    KINDS.iter().all(|kind| origins.get(&(said.number, *kind)).is_none_or(|at| erased.contains(at)))
}

/// One case: a history, the erasure of somebody in it, and what is expected to be found of them afterwards: nothing.
/// Answers what must not be in the database any more.
fn check(subject: &Subject, case: usize, history: &[Said], first: usize) -> Result<Vec<String>, TestCaseError> {
    let names = Names { case, is_reference: false };
    let world = subject.world("said", names);
    let mut accepted = Vec::new();
    let mut ids: BTreeSet<ProfileId> = BTreeSet::new();
    for said in history {
        if let Ok(receipt) = world.say(said) {
            ids.extend(receipt.profiles.iter().map(|(_, id)| *id));
            ids.extend(receipt.lines.iter().filter_map(|line| line.profile));
            accepted.push(said.clone());
            if said.number % 3 == 1 {
                world.serve_all(said.number);
            }
        }
    }
    let origins = world.origins();
    let before: BTreeMap<ProfileId, BTreeSet<usize>> = (0..KEYS.len())
        .flat_map(|at| KINDS.iter().filter_map(move |kind| world.profile(at, kind)))
        .map(|profile| (profile.id, world.members(&profile)))
        .collect();
    let tries = (0..KEYS.len()).map(|at| (first + at) % KEYS.len()).flat_map(|at| KINDS.map(|kind| (at, kind)));
    let Some(receipt) = tries.map(|(at, kind)| world.erase(world.key(at), kind, false)).find_map(Result::ok) else {
        return Ok(Vec::new());
    };
    let erased: BTreeSet<usize> = receipt.profiles.iter().flat_map(|(_, id)| before[id].clone()).collect();
    prop_assert_eq!(receipt.erased.unwrap().identifiers, erased.len() as u64);

    let reference = subject.world("reference", Names { is_reference: true, ..names });
    let mut comparable = true;
    for said in accepted.iter().filter_map(|said| evidence(said, &erased, names)) {
        comparable &= reference.say(&said).is_ok();
    }
    for kind in KINDS {
        for at in &erased {
            prop_assert!(world.profile(*at, kind).is_none() && reference.profile(*at, kind).is_none());
            let (resolution, values) = world.lookup(world.key(*at), kind);
            prop_assert_eq!((resolution, values.len()), (Resolution::Erased, 0));
        }
        if comparable {
            prop_assert_eq!(world.partition(kind), reference.partition(kind), "{} of {}", kind, case);
        }
        for (at, members) in world.partition(kind) {
            let profile = world.profile(at, kind).unwrap();
            let mut expected = known(&accepted, &origins, &members, kind, names);
            expected.groups.retain(|group, _| !erased.contains(group));
            prop_assert_eq!(world.shown(&profile), expected, "what {:?} has", members);
        }
    }
    for group in 8..KEYS.len() {
        let id = KindId::of("account");
        let Ok(Some(page)) = subject.engine.members(world.workspace, &world.key(group), id, None, 100) else {
            continue;
        };
        let account = world.partition("account")[&group].clone();
        let persons: BTreeSet<ProfileId> = (0..8)
            .filter_map(|at| world.profile(at, "person"))
            .filter_map(|profile| {
                let known = world.shown(&profile);
                account.iter().any(|group| known.groups.contains_key(group)).then_some(profile.id)
            })
            .collect();
        prop_assert_eq!(page.members.iter().map(|member| member.profile).collect::<BTreeSet<_>>(), persons);
    }
    // Every id that was ever handed out leads to somebody, or to nobody for ever.
    let gone: BTreeSet<ProfileId> = receipt.profiles.iter().map(|(_, id)| *id).collect();
    for id in ids {
        let found = KINDS.map(|kind| world.lookup(Key::Profile(id), kind).0);
        let found_one = found.iter().any(|resolution| matches!(resolution, Resolution::Found(_)));
        prop_assert!(found_one || found == [Resolution::Erased; 3], "{} leads to {:?}", id, found);
        prop_assert!(!(gone.contains(&id) && found_one));
    }
    let values = accepted.iter().filter(|said| is_theirs(said, &origins, &erased)).map(|said| names.value(said.number));
    Ok(erased.iter().map(|at| names.canary(*at)).chain(values).collect())
}

/// Which of these are somewhere in the keys or values of a closed database, and in which families.
fn found(directory: &Path, canaries: &BTreeSet<String>) -> Vec<String> {
    let store = Store::open(directory, 8 * 1024 * 1024, true).unwrap();
    let view = store.view(store::Tier::Disk);
    let mut found = Vec::new();
    for family in Family::ALL {
        for row in view.scan(family, &[], &[]).unwrap() {
            let (key, value) = row.unwrap();
            for bytes in [key, value] {
                let text = String::from_utf8_lossy(&bytes).to_lowercase();
                // Every canary begins with one of two letters and ends with one, and has no other of them.
                let words = text.match_indices(['z', 'v']).map(|(at, _)| &text[at..]);
                let words = words.filter_map(|rest| Some(&rest[..=rest[1..].find('z')? + 1]));
                found.extend(
                    words.filter(|word| canaries.contains(*word)).map(|word| format!("{word} in {}", family.name())),
                );
            }
        }
    }
    found.truncate(10);
    found
}

fn hold(cases: u32, loose: bool) {
    let cases = as_asked(cases);
    let directory = TempDir::new().unwrap();
    let subject = Subject::open(directory.path());
    let (case, canaries) = (std::cell::Cell::new(0), std::cell::RefCell::new(BTreeSet::new()));
    let config = Config { failure_persistence: None, max_shrink_iters: 5_000, ..Config::with_cases(cases) };
    let result = TestRunner::new(config).run(&histories(loose), |(history, first)| {
        case.set(case.get() + 1);
        canaries.borrow_mut().extend(check(&subject, case.get(), &history, first)?);
        Ok(())
    });
    if let Err(difference) = result {
        panic!("{difference}");
    }
    drop(subject);
    let canaries = canaries.into_inner();
    assert!(!canaries.is_empty(), "nobody was erased");
    assert_eq!(found(directory.path(), &canaries), Vec::<String>::new());
}

#[test]
fn nothing_is_left_of_the_erased_and_everybody_else_is_as_if_they_had_never_been_named() {
    hold(200, false);
}

#[test]
fn the_same_with_aliases_and_unlinks() {
    hold(200, true);
}
