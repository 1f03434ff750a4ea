//! The facts of the examples: made-up customers, the same in every run, and among them the people whom the tours tell of.

mod b2b;
mod newsletter;
mod travel;

use jiff::{Timestamp, ToSpan as _};
use serde_json::{Value as Json, json};

/// The facts of an example, as lines for `kith import`.
pub fn of(example: &str) -> String {
    let facts = match example {
        "newsletter" => newsletter::facts(),
        "b2b" => b2b::facts(),
        "travel" => travel::facts(),
        _ => panic!("no example is called {example}"),
    };
    facts.0.iter().map(|fact| format!("{fact}\n")).collect()
}

/// Facts in the shape that `kith write` and `kith import` read, numbered in order.
#[derive(Default)]
struct Facts(Vec<Json>);

impl Facts {
    /// Adds a fact of these keys at a time, which is a day of 2025 (1 is the first of January; also before that) and an hour.
    fn add(&mut self, keys: &[&str], (day, hour): (i64, i64), mut fact: Json) {
        let start: Timestamp = "2025-01-01T00:00:00Z".parse().unwrap();
        let time = start + (24 * (day - 1) + hour).hours();
        fact["messageId"] = json!(format!("example-{}", self.0.len() + 1));
        fact["timestamp"] = json!(time.to_string());
        fact["keys"] = json!(keys);
        self.0.push(fact);
    }

    fn identify(&mut self, keys: &[&str], at: (i64, i64), traits: Json) {
        self.add(keys, at, json!({"type": "identify", "traits": traits}));
    }

    fn track(&mut self, keys: &[&str], at: (i64, i64), event: &str, properties: Json) {
        self.add(keys, at, json!({"type": "track", "event": event, "properties": properties}));
    }

    /// The customer says of a purpose in e-mails whether it is allowed; of one address if one is named.
    fn consent(&mut self, keys: &[&str], at: (i64, i64), purpose: &str, granted: bool, address: Option<&str>) {
        let mut fact = json!({"type": "consent", "purpose": purpose, "channel": "email", "granted": granted});
        if let Some(address) = address {
            fact["context"] = json!({"address": address});
        }
        self.add(keys, at, fact);
    }

    fn hush(&mut self, keys: &[&str], at: (i64, i64), topic: &str, cause: &str) {
        self.add(keys, at, json!({"type": "hush", "topic": topic, "cause": cause}));
    }
}

/// One of them, by a number that may be anything.
fn pick<T: Copy>(of: &[T], number: i64) -> T {
    of[usize::try_from(number).unwrap() % of.len()]
}
