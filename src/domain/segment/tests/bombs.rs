//! That no expression does harm, whatever is written.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::*;

/// Expressions that would cost much or bring something down, each refused at once: most before anything parses them.
#[test]
fn bombs_do_not_go_off() {
    let nested = |open: &str, close: &str, times: usize| format!("{}vip{}", open.repeat(times), close.repeat(times));
    let joined = |part: &str, by: &str, times: usize| vec![part; times].join(by);
    let bombs = [
        nested("(", ")", 2_000),
        nested("[", "]", 2_000),
        nested("{1:", "}", 1_000),
        nested("has(", ")", 900),
        nested("(", ")", MAX_BRACKETS + 1),
        "(".repeat(4_000),
        "[".repeat(MAX_BRACKETS),
        "!".repeat(4_000),
        "-".repeat(4_000),
        format!("{}true", "vip ? vip : ".repeat(300)),
        joined("score", " + ", 700) + " > 1",
        joined("score", " + ", 200) + " > 1",
        format!("home.{} == 1", joined("a", ".", 240)),
        format!("home.{} == 1", joined("a", ".", 2_000)),
        format!("home{} == 1", "[0]".repeat(160)),
        format!("country{} == 'x'", ".x()".repeat(120)),
        joined("tags.exists(t, t == 'x')", " || ", 40),
        format!("tags.all(t, {})", joined("t in tags", " && ", 6)),
        format!("tags.all(t, {})", joined("country.contains(t)", " || ", 5)),
        "tags.exists(a, tags.exists(b, tags.exists(c, true)))".to_owned(),
        "[1, 2].map(x, [x, x]).map(x, [x, x]).size() > 1".to_owned(),
        "'aaaaaaaa' + 'aaaaaaaa' == country".to_owned(),
        "country.matches('((a{100}){100}){100}')".to_owned(),
        "country.matches('(a*)*(a*)*(a*)*(a*)*b{1,1000}{1,1000}')".to_owned(),
        joined("country.matches('a')", " || ", 17),
        format!("country == '{}'", "x".repeat(5_000)),
        "duration('-9223372036854775808ns') < duration('1s')".to_owned(),
        "duration('--9e99h') < duration('1s')".to_owned(),
        "timestamp('99999-01-01T00:00:00Z') > now".to_owned(),
        "9223372036854775808 == score".to_owned(),
        "-9223372036854775809 == score".to_owned(),
        "tags[9223372036854775808] == 1".to_owned(),
        "\u{202e}vip".to_owned(),
        "`vip`".to_owned(),
        format!("home \"\\q{} == 1", ".b".repeat(1_900)),
        format!("country == '\\u12{}'", ".b".repeat(1_900)),
    ];
    for bomb in bombs {
        let started = Instant::now();
        // The smallest stack that any thread of kith has is 2 MiB.
        let refused = std::thread::Builder::new().stack_size(1024 * 1024);
        let at_work = bomb.clone();
        let refused = refused.spawn(move || compiled(&at_work).is_err()).unwrap().join();
        let shown: String = bomb.chars().take(60).collect();
        assert!(refused.expect("the parser gives out"), "{shown} is let through");
        assert!(started.elapsed() < Duration::from_secs(2), "{shown} takes {:?}", started.elapsed());
    }
}

