//! What is long, what is too much to be folded again, and what is in no index.

use std::collections::BTreeSet;
use std::time::Duration;

use kith::codec::key::LinkIndexKey;
use kith::domain::answer::Resolution;
use kith::domain::correction::{Act, Correction};
use kith::domain::fact::{Draft, DraftBody, Event, EventType};
use kith::domain::ids::KindId;
use kith::domain::key::Key;
use kith::domain::link::LinkId;
use kith::domain::time::Time;
use kith::domain::value::Values;
use kith::engine::Error;
use kith::store::Store;
use kith::store::batch::Batch;
use kith::store::catalogue::LINK_INDEX;
use tempfile::TempDir;

use super::history::{NOW, Names};
use super::{Subject, found};

/// An event of these identifiers, which have no other name than this.
fn event(number: u64, keys: Vec<String>) -> Draft {
    let event = Event { event_type: EventType::Track, name: "order".to_owned(), properties: Values::new() };
    let (message_id, time) = (format!("l{number}"), Some(Time::from_micros(number * 1_000_000)));
    Draft { message_id, time, source: String::new(), keys, body: DraftBody::Event(event) }
}

/// A history of its own and one of others, both longer than what goes by one command.
#[test]
fn what_is_long_goes_in_parts_and_can_be_asked_for_again() {
    const EVENTS: u64 = 10_500;
    const AHEAD: u64 = NOW.micros() / 1_000_000 + 7_200;
    let directory = TempDir::new().unwrap();
    let subject = Subject::open(directory.path());
    let world = subject.world("long", Names { case: 1, is_reference: false });
    let (person, account) = (world.key(0), world.key(8));
    let keys = || vec![world.names.raw(0), world.names.raw(8)];
    world.write_all((1..EVENTS).chain([AHEAD]).map(|number| event(number, keys())));

    let before = subject.engine.applied().0;
    let abandoned = subject.runtime.block_on(async {
        tokio::time::timeout(Duration::from_millis(1), world.erasing(person.clone(), "person", false)).await
    });
    abandoned.unwrap_err();
    let receipt = world.erase(person.clone(), "person", false).unwrap();
    let parts = subject.engine.applied().0 - before;
    assert!(parts >= 5, "two parts of the history, the rest with a part of that of the account, and two more: {parts}");
    let again = world.erase(person.clone(), "person", false).unwrap();
    assert_eq!((again.erased, again.duplicate), (receipt.erased, true));

    let late = world.write(event(AHEAD - 1, keys())).unwrap();
    assert!(late.refuses_the_erased(), "what went first, and by a call that was abandoned, was not the newest");
    let (resolution, _) = world.lookup(person, "person");
    assert_eq!(resolution, Resolution::Erased);
    let kept =
        subject.engine.events(world.workspace, &account, KindId::of("account"), None, usize::MAX).unwrap().unwrap();
    assert_eq!(kept.len() as u64, EVENTS);
    assert!(kept.iter().all(|event| event.raw_keys == [world.names.raw(8)]));
    let canary = world.names.canary(0);
    drop(subject);
    assert_eq!(found(directory.path(), &BTreeSet::from([canary])), Vec::<String>::new());
}

