//! `cache_until` held against asking again: before it and with nothing written, every answer is the same.

use std::cell::{Cell, RefCell};

use kith::domain::answer::{self, Answer};
use kith::domain::fact::{Draft, DraftBody, Event, EventType};
use kith::domain::hush;
use kith::domain::ids::WorkspaceId;
use kith::domain::key::Key;
use kith::domain::time::Time;
use kith::domain::value::{Value, Values};
use kith::domain::view::{About, Decision, MAX_CACHED_MICROS, View, Viewed};
use kith::engine::{Engine, Occasion, Tier};
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use proptest::test_runner::{Config, TestRunner};
use tempfile::TempDir;

use crate::harness::engine_options;

const MODEL: &str = r#"
[kinds.person]
identifiers = ["user_id", "device_id"]
[kinds.account]
identifiers = ["account_id"]
[computed."n.day"]
aggregate = "count"
event = "e"
window = "24h"
[computed."n.week"]
aggregate = "average"
event = "e"
property = "p"
window = "7d"
[computed."n.month"]
aggregate = "sum"
event = "e"
property = "p"
window = "30d"
[computed."n.quarter"]
aggregate = "max"
event = "e"
property = "p"
window = "90d"
[computed."hour"]
aggregate = "best_hour"
event = "e"
[computed."recency"]
aggregate = "days_since_last"
event = "e"
[computed."tenure"]
aggregate = "days_since_first"
event = "e"
[computed."recent"]
aggregate = "last_events"
event = "e"
properties = ["p"]
[computed."team.day"]
kind = "account"
over = "members"
aggregate = "count"
event = "e"
window = "24h"
[computed."team.recency"]
kind = "account"
over = "members"
aggregate = "days_since_last"
event = "e"
[segments.away]
when = 'recency >= 3'
[attributes.person]
nick = "text"
first = "text"
[views.v]
shared = "send"
[views.v.holds.enough]
count = "n.week"
at_most = 200
[views.v.holds.had_it_lately]
bought = "recent"
within = "AGE"
"#;
/// What the message is about; the lowest numbers that events have.
const ABOUT: std::ops::Range<u8> = 0..16;

/// What a view may read, each a field; AGE is the largest age of a value, and of a purchase that counts.
const FIELDS: [&str; 12] = [
    "day = { from = ['n.day'] }",
    "week = { from = ['n.week'], default = 0 }",
    "month = { from = ['n.month'] }",
    "quarter = { from = ['n.quarter'] }",
    "full = { from = ['n.day.full', 'n.week.full'] }",
    "name = { from = ['nick', 'first'], max_age = 'AGE', default = 'you', type = 'name' }",
    "pet = { from = ['first'], topics = ['pets'], max_age = '3d' }",
    "hour = { from = ['hour'] }",
    "team = { from = ['account.team.day', 'account.team.recency'] }",
    "recency = { from = ['recency'] }",
    "tenure = { from = ['tenure'] }",
    "away = { from = ['segment.away'] }",
];
const AGES: [&str; 4] = ["90m", "1d", "5d", "60d"];
const KEYS: [&str; 4] = ["user_id:a", "user_id:b", "device_id:d", "user_id:nobody"];

const HOUR: u64 = 60 * 60 * 1_000_000;
const DAY: u64 = 24 * HOUR;
/// When everything arrives.
const NOW: Time = Time::from_micros(100 * DAY);

