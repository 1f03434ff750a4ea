//! Groups and their members, held against the facts themselves: in any order of arrival, after merges and after their
//! undo. And the limits of both.

use std::collections::{BTreeMap, BTreeSet};

use kith::domain::answer::{Field, Fields, MAX_MEMBERS};
use kith::domain::belonging::MAX_GROUPS;
use kith::domain::correction::{Act, Correction, pair};
use kith::domain::fact::{Draft, DraftBody, Event, EventType};
use kith::domain::ids::{KindId, ProfileId, WorkspaceId};
use kith::domain::key::Key;
use kith::domain::model::Model;
use kith::domain::receipt::{Action, Receipt, Rule};
use kith::domain::time::Time;
use kith::domain::value::{Value, Values};
use kith::engine::{self, Count, Engine, Figures, Question, Tier};
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use proptest::test_runner::{Config, TestRunner};
use tempfile::TempDir;

use crate::harness::engine_options;

const MODEL: &str = r#"
[kinds.person]
identifiers = ["user_id", "email", "device_id"]
[kinds.account]
identifiers = ["account_id", "domain"]
[identifiers.domain]
[computed."team.spent"]
kind = "account"
over = "members"
aggregate = "sum"
event = "order"
property = "cents"
"#;
const PERSONS: [&str; 8] = [
    "user_id:u1",
    "user_id:u2",
    "user_id:u3",
    "email:a@x.org",
    "email:b@x.org",
    "email:c@x.org",
    "device_id:d1",
    "device_id:d2",
];
const ACCOUNTS: [&str; 4] = ["account_id:a1", "account_id:a2", "domain:d.org", "domain:e.org"];
/// When everything arrives.
const NOW: Time = Time::from_micros(86_400_000_000);

