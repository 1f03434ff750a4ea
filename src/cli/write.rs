//! `kith write`.

use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow};

use super::app::App;
use super::exit::{Failure, Outcome, complain};
use super::feed::{self, End, Reject};
use super::summary::Summary;
use super::{interrupt, output};
use crate::intake::ndjson;

/// Write facts: one JSON object a line, in the shape of the Segment tracking spec.
///
/// Known fields: type (identify, track, page, screen, group, alias, hush, consent), messageId, timestamp (RFC 3339),
/// userId, anonymousId, groupId, previousId, event, name, traits, properties, source, context.externalIds,
/// context.traits, context.app.name, context.library.name; and kith's own keys (a list of type:value), context.address
/// (the key that is described), of a hush topic, lift, until, channel, cause, of a consent purpose, channel, granted.
/// Other fields are ignored.
///
/// A bad line is reported on stderr as FILE:LINE: REASON; the good ones are written. Exits with 3 if any was bad.
/// A messageId is applied once, so the same input may be written again.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The facts; `-` is stdin
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

/// Writes them and prints a summary.
pub async fn run(args: Args, app: &App) -> Result<Outcome, Failure> {
    let name = args.file.display().to_string();
    let rows = ndjson::Rows::new(open(&args.file)?);
    let report = |reject: Reject| {
        complain(&format!("{name}:{}: {}", reject.line, reject.reason));
        Ok(())
    };
    let client = app.connect().await?;
    let (summary, end) = feed::run(&client, rows, interrupt::watch(), report, |_| {}).await;
    finish(&summary, end, app.json)
}

/// Prints what was done, however it ended.
pub fn finish(summary: &Summary, end: End, as_json: bool) -> Result<Outcome, Failure> {
    match as_json {
        true => output::print_json(&summary.json())?,
        false => output::print(&summary.text())?,
    }
    match end {
        End::Complete if summary.rejected > 0 => Ok(Outcome::Rejected),
        End::Complete => Ok(Outcome::Done),
        End::Interrupted => Err(anyhow!("interrupted: the same command does the rest and nothing twice").into()),
        End::Broken(failure) => Err(failure),
    }
}

/// The file to read facts from.
pub fn open(path: &Path) -> Result<Box<dyn BufRead + Send>, Failure> {
    if path.as_os_str() == "-" {
        return Ok(Box::new(BufReader::new(io::stdin())));
    }
    let file = std::fs::File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
    Ok(Box::new(BufReader::new(file)))
}