#[derive(Clone, Debug)]
enum Says {
    Event(u8),
    Named { nick: bool, name: &'static str },
    Hush { until: u64 },
    Member,
}

/// Who says what, and when.
type Said = (Vec<&'static str>, u64, Says);

#[derive(Clone, Debug)]
struct Case {
    model: String,
    facts: Vec<Said>,
    /// When it is asked, and how far between then and `cache_until` again.
    asked: Vec<(u64, f64)>,
}

fn said() -> impl Strategy<Value = Said> {
    let who = prop_oneof![
        3 => subsequence(&["user_id:a", "device_id:d"][..], 1..=2),
        2 => subsequence(&["user_id:b", "device_id:d"][..], 1..=2),
    ];
    // From before all windows to as far ahead as a fact may be dated.
    let when = prop_oneof![3 * DAY..100 * DAY, 98 * DAY..101 * DAY];
    let says = prop_oneof![
        6 => any::<u8>().prop_map(Says::Event),
        3 => (any::<bool>(), select(&["Joe", "N/A"][..])).prop_map(|(nick, name)| Says::Named { nick, name }),
        1 => (101 * DAY..105 * DAY).prop_map(|until| Says::Hush { until }),
        1 => Just(Says::Member),
    ];
    (who, when, says)
}

fn case() -> impl Strategy<Value = Case> {
    let fields = (subsequence(&FIELDS[..], 1..=FIELDS.len()), select(&AGES[..]));
    let model =
        fields.prop_map(|(fields, age)| format!("{MODEL}[views.v.fields]\n{}", fields.join("\n")).replace("AGE", age));
    let at = prop_oneof![100 * DAY..102 * DAY, 100 * DAY..210 * DAY];
    let asked = prop::collection::vec((at, 0.0..1.0_f64), 1..6);
    (model, prop::collection::vec(said(), 1..16), asked).prop_map(|(model, facts, asked)| Case { model, facts, asked })
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

    /// A workspace of that name where all of the case has been said.
    fn workspace(&self, name: &str, Case { model, facts, asked: _ }: &Case) -> WorkspaceId {
        let workspace = self.runtime.block_on(self.engine.apply_model(name, model, NOW)).unwrap();
        for (number, (keys, time, says)) in facts.iter().enumerate() {
            let fact = self.engine.check(workspace, draft(number, keys, *time, says), NOW).unwrap();
            let written = async { self.engine.submit(workspace, fact, NOW).await.unwrap().await };
            self.runtime.block_on(written).unwrap();
        }
        workspace
    }

    fn ask(&self, workspace: WorkspaceId, key: &str, now: u64) -> Answer {
        let active = self.engine.model(workspace).unwrap();
        let about = About::parse(ABOUT.map(|number| number.to_string()).collect()).unwrap();
        let view: &View = active.model.view("v").unwrap();
        let kind = active.model.kind("person").unwrap();
        let keys = answer::keys(&[key.to_owned()], kind, &active.model).unwrap();
        let occasion = Occasion { view, about: &about, now: Time::from_micros(now) };
        let answer = self.engine.lookup(workspace, &keys, occasion, Tier::Disk).unwrap();
        let all: Vec<Key> = KEYS.iter().map(|key| Key::parse(key, "key", &active.model).unwrap()).collect();
        let at = KEYS.iter().position(|known| *known == key).unwrap();
        let batch = self.engine.lookup_batch(workspace, &all, occasion).unwrap().swap_remove(at);
        assert_eq!(batch, Answer { key: at, ..answer.clone() }, "a batch answers otherwise");
        answer
    }

    /// Whether an answer of the time `now` is still the answer at `later`.
    fn stands(&self, workspace: WorkspaceId, key: &str, answer: &Answer, later: u64) -> bool {
        timeless(self.ask(workspace, key, later)) == timeless(answer.clone())
    }
}

fn draft(number: usize, keys: &[&str], time: u64, says: &Says) -> Draft {
    let text = |text: &str| Value::Text(text.to_owned());
    let body = match says {
        Says::Event(p) => DraftBody::Event(Event {
            event_type: EventType::Track,
            name: "e".to_owned(),
            properties: Values::from([("p".to_owned(), Value::Number(f64::from(*p)))]),
        }),
        Says::Named { nick, name } => {
            let field = if *nick { "nick" } else { "first" };
            DraftBody::Identify { traits: Values::from([(field.to_owned(), text(name))]), address: String::new() }
        }
        Says::Hush { until } => DraftBody::Hush(hush::Saying {
            topic: "pets".to_owned(),
            channel: String::new(),
            lift: false,
            until: Some(Time::from_micros(*until)),
            cause: String::new(),
        }),
        Says::Member => DraftBody::Group {
            key: "account_id:acme".to_owned(),
            traits: Values::new(),
            role: String::new(),
            left: false,
        },
    };
    Draft {
        message_id: format!("m{number}"),
        time: Some(Time::from_micros(time)),
        source: String::new(),
        keys: keys.iter().map(ToString::to_string).collect(),
        body,
    }
}

/// All of an answer but when it was given.
fn timeless(answer: Answer) -> Answer {
    let viewed = answer.viewed.map(|viewed| Viewed { cache_until: None, ..viewed });
    Answer { viewed, changes_at: None, ..answer }
}

fn cache_until(answer: &Answer) -> Option<u64> {
    let viewed = answer.viewed.as_ref().unwrap();
    assert_eq!(viewed.cache_until.is_some(), viewed.decision == Decision::Send, "{viewed:?}");
    viewed.cache_until.map(Time::micros)
}

/// What became of the answers that were kept: how many would have been another had they been kept for a day, and how many
/// were at the moment up to which they were to be kept.
#[derive(Default)]
struct Counts {
    in_a_day: usize,
    at_last: usize,
    kept_for_less: usize,
}

#[test]
fn an_answer_that_is_kept_is_the_answer_that_would_be_given() {
    let subject = Subject::open();
    let (counts, number) = (RefCell::new(Counts::default()), Cell::new(0));
    let mut runner = TestRunner::new(Config { cases: 96, failure_persistence: None, ..Config::default() });
    let ran = runner.run(&case(), |case| {
        number.set(number.get() + 1);
        let workspace = subject.workspace(&format!("w{}", number.get()), &case);
        for ((now, part), key) in case.asked.iter().flat_map(|asked| KEYS.iter().map(move |key| (*asked, *key))) {
            let answer = subject.ask(workspace, key, now);
            let Some(until) = cache_until(&answer) else { continue };
            let day = now + MAX_CACHED_MICROS;
            prop_assert!(until > now && until <= day, "kept from {} until {}", now, until);
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)]
            let between = now + ((until - now) as f64 * part) as u64;
            for later in [until - 1, between.min(until - 1)] {
                let again = subject.ask(workspace, key, later);
                prop_assert_eq!(timeless(again), timeless(answer.clone()), "at {} kept until {}", later, until);
            }
            let mut counts = counts.borrow_mut();
            counts.in_a_day += usize::from(!subject.stands(workspace, key, &answer, day - 1));
            counts.kept_for_less += usize::from(until < day);
            counts.at_last += usize::from(until < day && !subject.stands(workspace, key, &answer, until));
        }
        Ok(())
    });
    ran.unwrap_or_else(|error| panic!("{error}"));
    let Counts { in_a_day, at_last, kept_for_less } = counts.into_inner();
    assert!(in_a_day > 100, "the check notices none that is kept for too long: {in_a_day}");
    assert!(at_last * 2 > kept_for_less, "most are asked for again in vain: {at_last} of {kept_for_less} differ");
}