/// A fact; its message id is its place in the history.
#[derive(Clone, Debug)]
enum Says {
    Ordered { keys: Vec<&'static str>, cents: u8 },
    Member { keys: Vec<&'static str>, group: &'static str, role: &'static str, left: bool },
    OneAccount { keys: Vec<&'static str> },
}

#[derive(Clone, Debug)]
struct Said {
    number: usize,
    time: u64,
    says: Says,
}

/// What is done to identities once all facts are there.
#[derive(Clone, Debug)]
enum Correct {
    Unlink([&'static str; 2]),
    KeepApart([&'static str; 2]),
}

fn says() -> impl Strategy<Value = Says> {
    let persons = || subsequence(&PERSONS[..], 1..=2);
    let ordered = (persons(), any::<u8>()).prop_map(|(keys, cents)| Says::Ordered { keys, cents });
    let member = (persons(), select(&ACCOUNTS[..]), select(&["", "admin", "buyer"][..]), prop::bool::weighted(0.3))
        .prop_map(|(keys, group, role, left)| Says::Member { keys, group, role, left });
    let one = subsequence(&ACCOUNTS[..], 2).prop_map(|keys| Says::OneAccount { keys });
    prop_oneof![3 => ordered, 6 => member, 1 => one]
}

/// Facts in order of arrival, another such order, and corrections.
fn histories() -> impl Strategy<Value = (Vec<Said>, Vec<Said>, Vec<Correct>)> {
    let number = |facts: Vec<(u64, Says)>| -> Vec<Said> {
        facts.into_iter().enumerate().map(|(number, (time, says))| Said { number, time, says }).collect()
    };
    let facts = prop::collection::vec((0..20_u64, says()), 2..30).prop_map(number);
    let two =
        || prop_oneof![subsequence(&PERSONS[..], 2), subsequence(&ACCOUNTS[..], 2)].prop_map(|two| [two[0], two[1]]);
    let correct = prop_oneof![two().prop_map(Correct::Unlink), two().prop_map(Correct::KeepApart)];
    (facts, prop::collection::vec(correct, 0..4))
        .prop_flat_map(|(facts, corrections)| (Just(facts.clone()), Just(facts).prop_shuffle(), Just(corrections)))
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

    fn workspace(&self, name: &str) -> WorkspaceId {
        self.runtime.block_on(self.engine.apply_model(name, MODEL, NOW)).unwrap()
    }

    fn write(&self, workspace: WorkspaceId, draft: Draft) -> Option<Receipt> {
        let fact = self.engine.check(workspace, draft, NOW).unwrap();
        // Two values of a type of which a profile may have one are refused, and leave no trace.
        self.runtime.block_on(async { self.engine.submit(workspace, fact, NOW).await.unwrap().await.ok() })
    }

    fn correct(&self, workspace: WorkspaceId, number: usize, correct: &Correct) {
        let model = self.engine.model(workspace).unwrap();
        let pair = |[a, b]: [&str; 2]| pair(a, b, &model.model);
        let act = match correct {
            Correct::Unlink(between) => pair(*between).map(|between| Act::Unlink { between }),
            Correct::KeepApart(between) => pair(*between).map(|between| Act::KeepApart { between, same_human: false }),
        };
        let Ok(act) = act else { return };
        let correction = Correction { message_id: format!("c{number}"), source: String::new(), act };
        // What is not together cannot be unlinked.
        let _refused = self.runtime.block_on(self.engine.correct(workspace, correction, NOW));
    }

    fn profile(&self, workspace: WorkspaceId, key: &str, kind: &str) -> Option<kith::domain::profile::Profile> {
        let model = self.engine.model(workspace).unwrap();
        let key = Key::parse(key, "key", &model.model).unwrap();
        Some(self.engine.profile(workspace, &key, KindId::of(kind)).unwrap()?.0)
    }
}

fn draft(Said { number, time, says }: &Said) -> Draft {
    let (keys, body) = match says {
        Says::Ordered { keys, cents } => {
            let properties = Values::from([("cents".to_owned(), Value::Number(f64::from(*cents)))]);
            let event = Event { event_type: EventType::Track, name: "order".to_owned(), properties };
            (keys, DraftBody::Event(event))
        }
        Says::Member { keys, group, role, left } => {
            let (key, role) = ((*group).to_owned(), (*role).to_owned());
            (keys, DraftBody::Group { key, traits: Values::new(), role, left: *left })
        }
        Says::OneAccount { keys } => (keys, DraftBody::Identify { traits: Values::new(), address: String::new() }),
    };
    let keys = keys.iter().map(ToString::to_string).collect();
    let time = Some(Time::from_micros(time * 1_000_000));
    Draft { message_id: format!("m{number:02}"), time, source: String::new(), keys, body }
}

/// A membership as it is answered: which group identifier, as what, and since when.
type Membership = (String, String, u64);

/// Of a person and a group identifier the role, and since when by time and number of the fact.
type Current = BTreeMap<(ProfileId, &'static str), (String, (u64, usize))>;

/// What the facts say of the persons and accounts that the engine has.
struct Expected {
    /// Persons by identifier.
    persons: BTreeMap<&'static str, ProfileId>,
    /// Memberships that go on, by person and group identifier.
    current: Current,
    spent: BTreeMap<ProfileId, f64>,
}

impl Expected {
    fn of(subject: &Subject, workspace: WorkspaceId, accepted: &[Said]) -> Self {
        let found = PERSONS.iter().filter_map(|key| Some((*key, subject.profile(workspace, key, "person")?.id)));
        let persons: BTreeMap<_, _> = found.collect();
        // Keys are listed from the strongest to the weakest.
        let person = |keys: &[&'static str]| persons[keys[0]];
        let mut sorted: Vec<&Said> = accepted.iter().collect();
        sorted.sort_by_key(|said| (said.time, said.number));
        let mut current = Current::new();
        let mut spent: BTreeMap<ProfileId, f64> = BTreeMap::new();
        for Said { number, time, says } in sorted {
            match says {
                Says::Ordered { keys, cents } => *spent.entry(person(keys)).or_default() += f64::from(*cents),
                Says::Member { keys, group, left: true, .. } => {
                    current.remove(&(person(keys), *group));
                }
                Says::Member { keys, group, role, left: false } => {
                    let known = current.entry((person(keys), *group));
                    let (known, _) = known.or_insert_with(|| (String::new(), (*time, *number)));
                    if !role.is_empty() {
                        *known = (*role).to_owned();
                    }
                }
                Says::OneAccount { .. } => {}
            }
        }
        Self { persons, current, spent }
    }

    /// The membership of a person in any of these groups that began last.
    fn membership(&self, person: ProfileId, groups: &BTreeSet<&str>) -> Option<Membership> {
        let ours = self.current.iter().filter(|((of, group), _)| *of == person && groups.contains(group));
        let last = ours.max_by_key(|((_, group), (_, since))| (*since, std::cmp::Reverse(*group)));
        last.map(|((_, group), (role, (time, _)))| ((*group).to_owned(), role.clone(), *time))
    }

    fn has_login(&self, person: ProfileId) -> bool {
        self.persons.iter().any(|(key, owner)| key.starts_with("user_id:") && *owner == person)
    }
}

/// Holds all that is answered of groups against the facts.
fn check(subject: &Subject, workspace: WorkspaceId, accepted: &[Said]) -> Result<(), TestCaseError> {
    let expected = Expected::of(subject, workspace, accepted);
    for account in ACCOUNTS {
        let Some(profile) = subject.profile(workspace, account, "account") else { continue };
        let own = profile.membership.members().iter().map(|member| member.identifier.as_str());
        let groups: BTreeSet<&str> = own.collect();
        let persons: BTreeSet<ProfileId> = expected.persons.values().copied().collect();
        let members = persons.iter().filter_map(|person| Some((*person, expected.membership(*person, &groups)?)));
        let members: BTreeMap<ProfileId, Membership> = members.collect();

        let totals = subject.engine.totals(workspace, &profile).unwrap();
        let seats_used = members.keys().filter(|person| expected.has_login(**person)).count() as u32;
        let figures = Figures { members: members.len() as u32, seats_used };
        let ever =
            accepted.iter().any(|said| matches!(&said.says, Says::Member { group, .. } if groups.contains(group)));
        prop_assert_eq!(totals.count, if ever { Count::Of(figures) } else { Count::Nobody }, "{}", account);
        let spent = members.keys().filter_map(|person| expected.spent.get(person)).copied().reduce(|a, b| a + b);
        let answered = totals.computed.get("team.spent").map(kith::domain::aggregate::State::value);
        prop_assert_eq!(answered.clone(), spent.map(Value::Number), "{}", account);
        prop_assert_eq!(listed(subject, workspace, account), members, "{}", account);
    }
    check_lookups(subject, workspace, &expected)
}

/// The members of an account, asked for two at a time.
fn listed(subject: &Subject, workspace: WorkspaceId, account: &str) -> BTreeMap<ProfileId, Membership> {
    let model = subject.engine.model(workspace).unwrap();
    let key = Key::parse(account, "key", &model.model).unwrap();
    let mut members = BTreeMap::new();
    let mut after = None;
    loop {
        let page = subject.engine.members(workspace, &key, KindId::of("account"), after.as_ref(), 2).unwrap().unwrap();
        for member in page.members {
            let membership = (member.group.as_str().to_owned(), member.role, member.since.time.micros() / 1_000_000);
            assert!(members.insert(member.profile, membership).is_none(), "a member is listed twice");
        }
        after = page.next;
        if after.is_none() {
            return members;
        }
    }
}

/// What persons answer of their account, one by one and in a batch.
fn check_lookups(subject: &Subject, workspace: WorkspaceId, expected: &Expected) -> Result<(), TestCaseError> {
    let model = subject.engine.model(workspace).unwrap();
    let person = KindId::of("person");
    let parse = |key: &str| Key::parse(key, "key", &model.model).unwrap();
    let names = ["account.id", "account.role", "account.since", "account.members", "account.team.spent"];
    let fields = Fields::parse(names.iter().map(ToString::to_string).collect()).unwrap();
    let keys: Vec<Key> = PERSONS.iter().map(|key| parse(key)).collect();
    let question = Question { kind: person, fields: &fields, now: Time::default(), purpose: None };
    let batch = subject.engine.lookup_batch(workspace, &keys, question).unwrap();
    for ((text, key), in_batch) in PERSONS.iter().zip(&keys).zip(batch) {
        let one = subject.engine.lookup(workspace, &[(0, key.clone())], question, Tier::Disk).unwrap();
        prop_assert_eq!((&one.resolution, &one.fields), (&in_batch.resolution, &in_batch.fields));
        // What several people share says what is true of all of them; here it is about one.
        let kith::domain::answer::Resolution::Found(id) = one.resolution else { continue };
        prop_assert_eq!(id, expected.persons[text]);
        let membership = expected.membership(id, &BTreeSet::from(ACCOUNTS));
        let text = |field: &Field| match field.clone().value() {
            Some(Value::Text(text)) => text,
            Some(Value::Time(time)) => (time.micros() / 1_000_000).to_string(),
            _ => String::new(),
        };
        let answered: Vec<String> = one.fields.iter().take(3).map(|(_, field)| text(field)).collect();
        let said = membership.clone().map(|(group, role, since)| vec![group, role, since.to_string()]);
        prop_assert_eq!(answered, said.unwrap_or_else(|| vec![String::new(); 3]));
        // The rest is what the account itself answers.
        let of_account = membership.map(|(group, ..)| {
            let fields = Fields::parse(vec!["members".to_owned(), "team.spent".to_owned()]).unwrap();
            let keys = [(0, parse(&group))];
            let question =
                Question { kind: KindId::of("account"), fields: &fields, now: Time::default(), purpose: None };
            subject.engine.lookup(workspace, &keys, question, Tier::Disk).unwrap()
        });
        let of_account: Vec<Field> = match of_account {
            Some(answer) => answer.fields.into_iter().map(|(_, field)| field).collect(),
            None => vec![Field::NotSet, Field::NotSet],
        };
        let through: Vec<Field> = one.fields.into_iter().skip(3).map(|(_, field)| field).collect();
        prop_assert_eq!(through, of_account);
    }
    Ok(())
}

#[test]
fn members_are_what_the_facts_say_of_who_is_who_today() {
    let subject = Subject::open();
    let cases = std::cell::Cell::new(0);
    let config = Config { failure_persistence: None, ..Config::with_cases(150) };
    let result = TestRunner::new(config).run(&histories(), |(one, other, corrections)| {
        let case = cases.replace(cases.get() + 1);
        for (order, facts) in [one, other].into_iter().enumerate() {
            let workspace = subject.workspace(&format!("w{case}-{order}"));
            let accepted = |said: &Said| subject.write(workspace, draft(said)).is_some();
            let facts: Vec<Said> = facts.into_iter().filter(accepted).collect();
            check(&subject, workspace, &facts)?;
            for (number, correct) in corrections.iter().enumerate() {
                subject.correct(workspace, number, correct);
                check(&subject, workspace, &facts)?;
            }
        }
        Ok(())
    });
    if let Err(difference) = result {
        panic!("{difference}");
    }
}

fn member(number: usize, person: &str, group: &str) -> Draft {
    let body = DraftBody::Group { key: group.to_owned(), traits: Values::new(), role: String::new(), left: false };
    let (message_id, keys) = (format!("m{number}"), vec![person.to_owned()]);
    Draft { message_id, time: Some(Time::from_micros(number as u64)), source: String::new(), keys, body }
}

#[test]
fn one_identifier_brings_so_many_groups_and_no_more() {
    let subject = Subject::open();
    let workspace = subject.workspace("default");
    let join = |number: usize| {
        let receipt = subject.write(workspace, member(number, "user_id:u1", &format!("account_id:a{number}"))).unwrap();
        let capped = receipt.lines.into_iter().find(|line| line.action == Action::Capped);
        capped.map(|line| (line.rule, line.identifier.unwrap().as_str().to_owned()))
    };
    for number in 0..MAX_GROUPS {
        assert_eq!(join(number), None);
    }
    assert_eq!(join(MAX_GROUPS), Some((Some(Rule::Groups), format!("account_id:a{MAX_GROUPS}"))));
    let groups = subject.profile(workspace, "user_id:u1", "person").unwrap().holdings.ties.groups;
    assert_eq!(groups.len(), MAX_GROUPS);
    // Those that are known go on.
    let mut leave = member(9_999, "user_id:u1", "account_id:a7");
    leave.body =
        DraftBody::Group { key: "account_id:a7".into(), traits: Values::new(), role: String::new(), left: true };
    subject.write(workspace, leave).unwrap();
    let account = subject.profile(workspace, "account_id:a7", "account").unwrap();
    assert_eq!(subject.engine.totals(workspace, &account).unwrap().count, Count::Of(Figures::default()));
}

#[test]
fn a_large_account_says_how_many_it_has_and_computes_over_no_more_than_it_may() {
    let subject = Subject::open();
    let workspace = subject.workspace("default");
    for number in 0..=MAX_MEMBERS {
        if number == MAX_MEMBERS {
            assert_eq!(ask(&subject, workspace, "account", "account_id:big")[2], Field::NotSet);
        }
        subject.write(workspace, member(number, &format!("user_id:u{number}"), "account_id:big")).unwrap();
    }
    let many = Field::now(Value::Number(MAX_MEMBERS as f64 + 1.0));
    let expected = [many.clone(), many, Field::TooLarge];
    assert_eq!(ask(&subject, workspace, "account", "account_id:big"), expected);
    assert_eq!(ask(&subject, workspace, "person", "user_id:u1"), expected);
    // To count them takes too long for a thread that others wait for.
    for tier in [Tier::Memory, Tier::DiskBriefly] {
        let refused = ask_in(tier, &subject, workspace, "account", "account_id:big");
        assert!(matches!(refused, Err(engine::Error::NotInMemory)), "{refused:?}");
    }
    assert_eq!(listed(&subject, workspace, "account_id:big").len(), MAX_MEMBERS + 1);
}

/// Members, seats used and what they spent, from both sides.
fn ask(subject: &Subject, workspace: WorkspaceId, kind: &str, key: &str) -> Vec<Field> {
    ask_in(Tier::Disk, subject, workspace, kind, key).unwrap()
}

fn ask_in(
    tier: Tier,
    subject: &Subject,
    workspace: WorkspaceId,
    kind: &str,
    key: &str,
) -> Result<Vec<Field>, engine::Error> {
    let model = subject.engine.model(workspace).unwrap();
    let prefix = if kind == "person" { "account." } else { "" };
    let names = ["members", "seats_used", "team.spent"].map(|name| format!("{prefix}{name}"));
    let fields = Fields::parse(names.to_vec()).unwrap();
    let keys = [(0, Key::parse(key, "key", &model.model).unwrap())];
    let question = Question { kind: KindId::of(kind), fields: &fields, now: Time::default(), purpose: None };
    let answer = subject.engine.lookup(workspace, &keys, question, tier)?;
    Ok(answer.fields.into_iter().map(|(_, field)| field).collect())
}

#[test]
fn what_no_group_can_have_is_refused_by_the_linter() {
    let refused = |more: &str| {
        let kinds = "[kinds.person]\nidentifiers = ['user_id']\n[kinds.account]\nidentifiers = ['account_id']\n";
        Model::parse(&format!("{kinds}{more}")).unwrap_err().to_string()
    };
    let computed = |table: &str, more: &str| refused(&format!("{table}\naggregate = 'count'\nevent = 'e'\n{more}"));
    assert!(computed("[computed.n]", "over = 'members'").contains("computed.\"n\".over: is `members`, and a person"));
    assert!(computed("[computed.n]", "over = 'friends'").contains("unknown variant"));
    assert!(computed("[computed.'account.n']", "").contains("not under `address.`, `segment.` or the name of a kind"));
    for built_in in ["members", "seats_used", "id", "role", "since"] {
        assert!(computed(&format!("[computed.{built_in}]"), "kind = 'account'").contains("built in"), "{built_in}");
    }
    assert!(refused("[kinds.address]\nidentifiers = ['email']").contains("not `address`"));
}
