//! Rules that change: all that was ever said is folded by those of now, and writes go on meanwhile.

use std::cell::{Cell, RefCell};

use kith::domain::refold::Tally;
use proptest::prelude::*;
use proptest::sample::select;

use super::case::Shared;
use super::engine::Told;
use super::for_all;
use super::history::{Brings, LOOSE, Rules, TIGHT, USUAL, arrivals};

/// After how many cases there is a new engine: a change of rules is about all that an engine knows.
const CASES_AN_ENGINE: u64 = 10;

/// Where in a history the rules change, to which, and whether what comes next waits until that is done.
type Changes = Vec<(prop::sample::Index, Rules, bool)>;

fn changes() -> impl Strategy<Value = Changes> {
    let change = (any::<prop::sample::Index>(), select(vec![USUAL, TIGHT, LOOSE]), any::<bool>());
    prop::collection::vec(change, 1..=3)
}

/// Changes the rules. What that does has been foretold, if nothing is written meanwhile.
fn change(told: &mut Told<'_>, rules: Rules, waits: bool, now: u64) -> Result<(), TestCaseError> {
    told.case.refolded();
    told.compare()?;
    let foretold = told.case.difference(rules);
    let same = rules.name == told.case.rules().name;
    told.case.change_rules(rules, now);
    told.rules_changed = true;
    if waits {
        let done = told.case.refolded();
        told.compare()?;
        if !same {
            prop_assert_eq!(told_of(foretold), told_of(done));
        }
    }
    Ok(())
}

/// Identifiers that hang together may be passed over, or not, on either way.
fn told_of(tally: Tally) -> Tally {
    Tally { identifiers: 0, ..tally }
}

#[test]
fn the_engine_is_what_the_rules_of_now_say_of_all_that_was_said() {
    let shared = RefCell::new(Shared::open());
    let cases = Cell::new(0_u64);
    for_all("rules that change", 500, &(arrivals(), changes()), |((keys, arrivals), changes)| {
        cases.set(cases.get() + 1);
        if cases.get().is_multiple_of(CASES_AN_ENGINE) {
            shared.replace(Shared::open());
        }
        let shared = shared.borrow();
        let mut told = Told::nothing(shared.case(&keys));
        for (at, arrival) in arrivals.iter().enumerate() {
            for (_, rules, waits) in changes.iter().filter(|(index, ..)| index.index(arrivals.len()) == at) {
                change(&mut told, *rules, *waits, arrival.now)?;
            }
            // Which merges there are is read by many reads, between which nothing may change.
            if matches!(arrival.brings, Brings::Undo { .. }) {
                told.case.refolded();
            }
            told.tell(std::slice::from_ref(arrival))?;
        }
        told.case.refolded();
        told.compare()?;
        // And back to the rules that block least.
        let now = arrivals.last().map_or(0, |arrival| arrival.now);
        change(&mut told, LOOSE, true, now)?;
        told.holds()?;
        Ok(arrivals.len())
    });
}
