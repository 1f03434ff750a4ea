//! A shop that sells outdoor gear and writes a newsletter.

use serde_json::json;

use super::{Facts, pick};

const NAMES: [&str; 12] =
    ["Ines", "OLIVER", "mcdonald", "N/A", "Zoë", "王", "null", "van der Berg", "D'Angelo", "Null", "test", "Aoife"];
const ITEMS: [&str; 6] = ["boots", "tent", "stove", "rope", "lamp", "jacket"];
const ZONES: [&str; 3] = ["Europe/Berlin", "America/New_York", "Asia/Tokyo"];

pub fn facts() -> Facts {
    let mut facts = Facts::default();
    (1..=40).for_each(|number| shopper(&mut facts, number));
    joe(&mut facts);
    ann(&mut facts);
    max(&mut facts);
    couple(&mut facts);
    facts
}

/// One of many, who looks at things and buys some.
fn shopper(facts: &mut Facts, number: i64) {
    let (user, email) = (format!("user_id:s{number:02}"), format!("email:s{number:02}@example.com"));
    let keys = [user.as_str(), email.as_str()];
    let (name, zone, country) = (pick(&NAMES, number), pick(&ZONES, number), pick(&["DE", "US", "JP"], number));
    facts.identify(&keys, (number, 9), json!({"first_name": name, "time_zone": zone, "country": country}));
    facts.consent(&keys, (number, 10), "marketing", number % 9 != 0, None);
    for order in 0..number % 4 {
        let item = pick(&ITEMS, number + order);
        facts.track(&keys[..1], (40 + 11 * order + number, 12 + order), "Product Viewed", json!({"product": item}));
        let total = 20 + (number * 17 + order * 31) % 180;
        let bought = json!({"product": item, "total": total});
        facts.track(&keys[..1], (41 + 11 * order + number, 12 + order), "Order Completed", bought);
    }
    for opened in 0..3 + number % 3 {
        let hour = (number * 5 + opened / 2) % 24;
        facts.track(&keys[1..], (50 + 7 * opened, hour), "Email Opened", json!({"channel": "email"}));
    }
}

/// Joe reads at three addresses: at work in the morning, at home in the evening; at his club he has unsubscribed.
fn joe(facts: &mut Facts) {
    let addresses = [("email:joe@work.example", 8), ("email:joe@home.example", 19), ("email:joe@club.example", 11)];
    for (day, (address, _)) in (10..).zip(addresses) {
        let traits = json!({"first_name": "Joe", "time_zone": "Europe/Berlin"});
        facts.identify(&["user_id:joe", address], (day, 8), traits);
    }
    facts.consent(&["user_id:joe"], (31, 8), "marketing", true, None);
    for (address, hour) in addresses {
        for week in 0..5 {
            facts.track(&[address], (60 + 7 * week, hour), "Email Opened", json!({"channel": "email"}));
        }
    }
    let club = ["user_id:joe", "email:joe@club.example"];
    facts.consent(&club, (100, 11), "marketing", false, Some("email:joe@club.example"));
}

/// Ann's wedding was cancelled two years before.
fn ann(facts: &mut Facts) {
    let keys = ["user_id:ann", "email:ann@example.com"];
    facts.identify(&keys, (-700, 9), json!({"first_name": "ann", "time_zone": "Europe/Berlin"}));
    facts.consent(&keys, (-700, 9), "marketing", true, None);
    facts.track(&keys, (-640, 20), "Product Viewed", json!({"product": "wedding tent"}));
    facts.hush(&keys[..1], (-600, 9), "weddings", "it was cancelled");
}

/// Max has bought, and has complained.
fn max(facts: &mut Facts) {
    let keys = ["user_id:max", "email:max@example.com"];
    facts.identify(&keys, (5, 9), json!({"first_name": "Max", "time_zone": "America/New_York"}));
    facts.consent(&keys, (5, 9), "marketing", true, None);
    facts.track(&keys, (200, 15), "Order Completed", json!({"product": "stove", "total": 89}));
    facts.track(&keys, (210, 16), "Complaint Opened", json!({"product": "stove"}));
}

/// Bob and Sue log in on one tablet.
fn couple(facts: &mut Facts) {
    for (user, name, day) in [("user_id:bob", "Bob", 50), ("user_id:sue", "Sue", 51)] {
        facts.identify(&[user, "device_id:tablet"], (day, 20), json!({"first_name": name, "country": "DE"}));
        facts.consent(&[user], (day, 21), "marketing", true, None);
    }
    facts.hush(&["user_id:sue"], (60, 9), "pets", "the dog died");
}
