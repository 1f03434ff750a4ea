//! Who is who: the fold against a naive reference written from the rules alone, and the engine against the same.
//!
//! Every property is held against random histories, 20,000 in all. `KITH_CASES` asks for another number; `make soak` does.

mod case;
mod engine;
mod fold;
mod history;
mod naive;
mod quarantine;
mod rules;

use std::cell::Cell;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestRunner};

/// How many facts and corrections a case was about, or what was wrong.
type Case = Result<usize, TestCaseError>;

/// How many random histories there are in all, if nobody asks for another number.
const CASES: u64 = 20_000;

/// How many cases there are of a property that has so many of the usual [`CASES`], more or less of them if asked.
pub fn as_asked(cases: u32) -> u32 {
    let asked = std::env::var("KITH_CASES").ok();
    let asked: u64 = asked.map_or(CASES, |cases| cases.parse().expect("KITH_CASES is a number of cases"));
    u32::try_from(u64::from(cases) * asked / CASES).unwrap().max(1)
}

/// Holds `test` against random inputs, so many of the usual [`CASES`], and says how many operations that were.
fn for_all<S: Strategy>(property: &str, cases: u32, inputs: &S, test: impl Fn(S::Value) -> Case) {
    let cases = as_asked(cases);
    let config = Config { failure_persistence: None, max_shrink_iters: 20_000, ..Config::with_cases(cases) };
    let operations = Cell::new(0);
    let result = TestRunner::new(config).run(inputs, |input| {
        operations.set(operations.get() + test(input)?);
        Ok(())
    });
    println!("{property}: {cases} cases, {} operations", operations.get());
    if let Err(difference) = result {
        panic!("{property}: {difference}");
    }
}
