//! The view against a naive reading of its rules, which looks at all rungs at once.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::domain::answer::Fields;
use crate::domain::ids::KindId;
use crate::domain::view::{Denier, Rung};

const NOW: u64 = 100;

/// Texts with what a name, and a repaired name, is made of them.
const TEXTS: [(&str, Option<&str>, Option<&str>); 7] = [
    ("Joe", Some("Joe"), Some("Joe")),
    ("JOE", Some("JOE"), Some("Joe")),
    (" joe ", Some("joe"), Some("Joe")),
    ("null", None, None),
    ("  ", None, None),
    ("joe@x.org", None, None),
    ("Wolfgang Amadeus", Some("Wolfgang Amadeus"), Some("Wolfgang Amadeus")),
];

#[derive(Clone, Debug)]
enum Read {
    Text(usize, Option<u64>),
    Number(Option<u64>),
    NotSet,
    Ambiguous,
    TooLarge,
}

impl Read {
    fn field(&self) -> answer::Field {
        let dated = |value, at: Option<u64>| answer::Field::Present { value, as_of: at.map(Time::from_micros) };
        match self {
            Self::Text(number, at) => dated(Value::Text(TEXTS[*number].0.to_owned()), *at),
            Self::Number(at) => dated(Value::Number(7.0), *at),
            Self::NotSet => answer::Field::NotSet,
            Self::Ambiguous => answer::Field::Ambiguous,
            Self::TooLarge => answer::Field::TooLarge,
        }
    }
}

/// What the rules say of one rung: the value, or the reason against it.
fn outcome(read: &Read, field: &Field) -> Result<Value, State> {
    let is_stale = |at: Option<u64>| matches!((at, field.max_age), (Some(at), Some(oldest)) if NOW - at > oldest);
    let longest = field.max_length.unwrap_or(1_000);
    match read {
        Read::NotSet => Err(State::NotSet),
        Read::Ambiguous => Err(State::Ambiguous),
        Read::TooLarge => Err(State::TooLarge),
        Read::Text(_, at) | Read::Number(at) if is_stale(*at) => Err(State::Stale),
        Read::Number(_) if matches!(field.value_type, Type::Number | Type::Any) => Ok(Value::Number(7.0)),
        Read::Text(number, _) => match (field.value_type, TEXTS[*number]) {
            (Type::Name, (_, tidy, repaired)) => {
                let name = if field.repair { repaired } else { tidy };
                let name = name.filter(|name| name.len() <= longest).ok_or(State::Rejected)?;
                Ok(Value::Text(name.to_owned()))
            }
            (Type::Text, (text, ..)) if text.trim().is_empty() => Err(State::Rejected),
            (Type::Text | Type::Any, (text, ..)) => {
                let cut = &text[..text.len().min(longest)];
                let cut = if cut.len() < text.len() { cut.trim_end() } else { cut };
                if cut.is_empty() { Err(State::Rejected) } else { Ok(Value::Text(cut.to_owned())) }
            }
            _ => Err(State::Rejected),
        },
        Read::Number(_) => Err(State::Rejected),
    }
}

/// Value, state, reason and rung, as the rules say.
fn naive(
    reads: &[Read],
    field: &Field,
    gate: &Gate,
    opt_in: bool,
) -> (Option<Value>, State, Option<State>, Option<usize>) {
    let constant = |because: Option<State>| match &field.default {
        Some(default) => (Some(default.clone()), State::Defaulted, because, Some(reads.len())),
        None => (None, because.unwrap_or(State::NotSet), None, None),
    };
    let may_read = match gate.permission {
        Permission::Granted => true,
        Permission::Denied(_) => false,
        Permission::Unknown => !opt_in,
    };
    if gate.hushed.contains("weddings") {
        return (None, State::Suppressed, None, None);
    }
    if gate.erased {
        return constant(Some(State::Erased));
    }
    if !may_read {
        return constant(Some(State::Forbidden));
    }
    let outcomes: Vec<_> = reads.iter().map(|read| outcome(read, field)).collect();
    let first = outcomes.iter().position(Result::is_ok);
    let failed: Vec<State> = outcomes[..first.unwrap_or(reads.len())].iter().filter_map(|o| o.clone().err()).collect();
    let because = failed.iter().find(|reason| **reason != State::NotSet).or(failed.first()).copied();
    match first {
        Some(rung) => (outcomes[rung].clone().ok(), State::Present, because, Some(rung)),
        None => constant(because),
    }
}

/// A view that reads nothing, and that nothing stands against.
pub(in crate::domain::view) fn plain() -> View {
    View {
        name: "newsletter".to_owned(),
        version: 3,
        kind: KindId(1),
        purpose: String::new(),
        channel: "email".to_owned(),
        opt_in: false,
        topics: BTreeSet::new(),
        fields: Vec::new(),
        shared: Decision::Hold,
        holds: Vec::new(),
        slots: Fields::Named(Vec::new()),
        asked: None,
    }
}

