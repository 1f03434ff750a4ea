//! A travel agency: trips that are dreamt of, booked, and sometimes fall through.

use serde_json::json;

use super::{Facts, pick};

const PLACES: [&str; 6] = ["Lisbon", "Oslo", "Kyoto", "Crete", "Malta", "Porto"];

pub fn facts() -> Facts {
    let mut facts = Facts::default();
    (1..=45).for_each(|number| traveller(&mut facts, number));
    kim(&mut facts);
    lee(&mut facts);
    facts
}

/// One of many, who searches, and sometimes books.
fn traveller(facts: &mut Facts, number: i64) {
    let (user, phone) = (format!("user_id:t{number:02}"), format!("phone:+49170555{number:04}"));
    let keys = [user.as_str(), phone.as_str()];
    let name = pick(&["Jo", "IDA", "o'neill", "-", "Søren", "Ng"], number);
    let tier = pick(&["blue", "blue", "silver", "gold"], number);
    facts.identify(&keys, (number, 9), json!({"first_name": name, "tier": tier}));
    for search in 0..2 + number % 4 {
        let place = pick(&PLACES, number + search / 2);
        facts.track(&keys[..1], (60 + search * 3, 18), "Trip Searched", json!({"to": place}));
    }
    for trip in 0..number % 3 {
        let (to, price) = (pick(&PLACES, number * 2 + trip), 300 + (number * 37 + trip * 11) % 900);
        let booked = json!({"to": to, "price": price, "nights": 3 + trip});
        facts.track(&keys[..1], (80 + trip * 40, 20), "Trip Booked", booked);
        let answered = json!({"channel": pick(&["sms", "phone"], number)});
        facts.track(&keys[1..], (79 + trip * 40, 19), "Message Answered", answered);
    }
}

/// Kim lost somebody in Lisbon. Why nobody is to speak of the place is nobody's business.
fn kim(facts: &mut Facts) {
    let keys = ["user_id:kim", "email:kim@example.com"];
    facts.identify(&keys, (10, 9), json!({"first_name": "Kim", "tier": "gold"}));
    facts.track(&keys, (20, 20), "Trip Booked", json!({"to": "Lisbon", "price": 780, "nights": 4}));
    facts.hush(&keys[..1], (70, 9), "lisbon", "a death in the family");
}

/// Lee's flight was cancelled: nothing is to be sold to them until that is settled.
fn lee(facts: &mut Facts) {
    let keys = ["user_id:lee", "email:lee@example.com"];
    facts.identify(&keys, (12, 9), json!({"first_name": "lee", "tier": "silver"}));
    facts.track(&keys, (90, 20), "Trip Booked", json!({"to": "Oslo", "price": 410, "nights": 2}));
    facts.track(&keys, (140, 6), "Trip Disrupted", json!({"to": "Oslo"}));
}
