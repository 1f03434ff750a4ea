//! Answers in print: a grid where several customers were asked for the same fields, else one table each.

use comfy_table::Table;

use crate::cli::exit::Failure;
use crate::cli::output;
use crate::client::json;
use crate::proto::v1::{
    Answer, FieldInfo, FieldState, HushedTopic, LookupResponse, SendDecision, SendReason, SendReasonCode,
};

/// What is shown of the fields of a view.
const VIEW_COLUMNS: [&str; 7] = ["field", "state", "value", "rung", "because", "as of", "scope"];

/// The field that stands for all.
const EVERYTHING: &str = "*";

/// Prints the answers in their order.
pub(super) fn answers(responses: &[LookupResponse], fields: &[String], as_json: bool) -> Result<(), Failure> {
    if as_json {
        for response in responses {
            output::print_json(&json::message("LookupResponse", response)?)?;
        }
        return Ok(());
    }
    let answers: Vec<&Answer> = responses.iter().filter_map(|response| response.answer.as_ref()).collect();
    let by_view = answers.iter().find(|answer| answer.view_version > 0);
    let fields: Vec<String> = by_view.map_or_else(|| fields.to_vec(), |answer| answer.states.keys().cloned().collect());
    let same_fields = !fields.is_empty() && fields.iter().all(|field| field != EVERYTHING);
    if answers.len() > 1 && same_fields {
        return output::print_table(&grid(&answers, &fields));
    }
    for (number, answer) in answers.into_iter().enumerate() {
        let gap = if number == 0 { "" } else { "\n" };
        output::print(&format!("{gap}{}", single(answer)))?;
    }
    Ok(())
}

/// Tells a part of an answer; empty where it has none.
type Tell = fn(&Answer) -> String;

/// What stands beside the fields of an answer, by name.
const BESIDE: [(&str, Tell); 3] = [("hushed", hushed), ("consent", consents), ("send", send)];

/// One row a customer, one column a field, and one for what stands beside them where anybody has any of it.
fn grid(answers: &[&Answer], fields: &[String]) -> Table {
    let beside: Vec<_> =
        BESIDE.iter().filter(|(_, tell)| answers.iter().any(|answer| !tell(answer).is_empty())).collect();
    let columns = ["key", "resolution"].into_iter().chain(fields.iter().map(String::as_str));
    let mut table = output::table(columns.chain(beside.iter().map(|(name, _)| *name)));
    for answer in answers {
        let values = fields.iter().map(|field| value(answer, field));
        let values = values.chain(beside.iter().map(|(_, tell)| output::plain(&tell(answer))));
        let row: Vec<String> = [output::plain(&answer.key), resolution(answer)].into_iter().chain(values).collect();
        table.add_row(row);
    }
    table
}

/// One customer: who it is, then a row a field.
fn single(answer: &Answer) -> String {
    let profile = (!answer.profile_id.is_empty()).then(|| ("profile_id", answer.profile_id.clone()));
    let head = [("key", answer.key.clone()), ("resolution", resolution(answer))];
    let beside = BESIDE.iter().map(|(name, tell)| (*name, tell(answer))).filter(|(_, told)| !told.is_empty());
    let is_view = answer.view_version > 0;
    let cached = answer.cache_until.as_ref().map(|until| ("cache_until", json::time(until)));
    let view = is_view
        .then(|| [("view_version", answer.view_version.to_string()), ("renderable", answer.renderable.to_string())]);
    let pinned = answer.pinned_at.as_ref().map(|at| ("pinned_at", json::time(at)));
    let view = view.into_iter().flatten().chain(cached).chain(pinned);
    let head = output::pairs(head.into_iter().chain(profile).chain(beside).chain(view));
    format!("{head}{}", fields(answer))
}

/// A row for each field of an answer; nothing if it has none.
pub fn fields(answer: &Answer) -> String {
    if answer.states.is_empty() {
        return String::new();
    }
    let is_view = answer.view_version > 0;
    let columns: &[&str] = if is_view { &VIEW_COLUMNS } else { &["field", "state", "value"] };
    let mut table = output::table(columns.iter().copied());
    for (field, state) in &answer.states {
        let row = [output::plain(field), state_name(*state), value(answer, field)];
        table.add_row(row.into_iter().chain(answer.info.get(field).into_iter().flat_map(info)));
    }
    format!("{}\n", table.trim_fmt())
}

/// Where the value of a field of a view comes from.
fn info(info: &FieldInfo) -> [String; 4] {
    let FieldInfo { rung, because, as_of, scope, html: _ } = info;
    let because = if *because == 0 { String::new() } else { state_name(*because) };
    let rung = rung.map(|rung| rung.to_string()).unwrap_or_default();
    [rung, because, as_of.as_ref().map(json::time).unwrap_or_default(), output::plain(scope)]
}

fn state_name(state: i32) -> String {
    let state = FieldState::try_from(state).unwrap_or_default();
    output::enum_name(state.as_str_name(), "FIELD_STATE_").to_owned()
}