/// What is let through at the limits ends soon, whatever it reads.
#[test]
fn the_largest_that_is_let_through_is_soon_done() {
    let mut fields = joe();
    fields.insert("tags".to_owned(), present(Value::List(vec![text(&"a".repeat(30)); MAX_ITEMS])));
    fields.insert("country".to_owned(), present(text(&"a".repeat(30_000))));
    let body = vec!["t != 'x'"; 24].join(" && ");
    let patterns = vec!["country.matches('(a|aa)+$')"; MAX_PATTERNS].join(" && ");
    let wide = vec!["country == 'NL'"; 80].join(" || ");
    let long = "tags.all(t, t in tags && t in tags && t in tags && country.contains(t))".to_owned();
    let signs = format!("{}vip", "!".repeat(MAX_TOKENS - 1));
    let whole = format!("tags.all(t, {body})");
    let sieves = format!("tags{}.size() > 1", ".filter(t, true)".repeat(30));
    for when in [whole, format!("size(tags.filter(t, {body})) == 1000"), patterns, wide, signs, sieves, long] {
        let segment = compiled(&when).unwrap_or_else(|mistake| panic!("{}", mistake.text));
        let started = Instant::now();
        let asked = std::thread::Builder::new().stack_size(1024 * 1024);
        let at_work = fields.clone();
        asked.spawn(move || segment.ask(|name| at_work.get(name), noon())).unwrap().join().expect("no end");
        assert!(started.elapsed() < Duration::from_secs(2), "{when} takes {:?}", started.elapsed());
    }
}

/// Pieces that expressions are made of, right and wrong.
fn piece() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "country",
        "score",
        "vip",
        "tags",
        "home",
        "home.city",
        "orders.count",
        "orders.last",
        "now",
        "t",
        "'NL'",
        "\"x\"",
        "1",
        "2.5",
        "0x1f",
        "1u",
        "true",
        "null",
        "==",
        "!=",
        "<",
        ">=",
        "&&",
        "||",
        "!",
        "-",
        "+",
        "*",
        "/",
        "%",
        "in",
        "?",
        ":",
        "(",
        ")",
        "[",
        "]",
        "{",
        "}",
        ".",
        ",",
        "has(",
        "size(",
        "duration('1h')",
        "timestamp('2024-01-01')",
        ".exists(t, ",
        ".all(t, ",
        ".filter(t, ",
        ".map(t, ",
        ".matches('a+')",
        ".startsWith(",
        "attribute('vip')",
        "\\",
        "`",
        "\u{e9}",
        "\u{1f600}",
        "\n",
    ])
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    /// Whatever is written, it is refused or gives an answer, and that hangs on nothing that it does not say it reads.
    #[test]
    fn nothing_that_can_be_written_panics(pieces in prop::collection::vec(piece(), 1..14), gaps in any::<bool>()) {
        let when = pieces.join(if gaps { " " } else { "" });
        if let Ok(segment) = compiled(&when) {
            let all = joe();
            let read: BTreeMap<String, Field> =
                all.clone().into_iter().filter(|(name, _)| segment.reads.contains(name)).collect();
            let answer = segment.ask(|name| all.get(name), noon());
            prop_assert_eq!(&answer, &segment.ask(|name| read.get(name), noon()), "{}", when);
            prop_assert!(matches!(answer.value(), Some(Value::Bool(_))));
        }
    }

    /// Of sound expressions too, most of which are let through.
    #[test]
    fn only_what_is_read_counts(
        parts in prop::collection::vec((0usize..8, any::<bool>()), 1..8),
        or in any::<bool>(),
        changed in prop::sample::select(vec!["country", "score", "vip", "tags", "home", "orders.count", "orders.last"]),
    ) {
        let known = [
            "country == 'NL'", "score > 6", "vip", "'sale' in tags", "home.city == 'Utrecht'", "orders.count < 3",
            "now - orders.last < duration('48h')", "has(orders.kind)",
        ];
        let parts: Vec<String> =
            parts.into_iter().map(|(at, negated)| if negated { format!("!({})", known[at]) } else { known[at].to_owned() }).collect();
        let when = parts.join(if or { " || " } else { " && " });
        let segment = compiled(&when).unwrap();
        let mut fields = joe();
        let known = segment.ask(|name| fields.get(name), noon());
        fields.remove(changed);
        let after = segment.ask(|name| fields.get(name), noon());
        if !segment.reads.iter().any(|name| name == changed) {
            prop_assert_eq!(known, after, "{}", when);
        }
    }
}
