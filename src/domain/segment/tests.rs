//! What expressions come to.

mod bombs;

use super::*;
use crate::domain::model::Model;
use std::collections::BTreeMap;

const MODEL: &str = r#"
[kinds.person]
identifiers = ["user_id", "email"]
[kinds.account]
identifiers = ["account_id"]
[computed."orders.count"]
aggregate = "count"
event = "Order Completed"
[computed."orders.last"]
aggregate = "last"
event = "Order Completed"
property = "@time"
[computed."orders.kind"]
aggregate = "last"
event = "Order Completed"
property = "kind"
[attributes.person]
country = "text"
score = "number"
vip = "bool"
birthday = "time"
tags = "list"
home = "any"
"Shoe Size" = "number"
[attributes.account]
plan = "text"
[attributes.address]
bounces = "number"
"#;

/// A segment of persons.
fn compiled(when: &str) -> Result<Segment, Mistake> {
    let model = Model::parse(MODEL).unwrap();
    let person = model.kind("").unwrap().id;
    compile("s", person, when, &model.readable_by_segment(person))
}

fn refusal(when: &str) -> String {
    let mistake = compiled(when).err().unwrap_or_else(|| panic!("{when} is let through"));
    let meant = mistake.suggestion.map(|meant| format!(" [{meant}]")).unwrap_or_default();
    let place = mistake.at.and_then(|at| when.get(at)).map(|at| format!("«{at}» ")).unwrap_or_default();
    format!("{place}{}{meant}", mistake.text)
}

fn present(value: Value) -> Field {
    Field::Present { value, as_of: None }
}

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

/// 2024-01-15T12:00:00Z, a Monday.
fn noon() -> Time {
    Time::from_micros(1_705_320_000_000_000)
}

fn joe() -> BTreeMap<String, Field> {
    let sku = |sku: &str, price: f64| {
        Value::Object([("sku".to_owned(), text(sku)), ("price".to_owned(), Value::Number(price))].into())
    };
    let home = Value::Object(
        [("city".to_owned(), text("Utrecht")), ("cart".to_owned(), Value::List(vec![sku("a1", 5.0), sku("b2", 7.5)]))]
            .into(),
    );
    let hour = 3_600_000_000;
    [
        ("country", text("NL")),
        ("score", Value::Number(7.0)),
        ("vip", Value::Bool(true)),
        ("birthday", text("1961-08-04")),
        ("tags", Value::List(vec![text("new"), text("sale")])),
        ("home", home),
        ("orders.count", Value::Number(3.0)),
        ("orders.last", Value::Time(Time::from_micros(noon().micros() - 30 * hour))),
        ("account.plan", text("gold")),
        ("Shoe Size", Value::Number(43.0)),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), present(value)))
    .collect()
}

fn ask(when: &str, fields: &BTreeMap<String, Field>, now: Time) -> Field {
    let segment = compiled(when).unwrap_or_else(|mistake| panic!("{when}: {}", mistake.text));
    segment.ask(|name| fields.get(name), now)
}

#[test]
fn what_is_true_of_joe() {
    for when in [
        "country == 'NL' && orders.count > 2",
        "country in ['NL', \"BE\"] && score / 2 == 3.5 && score * 2 - 4 >= 10",
        "orders.count + 1 == 4 && -score < 0 && score != 8",
        "now - orders.last < duration('168h') && now - orders.last > duration('1d')",
        "orders.last + duration('30h') == now",
        "(now - orders.last).getHours() == 30",
        "birthday < timestamp('1970-01-01') && birthday.getFullYear() == 1961 && birthday.getMonth() == 7",
        "now.getDayOfWeek() == 1 && now.getHours() == 12 && now.getHours('America/New_York') == 7",
        "account.plan == 'gold'",
        "'sale' in tags && size(tags) == 2 && tags.size() < 3 && tags[0] == 'new'",
        "tags.exists(tag, tag.startsWith('sa')) && !tags.all(tag, tag == 'new') && tags.exists_one(t, t == 'new')",
        "size(tags.filter(t, t != 'new')) == 1",
        "home.city == 'Utrecht' && home['city'].matches('^U.*t$') && has(home.city) && !has(home.street)",
        "home.cart.exists(item, item.sku == 'b2' && item.price > 7 && has(item.sku))",
        "home.cart[1].price == 7.5",
        "country.contains('N') && country.endsWith('L') && country.matches('n') == false && country.size() == 2",
        "has(country) && has(orders.last) && !has(orders.kind)",
        "vip ? country == 'NL' : country == 'BE'",
        "attribute('Shoe Size') == 43",
        "orders.kind == 'x' || vip",
        "!(orders.kind == 'x' && !vip)",
        "double('7') == score",
        "true",
    ] {
        assert_eq!(ask(when, &joe(), noon()), Field::now(Value::Bool(true)), "{when}");
    }
}

