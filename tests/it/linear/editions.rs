//! Models that change: each edition has another constant in its views, and the version that follows.

use std::sync::Arc;
use std::time::Duration;

use kith::proto::v1::ApplyModelRequest;

use super::run::Run;

/// The version of the model of edition 0.
pub const FIRST_VERSION: u64 = 1;
/// How long a model is in force, at least.
const PAUSE: Duration = Duration::from_millis(20);

/// The model of an edition.
pub fn model(edition: u64) -> String {
    format!(
        r#"
[kinds.person]
identifiers = ["user_id", "email", "device_id"]
[attributes.person]
number = "number"
never_set = "number"
[[views.card]]
version = 1
[views.card.fields.number]
from = ["number"]
[views.card.fields.quiet]
from = ["number"]
topics = ["weddings"]
[views.card.fields.edition]
from = ["never_set"]
default = {edition}
[[views.mail]]
version = 1
purpose = "offers"
[views.mail.fields.number]
from = ["number"]
[views.mail.fields.edition]
from = ["never_set"]
default = {edition}
"#
    )
}

/// The models that were in force.
#[derive(Default)]
pub struct Editions {
    sent: u64,
    known: u64,
}

impl Editions {
    /// The edition that a lookup which begins now must not be behind of.
    pub fn known(&self) -> u64 {
        self.known
    }

    fn send(&mut self) -> u64 {
        self.sent += 1;
        self.sent
    }

    fn done(&mut self, edition: u64) {
        self.known = self.known.max(edition);
    }

    /// Judges the editions that one lookup answered by, in one view; `known` is of when it began.
    pub fn judge(&mut self, known: u64, editions: &[u64]) -> Result<(), String> {
        let Some(edition) = editions.first() else { return Ok(()) };
        if editions.iter().any(|other| other != edition) || !(known..=self.sent).contains(edition) {
            return Err(format!("answered by the models {editions:?}, known was {known} of {}", self.sent));
        }
        self.done(*edition);
        Ok(())
    }
}

/// Publishes one edition after the other.
pub async fn publish(run: Arc<Run>) {
    while run.goes_on() {
        tokio::time::sleep(PAUSE).await;
        let edition = run.editions.lock().unwrap().send();
        let request = ApplyModelRequest { source: model(edition) };
        match run.client(0).model().apply_model(request).await {
            Ok(response) if response.get_ref().version == edition + FIRST_VERSION => {
                run.editions.lock().unwrap().done(edition);
                run.given("", response.into_inner().token);
                run.count("models", 1);
            }
            other => run.fail(format!("edition {edition} was answered {other:?}")),
        }
    }
}
