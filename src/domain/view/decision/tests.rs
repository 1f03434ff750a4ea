//! The decision against a naive reading, which asks of every reason by itself whether it stands.

use proptest::prelude::*;

use super::*;
use crate::domain::answer::{self, Fields};
use crate::domain::ids::KindId;
use crate::domain::time::Time;
use crate::domain::value::Value;
use crate::domain::view::{Condition, Field, Hold, MAX_CACHED_MICROS, Type};

const NOW: Time = Time::from_micros(1_000_000);

/// How long ago a purchase may be that counts, in microseconds.
const WITHIN: u64 = 1_000;

/// What a hold may read, with whether it stops a message for each of the conditions: `while`, `bought` of boots, `bought` of
/// boots within [`WITHIN`], and `count` of at most 3.
fn reads() -> Vec<(answer::Field, [bool; 4])> {
    let text = |text: &str| Value::Text(text.to_owned());
    let now = answer::Field::now;
    let at = |item: &str, micros: u64| {
        let time = Value::Time(Time::from_micros(micros));
        Value::Object([("item".to_owned(), text(item)), ("time".to_owned(), time)].into())
    };
    let list = |items: &[Value]| now(Value::List(items.to_vec()));
    let undated = Value::Object([("item".to_owned(), text("boots"))].into());
    let (oldest, too_old, ahead) = (NOW.micros() - WITHIN, NOW.micros() - WITHIN - 1, NOW.micros() + 9 * WITHIN);
    vec![
        (answer::Field::NotSet, [false, false, false, false]),
        (answer::Field::Ambiguous, [true, true, true, true]),
        (answer::Field::TooLarge, [true, true, true, true]),
        (now(Value::Bool(true)), [true, true, true, true]),
        (now(Value::Bool(false)), [false, true, true, true]),
        (now(Value::Number(0.0)), [false, false, true, false]),
        (now(Value::Number(-1.0)), [false, false, true, false]),
        (now(Value::Number(2.0)), [true, false, true, false]),
        (now(Value::Number(3.0)), [true, false, true, true]),
        (now(text("boots")), [true, true, true, true]),
        (list(&[text("socks"), text("boots")]), [true, true, true, true]),
        (list(&[text("socks")]), [true, false, false, true]),
        (list(&[at("boots", NOW.micros())]), [true, true, true, true]),
        (list(&[at("boots", oldest)]), [true, true, true, true]),
        (list(&[at("boots", too_old)]), [true, true, false, true]),
        (list(&[at("boots", ahead)]), [true, true, true, true]),
        (list(&[at("socks", NOW.micros()), at("boots", too_old)]), [true, true, false, true]),
        (list(&[at("boots", oldest), at("boots", too_old)]), [true, true, true, true]),
        (list(&[at("socks", oldest), undated]), [true, true, true, true]),
        (list(&[]), [true, false, false, true]),
    ]
}

const CONDITIONS: [Condition; 4] = [
    Condition::While,
    Condition::Bought { within: None },
    Condition::Bought { within: Some(WITHIN) },
    Condition::Count { at_most: 3 },
];
const CODES: [Code; 4] = [Code::Held, Code::Bought, Code::Bought, Code::FrequencyCap];

#[derive(Clone, Debug)]
struct Case {
    view: View,
    /// By hold: its condition, and what it reads of each of the people who share the key.
    holds: Vec<(usize, [usize; 2])>,
    gate: Gate,
    about: About,
}

prop_compose! {
    fn view()(
        purpose in prop::sample::select(vec!["", "marketing"]),
        opt_in in any::<bool>(),
        topics in prop::collection::btree_set(prop::sample::select(vec!["pets", "weddings"]), 0..3),
        shared in prop::sample::select(vec![Decision::Send, Decision::Hold, Decision::Skip]),
        required in any::<bool>(),
        field_topic in prop::option::of(Just("babies")),
    ) -> View {
        let field = Field {
            name: "greeting".into(),
            value_type: Type::Text,
            rungs: Vec::new(),
            default: Some(Value::Text("there".to_owned())),
            max_age: None,
            max_length: None,
            repair: false,
            required,
            topics: field_topic.map(str::to_owned).into_iter().collect(),
        };
        View {
            name: "review".to_owned(),
            version: 1,
            kind: KindId(1),
            purpose: purpose.to_owned(),
            channel: String::new(),
            opt_in,
            topics: topics.into_iter().map(str::to_owned).collect(),
            fields: vec![field],
            shared,
            holds: Vec::new(),
            slots: Fields::Named(Vec::new()),
            asked: None,
        }
    }
}

fn gate() -> impl Strategy<Value = Gate> {
    let topics = || prop::sample::select(vec!["pets", "weddings", "babies"]);
    let hushed = prop::collection::btree_set(topics().prop_map(str::to_owned), 0..3);
    let permission = prop::sample::select(vec![
        Permission::Granted,
        Permission::Unknown,
        Permission::Denied(Denier::Customer),
        Permission::Denied(Denier::Address),
        Permission::Denied(Denier::Both),
    ]);
    let is = || prop::bool::weighted(0.2);
    (hushed, permission, is(), is()).prop_map(|(hushed, permission, erased, shared)| Gate {
        hushed,
        permission,
        erased,
        shared,
        changes_at: None,
    })
}

