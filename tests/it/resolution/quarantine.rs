//! An identifier of too many people, such as the device of a shop: it is put in quarantine, and released by hand.

use kith::domain::correction::Act;
use kith::domain::owner::MAX_REFUSING_PROFILES;
use kith::domain::receipt::{Action, Receipt};
use proptest::prelude::*;

use super::case::Shared;
use super::engine::Told;
use super::for_all;
use super::history::{Arrival, Did, Says, said_at};

const DEVICE: &str = "device_id:shop";
const USERS: usize = 30;

fn user(number: usize) -> String {
    format!("user_id:u{number:02}")
}

/// Facts of many users on one device in any order of time, and how many of them come before the release.
fn crowd() -> impl Strategy<Value = (Vec<Arrival>, usize)> {
    let fact = (prop::option::weighted(0.9, 0..USERS), 0..=1_000_u64, any::<u8>());
    let facts = prop::collection::vec(fact, 60..100).prop_map(|facts| {
        let arrival = |(now, (number, part, order)): (u64, (Option<usize>, u64, u8))| {
            let keys = number.map(user).into_iter().chain([DEVICE.to_owned()]).collect();
            let brings = said_at(now, part, format!("{order:02x}.{now:02}"), Says::Seen { keys, did: Did::Set(order) });
            Arrival { now, brings }
        };
        (1..).zip(facts).map(arrival).collect()
    });
    (facts, 40..70_usize)
}

fn tells_of(receipts: &[Receipt], action: Action) -> bool {
    receipts.iter().flat_map(|receipt| &receipt.lines).any(|line| line.action == action)
}

#[test]
fn an_identifier_of_too_many_people_joins_nobody_until_it_is_released() {
    let shared = Shared::open();
    let keys: Vec<String> = (0..USERS).map(user).chain([DEVICE.to_owned()]).collect();
    for_all("an identifier of too many people", 60, &crowd(), |(arrivals, before)| {
        let mut told = Told::nothing(shared.case(&keys));
        for (at, arrival) in arrivals.iter().enumerate() {
            if at == before {
                told.compare()?;
                let moment = (arrival.now, "released".to_owned());
                let release = Act::ReleaseQuarantine { identifier: told.case.identifier(DEVICE) };
                let released = told.case.correct(&moment.1, release, moment.0);
                prop_assert_eq!(released.is_ok(), told.quarantine.contains_key(DEVICE));
                told.quarantine.values_mut().for_each(|until| *until = Some(moment.clone()));
            }
            let receipts = told.tell(std::slice::from_ref(arrival))?;
            let outcome = told.naive().outcome();
            let others = outcome.people(DEVICE).len() - usize::from(outcome.owner(DEVICE).is_some());
            let quarantined = others > MAX_REFUSING_PROFILES;
            prop_assert_eq!(tells_of(&receipts, Action::Quarantined), quarantined, "with {} others", others);
            if quarantined {
                told.quarantine.insert(DEVICE.to_owned(), None);
            }
        }
        told.compare()?;
        Ok(arrivals.len())
    });
}
