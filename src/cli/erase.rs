//! `kith erase`.

use std::io::{self, BufRead as _, IsTerminal as _};

use rand::TryRngCore as _;
use rand::rngs::OsRng;
use uuid::Builder;

use super::app::App;
use super::exit::{self, Failure, Outcome};
use super::output;
use crate::client::{self, Client, json};
use crate::proto::v1::{EraseRequest, EraseResponse, ErasureReceipt};

/// What has to be typed for the erasure to go on.
const YES: &str = "yes";

/// Erase a human for good: the customer that the key leads to, with all identifiers, personas and history.
///
/// It cannot be taken back. On a terminal it first says what would go and asks; where there is none it needs --yes. Facts
/// dated before the erasure are refused for ever; later ones start a new customer, or are refused too with --suppress.
/// Interrupted, it is completed by the same command with the same --message-id.
///
/// Exits with 4 if no profile owns the key, also because it was erased before, and with 1 if several people share it or
/// if the answer was no.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// An identifier, such as email:joe@example.com, or profile_id:UUID
    #[arg(value_name = "KEY")]
    key: String,
    /// Refuse facts from after the erasure too
    #[arg(long)]
    suppress: bool,
    /// Do not ask
    #[arg(long)]
    yes: bool,
    /// Show what would go, and erase nothing
    #[arg(long, conflicts_with = "yes")]
    dry_run: bool,
    /// A kind of the model [default: person]
    #[arg(long, default_value = "", hide_default_value = true)]
    kind: String,
    /// An id for the erasure: sent again with the same id it does nothing twice [default: a new one, printed first]
    #[arg(long, value_name = "ID", default_value = "", hide_default_value = true)]
    message_id: String,
}

/// Asks whoever sits there, then the server, and prints the receipt.
pub async fn run(args: Args, app: &App) -> Result<Outcome, Failure> {
    let Args { key, suppress, yes, dry_run, kind, message_id } = args;
    if !yes && !dry_run && !io::stdin().is_terminal() {
        return Err(Failure::Usage(
            "nobody is there to be asked: pass --yes to erase, or --dry-run to see what would go".into(),
        ));
    }
    let client = app.connect().await?;
    let message_id = if message_id.is_empty() { new_message_id()? } else { message_id };
    let request = EraseRequest { key, kind, suppress, message_id, dry_run };
    if !yes && !dry_run {
        let rehearsed = ask(&client, EraseRequest { dry_run: true, ..request.clone() }).await?;
        exit::complain(&text(&rehearsed.receipt.unwrap_or_default()));
        exit::complain(&format!("It cannot be taken back. Type `{YES}` to erase:"));
        if !is_confirmed()? {
            return Err(anyhow::anyhow!("nothing was erased").into());
        }
    }
    if !dry_run {
        // Said before it starts: whatever interrupts it, whoever sits there knows how to go on.
        let id = &request.message_id;
        exit::complain(&format!("message_id {id}; if this is interrupted, complete it with --message-id {id}"));
    }
    let response = ask(&client, request).await?;
    match app.json {
        true => output::print_json(&json::message("EraseResponse", &response)?)?,
        false => output::print(&text(&response.receipt.unwrap_or_default()))?,
    }
    Ok(Outcome::Done)
}

/// Random: no other erasure has it.
fn new_message_id() -> Result<String, anyhow::Error> {
    let mut bytes = [0; 16];
    OsRng.try_fill_bytes(&mut bytes).map_err(|error| anyhow::anyhow!("cannot make a message id: {error}"))?;
    Ok(Builder::from_random_bytes(bytes).into_uuid().to_string())
}

async fn ask(client: &Client, request: EraseRequest) -> Result<EraseResponse, Failure> {
    Ok(client.privacy().erase(request).await.map_err(client::Error::from)?.into_inner())
}

fn is_confirmed() -> Result<bool, Failure> {
    let mut line = String::new();
    let read = io::stdin().lock().read_line(&mut line);
    read.map_err(|error| anyhow::anyhow!("cannot read the answer: {error}"))?;
    Ok(line.trim() == YES)
}

fn text(receipt: &ErasureReceipt) -> String {
    let ErasureReceipt { message_id, profiles, identifiers, links, events, fragments, unordered, duplicate, token } =
        receipt;
    let id = [("message_id", message_id.clone())];
    let seen = duplicate.then(|| ("seen before", "yes: nothing was changed by this call".to_owned()));
    let profiles = profiles.iter().map(|profile| (profile.kind.as_str(), profile.profile_id.clone()));
    let counts = [("identifiers", identifiers), ("links", links), ("events", events), ("fragments", fragments)];
    let counts = counts.map(|(name, count)| (name, output::count(*count)));
    let unordered = unordered.then(|| ("unordered", "others were too many to be folded again".to_owned()));
    let token = (!token.is_empty()).then(|| ("token", token.clone()));
    output::pairs(id.into_iter().chain(seen).chain(profiles).chain(counts).chain(unordered).chain(token))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::v1::ProfileRef;

    #[test]
    fn every_part_of_a_receipt_is_shown() {
        let receipt = ErasureReceipt {
            message_id: "m1".into(),
            profiles: vec![ProfileRef { kind: "person".into(), profile_id: "0191".into() }],
            identifiers: 1,
            links: 2,
            events: 3_000,
            fragments: 4,
            unordered: true,
            duplicate: true,
            token: "t".into(),
        };
        let text = text(&receipt);
        for part in ["m1", "seen before", "0191", "identifiers", "3,000", "fragments", "unordered", "token"] {
            assert!(text.contains(part), "{part} in {text}");
        }
    }
}