/// The others are more than are folded again at once: they stay as they are, and what was erased is gone all the same.
#[test]
fn what_is_too_much_to_be_folded_again_is_erased_all_the_same() {
    let directory = TempDir::new().unwrap();
    let subject = Subject::open(directory.path());
    let world = subject.world("many", Names { case: 1, is_reference: false });
    let (hub, other) = (world.key(5), world.key(6));
    let users = |number: u64| format!("user_id:many{number}");
    // The device is of the first; further ones cannot have it, and are no more than a quarantine takes.
    world.write_all((0..15).map(|number| event(number, vec![users(number), world.names.raw(5)])));
    let crowd = (100..4_200).map(|number| event(number, vec![users(14), format!("device_id:many{number}")]));
    world.write_all(crowd.chain([event(5_000, vec![users(14), world.names.raw(6)])]));

    let model = subject.engine.model(world.workspace).unwrap();
    let first = Key::parse(&users(0), "key", &model.model).unwrap();
    let receipt = world.erase(first.clone(), "person", false).unwrap();
    let erased = receipt.erased.unwrap();
    assert_eq!((erased.identifiers, erased.links, erased.unordered), (2, 15, true));
    assert_eq!(erased.fragments, 1, "what is stored with the profile alone is counted too");
    assert_eq!(world.lookup(first, "person").0, Resolution::Erased);
    assert_eq!(world.lookup(hub, "person").0, Resolution::Erased);
    for number in 1..15 {
        let user = Key::parse(&users(number), "key", &model.model).unwrap();
        assert!(matches!(world.lookup(user, "person").0, Resolution::Found(_)), "{number}");
    }
    assert_eq!(world.lookup(other, "person").0, Resolution::NotFound);
    let canary = world.names.canary(5);
    drop(subject);
    assert_eq!(found(directory.path(), &BTreeSet::from([canary])), Vec::<String>::new());
}

/// What was said of an identifier when it was in quarantine is no evidence of it, and names it.
#[test]
fn what_was_said_in_quarantine_goes_too() {
    let directory = TempDir::new().unwrap();
    let subject = Subject::open(directory.path());
    let world = subject.world("held", Names { case: 1, is_reference: false });
    let shared = world.names.raw(3);
    let user = |number: u64| format!("user_id:many{number}");
    world.write_all((0..25).map(|number| event(number, vec![user(number), shared.clone()])));
    let Key::Identifier(identifier) = world.key(3) else { panic!("an e-mail address is an identifier") };
    let act = Act::ReleaseQuarantine { identifier };
    let correction = Correction { message_id: "release".to_owned(), source: String::new(), act };
    subject.runtime.block_on(subject.engine.correct(world.workspace, correction, NOW)).unwrap();
    let later = NOW.plus_micros(1_000_000).micros() / 1_000_000;
    world.write_all([event(later, vec![user(0), shared])].into_iter());

    let Resolution::Found(id) = world.lookup(world.key(3), "person").0 else { panic!("nobody has it") };
    let receipt = world.erase(Key::Profile(id), "person", false).unwrap();
    assert_eq!(receipt.erased.unwrap().links, 25, "each user was seen with it");
    let canary = world.names.canary(3);
    drop(subject);
    assert_eq!(found(directory.path(), &BTreeSet::from([canary])), Vec::<String>::new());
}

/// A group of very many members, say. That they are links of nothing is not looked at.
#[test]
fn what_too_many_links_name_is_refused_before_anything_is_changed() {
    let directory = TempDir::new().unwrap();
    let subject = Subject::open(directory.path());
    let names = Names { case: 1, is_reference: false };
    let world = subject.world("named", names);
    world.write_all([event(1, vec![names.raw(8)])].into_iter());
    let (workspace, Key::Identifier(identifier)) = (world.workspace, world.key(8)) else { panic!("it is an account") };
    drop(subject);

    let store = Store::open(directory.path(), 8 * 1024 * 1024, true).unwrap();
    let mut batch = Batch::new(&store, None);
    for link in (0..50_000).map(LinkId) {
        LINK_INDEX.put(&mut batch, &LinkIndexKey { workspace, identifier: identifier.clone(), link }, &()).unwrap();
    }
    batch.keep();
    drop(store.commit(&batch.into_changes(), store.place().unwrap(), false).unwrap());
    drop(store);

    let subject = Subject::open(directory.path());
    let world = subject.world("named", names);
    let before = subject.engine.applied();
    let refused = world.erase(world.key(8), "account", false).unwrap_err();
    assert!(matches!(&refused, Error::Conflict(text) if text.starts_with("more than 50000 links")), "{refused}");
    assert_eq!(subject.engine.applied(), before);
    assert!(matches!(world.lookup(world.key(8), "account").0, Resolution::Found(_)));
}