fn case() -> impl Strategy<Value = Case> {
    let decision = prop::option::of(prop::sample::select(vec![Decision::Hold, Decision::Skip]));
    let holds = prop::collection::vec((0..CONDITIONS.len(), [0..reads().len(), 0..reads().len()], decision), 0..4);
    let about = prop::option::of(Just("boots".to_owned()));
    (view(), gate(), holds, about).prop_map(|(mut view, gate, holds, about)| {
        for (at, (condition, _, decision)) in holds.iter().enumerate() {
            let condition = CONDITIONS[*condition];
            let decision = decision.unwrap_or(condition.decision());
            view.holds.push(Hold { name: format!("h{at}"), slot: at, condition, decision });
        }
        let about = About::parse(about.into_iter().collect()).unwrap();
        Case { view, holds: holds.into_iter().map(|(condition, read, _)| (condition, read)).collect(), gate, about }
    })
}

/// Each reason, with what it leads to and its name.
fn naive(Case { view, holds, gate, about }: &Case) -> Vec<(Code, Decision, String)> {
    let skip = Decision::Skip;
    let mut all = Vec::new();
    let mut say = |stands: bool, code, decision, name: &str| {
        all.extend(stands.then(|| (code, decision, name.to_owned())));
    };
    let is_denied_by = |who: &[Denier]| matches!(gate.permission, Permission::Denied(by) if who.contains(&by));
    let needs_consent = view.purpose == "marketing";
    let never_asked = gate.permission == Permission::Unknown && view.opt_in;
    say(gate.erased, Code::Erased, skip, "");
    let by_customer = is_denied_by(&[Denier::Customer, Denier::Both]);
    say(needs_consent && (by_customer || never_asked), Code::NoConsent, skip, "");
    say(needs_consent && is_denied_by(&[Denier::Address, Denier::Both]), Code::UnsubscribedAddress, skip, "");
    for topic in ["pets", "weddings"] {
        say(view.topics.contains(topic) && gate.hushed.contains(topic), Code::HushedTopic, skip, topic);
    }
    say(gate.shared && view.shared != Decision::Send, Code::SharedKey, view.shared, "");
    for code in [Code::Bought, Code::FrequencyCap, Code::Held] {
        for (at, (condition, read)) in holds.iter().enumerate() {
            let is_about = code != Code::Bought || !about.is_empty();
            let of_any = read.iter().any(|read| reads()[*read].1[*condition]);
            let stands = CODES[*condition] == code && is_about && of_any;
            say(stands, code, view.holds[at].decision, &format!("h{at}"));
        }
    }
    let all_hushed = ["pets", "weddings"].iter().any(|t| view.topics.contains(*t) && gate.hushed.contains(*t));
    let field_hushed = view.fields[0].topics.contains("babies") && gate.hushed.contains("babies");
    say(view.fields[0].required && (all_hushed || field_hushed), Code::NotRenderable, skip, "");
    all
}

proptest! {
    #[test]
    fn every_reason_is_told_and_the_strictest_decides(case in case()) {
        let of = |read: &usize| reads()[*read].0.clone();
        let person = |number: usize| -> Vec<_> {
            case.holds.iter().map(|(_, read)| (answer::Name::default(), of(&read[number]))).collect()
        };
        let both = case.holds.iter().map(|(_, [a, b])| if a == b { of(a) } else { answer::Field::Ambiguous });
        let both: Vec<_> = both.map(|field| (answer::Name::default(), field)).collect();
        let found = Found { fields: &both, apart: &[person(0), person(1)] };
        let viewed = case.view.answer(found, &case.about, NOW, &case.gate);
        let expected = naive(&case);
        let told = viewed.reasons.iter().map(|Reason { code, decision, hold, topic }| {
            (*code, *decision, format!("{hold}{topic}"))
        });
        prop_assert_eq!(told.collect::<Vec<_>>(), expected.clone());

        let leads_to = |decision| expected.iter().any(|(_, to, _)| *to == decision);
        let decision = match (leads_to(Decision::Skip), leads_to(Decision::Hold)) {
            (true, _) => Decision::Skip,
            (false, true) => Decision::Hold,
            (false, false) => Decision::Send,
        };
        prop_assert_eq!(viewed.decision, decision);
        let kept = (decision == Decision::Send).then(|| NOW.plus_micros(MAX_CACHED_MICROS));
        prop_assert_eq!(viewed.cache_until, kept);
    }
}

#[test]
fn reasons_say_in_logs_neither_topic_nor_hold() {
    let topic = "zanary".to_owned();
    let reason = Reason { topic: topic.clone(), hold: topic, ..Reason::skip(Code::HushedTopic) };
    assert_eq!(format!("{reason:?}"), "Reason { code: HushedTopic, decision: Skip, .. }");
    assert_eq!(decide(&[]), Decision::Send);
}
