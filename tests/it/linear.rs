//! No stale answer, ever: writers and readers on many connections, and a checker of what was answered when.
//!
//! Whatever a lookup answers must hold after some write between the newest that was acknowledged or seen when the lookup
//! began and the newest that was sent when it ended; the answers of a batch must hold after one and the same. So a write
//! is read by whoever begins later, no answer is older than one that came before, and nobody sees a part of a change.
//! Customers are merged meanwhile, come apart again, are erased and come back, hush topics and deny purposes, and models
//! change. `make test` does 200,000 operations; KITH_CASES asks for another number, ten for a case.

mod answer;
mod checker;
mod editions;
mod pair;
mod reader;
mod run;
mod synthetic;
mod writer;

use rand::random;
use run::{Outcome, Plan, Run};

use super::resolution::as_asked;

/// What must have happened in a run of everything.
const SORTS: [&str; 14] = [
    "answers of batches",
    "answers of streams",
    "consents and denials",
    "erasures",
    "facts",
    "facts in batches",
    "facts with their lookup",
    "hushes and lifts",
    "late facts about the erased",
    "lookups",
    "lookups by the token of a write",
    "merges",
    "models",
    "undone merges",
];

/// A seed that is told when something goes wrong; `KITH_SEED` asks for one.
fn seed() -> u64 {
    std::env::var("KITH_SEED").map_or_else(|_| random(), |seed| seed.parse().expect("KITH_SEED is a number"))
}

/// Runs, and tells how many operations of which sort there were.
async fn ran(name: &str, plan: Plan) -> Outcome {
    let outcome = Run::run(plan).await;
    let sorts: Vec<String> = outcome.counts.iter().map(|(sort, count)| format!("{count} {sort}")).collect();
    let Outcome { operations, seconds, kept, .. } = &outcome;
    println!("{name}: {operations} operations in {seconds:.1} s, {kept} answers given again: {}", sorts.join(", "));
    outcome
}

async fn nothing_is_stale(name: &str, operations: u32, pairs: usize, cache_bytes: usize) {
    let seed = seed();
    let operations = u64::from(as_asked(operations));
    let plan = Plan { operations, seed, pairs, cache_bytes, invalidates: true, everything: true };
    let outcome = ran(name, plan).await;
    assert!(outcome.wrong.is_empty(), "KITH_SEED={seed}\n{}", outcome.wrong.join("\n"));
    assert!(outcome.kept > operations / 2_000, "hardly an answer was given again: {}", outcome.kept);
    for sort in SORTS {
        assert!(outcome.counts.contains_key(sort), "no {sort}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_answer_is_stale() {
    nothing_is_stale("linear", 100_000, 100, 64 << 20).await;
}

/// Few customers, each of whom is written and read all the time.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_answer_is_stale_of_those_in_demand() {
    nothing_is_stale("linear, few customers", 50_000, 2, 64 << 20).await;
}

/// Customers leave the caches all the time, to make room.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_answer_is_stale_with_small_caches() {
    nothing_is_stale("linear, small caches", 50_000, 400, 192 << 10).await;
}

/// The control: where what was changed stays in the caches, stale answers are found. A run ends with the first answer that is
/// wrong, which now and then is of no moment at all: what the writer reads is old too, and it writes on top of that.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_invalidation_stale_answers_are_found() {
    const TRIES: u64 = 10;
    for seed in (0..TRIES).map(|more| seed().wrapping_add(more)) {
        let plan = Plan {
            operations: 100_000,
            seed,
            pairs: 100,
            cache_bytes: 64 << 20,
            invalidates: false,
            everything: false,
        };
        let outcome = ran("control, without invalidation", plan).await;
        assert!(!outcome.wrong.is_empty(), "KITH_SEED={seed}: nothing wrong was found");
        if outcome.wrong.iter().any(|wrong| wrong.contains("Stale")) {
            return;
        }
        println!("KITH_SEED={seed}: {}", outcome.wrong.join("\n"));
    }
    panic!("no stale answer was found in {TRIES} runs");
}
