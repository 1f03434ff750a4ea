//! Pins on the engine: how long they hold, what they hold against, and that none outlives an erasure.

use std::collections::BTreeMap;
use std::time::Duration;

use kith::domain::answer::{self, Answer, Resolution};
use kith::domain::erasure::Erasure;
use kith::domain::fact::{Draft, DraftBody};
use kith::domain::ids::{KindId, WorkspaceId};
use kith::domain::key::Key;
use kith::domain::served::{Kept, MAX_ABOUT, PIN_MICROS, SERVED_WINDOW_MICROS, SendId};
use kith::domain::time::Time;
use kith::domain::tombstone::TombstoneSecret;
use kith::domain::value::{Value, Values};
use kith::domain::view::{About, Shown, State};
use kith::domain::{consent, hush};
use kith::engine::{
    DEFAULT_WORKSPACE, Durability, Engine, Error, Occasion, Options, REFOLD_PORTION, Sent, Serving, Tier,
};
use proptest::prelude::*;
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::harness::repository;
use crate::resolution::as_asked;

const NOW: Time = Time::from_micros(1_700_000_000_000_000);
const HOUR: u64 = 3_600_000_000;

struct Subject {
    engine: Engine,
    runtime: Runtime,
    workspace: WorkspaceId,
    _directory: TempDir,
}

