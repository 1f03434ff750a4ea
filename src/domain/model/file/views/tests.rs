//! The linter: every way to get a view wrong, and where it says so.

use crate::domain::model::{Model, Place};

const SOUND: &str = r#"
[kinds.person]
identifiers = ["user_id", "email"]
[kinds.account]
identifiers = ["account_id"]
[computed."orders.count"]
aggregate = "count"
event = "Order Completed"
[computed."orders.last"]
aggregate = "last_events"
event = "Order Completed"
properties = ["product"]
[computed."orders.products"]
aggregate = "unique_list"
event = "Order Completed"
property = "product"
[attributes.person]
nickname = "text"
first_name = "text"
birthday = "time"
complaint = "bool"
products = "list"
anything = "any"
[attributes.account]
plan = "text"
"#;

/// What is said of the model with a view `v` whose one field `f` has these lines.
fn of_field(lines: &str) -> String {
    of_view(&format!("[views.v.fields.f]\n{lines}"))
}

fn of_view(lines: &str) -> String {
    match Model::parse(&format!("{SOUND}{lines}")) {
        Ok(_) => "sound".to_owned(),
        Err(error) => error.to_string(),
    }
}

#[test]
fn what_is_sound_is_let_through() {
    for lines in [
        "from = ['nickname', 'first_name']\ntype = 'name'\nrepair = true\ndefault = 'there'\nrequired = true",
        "from = ['birthday', 'account.since']",
        "from = ['orders.count', 'account.members', 'account.seats_used']\ntype = 'number'\ndefault = 0",
        "from = ['account.plan', 'account.id', 'account.role']\nmax_age = '4w'\nmax_length = 40",
        "from = ['nickname', 'orders.count']\ntype = 'any'",
        "default = ''\ntype = 'text'",
        "from = ['birthday']\ndefault = 1969-07-20",
        "from = ['birthday']\ndefault = 1969-07-20T20:17:00Z\ntopics = ['birthdays']",
    ] {
        assert_eq!(of_field(lines), "sound", "{lines}");
    }
}

#[test]
fn every_mistake_in_a_field_is_found() {
    let at = "views.v.fields.f";
    for (lines, path, text) in [
        ("from = ['nickname']\nrequired = true", "required", "add `default`"),
        ("from = ['nickmame']", "from[0]", "names `nickmame`, which is neither declared in [attributes] nor computed"),
        ("from = ['nickmame']", "from[0]", "; did you mean `nickname`?"),
        ("from = ['first_name', 'order.count']", "from[1]", "; did you mean `orders.count`?"),
        ("from = ['account.plam']", "from[0]", "; did you mean `account.plan`?"),
        ("from = ['person.nickname']", "from[0]", "names `person.nickname`"),
        ("from = ['nickname', 'orders.count']", "from[1]", "is number, and the first rung is text"),
        ("from = ['nickname']\ntype = 'number'", "from[0]", "is text, and the field is number"),
        ("from = ['nickname', 'first_name', 'nickname']", "from[2]", "is never reached: `nickname` was asked before"),
        ("from = ['nickname']\ndefault = 7", "default", "is not text"),
        ("from = ['nickname']\ntype = 'name'\ndefault = ' '", "default", "is not name"),
        (
            "from = ['nickname']\ndefault = {a = 1}",
            "default",
            "is not text, a number, a bool, a time or a list of these",
        ),
        ("from = ['nickname']\nmax_age = '3 months'", "max_age", "such as 90d"),
        ("from = ['orders.count']\nmax_age = '90d'", "max_age", "is always of now"),
        ("from = ['nickname']\nrepair = true", "repair", "is for names"),
        ("from = ['orders.count']\nmax_length = 3", "max_length", "is for text and names"),
        ("from = ['nickname']\nmax_length = 0", "max_length", "is not 1 to 10000 characters"),
        ("from = ['nickname']\nmax_length = 3\ndefault = 'there'", "max_length", "is less than the default has"),
        ("from = ['nickname']\ntopics = ['Weddings']", "topics[0]", "is not 1 to 64 of a-z, 0-9, _ and -"),
        ("from = ['nickname']\ntopics = ['pets', 'pets']", "topics[1]", "is empty, or there already"),
    ] {
        let told = of_field(lines);
        assert!(told.contains(&format!("{at}.{path}: ")) && told.contains(text), "{lines} gives {told}");
    }
    assert!(of_field("").contains("views.v.fields.f: reads nothing and has no `default`"));
    assert!(of_field("form = ['nickname']").contains("unknown field `form`"));
    assert!(of_field("form = ['nickname']").ends_with("; did you mean `from`?"));
}

