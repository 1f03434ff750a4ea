//! `kith lookup`.

mod show;

use std::io::Read as _;
use std::path::PathBuf;

use anyhow::Context as _;

pub(super) use show::fields;

use super::app::App;
use super::exit::{Failure, Outcome};
use crate::client::{self, Client};
use crate::proto::v1::{Answer, BatchLookupRequest, LookupRequest, LookupResponse, Resolution};

/// Most keys that one BatchLookup takes.
const MAX_BATCH: usize = 1_000;

/// Look customers up.
///
/// Each KEY is a customer of its own; with --same all keys are of one customer and the strongest that is known wins.
/// Exits with 4 if none of them is known, and with 3 if a key is malformed.
///
/// With --json: one line for each customer, {"answer": {…}, "token": "…"}.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Identifiers, such as email:joe@example.com, or profile_id:UUID.
    #[arg(value_name = "KEY", required_unless_present = "batch")]
    keys: Vec<String>,
    /// The fields wanted, separated by commas: attributes, computed attributes, address.NAME [default: everything]
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    fields: Vec<String>,
    /// A view of the model instead of fields: NAME for its newest version, or NAME@VERSION
    #[arg(long, value_name = "NAME", default_value = "", hide_default_value = true, conflicts_with = "fields")]
    view: String,
    /// With a view: texts as they stand in HTML as well
    #[arg(long, requires = "view")]
    html: bool,
    /// With a view: the sender's name for one send, which then says the same for 24 hours
    #[arg(long, value_name = "ID", requires = "view", default_value = "", hide_default_value = true)]
    send_id: String,
    /// All keys are of one customer
    #[arg(long, conflicts_with = "batch")]
    same: bool,
    /// Read further keys from a file, one a line; `-` is stdin
    #[arg(long, value_name = "FILE")]
    batch: Option<PathBuf>,
    /// What "the customer" means: a kind of the model [default: person]
    #[arg(long, default_value = "", hide_default_value = true)]
    kind: String,
    /// Ask whether this purpose is allowed
    #[arg(long, default_value = "", hide_default_value = true)]
    purpose: String,
    /// The channel in which it is to be allowed [default: whichever]
    #[arg(long, requires = "purpose", default_value = "", hide_default_value = true)]
    channel: String,
    /// With a view: a product, or another thing, that the message is about; may be given several times
    #[arg(long, value_name = "THING", requires = "view")]
    about: Vec<String>,
    /// A token that a write answered: the answer reflects at least that write
    #[arg(long, default_value = "", hide_default_value = true)]
    token: String,
}

/// Asks, prints, and says whether anybody was found.
pub async fn run(mut args: Args, app: &App) -> Result<Outcome, Failure> {
    if let Some(path) = args.batch.take() {
        args.keys.extend(read_keys(&path)?);
    }
    let client = app.connect().await?;
    let several = args.keys.len() > 1 && !args.same;
    if !several {
        let response = ask_one(&client, &args).await?;
        show::answers(std::slice::from_ref(&response), &args.fields, app.json)?;
        return Ok(outcome(std::slice::from_ref(&response)));
    }
    let mut all = Vec::with_capacity(args.keys.len());
    for keys in args.keys.chunks(MAX_BATCH) {
        all.extend(ask_many(&client, &args, keys).await?);
    }
    show::answers(&all, &args.fields, app.json)?;
    Ok(outcome(&all))
}

/// A rejected key outweighs everything; one customer found outweighs those that were not.
fn outcome(responses: &[LookupResponse]) -> Outcome {
    let mut answers = responses.iter().filter_map(|response| response.answer.as_ref());
    if answers.clone().any(|answer| answer.error.is_some()) {
        return Outcome::Rejected;
    }
    match answers.any(|answer| answer.resolution() == Resolution::Found) {
        true => Outcome::Done,
        false => Outcome::NothingFound,
    }
}

async fn ask_one(client: &Client, args: &Args) -> Result<LookupResponse, Failure> {
    let request = LookupRequest {
        keys: args.keys.clone(),
        fields: args.fields.clone(),
        kind: args.kind.clone(),
        token: args.token.clone(),
        view: args.view.clone(),
        html: args.html,
        purpose: args.purpose.clone(),
        channel: args.channel.clone(),
        about: args.about.clone(),
        not_before: None,
        send_id: args.send_id.clone(),
    };
    let response = client.lookup().lookup(request).await.map_err(client::Error::from)?;
    Ok(response.into_inner())
}

/// One batch, each answer as if it had been asked for alone.
async fn ask_many(client: &Client, args: &Args, keys: &[String]) -> Result<Vec<LookupResponse>, Failure> {
    let request = BatchLookupRequest {
        keys: keys.to_vec(),
        fields: args.fields.clone(),
        kind: args.kind.clone(),
        token: args.token.clone(),
        view: args.view.clone(),
        html: args.html,
        purpose: args.purpose.clone(),
        channel: args.channel.clone(),
        about: args.about.clone(),
        not_before: None,
        send_id: args.send_id.clone(),
    };
    let response = client.lookup().batch_lookup(request).await.map_err(client::Error::from)?.into_inner();
    let alone = |answer: Answer| LookupResponse { answer: Some(answer), token: response.token.clone() };
    Ok(response.answers.into_iter().map(alone).collect())
}

/// The lines of a file that are not blank.
fn read_keys(path: &std::path::Path) -> Result<Vec<String>, Failure> {
    let mut text = String::new();
    let read = match path.as_os_str() == "-" {
        true => std::io::stdin().read_to_string(&mut text),
        false => std::fs::File::open(path).and_then(|mut file| file.read_to_string(&mut text)),
    };
    read.with_context(|| format!("cannot read the keys in {}", path.display()))?;
    let keys: Vec<_> = text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect();
    match keys.is_empty() {
        true => Err(Failure::Usage(format!("no keys in {}", path.display()))),
        false => Ok(keys),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::v1::ItemError;

    fn response(resolution: Resolution, error: Option<ItemError>) -> LookupResponse {
        let answer = Answer { resolution: resolution.into(), error, ..Default::default() };
        LookupResponse { answer: Some(answer), token: String::new() }
    }

    #[test]
    fn the_outcome_is_the_weightiest_of_all_answers() {
        let found = || response(Resolution::Found, None);
        let unknown = || response(Resolution::NotFound, None);
        let malformed = || response(Resolution::Unspecified, Some(ItemError::default()));
        assert_eq!(outcome(&[found(), unknown()]), Outcome::Done);
        assert_eq!(outcome(&[unknown(), unknown()]), Outcome::NothingFound);
        assert_eq!(outcome(&[found(), malformed()]), Outcome::Rejected);
    }
}