fn view(field: Field, opt_in: bool) -> View {
    View { purpose: "marketing".to_owned(), opt_in, fields: vec![field], ..plain() }
}

prop_compose! {
    fn field()(
        value_type in prop::sample::select(vec![Type::Text, Type::Name, Type::Number, Type::Any]),
        default in prop::option::of(Just(Value::Text("there".to_owned()))),
        max_age in prop::option::of(0..120_u64),
        max_length in prop::option::of(1..20_usize),
        repair in any::<bool>(),
        required in any::<bool>(),
        speaks in any::<bool>(),
    ) -> Field {
        let topics = speaks.then(|| "weddings".to_owned()).into_iter().collect();
        Field { name: "greeting".into(), value_type, rungs: Vec::new(), default, max_age, max_length, repair, required, topics }
    }
}

fn read() -> impl Strategy<Value = Read> {
    let at = || prop::option::of(0..=NOW);
    prop_oneof![
        4 => (0..TEXTS.len(), at()).prop_map(|(number, at)| Read::Text(number, at)),
        1 => at().prop_map(Read::Number),
        2 => Just(Read::NotSet),
        1 => Just(Read::Ambiguous),
        1 => Just(Read::TooLarge),
    ]
}

fn gate() -> impl Strategy<Value = Gate> {
    let hushed =
        prop::collection::btree_set(prop::sample::select(vec!["weddings".to_owned(), "pets".to_owned()]), 0..2);
    let denied = Permission::Denied(Denier::Customer);
    let permission = prop::sample::select(vec![Permission::Granted, denied, Permission::Unknown]);
    (hushed, permission, prop::bool::weighted(0.1)).prop_map(|(hushed, permission, erased)| Gate {
        hushed,
        permission,
        erased,
        shared: false,
        changes_at: None,
    })
}

proptest! {
    #[test]
    fn a_field_answers_as_the_rules_say(
        mut field in field(),
        reads in prop::collection::vec(read(), 0..5),
        gate in gate(),
        opt_in in any::<bool>(),
    ) {
        field.rungs = (0..reads.len()).map(|slot| Rung { slot, scope: "person".into() }).collect();
        let found: Vec<_> = reads.iter().map(|read| (answer::Name::default(), read.field())).collect();
        let speaks = !field.topics.is_empty();
        let viewed = view(field.clone(), opt_in).answer(Found { fields: &found, apart: &[] }, &About::default(), Time::from_micros(NOW), &gate);
        let shown = &viewed.fields[0];

        let open = Gate { hushed: BTreeSet::new(), ..gate.clone() };
        let expected = naive(&reads, &field, if speaks { &gate } else { &open }, opt_in);
        prop_assert_eq!((shown.value.clone(), shown.state, shown.because, shown.rung), expected);
        prop_assert_eq!(viewed.renderable, !field.required || shown.value.is_some());
        let rung = shown.rung.and_then(|rung| found.get(rung));
        let as_of = rung.and_then(|(_, read)| match read {
            answer::Field::Present { as_of, .. } => *as_of,
            _ => None,
        });
        prop_assert_eq!((shown.as_of, &*shown.scope), (as_of, if rung.is_some() { "person" } else { "" }));
    }
}

#[test]
fn a_letter_is_not_torn_from_its_accents() {
    assert_eq!(cut("Zoe\u{308} Müller", 3), "Zo");
    assert_eq!(cut("Zoe\u{308} Müller", 4), "Zoe\u{308}");
    assert_eq!(cut("Zoe\u{308} Müller", 5), "Zoe\u{308}");
    assert_eq!(cut("王小明", 2), "王小");
    assert_eq!(cut("👩‍👩‍👧 family", 4), "");
    assert_eq!(cut("Joe", 3), "Joe");
}

#[test]
fn a_whole_view_is_hushed_by_one_of_its_topics() {
    let field = Field {
        name: "greeting".into(),
        value_type: Type::Name,
        rungs: Vec::new(),
        default: Some(Value::Text("there".to_owned())),
        max_age: None,
        max_length: None,
        repair: false,
        required: true,
        topics: BTreeSet::new(),
    };
    let bridal = View { topics: BTreeSet::from(["weddings".to_owned()]), ..view(field, false) };
    let gate = |topic: &str| Gate { hushed: BTreeSet::from([topic.to_owned()]), ..Gate::default() };
    let answered = |topic: &str| bridal.answer(Found::default(), &About::default(), Time::default(), &gate(topic));
    let viewed = answered("weddings");
    assert_eq!((viewed.renderable, viewed.fields[0].state, viewed.version), (false, State::Suppressed, 3));
    assert!(answered("pets").renderable);
}