#[test]
fn every_mistake_in_a_view_is_found() {
    let field = "default = 1";
    let view = |lines: &str| of_view(&format!("[views.v]\n{lines}\n[views.v.fields.f]\n{field}"));
    assert_eq!(
        view("purpose = 'marketing'\nchannel = 'email'\nopt_in = true\ntopics = ['pets']\nversion = 7"),
        "sound"
    );
    for (lines, path) in [
        ("kind = 'acount'", "kind"),
        ("purpose = 'Direct Mail'", "purpose"),
        ("channel = 'e mail'", "channel"),
        ("opt_in = true", "opt_in"),
        ("version = 0", "version"),
    ] {
        assert!(view(lines).contains(&format!("views.v.{path}: ")), "{lines} gives {}", view(lines));
    }
    assert!(view("kind = 'acount'").ends_with("did you mean `account`?"));
    assert!(of_view("[views.v]").contains("views.v.fields: are none, or more than 128"));
    assert!(of_view("[views.'V@1'.fields.f]\ndefault = 1").contains("views.\"V@1\": is no name of a view"));
    let versions = |a, b| {
        let version = |n: u32| format!("[[views.v]]\nversion = {n}\n[views.v.fields.f]\n{field}\n");
        of_view(&format!("{}{}", version(a), version(b)))
    };
    assert_eq!(versions(2, 1), "sound");
    assert!(versions(2, 2).contains("views.v[1].version: is 0 or taken"));
}

/// What is said of the model with a view that has a hold `h` of these lines.
fn of_hold(lines: &str) -> String {
    of_view(&format!("[views.v.fields.f]\ndefault = 1\n[views.v.holds.h]\n{lines}"))
}

#[test]
fn sound_holds_are_let_through() {
    for lines in [
        "while = 'complaint'",
        "while = 'orders.count'\ndecision = 'skip'",
        "while = 'anything'",
        "bought = 'products'\ndecision = 'hold'",
        "bought = 'anything'",
        "bought = 'orders.last'",
        "bought = 'orders.last'\nwithin = '30d'",
        "count = 'orders.count'\nat_most = 1",
        "while = 'account.members'",
    ] {
        assert_eq!(of_hold(lines), "sound", "{lines}");
    }
    for shared in ["send", "hold", "skip"] {
        assert_eq!(of_view(&format!("[views.v]\nshared = '{shared}'\n[views.v.fields.f]\ndefault = 1")), "sound");
    }
}

#[test]
fn every_mistake_in_a_hold_is_found() {
    for (lines, path, text) in [
        ("", "h", "names nothing: add `while`, `bought` or `count`"),
        ("decision = 'skip'", "h", "names nothing"),
        ("while = 'complaint'\nbought = 'products'", "h", "has several of"),
        ("while = 'complant'", "h.while", "; did you mean `complaint`?"),
        ("while = 'nickname'", "h.while", "is text, and this reads bool or number"),
        ("bought = 'orders.count'", "h.bought", "is number, and this reads list"),
        ("bought = 'product'", "h.bought", "; did you mean `products`?"),
        (
            "bought = 'orders.products'\nwithin = '30d'",
            "h.within",
            "needs the times of events, and `orders.products` has",
        ),
        ("bought = 'products'\nwithin = '30d'", "h.within", "name a `last_events`"),
        ("bought = 'anything'\nwithin = '30d'", "h.within", "and `anything` has none"),
        ("bought = 'orders.count'\nwithin = '30d'", "h.bought", "is number, and this reads list"),
        ("bought = 'orders.last'\nwithin = '0d'", "h.within", "is no duration"),
        ("bought = 'orders.last'\nwithin = '1 month'", "h.within", "is no duration"),
        ("while = 'complaint'\nwithin = '30d'", "h.within", "is for `bought`; remove it"),
        ("count = 'orders.count'\nat_most = 3\nwithin = '30d'", "h.within", "is for `bought`; remove it"),
        ("count = 'complaint'\nat_most = 3", "h.count", "is bool, and this reads number"),
        ("count = 'orders.count'", "h", "counts and has no limit; add `at_most`"),
        ("count = 'orders.count'\nat_most = 0", "h.at_most", "is 0, so nothing could ever be sent"),
        ("while = 'complaint'\nat_most = 3", "h.at_most", "is for `count`; remove it"),
        ("while = 'complaint'\ndecision = 'send'", "h.decision", "write `hold` or `skip`"),
    ] {
        let told = of_hold(lines);
        assert!(told.contains(&format!("views.v.holds.{path}: ")) && told.contains(text), "{lines} gives {told}");
    }
    assert!(of_hold("when = 'complaint'").contains("unknown field `when`"));
    assert!(of_hold("while = 'complaint'\ndecision = 'wait'").contains("unknown variant `wait`"));
    let field = "[views.v.fields.f]\ndefault = 1\n";
    let odd = of_view(&format!("{field}[views.v.holds.'a b']\nwhile = 'complaint'"));
    assert!(odd.contains("views.v.holds.\"a b\": is no name of a hold"), "{odd}");
    let many: String = (0..17).map(|n| format!("[views.v.holds.h{n}]\nwhile = 'complaint'\n")).collect();
    assert!(of_view(&format!("{field}{many}")).contains("views.v.holds: are more than 16"));
}