/// Whether the customer is known, or why it could not be looked up.
fn resolution(answer: &Answer) -> String {
    match &answer.error {
        Some(error) => output::plain(&format!("rejected: {}", error.message)),
        None => output::enum_name(answer.resolution().as_str_name(), "RESOLUTION_").to_owned(),
    }
}

/// The hushed topics: `weddings, babies in email until 2027-01-01T00:00:00Z`.
fn hushed(answer: &Answer) -> String {
    let each = answer.hushed.iter().map(|HushedTopic { topic, channel, until }| {
        let until = until.as_ref().map(|until| format!(" until {}", json::time(until))).unwrap_or_default();
        format!("{topic}{}{until}", in_channel(channel))
    });
    each.collect::<Vec<_>>().join(", ")
}

/// What is allowed: `marketing GRANTED, marketing in email DENIED`.
fn consents(answer: &Answer) -> String {
    let each = answer.consents.iter().map(|consent| {
        let state = output::enum_name(consent.state().as_str_name(), "CONSENT_STATE_");
        format!("{}{} {state}", consent.purpose, in_channel(&consent.channel))
    });
    each.collect::<Vec<_>>().join(", ")
}

/// Whether to send, and every reason why not: `SKIP: bought since (has_it); hushed topic weddings`.
fn send(answer: &Answer) -> String {
    let decision = match answer.send_decision() {
        SendDecision::Unspecified => return String::new(),
        decision => output::enum_name(decision.as_str_name(), "SEND_DECISION_"),
    };
    let reasons: Vec<String> = answer.send_reasons.iter().map(send_reason).collect();
    if reasons.is_empty() { decision.to_owned() } else { format!("{decision}: {}", reasons.join("; ")) }
}

fn send_reason(reason: &SendReason) -> String {
    let SendReason { code: _, decision: _, hold, topic } = reason;
    let words = match reason.code() {
        SendReasonCode::Unspecified => "unknown",
        SendReasonCode::Erased => "erased",
        SendReasonCode::NoConsent => "no consent",
        SendReasonCode::UnsubscribedAddress => "unsubscribed address",
        SendReasonCode::HushedTopic => return format!("hushed topic {topic}"),
        SendReasonCode::SharedKey => "shared key",
        SendReasonCode::Bought => "bought since",
        SendReasonCode::FrequencyCap => "frequency cap",
        SendReasonCode::Held => "held",
        SendReasonCode::NotRenderable => "not renderable",
    };
    if hold.is_empty() { words.to_owned() } else { format!("{words} ({hold})") }
}

fn in_channel(channel: &str) -> String {
    if channel.is_empty() { String::new() } else { format!(" in {channel}") }
}

fn value(answer: &Answer, field: &str) -> String {
    answer.values.get(field).map(|value| output::cell(&json::value(value))).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::v1::{ConsentState, ItemError, PurposeConsent, Resolution};

    fn found() -> Answer {
        Answer {
            key: "user_id:1".into(),
            resolution: Resolution::Found.into(),
            profile_id: "0190".into(),
            values: [("n".to_owned(), true.into())].into(),
            states: [("n".to_owned(), FieldState::Present.into()), ("m".to_owned(), FieldState::NotSet.into())].into(),
            hushed: vec![HushedTopic { topic: "babies".into(), channel: "push".into(), until: None }],
            consents: vec![PurposeConsent {
                purpose: "ads".into(),
                channel: String::new(),
                state: ConsentState::Denied.into(),
            }],
            ..Default::default()
        }
    }

    #[test]
    fn one_customer_shows_every_field_with_its_state() {
        let text = single(&found());
        for part in ["user_id:1", "FOUND", "0190", "babies in push", "ads DENIED", "PRESENT", "true", "NOT_SET"] {
            assert!(text.contains(part), "{part} in {text}");
        }
    }

    #[test]
    fn a_field_of_a_view_shows_where_its_value_comes_from() {
        let info = FieldInfo {
            rung: Some(1),
            because: FieldState::Rejected.into(),
            scope: "person".into(),
            ..Default::default()
        };
        let info = [("n".to_owned(), info)].into();
        let text = single(&Answer { info, view_version: 2, renderable: true, ..found() });
        for part in ["view_version  2", "renderable    true", "because", "REJECTED", "person"] {
            assert!(text.contains(part), "{part} in {text}");
        }
    }

    #[test]
    fn many_customers_are_rows_and_a_bad_key_says_why() {
        let error = Some(ItemError { message: "a key is `type:value`".into(), ..Default::default() });
        let bad = Answer { key: "nonsense".into(), error, ..Default::default() };
        let text = grid(&[&found(), &bad], &["n".into()]).trim_fmt();
        assert!(text.contains("rejected: a key is `type:value`"), "{text}");
        for part in ["true", "babies in push", "ads DENIED"] {
            assert!(text.contains(part), "{part} in {text}");
        }
    }
}
