//! `kith profile`.

use super::app::App;
use super::consents::verdict;
use super::exit::{Failure, Outcome};
use super::output;
use crate::client::{self, json};
use crate::proto::v1::{GetProfileRequest, Profile, Provenance};

/// Show everything that is stored of one customer.
///
/// Identifiers, strongest first; attributes with their origin; computed attributes; hushed topics and consents
/// with their origin; merges; groups, and how many members a group has. Exits with 4 if no profile owns the key.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// An identifier, such as email:joe@example.com, or profile_id:UUID
    #[arg(value_name = "KEY")]
    key: String,
    /// A kind of the model [default: person]
    #[arg(long, default_value = "", hide_default_value = true)]
    kind: String,
    /// A token that a write answered: the profile reflects at least that write
    #[arg(long, default_value = "", hide_default_value = true)]
    token: String,
}

/// Asks and prints.
pub async fn run(Args { key, kind, token }: Args, app: &App) -> Result<Outcome, Failure> {
    let request = GetProfileRequest { key, kind, token };
    let client = app.connect().await?;
    let response = client.profile().get_profile(request).await.map_err(client::Error::from)?.into_inner();
    if app.json {
        output::print_json(&json::message("GetProfileResponse", &response)?)?;
        return Ok(Outcome::Done);
    }
    let Some(profile) = &response.profile else {
        return Ok(Outcome::NothingFound);
    };
    output::print(&text(profile))?;
    Ok(Outcome::Done)
}

fn text(profile: &Profile) -> String {
    let created = profile.created_at.as_ref().map(json::time).unwrap_or_default();
    let head = [("profile_id", profile.profile_id.clone()), ("kind", profile.kind.clone()), ("created_at", created)];
    let members = profile.members.map(|members| ("members", members.to_string()));
    let seats_used = profile.seats_used.map(|seats_used| ("seats_used", seats_used.to_string()));
    let mut text = output::pairs(head.into_iter().chain(members).chain(seats_used));
    let mut section = |columns: &[&str], rows: Vec<Vec<String>>| {
        if !rows.is_empty() {
            let mut table = output::table(columns.iter().copied());
            table.add_rows(rows);
            text.push_str(&format!("\n{}\n", table.trim_fmt()));
        }
    };
    section(&["identifier", ""], identifiers(profile));
    section(&["attribute", "value", "time", "source", "identifier"], attributes(profile));
    section(&["computed", "value"], computed(profile));
    section(&["hushed", "channel", "until", "time", "source", "identifier"], hushes(profile));
    section(&["purpose", "channel", "address", "", "said", "time", "source", "identifier"], consents(profile));
    section(&["merged away", "into", "by fact", "time"], merges(profile));
    section(&["group", "role", "since"], groups(profile));
    text
}

fn identifiers(profile: &Profile) -> Vec<Vec<String>> {
    let note = |aliased: bool| if aliased { "alias" } else { "" };
    let rows = profile.identifiers.iter();
    rows.map(|identifier| vec![output::plain(&identifier.key), note(identifier.aliased).into()]).collect()
}

fn attributes(profile: &Profile) -> Vec<Vec<String>> {
    let rows = profile.attributes.iter().map(|(name, attribute)| {
        let value = attribute.value.as_ref().map(|value| output::cell(&json::value(value))).unwrap_or_default();
        [output::plain(name), value].into_iter().chain(origin(attribute.provenance.as_ref())).collect()
    });
    rows.collect()
}

/// When it was said, by which system, of which identifier.
pub(super) fn origin(provenance: Option<&Provenance>) -> [String; 3] {
    let none = Provenance::default();
    let Provenance { time, message_id: _, source, key } = provenance.unwrap_or(&none);
    [time.as_ref().map(json::time).unwrap_or_default(), output::plain(source), output::plain(key)]
}

fn hushes(profile: &Profile) -> Vec<Vec<String>> {
    let rows = profile.hushes.iter().map(|hush| {
        let until = hush.until.as_ref().map(json::time).unwrap_or_default();
        let said = [output::plain(&hush.topic), output::plain(&hush.channel), until];
        said.into_iter().chain(origin(hush.provenance.as_ref())).collect()
    });
    rows.collect()
}

fn computed(profile: &Profile) -> Vec<Vec<String>> {
    let rows = profile.computed.iter();
    rows.map(|(name, value)| vec![output::plain(name), output::cell(&json::value(value))]).collect()
}

/// A row for each decision; those of one purpose begin with what they come to.
fn consents(profile: &Profile) -> Vec<Vec<String>> {
    let rows = profile.consents.iter().flat_map(|consent| {
        let state = output::enum_name(consent.state().as_str_name(), "CONSENT_STATE_");
        let head = [&consent.purpose, &consent.channel, &consent.address].map(|text| output::plain(text));
        consent.decisions.iter().map(move |decision| {
            let said = [state.to_owned(), verdict(decision.granted).to_owned()];
            head.iter().cloned().chain(said).chain(origin(decision.provenance.as_ref())).collect()
        })
    });
    rows.collect()
}

fn merges(profile: &Profile) -> Vec<Vec<String>> {
    let rows = profile.merges.iter().map(|merge| {
        let time = merge.time.as_ref().map(json::time).unwrap_or_default();
        let ids = [&merge.absorbed_profile_id, &merge.survivor_profile_id, &merge.message_id];
        ids.into_iter().map(|id| output::plain(id)).chain([time]).collect()
    });
    rows.collect()
}

fn groups(profile: &Profile) -> Vec<Vec<String>> {
    let rows = profile.groups.iter().map(|group| {
        let since = group.since.as_ref().map(json::time).unwrap_or_default();
        vec![output::plain(&group.key), output::plain(&group.role), since]
    });
    rows.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::v1::{
        Attribute, ConsentDecision, ConsentState, ProfileConsent, ProfileGroup, ProfileHush, ProfileIdentifier,
    };

    #[test]
    fn sections_without_rows_are_left_out() {
        let profile = Profile {
            profile_id: "0190".into(),
            kind: "person".into(),
            identifiers: vec![ProfileIdentifier { key: "user_id:1".into(), aliased: true }],
            attributes: [("name".to_owned(), Attribute { value: Some("Joe".to_owned().into()), provenance: None })]
                .into(),
            groups: vec![ProfileGroup { key: "account_id:acme".into(), role: "admin".into(), since: None }],
            consents: vec![ProfileConsent {
                purpose: "marketing".into(),
                state: ConsentState::Denied.into(),
                decisions: vec![ConsentDecision { granted: false, provenance: None }],
                ..Default::default()
            }],
            hushes: vec![ProfileHush { topic: "weddings".into(), channel: "push".into(), ..Default::default() }],
            ..Default::default()
        };
        let text = text(&profile);
        let shown = [
            "0190",
            "person",
            "user_id:1",
            "alias",
            "name",
            "Joe",
            "account_id:acme",
            "admin",
            "weddings",
            "push",
            "marketing",
            "DENIED",
        ];
        for part in shown {
            assert!(text.contains(part), "{part} in {text}");
        }
        assert!(!text.contains("computed") && !text.contains("merged") && !text.contains("members"), "{text}");
    }
}