#[test]
fn every_mistake_in_attributes_is_found() {
    for (lines, told) in [
        ("[attributes.persn]\na = 'text'", "attributes.persn: is no declared kind, and not `address`"),
        ("[attributes.address]\n'*' = 'text'", "attributes.address.\"*\": is no name"),
    ] {
        assert!(of_view(lines).contains(told), "{lines} gives {}", of_view(lines));
    }
    let replaced = |from: &str, to: &str| Model::parse(&SOUND.replace(from, to)).unwrap_err().to_string();
    assert!(replaced("nickname = \"text\"", "'orders.count' = \"text\"").contains("is also a computed attribute"));
    assert!(replaced("nickname = \"text\"", "'account.x' = \"text\"").contains("the name of a kind"));
    assert!(replaced("plan = \"text\"", "members = \"number\"").contains("built in"));
    assert!(replaced("nickname = \"text\"", "nickname = \"txt\"").ends_with("did you mean `text`?"));
}

#[test]
fn fields_never_go_in_circles() {
    let told = of_view("[views.v.fields.a]\nfrom = ['b']\n[views.v.fields.b]\nfrom = ['a']\n");
    assert!(told.contains("views.v.fields.a.from[0]: names `b`, a field of this view"), "{told}");
    assert!(told.contains("views.v.fields.b.from[0]: names `a`, a field of this view"), "{told}");
}

#[test]
fn bounds_are_kept() {
    let fields = |count: usize| (0..count).map(|n| format!("[views.v.fields.f{n}]\ndefault = 1\n")).collect::<String>();
    assert_eq!(of_view(&fields(128)), "sound");
    assert!(of_view(&fields(129)).contains("more than 128"));
    let views = |count: usize| (0..count).map(|n| format!("[views.v{n}.fields.f]\ndefault = 1\n")).collect::<String>();
    assert_eq!(of_view(&views(256)), "sound");
    assert!(of_view(&views(257)).contains("more than 256 views"));
    let mistakes = (0..200).map(|n| format!("[views.v.fields.f{n}]\nfrom = ['nickmame']\n")).collect::<String>();
    assert_eq!(of_view(&mistakes).lines().count(), 20);
    let rungs = format!("from = [{}]", "'first_name', ".repeat(17));
    assert!(of_field(&rungs).contains("has more than 16 rungs"));
    let nested = |depth: usize| format!("default = {}1{}", "[".repeat(depth), "]".repeat(depth));
    assert_eq!(of_field(&nested(8)), "sound");
    assert!(of_field(&nested(9)).contains("is not text, a number"));
    assert_ne!(of_field(&nested(100_000)), "sound");
    let huge = format!("#{}", "x".repeat(10 * 1024 * 1024));
    assert!(of_view(&huge).contains("is larger than"));
}

#[test]
fn findings_say_where_they_are() {
    let source = "[kinds.person]\nidentifiers = ['user_id']\n[attributes.person]\nnickname = 'text'\n\
                  [views.v.fields.'ü f']\nfrom = ['nickname', 'nickmame']\nrequired = true\n\
                  [views.w.fields.f]\n[computed.n]\naggregate = 'sum'\nevent = 'e'\nproperty = 'p'\n";
    let error = Model::parse(source).unwrap_err();
    let places: Vec<_> = error.findings.iter().map(|finding| (finding.path.as_str(), finding.place.unwrap())).collect();
    let place = |line, column, length| Place { line, column, length };
    assert_eq!(
        places,
        [
            ("views.v.fields.\"ü f\".from[1]", place(6, 21, 10)),
            ("views.v.fields.\"ü f\".required", place(7, 12, 4)),
            ("views.w.fields.f", place(8, 17, 1)),
        ]
    );
    assert_eq!(error.to_string().lines().count(), 3);

    let first = |source: &str| {
        let finding = Model::parse(source).unwrap_err().findings.remove(0);
        (finding.path, finding.place.map(|place| (place.line, place.column, place.length)))
    };
    let undeclared = "[kinds.person]\nidentifiers = ['user_id', 'crm_id']";
    assert_eq!(first(undeclared), ("kinds.person.identifiers".to_owned(), Some((2, 15, 21))));
    let missing = "[kinds.person]\nidentifiers = ['user_id']\n[computed.'a.b']\naggregate = 'sum'\nevent = 'e'";
    assert_eq!(first(missing), ("computed.\"a.b\".property".to_owned(), Some((3, 11, 5))));
    assert_eq!(first("[kinds.person]\nidentifiers = "), (String::new(), Some((2, 15, 1))));
    assert_eq!(first("").1, None);
}
