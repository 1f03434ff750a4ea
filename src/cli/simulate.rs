//! `kith simulate`.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde_json::json;

use super::app::App;
use super::exit::{Failure, Outcome, complain};
use super::{feed, output, receipt, write};
use crate::client::{self, json};
use crate::intake::ndjson;
use crate::proto::v1::write_result::Result as Written;
use crate::proto::v1::{Fact, SimulateRequest, WriteResult};

/// How many facts the server tries out at once.
const MAX_FACTS: usize = 100;

/// Show what facts would do, and write nothing.
///
/// The facts are in the shape that `kith write` reads, at most 100. Each sees the effects of those before it. Ids of
/// profiles that they would create are provisional. A line that is no fact, or that the server refuses, is reported on
/// stderr as FILE:LINE: REASON. Exits with 3 if any was.
///
/// With --json: one line for each fact, {"line": 1, "receipt": {…}} or {"line": 2, "error": {…}}.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The facts; `-` is stdin
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

/// The facts of a file, and the line of each.
struct Facts {
    facts: Vec<Fact>,
    lines: Vec<u64>,
    rejected: bool,
}

/// Asks and prints.
pub async fn run(Args { file }: Args, app: &App) -> Result<Outcome, Failure> {
    let Facts { facts, lines, mut rejected } = read(&file)?;
    if facts.is_empty() && !rejected {
        return Err(Failure::Usage(format!("{} has no facts", file.display())));
    }
    if facts.is_empty() {
        return Ok(Outcome::Rejected);
    }
    let client = app.connect().await?;
    let request = SimulateRequest { facts };
    let response = client.identity().simulate(request).await.map_err(client::Error::from)?.into_inner();
    let results: Vec<(u64, WriteResult)> = lines.into_iter().zip(response.results).collect();
    for (line, result) in &results {
        if let Some(Written::Error(error)) = &result.result {
            complain(&format!("{}:{line}: {}", file.display(), feed::reason(error)));
            rejected = true;
        }
    }
    match app.json {
        true => results.iter().try_for_each(|(line, result)| print_json(*line, result))?,
        false => output::print_table(&table(&results))?,
    }
    Ok(if rejected { Outcome::Rejected } else { Outcome::Done })
}

fn read(file: &Path) -> Result<Facts, Failure> {
    let name = file.display();
    let mut read = Facts { facts: Vec::new(), lines: Vec::new(), rejected: false };
    for row in ndjson::Rows::new(write::open(file)?) {
        let row = row.with_context(|| format!("cannot read on in {name}"))?;
        match row.fact {
            Ok(fact) => {
                read.facts.push(fact);
                read.lines.push(row.line);
            }
            Err(refusal) => {
                complain(&format!("{name}:{}: {refusal}", row.line));
                read.rejected = true;
            }
        }
        if read.facts.len() > MAX_FACTS {
            return Err(Failure::Usage(format!("{name} has more than {MAX_FACTS} facts: try out fewer at once")));
        }
    }
    Ok(read)
}

fn print_json(line: u64, result: &WriteResult) -> Result<(), Failure> {
    let mut json = json::message("WriteResult", result)?;
    if let Some(members) = json.as_object_mut() {
        members.insert("line".to_owned(), json!(line));
    }
    output::print_json(&json)
}

fn table(results: &[(u64, WriteResult)]) -> comfy_table::Table {
    let mut table = output::table(["line"].into_iter().chain(receipt::COLUMNS));
    for (line, result) in results {
        let rows = rows(result).into_iter();
        table.add_rows(rows.map(|cells| [line.to_string()].into_iter().chain(cells).collect::<Vec<_>>()));
    }
    table
}

/// A row for each line of a receipt. A fact that leaves identities as they are has a row that says so.
fn rows(result: &WriteResult) -> Vec<[String; 5]> {
    let only = |action: &str| vec![[action, "", "", "", ""].map(str::to_owned)];
    match &result.result {
        Some(Written::Receipt(receipt)) if receipt.duplicate => only("seen before"),
        Some(Written::Receipt(receipt)) if receipt.lines.is_empty() => only("as it is"),
        Some(Written::Receipt(receipt)) => receipt.lines.iter().map(receipt::row).collect(),
        Some(Written::Error(_)) | None => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use crate::proto::v1::{ItemError, Receipt, ReceiptAction, ReceiptLine};

    use super::*;

    #[test]
    fn every_fact_has_its_rows() {
        let line =
            |key: &str| ReceiptLine { action: ReceiptAction::Created.into(), key: key.into(), ..Default::default() };
        let created = Receipt { lines: vec![line("a:1"), line("b:2")], ..Default::default() };
        let again = Receipt { duplicate: true, ..created.clone() };
        let results = [created, again, Receipt::default()].map(|receipt| Some(Written::Receipt(receipt)));
        let refused = Some(Written::Error(ItemError::default()));
        let results = results.into_iter().chain([refused]).map(|result| WriteResult { result });
        let results: Vec<(u64, WriteResult)> = (1..).zip(results).collect();
        let printed = table(&results).trim_fmt();
        let rows: Vec<Vec<&str>> = printed.lines().skip(2).map(|row| row.split_whitespace().collect()).collect();
        assert_eq!(rows[..2], [vec!["1", "CREATED", "a:1"], vec!["1", "CREATED", "b:2"]], "{printed}");
        assert_eq!(rows[2..], [vec!["2", "seen", "before"], vec!["3", "as", "it", "is"]], "{printed}");
    }
}
