//! A company that sells software to companies, by people who call them.

use serde_json::{Value as Json, json};

use super::{Facts, pick};

const COMPANIES: [(&str, &str, &str); 6] = [
    ("acme", "Acme", "north"),
    ("globex", "Globex", "south"),
    ("initech", "Initech", "north"),
    ("umbra", "Umbra & Sons", "west"),
    ("hooli", "Hooli", "south"),
    ("vandelay", "Vandelay Imports", "west"),
];

pub fn facts() -> Facts {
    let mut facts = Facts::default();
    for (number, (id, name, territory)) in (1..).zip(COMPANIES) {
        let plan = pick(&["free", "team"], number);
        let traits = json!({"name": name, "territory": territory, "seats": 5 * number, "plan": plan});
        company(&mut facts, number, id, &traits);
    }
    consultant(&mut facts);
    pain(&mut facts);
    facts
}

/// An account whose people use what it has bought.
fn company(facts: &mut Facts, number: i64, id: &str, traits: &Json) {
    for seat in 1..=2 + number {
        let (user, email) = (format!("user_id:{id}.{seat}"), format!("email:{seat}@{id}.example"));
        let keys = [user.as_str(), email.as_str()];
        let name = pick(&["Mia", "Noah", "Lina", "Ben", "Ada", "Karl"], number + seat);
        facts.identify(&keys, (seat, 9), json!({"first_name": name, "time_zone": "Europe/Berlin"}));
        let (role, traits) = if seat == 1 { ("buyer", traits.clone()) } else { ("user", json!({})) };
        let joins = json!({"type": "group", "groupId": id, "role": role, "traits": traits});
        facts.add(&keys[..1], (seat, 10), joins);
        for day in 0..number + seat {
            let used = json!({"feature": pick(&["reports", "exports", "alerts"], day + seat), "minutes": 5 + day});
            facts.track(&keys[..1], (20 + 3 * day + seat, 9 + day % 8), "Feature Used", used);
        }
    }
}

/// Rita works for two of them, and neither is to learn of the other. That she is spoken to as two is said in the tour.
fn consultant(facts: &mut Facts) {
    for (email, id, day) in [("email:rita@acme.example", "acme", 60), ("email:rita@globex.example", "globex", 61)] {
        facts.identify(&[email], (day, 9), json!({"first_name": "Rita"}));
        facts.add(&[email], (day, 10), json!({"type": "group", "groupId": id, "role": "consultant"}));
        facts.track(&[email], (day + 5, 10), "Feature Used", json!({"feature": "exports", "minutes": day}));
    }
}

/// Initech has read the prices, and has trouble with what it has.
fn pain(facts: &mut Facts) {
    let buyer = ["user_id:initech.1"];
    facts.track(&buyer, (100, 10), "Page Read", json!({"about": "security"}));
    facts.track(&buyer, (101, 10), "Prices Read", json!({"plan": "team"}));
    facts.track(&buyer, (102, 11), "Ticket Opened", json!({"about": "exports", "severity": 1}));
}