impl Subject {
    fn open() -> Self {
        let directory = TempDir::new().unwrap();
        let options = Options {
            data: directory.path().to_owned(),
            durability: Durability::Interval(Duration::from_secs(1)),
            cache_bytes: 8 * 1024 * 1024,
            write_queue: 64,
            refold_portion: REFOLD_PORTION,
            invalidates: true,
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let engine = Engine::open(&options).unwrap();
        let workspace = runtime.block_on(engine.apply_model(DEFAULT_WORKSPACE, &model(), NOW)).unwrap();
        Self { engine, runtime, workspace, _directory: directory }
    }

    fn write(&self, message_id: &str, keys: &[&str], body: DraftBody) {
        let keys = keys.iter().map(ToString::to_string).collect();
        let draft = Draft { message_id: message_id.to_owned(), time: Some(NOW), source: String::new(), keys, body };
        let fact = self.engine.check(self.workspace, draft, NOW).unwrap();
        let written = async { self.engine.submit(self.workspace, fact, NOW).await?.await };
        self.runtime.block_on(written).unwrap();
    }

    fn name(&self, message_id: &str, keys: &[&str], name: &str) {
        let traits = Values::from([("first_name".to_owned(), Value::Text(name.to_owned()))]);
        self.write(message_id, keys, DraftBody::Identify { traits, address: String::new() });
    }

    fn read(&self, view: &str, keys: &[&str], send: &str, now: Time) -> Result<Sent, Error> {
        let active = self.engine.model(self.workspace).unwrap();
        let view = active.model.view(view).unwrap();
        let kind = active.model.kind_by_id(view.kind).unwrap();
        let keys: Vec<String> = keys.iter().map(ToString::to_string).collect();
        let keys = answer::keys(&keys, kind, &active.model).unwrap();
        let occasion = Occasion { view, about: &About::default(), now };
        self.engine.lookup_sent(self.workspace, &keys, occasion, &SendId::parse(send).unwrap(), Tier::Disk)
    }

    fn keep(&self, serving: Serving, now: Time) -> Kept {
        self.runtime.block_on(self.engine.serve(self.workspace, vec![serving], now)).unwrap()[0]
    }

    /// As a caller is answered.
    fn ask(&self, view: &str, keys: &[&str], send: &str, now: Time) -> Answer {
        match self.read(view, keys, send, now).unwrap() {
            Sent::Done(answer) => answer,
            Sent::First(_, serving) => {
                assert_eq!(self.keep(*serving, now), Kept::Since(now));
                match self.read(view, keys, send, now).unwrap() {
                    Sent::Done(answer) => answer,
                    Sent::First(..) => panic!("nothing was kept"),
                }
            }
        }
    }

    fn erase(&self, key: &str) {
        let key = Key::parse(key, "key", &self.engine.model(self.workspace).unwrap().model).unwrap();
        let secret = TombstoneSecret([1; 32]);
        let erasure = Erasure::new(format!("e-{}", self.engine.applied().0), key, KindId::of("person"), false, secret);
        self.runtime.block_on(self.engine.erase(self.workspace, erasure.unwrap(), NOW)).unwrap();
    }

    fn served(&self, key: &str, send: &str, now: Time) -> bool {
        let key = Key::parse(key, "key", &self.engine.model(self.workspace).unwrap().model).unwrap();
        self.engine.served(self.workspace, &key, &SendId::parse(send).unwrap(), now).unwrap().is_some()
    }
}

fn model() -> String {
    std::fs::read_to_string(repository("tests/golden/models/views.toml")).unwrap()
}

fn greeting(answer: &Answer) -> Value {
    let fields = &answer.viewed.as_ref().unwrap().fields;
    fields.iter().find(|field| &*field.name == "greeting").unwrap().value.clone().unwrap()
}

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

#[test]
fn a_day_later_a_send_may_say_something_else_and_the_record_goes_after_ninety() {
    let subject = Subject::open();
    subject.name("m1", &["user_id:u1"], "Joe");
    let ask = |at: Time| greeting(&subject.ask("newsletter", &["user_id:u1"], "s", at));
    assert_eq!(ask(NOW), text("Joe"));
    subject.name("m2", &["user_id:u1"], "Jim");
    let end = NOW.plus_micros(PIN_MICROS);
    assert_eq!(ask(NOW.plus_micros(PIN_MICROS - 1)), text("Joe"));
    assert_eq!(ask(end), text("Jim"));
    subject.name("m3", &["user_id:u1"], "Jon");
    assert_eq!(ask(end.plus_micros(HOUR)), text("Jim"), "the new record pins for a day of its own");
    assert!(subject.served("user_id:u1", "s", end.plus_micros(SERVED_WINDOW_MICROS - 1)));
    assert!(!subject.served("user_id:u1", "s", end.plus_micros(SERVED_WINDOW_MICROS)));
    // After a day another view may take over the send.
    let later = end.plus_micros(PIN_MICROS);
    assert!(matches!(subject.read("page", &["user_id:u1"], "s", end), Err(Error::Conflict(_))));
    assert!(matches!(subject.read("page", &["user_id:u1"], "s", later), Ok(Sent::First(..))));
}

#[test]
fn a_version_stays_with_its_send_until_the_model_drops_it() {
    let subject = Subject::open();
    subject.name("m1", &["user_id:u1"], "joe");
    let version = |answer: &Answer| answer.viewed.as_ref().unwrap().version;
    let apply = |model: &str| {
        subject.runtime.block_on(subject.engine.apply_model(DEFAULT_WORKSPACE, model, NOW)).unwrap();
    };
    let ask = || subject.ask("newsletter", &["user_id:u1"], "s", NOW);
    assert_eq!(version(&ask()), 2);
    let third = "[[views.newsletter]]\nversion = 3\n[views.newsletter.fields.greeting]\ndefault = 'hey'\n";
    let newer = model().replacen("[[views.newsletter]]", &format!("{third}[[views.newsletter]]"), 1);
    apply(&newer);
    assert_eq!((version(&ask()), greeting(&ask())), (2, text("Joe")), "a newer version");
    assert_eq!(version(&subject.ask("newsletter", &["user_id:u1"], "t", NOW)), 3);
    apply(&newer.replacen("version = 2", "version = 4", 1));
    assert_eq!(version(&ask()), 4, "a version that is gone pins nothing");
    apply(&newer);
    assert_eq!(version(&ask()), 3, "its record was replaced, and that version went as well");
}

#[test]
fn the_first_of_two_answers_wins_and_both_tell_it() {
    let subject = Subject::open();
    subject.name("m1", &["user_id:u1", "email:joe@x.org"], "Joe");
    let read = |keys: &[&str]| match subject.read("newsletter", keys, "s", NOW).unwrap() {
        Sent::First(answer, serving) => (greeting(&answer), *serving),
        Sent::Done(_) => panic!("it was kept already"),
    };
    let (first, serving) = read(&["email:joe@x.org"]);
    subject.name("m2", &["user_id:u1"], "Jim");
    // By a stronger key, which leads to the answer; the weaker one is of the request all the same.
    let (second, late) = read(&["email:joe@x.org", "user_id:u1"]);
    assert_eq!((first, second), (text("Joe"), text("Jim")));
    assert_eq!(subject.keep(serving, NOW), Kept::Since(NOW));
    assert_eq!(subject.keep(late, NOW), Kept::Not);
    let told = subject.ask("newsletter", &["email:joe@x.org", "user_id:u1"], "s", NOW);
    assert_eq!(greeting(&told), text("Joe"));
    assert!(!subject.served("user_id:u1", "s", NOW), "there is one record");
}

#[test]
fn what_was_kept_of_one_customer_is_not_told_of_another() {
    let subject = Subject::open();
    subject.name("m1", &["user_id:ann", "device_id:tablet"], "Ann");
    subject.name("m2", &["user_id:joe"], "Joe");
    let ask = |keys: &[&str]| greeting(&subject.ask("newsletter", keys, "s", NOW));
    assert_eq!(ask(&["device_id:tablet"]), text("Ann"));
    assert_eq!(ask(&["device_id:tablet", "user_id:joe"]), text("Joe"), "the stronger key leads to another");
    subject.name("m3", &["user_id:ann"], "Anna");
    assert_eq!(ask(&["device_id:tablet", "user_id:ann"]), text("Ann"), "whichever key of hers");
    assert_eq!(ask(&["user_id:joe"]), text("Joe"));
}

#[test]
fn what_was_read_before_an_erasure_is_not_kept_after_it() {
    let subject = Subject::open();
    subject.name("m1", &["user_id:u1"], "Joe");
    subject.name("m2", &["user_id:u2"], "Ann");
    let read = |key: &str| match subject.read("newsletter", &[key], "s", NOW).unwrap() {
        Sent::First(_, serving) => *serving,
        Sent::Done(_) => panic!("it was kept already"),
    };
    let (joe, ann) = (read("user_id:u1"), read("user_id:u2"));
    subject.erase("user_id:u1");
    assert_eq!((subject.keep(joe, NOW), subject.keep(ann, NOW)), (Kept::Not, Kept::Not));
    assert!(!subject.served("user_id:u1", "s", NOW));
    let answer = subject.ask("newsletter", &["user_id:u2"], "s", NOW);
    assert_eq!((greeting(&answer), answer.viewed.unwrap().pinned_at), (text("Ann"), Some(NOW)));
    let Sent::Done(erased) = subject.read("newsletter", &["user_id:u1"], "s", NOW).unwrap() else {
        panic!("something would be kept of the erased");
    };
    assert_eq!((erased.resolution, erased.viewed.unwrap().pinned_at), (Resolution::Erased, None));
}

#[test]
fn what_was_served_of_the_erased_goes_wherever_its_key_belongs_by_then() {
    let subject = Subject::open();
    subject.name("m1", &["user_id:u1", "device_id:d1"], "Joe");
    subject.ask("newsletter", &["device_id:d1"], "s", NOW);
    subject.name("m2", &["user_id:u2"], "Ann");
    subject.ask("newsletter", &["user_id:u2"], "s", NOW);
    let active = subject.engine.model(subject.workspace).unwrap();
    let between = kith::domain::correction::pair("user_id:u1", "device_id:d1", &active.model).unwrap();
    let act = kith::domain::correction::Act::Unlink { between };
    let correction = kith::domain::correction::Correction { message_id: "c1".to_owned(), source: String::new(), act };
    subject.runtime.block_on(subject.engine.correct(subject.workspace, correction, NOW)).unwrap();
    assert!(subject.served("device_id:d1", "s", NOW));
    subject.erase("user_id:u1");
    assert!(!subject.served("device_id:d1", "s", NOW), "the device said Joe's name");
    assert!(subject.served("user_id:u2", "s", NOW), "Ann has nothing to do with it");
}

#[test]
fn an_answer_that_is_too_large_is_for_no_send() {
    let subject = Subject::open();
    let fields: String =
        (0..4).map(|number| format!("[views.large.fields.f{number}]\nfrom = [\"note{number}\"]\n")).collect();
    let notes: String = (0..4).map(|number| format!("note{number} = \"text\"\n")).collect();
    let model = model().replacen("[attributes.person]\n", &format!("[attributes.person]\n{notes}"), 1);
    let model = format!("{model}\n{fields}");
    subject.runtime.block_on(subject.engine.apply_model(DEFAULT_WORKSPACE, &model, NOW)).unwrap();
    for number in 0..4 {
        let traits = Values::from([(format!("note{number}"), text(&"x".repeat(20_000)))]);
        let body = DraftBody::Identify { traits, address: String::new() };
        subject.write(&format!("m{number}"), &["user_id:u1"], body);
    }
    match subject.read("large", &["user_id:u1"], "s", NOW) {
        Err(Error::Conflict(text)) => assert!(text.contains("max_length"), "{text}"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_answer_that_is_read_of_too_many_is_for_no_send() {
    let subject = Subject::open();
    let team = "[computed.\"team.orders\"]\nkind = \"account\"\naggregate = \"count\"\nevent = \"Order Completed\"\nover = \"members\"\n\
                [views.team]\nkind = \"account\"\n[views.team.fields.orders]\nfrom = [\"team.orders\"]\n";
    let model = format!("{}\n{team}", model());
    subject.runtime.block_on(subject.engine.apply_model(DEFAULT_WORKSPACE, &model, NOW)).unwrap();
    let join = |number: usize| {
        let (key, role) = ("account_id:acme".to_owned(), String::new());
        let body = DraftBody::Group { key, traits: Values::new(), role, left: false };
        subject.write(&format!("m{number}"), &[&format!("user_id:u{number}")], body);
    };
    let keep = |view: &str, send: &str| match subject.read(view, &["account_id:acme"], send, NOW).unwrap() {
        Sent::First(_, serving) => subject.keep(*serving, NOW),
        Sent::Done(_) => panic!("it was kept already"),
    };
    (1..MAX_ABOUT).for_each(join);
    assert_eq!(keep("team", "s"), Kept::Since(NOW), "the account itself is one");
    join(MAX_ABOUT);
    assert_eq!(keep("team", "t"), Kept::TooMany);
    assert!(!subject.served("account_id:acme", "t", NOW));
    assert_eq!(keep("account", "u"), Kept::Since(NOW), "how many there are names none of them");
    // One of them goes, and what was served of all of them.
    subject.erase("user_id:u7");
    assert!(!subject.served("account_id:acme", "s", NOW) && subject.served("account_id:acme", "u", NOW));
}

#[test]
fn a_batch_keeps_each_customer_once_and_knows_those_that_were_kept() {
    let subject = Subject::open();
    subject.name("m1", &["user_id:u1"], "Joe");
    subject.name("m2", &["user_id:u2"], "Ann");
    subject.ask("newsletter@1", &["user_id:u2"], "s", NOW);
    subject.ask("page", &["user_id:u3"], "s", NOW);
    let active = subject.engine.model(subject.workspace).unwrap();
    let view = active.model.view("newsletter").unwrap();
    let keys: Vec<Key> = ["user_id:u1", "user_id:u2", "user_id:u1", "user_id:u3"]
        .map(|key| Key::parse(key, "key", &active.model).unwrap())
        .to_vec();
    let send = SendId::parse("s").unwrap();
    let occasion = Occasion { view, about: &About::default(), now: NOW };
    let sent = subject.engine.lookup_batch_sent(subject.workspace, &keys, occasion, &send).unwrap();
    let mut servings = Vec::new();
    let mut told = Vec::new();
    for sent in sent {
        told.push(match sent {
            Ok(Sent::First(_, serving)) => {
                servings.push(*serving);
                "first"
            }
            Ok(Sent::Done(answer)) => {
                assert_eq!((answer.key, answer.viewed.unwrap().version), (1, 1));
                "pinned"
            }
            Err(_) => "refused",
        });
    }
    assert_eq!(told, ["first", "pinned", "first", "refused"]);
    let kept = subject.runtime.block_on(subject.engine.serve(subject.workspace, servings, NOW)).unwrap();
    assert_eq!(kept, [Kept::Since(NOW), Kept::Not]);
}

/// What may be said of a customer between two lookups for one send.
#[derive(Clone, Debug)]
enum Says {
    Name(usize, &'static str),
    Join(usize, usize),
    Hush(usize, bool),
    Consent(usize, bool),
    Order(usize),
}

const KEYS: [&str; 4] = ["user_id:u", "email:a@x", "email:b@x", "device_id:d"];

fn says() -> impl Strategy<Value = Says> {
    let at = || 0..KEYS.len();
    prop_oneof![
        (at(), prop::sample::select(vec!["Joe", "ANN", "N/A", ""])).prop_map(|(at, name)| Says::Name(at, name)),
        (at(), at()).prop_map(|(a, b)| Says::Join(a, b)),
        (at(), any::<bool>()).prop_map(|(at, lift)| Says::Hush(at, lift)),
        (at(), any::<bool>()).prop_map(|(at, granted)| Says::Consent(at, granted)),
        at().prop_map(Says::Order),
    ]
}

impl Subject {
    fn say(&self, case: usize, number: usize, says: &Says) {
        let key = |at: usize| format!("{}{case}", KEYS[at]);
        let message_id = format!("{case}.{number}");
        let identify = |traits| DraftBody::Identify { traits, address: String::new() };
        let (keys, body) = match says {
            Says::Name(at, name) => (vec![key(*at)], identify(Values::from([("first_name".to_owned(), text(name))]))),
            Says::Join(a, b) => (vec![key(*a), key(*b)], identify(Values::new())),
            Says::Hush(at, lift) => {
                let (topic, channel, cause) = ("weddings".to_owned(), String::new(), String::new());
                (vec![key(*at)], DraftBody::Hush(hush::Saying { topic, channel, lift: *lift, until: None, cause }))
            }
            Says::Consent(at, granted) => {
                let (purpose, channel, address) = ("marketing".to_owned(), String::new(), String::new());
                let granted = Some(*granted);
                (vec![key(*at)], DraftBody::Consent(consent::Saying { purpose, channel, granted, address }))
            }
            Says::Order(at) => {
                let (name, properties) = ("Order Completed".to_owned(), Values::new());
                let event_type = kith::domain::fact::EventType::Track;
                let event = kith::domain::fact::Event { event_type, name, properties };
                (vec![key(*at)], DraftBody::Event(event))
            }
        };
        let mut keys: Vec<&str> = keys.iter().map(String::as_str).collect();
        keys.dedup();
        self.write(&message_id, &keys, body);
    }

    /// The fields that a view answers now, without a send.
    fn live(&self, key: &str) -> BTreeMap<String, Shown> {
        let active = self.engine.model(self.workspace).unwrap();
        let view = active.model.view("newsletter").unwrap();
        let keys = [(0, Key::parse(key, "key", &active.model).unwrap())];
        let occasion = Occasion { view, about: &About::default(), now: NOW };
        by_name(&self.engine.lookup(self.workspace, &keys, occasion, Tier::Disk).unwrap())
    }
}

fn by_name(answer: &Answer) -> BTreeMap<String, Shown> {
    let fields = answer.viewed.as_ref().unwrap().fields.iter();
    fields.map(|field| (field.name.to_string(), field.clone())).collect()
}

#[test]
fn whatever_is_written_in_between_a_send_says_the_same_or_is_kept_back() {
    let subject = Subject::open();
    let case = std::cell::Cell::new(0);
    let config = ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(as_asked(200)) };
    let histories = (prop::collection::vec(says(), 0..6), prop::collection::vec(says(), 1..10));
    let result = proptest::test_runner::TestRunner::new(config).run(&histories, |(before, after)| {
        case.set(case.get() + 1);
        let mut number = 0;
        let mut say = |says: &Says| {
            number += 1;
            subject.say(case.get(), number, says);
        };
        before.iter().for_each(&mut say);
        let keys = KEYS.map(|key| format!("{key}{}", case.get()));
        let first = keys.each_ref().map(|key| by_name(&subject.ask("newsletter", &[key], "s", NOW)));
        for says in &after {
            say(says);
            for (key, first) in keys.iter().zip(&first) {
                let answer = subject.ask("newsletter", &[key], "s", NOW);
                let live = subject.live(key);
                for (name, field) in by_name(&answer) {
                    let now = &live[&name];
                    let barred = |state: State| matches!(state, State::Suppressed | State::Forbidden);
                    let is_barred = barred(now.state) || now.because.is_some_and(barred);
                    let expected = if is_barred { now } else { &first[&name] };
                    prop_assert_eq!(&field, expected, "{} of {}", name, key);
                }
                prop_assert_eq!(answer.viewed.unwrap().pinned_at, Some(NOW));
            }
        }
        Ok(())
    });
    if let Err(difference) = result {
        panic!("{difference}");
    }
}
