//! `kith served`.

use super::app::App;
use super::exit::{Failure, Outcome};
use super::{lookup, output};
use crate::client::{self, json};
use crate::proto::v1::{Answer, GetServedRequest, ServedAnswer};

/// Show what was served: the answer that was kept for a send and a key.
///
/// It is kept for 90 days, and for the first 24 hours the same send answers so again. Exits with 4 if nothing is kept.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The id of the send, as the lookup gave it
    #[arg(value_name = "SEND_ID")]
    send_id: String,
    /// The key that led to the answer: an identifier, such as email:joe@example.com, or profile_id:UUID
    #[arg(value_name = "KEY")]
    key: String,
}

/// Asks and prints.
pub async fn run(Args { send_id, key }: Args, app: &App) -> Result<Outcome, Failure> {
    let client = app.connect().await?;
    let request = GetServedRequest { send_id, key };
    let response = client.lookup().get_served(request).await.map_err(client::Error::from)?.into_inner();
    let Some(served) = response.served else { return Ok(Outcome::NothingFound) };
    match app.json {
        true => output::print_json(&json::message("ServedAnswer", &served)?)?,
        false => output::print(&text(served))?,
    }
    Ok(Outcome::Done)
}

fn text(served: ServedAnswer) -> String {
    let ServedAnswer { served_at, pinned_until, view, view_version, model_version, renderable, values, states, info } =
        served;
    let [served_at, pinned_until] = [served_at, pinned_until].map(|at| at.as_ref().map(json::time).unwrap_or_default());
    let head = [
        ("view", format!("{view}@{view_version}")),
        ("model_version", model_version.to_string()),
        ("served_at", served_at),
        ("pinned_until", pinned_until),
        ("renderable", renderable.to_string()),
    ];
    let answer = Answer { values, states, info, view_version, ..Default::default() };
    format!("{}{}", output::pairs(head), lookup::fields(&answer))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::v1::{FieldInfo, FieldState};

    #[test]
    fn what_was_served_is_shown_as_a_lookup_shows_it() {
        let info = FieldInfo { rung: Some(1), because: FieldState::Rejected.into(), ..Default::default() };
        let served = ServedAnswer {
            served_at: Some(Default::default()),
            view: "newsletter".into(),
            view_version: 2,
            renderable: true,
            values: [("n".to_owned(), true.into())].into(),
            states: [("n".to_owned(), FieldState::Defaulted.into())].into(),
            info: [("n".to_owned(), info)].into(),
            ..Default::default()
        };
        let text = text(served);
        for part in ["newsletter@2", "1970-01-01T00:00:00Z", "renderable     true", "DEFAULTED", "REJECTED"] {
            assert!(text.contains(part), "{part} in {text}");
        }
    }
}
