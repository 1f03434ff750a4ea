//! The facts that benchmarks write about made-up people.

use prost_types::value::Kind;
use prost_types::{Struct, Value};

use super::people::{Datum, Population, attribute_name, mix};
use crate::proto::v1::fact::Body;
use crate::proto::v1::write_result::Result as Written;
use crate::proto::v1::{Fact, Identify, Receipt, Track, WriteResult};

/// The name that benchmark facts give as their source.
const SOURCE: &str = "kith-bench";

/// The event of [`mixed`].
const PURCHASE: &str = "Order Completed";

/// The fact that makes person `number` known: all attributes under one or two identifiers. The same fact again has
/// the same message id.
pub fn introduction(people: Population, number: u64, with_email: bool) -> Fact {
    let mut keys = vec![people.key(number)];
    if with_email {
        keys.push(people.email(number));
    }
    let traits = people.data(number).map(|(name, datum)| (name, value(datum)));
    fact(format!("bench-load-{}-{number}", people.seed), keys, identify(traits))
}

/// What goes on later: three purchases, then a change of one attribute. `turn` counts the facts of a run.
pub fn mixed(people: Population, number: u64, run: u64, turn: u64) -> Fact {
    let noise = mix(run ^ mix(turn));
    let body = match turn % 4 {
        0 => {
            let slot = (noise % 30) as usize;
            let changed = Population { seed: noise, ..people };
            identify([(attribute_name(slot), value(changed.datum(number, slot)))])
        }
        _ => purchase(noise),
    };
    fact(format!("bench-{run:x}-{turn}"), vec![people.key(number)], body)
}

/// The receipt, or the reason of refusal.
pub fn receipt(result: Option<WriteResult>) -> anyhow::Result<Receipt> {
    match result.and_then(|result| result.result) {
        Some(Written::Receipt(receipt)) => Ok(receipt),
        Some(Written::Error(error)) => anyhow::bail!("the server refused a fact: {}", error.message),
        None => anyhow::bail!("the server sent an answer without a result"),
    }
}

fn fact(message_id: String, keys: Vec<String>, body: Body) -> Fact {
    Fact { message_id, time: None, source: SOURCE.into(), keys, body: Some(body) }
}

fn identify(traits: impl IntoIterator<Item = (String, Value)>) -> Body {
    let traits = Struct { fields: traits.into_iter().collect() };
    Body::Identify(Identify { traits: Some(traits), address: String::new() })
}

fn purchase(noise: u64) -> Body {
    let properties = [
        ("order_id".to_owned(), value(Datum::Text(format!("o{noise:016x}")))),
        ("revenue".to_owned(), value(Datum::Number((noise % 50_000) as f64 / 100.0))),
        ("quantity".to_owned(), value(Datum::Number((noise % 5 + 1) as f64))),
    ];
    let properties = Struct { fields: properties.into_iter().collect() };
    Body::Track(Track { event: PURCHASE.into(), properties: Some(properties) })
}

fn value(datum: Datum) -> Value {
    let kind = match datum {
        Datum::Text(text) => Kind::StringValue(text),
        Datum::Number(number) => Kind::NumberValue(number),
        Datum::Flag(flag) => Kind::BoolValue(flag),
    };
    Value { kind: Some(kind) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PEOPLE: Population = Population { profiles: 10, seed: 1 };

    #[test]
    fn an_introduction_repeats_itself_to_the_byte() {
        let fact = introduction(PEOPLE, 3, true);
        assert_eq!(fact, introduction(PEOPLE, 3, true));
        assert_eq!(fact.keys, ["user_id:u00000003", "email:u00000003@example.com"]);
        let Some(Body::Identify(Identify { traits: Some(traits), .. })) = fact.body else { panic!("no traits") };
        assert_eq!(traits.fields.len(), super::super::people::ATTRIBUTES);
    }

    #[test]
    fn one_fact_in_four_is_an_identify() {
        let identifies =
            (0..100).filter(|turn| matches!(mixed(PEOPLE, 1, 9, *turn).body, Some(Body::Identify(_)))).count();
        assert_eq!(identifies, 25);
        assert_ne!(mixed(PEOPLE, 1, 9, 0).message_id, mixed(PEOPLE, 1, 8, 0).message_id);
    }
}