#[test]
fn what_is_not_set_or_of_another_type_makes_nothing_true() {
    let mut fields = joe();
    fields.insert("country".to_owned(), present(Value::Number(31.0)));
    fields.insert("score".to_owned(), present(text("seven")));
    fields.insert("birthday".to_owned(), present(text("in May")));
    fields.insert("tags".to_owned(), present(Value::List(vec![text("sale"); MAX_ITEMS + 1])));
    fields.insert("home".to_owned(), Field::NotSet);
    for when in [
        "country == 'NL'",
        "country != 'NL'",
        "!(country == 'NL')",
        "score > 1",
        "score != 1",
        "birthday < now",
        "'sale' in tags",
        "tags.all(tag, tag == 'sale')",
        "home.city == 'Utrecht'",
        "has(home.city)",
        "home.city != 'Utrecht'",
        "orders.kind",
        "account.plan",
        "false",
        "score / 0 > 1",
        "timestamp(orders.kind) < now",
        "1 / 0 > 1 && country == 'NL'",
    ] {
        let asked = compiled(when).map(|segment| segment.ask(|name| fields.get(name), noon()));
        // What is text for certain is refused when it is compiled.
        let expected = if when == "account.plan" { None } else { Some(Field::now(Value::Bool(false))) };
        assert_eq!(asked.ok(), expected, "{when}");
    }
}

#[test]
fn what_people_disagree_about_is_ambiguous_only_where_it_matters() {
    let mut fields = joe();
    fields.insert("country".to_owned(), Field::Ambiguous);
    fields.insert("account.plan".to_owned(), Field::TooLarge);
    assert_eq!(ask("country == 'NL'", &fields, noon()), Field::Ambiguous);
    assert_eq!(ask("has(country)", &fields, noon()), Field::Ambiguous);
    assert_eq!(ask("account.plan == 'gold' && vip", &fields, noon()), Field::TooLarge);
    assert_eq!(ask("country == 'NL' || vip", &fields, noon()), Field::now(Value::Bool(true)));
    assert_eq!(ask("country == 'NL' && !vip", &fields, noon()), Field::now(Value::Bool(false)));
}

#[test]
fn time_alone_makes_it_another_answer() {
    let when = "now - orders.last < duration('168h')";
    let at = |hours: u64| ask(when, &joe(), Time::from_micros(noon().micros() + hours * 3_600_000_000)).value();
    assert_eq!(at(168 - 31), Some(Value::Bool(true)));
    assert_eq!(at(168 - 30), Some(Value::Bool(false)));
}

#[test]
fn a_segment_knows_what_it_reads() {
    let reads = |when: &str| compiled(when).unwrap().reads;
    assert_eq!(
        reads("orders.count > 1 && home.city == country && orders.count < 9"),
        ["orders.count", "home", "country"]
    );
    assert_eq!(reads("tags.exists(t, t == country) && has(account.plan)"), ["tags", "country", "account.plan"]);
    assert!(reads("now > timestamp('2024-01-01')").is_empty());
}

