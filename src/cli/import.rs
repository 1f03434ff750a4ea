//! `kith import`.

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use indicatif::{ProgressBar, ProgressStyle};

use super::app::App;
use super::exit::{Failure, Outcome, complain};
use super::feed::{self, Reject};
use super::output::count;
use super::rejects::{Format, Rejects};
use super::summary::Summary;
use super::{interrupt, write};
use crate::intake::csv::{self, Mapping};
use crate::intake::{Row, ndjson};

/// Bytes that are read from the file at once.
const READ_BYTES: usize = 256 * 1024;
/// The figures of the progress bar are renewed after this many results.
const FIGURES_EVERY: u64 = 256;
/// The progress bar: how far in the file, facts and rate, time to go.
const BAR: &str = "{bar:32} {percent:>3} %  {msg}  {eta} to go";

/// What `kith import --help` says.
const MANUAL: &str = r#"Import a file: CSV with a mapping, or NDJSON in the shape that `kith write` reads.

The mapping is a TOML file that says what the columns mean:

  type = "track"                      # or "identify"
  event = "purchase"                  # for track
  source = "shop"
  keys = { user_id = "customer_id" }  # identifier type = column
  time = { column = "date", format = "%Y-%m-%d" }  # without format: RFC 3339
  message_id = "order_id"             # left out: derived from source, line and content
  delimiter = ","
  [properties]                        # [traits] for identify; types: text, number, bool, time
  dollars = { column = "dollars", type = "number" }

A row that is rejected, here or by the server, goes into the rejects file with its line, the reason and its text; all
others land. Exits with 3 if any was rejected. Importing the same file again changes nothing, so an import that was
interrupted (Ctrl-C) is simply started again."#;

/// Import a file: CSV with a mapping, or NDJSON in the shape that `kith write` reads
#[derive(Debug, clap::Args)]
#[command(long_about = MANUAL)]
pub struct Args {
    /// The file: .ndjson, .jsonl, or anything with a mapping
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// What the columns of a CSV file mean
    #[arg(long, value_name = "MAP.toml")]
    mapping: Option<PathBuf>,
    /// Where rejected rows go [default: FILE.rejects.csv or FILE.rejects.ndjson]
    #[arg(long, value_name = "FILE")]
    rejects: Option<PathBuf>,
}

/// The rows of either format.
type Rows = Box<dyn Iterator<Item = io::Result<Row>> + Send>;

/// Imports the file and prints a summary.
pub async fn run(args: Args, app: &App) -> Result<Outcome, Failure> {
    let format = format(&args)?;
    let rejects_path = args.rejects.clone().unwrap_or_else(|| default_rejects(&args.file, format));
    if rejects_path == args.file {
        return Err(Failure::Usage("--rejects names the file to import: choose another one".into()));
    }
    let (rows, bar) = open(&args)?;
    let mut rejects = Rejects::new(rejects_path, format);
    let client = app.connect().await?;
    let keep = |reject: Reject| {
        let kept = rejects.keep(&reject);
        kept.with_context(|| format!("cannot write {}", rejects.path().display())).map_err(Failure::from)
    };
    let (summary, end) = feed::run(&client, rows, interrupt::watch(), keep, |summary| show(&bar, summary)).await;
    bar.finish_and_clear();
    rejects.flush().with_context(|| format!("cannot write {}", rejects.path().display()))?;
    if summary.rejected > 0 {
        complain(&format!("rejected rows are in {}", rejects.path().display()));
    }
    write::finish(&summary, end, app.json)
}

/// A mapping makes it CSV; without one the name must say that it is NDJSON.
fn format(args: &Args) -> Result<Format, Failure> {
    if args.mapping.is_some() {
        return Ok(Format::Csv);
    }
    match args.file.extension().and_then(|extension| extension.to_str()) {
        Some("ndjson" | "jsonl") => Ok(Format::Ndjson),
        _ => Err(Failure::Usage("a file that is not .ndjson or .jsonl needs --mapping".into())),
    }
}

/// `orders.csv` has its rejects in `orders.csv.rejects.csv`.
fn default_rejects(file: &Path, format: Format) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(match format {
        Format::Csv => ".rejects.csv",
        Format::Ndjson => ".rejects.ndjson",
    });
    name.into()
}

/// The rows, and the bar that moves as they are read. The bar is drawn on a terminal alone.
fn open(args: &Args) -> Result<(Rows, ProgressBar), Failure> {
    let name = args.file.display();
    let file = File::open(&args.file).with_context(|| format!("cannot read {name}"))?;
    let length = file.metadata().with_context(|| format!("cannot read {name}"))?.len();
    let style = ProgressStyle::with_template(BAR).context("the progress bar is malformed")?;
    let bar = ProgressBar::new(length).with_style(style);
    let reader = BufReader::with_capacity(READ_BYTES, bar.wrap_read(file));
    let rows: Rows = match &args.mapping {
        Some(path) => Box::new(csv_rows(reader, path).map_err(|failure| match failure {
            csv::Error::Header(problem) => Failure::Usage(format!("{name}: {problem}")),
            csv::Error::Read(cause) => anyhow::Error::from(cause).context(format!("cannot read {name}")).into(),
        })?),
        None => Box::new(ndjson::Rows::new(reader)),
    };
    Ok((rows, bar))
}

fn csv_rows<R: BufRead>(reader: R, mapping: &Path) -> Result<csv::Rows<R>, csv::Error> {
    let problem = |problem: String| csv::Error::Header(format!("mapping {}: {problem}", mapping.display()));
    let text = std::fs::read_to_string(mapping).map_err(|cause| problem(cause.to_string()))?;
    csv::Rows::new(reader, &Mapping::parse(&text).map_err(problem)?)
}

fn show(bar: &ProgressBar, summary: &Summary) {
    if bar.is_hidden() || !(summary.accepted() + summary.rejected).is_multiple_of(FIGURES_EVERY) {
        return;
    }
    let (facts, rate, rejected) = (summary.accepted(), summary.rate(), summary.rejected);
    bar.set_message(format!("{} facts, {} a second, {} rejected", count(facts), count(rate), count(rejected)));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(file: &str, mapping: Option<&str>) -> Args {
        Args { file: file.into(), mapping: mapping.map(PathBuf::from), rejects: None }
    }

    #[test]
    fn the_format_follows_from_mapping_and_name() {
        assert_eq!(format(&args("a.txt", Some("m.toml"))).unwrap(), Format::Csv);
        assert_eq!(format(&args("a.jsonl", None)).unwrap(), Format::Ndjson);
        assert!(matches!(format(&args("a.csv", None)), Err(Failure::Usage(_))));
    }

    #[test]
    fn rejects_lie_beside_the_file() {
        assert_eq!(default_rejects(Path::new("x/a.csv"), Format::Csv), Path::new("x/a.csv.rejects.csv"));
    }
}