#[test]
fn every_mistake_is_told_with_its_place() {
    for (when, told) in [
        ("contry == 'NL'", "«contry» names `contry`, which is neither declared in [attributes] nor computed"),
        ("contry == 'NL'", "[country]"),
        ("vip && order.count > 3", "«order.count» names"),
        ("vip && order.count > 3", "[orders.count]"),
        ("has(contry)", "[country]"),
        ("attribute('Shoe size') == 1", "[Shoe Size]"),
        ("segment.vip", "no other segments"),
        ("address.bounces > 1", "set `kind = \"address\"`"),
        ("bounces > 1", "names `bounces`"),
        ("country > 3", "«>» has no use for `>` between or of what is text and number"),
        ("country + 'x' == 'NLx'", "it adds numbers, durations, and a duration to a time"),
        ("home.a + home.b == 1", "it adds numbers"),
        ("score", "is number, and has to be true or false"),
        ("score && vip", "no use for `&&`"),
        ("now - duration('7 days') < now", "has no duration"),
        ("now > timestamp('yesterday')", "has no time"),
        ("now.getHours('Mars/Base') > 1", "has no time zone"),
        ("country.matches('(')", "has a pattern that is none, or too large"),
        ("country.matches(country)", "not written as a plain"),
        ("country.startswith('N')", "[startsWith]"),
        ("tags.map(t, t) == tags", "uses `map`; ask `exists`"),
        ("tags.exists(t, home.cart.exists(u, u == t))", "only one may be asked"),
        ("tags.exists(country, country == 'x')", "choose another name"),
        ("tags.exists(t, 'x')", "is text, and has to be true or false"),
        ("country == null", "ask `has(…)`"),
        ("country.city == 'x'", "reads `city` of something that is text"),
        ("tags[score] == 1", "index that is no whole number"),
        ("score % 2 == 0", "uses `%`"),
        ("type(score) == int", "uses `type`"),
        ("{'a': 1}.a == 1", "makes an object"),
        ("b'x' == country", "right behind something else"),
        ("r'x' == country", "right behind something else"),
        ("country == '''x'''", "right behind something else"),
        ("country == 'x", "without an end"),
        ("country == 'x\n'", "goes on on the next line"),
        ("vip // really", "comment"),
        ("", "is empty"),
        ("  ", "is empty"),
        ("country ==", "is no expression: "),
        ("country = 'NL'", "is no expression: "),
        ("vip &&& vip", "«&» is no expression: "),
        ("has(1 + 1)", "asks `has` of something that is no attribute"),
        ("vip\u{0}", "is no expression: "),
        ("vip.?x", "is no expression: "),
        ("ünbekannt == 'x' && \u{fc} == 1", "is no expression: "),
    ] {
        let refusal = refusal(when);
        assert!(refusal.contains(told), "{when} gives {refusal}");
    }
}

/// Bounds of moments and durations, where time itself overflows.
#[test]
fn the_ends_of_time_are_no_end() {
    let mut fields = joe();
    for birthday in
        ["0001-01-01", "9999-12-31T23:59:59.999999999Z", "9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00+23:59"]
    {
        fields.insert("birthday".to_owned(), present(text(birthday)));
        for when in [
            "birthday + duration('2500000h') > now",
            "birthday - duration('2500000h') > now",
            "birthday - now > duration('1h')",
            "now - birthday > duration('1h')",
            "birthday.getDayOfYear() > 400",
            "birthday.getDayOfYear('Pacific/Kiritimati') + birthday.getHours('America/New_York') > 900",
            "duration('2500000h') + duration('2500000h') > duration('1h')",
        ] {
            let asked = ask(when, &fields, noon());
            assert!(matches!(asked.value(), Some(Value::Bool(_))), "{when} of {birthday}");
        }
    }
    let late = Time::from_micros(u64::MAX);
    assert_eq!(ask("now > birthday", &joe(), late), Field::now(Value::Bool(false)), "there is no such moment");
}
