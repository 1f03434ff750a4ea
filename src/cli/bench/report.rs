//! The results of benchmarks: a row of a table, figures beside it, and the report that puts many runs together.
//!
//! A run writes JSON lines; `kith bench report` reads them, takes the median run of each row, sets the rows in
//! proportion to each other and writes `summary.json`. Ratios are the result: absolute times belong to the machine.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use clap::Args;
use comfy_table::{CellAlignment, Table, presets};
use serde::{Deserialize, Serialize};

use super::drive::Outcome;

/// Each row is divided by these, where both were measured.
const COMPARISONS: [(&str, &[&str]); 11] = [
    ("kith unary", &["floor unary", "redis unary", "tonic over redis"]),
    ("kith unary zipf", &["floor unary", "redis unary", "tonic over redis"]),
    ("kith stream", &["floor stream", "redis pipelined 100"]),
    ("kith stream zipf", &["floor stream", "redis pipelined 100"]),
    ("kith batch 100", &["floor batch 100", "redis pipelined 100"]),
    ("kith batch 100 zipf", &["floor batch 100", "redis pipelined 100"]),
    ("kith unary, none kept", &["floor unary"]),
    ("kith stream, none kept", &["floor stream", "redis pipelined 100"]),
    ("kith batch 100, none kept", &["floor batch 100", "redis pipelined 100"]),
    ("kith view unary", &["kith plain unary"]),
    ("kith view batch 500", &["kith plain batch 500"]),
];

/// These are divided by bare RocksDB as well, per core: it runs on one thread, without a client beside it.
const PER_CORE: [&str; 3] = ["kith batch 100", "kith batch 100 zipf", "kith batch 100, none kept"];
const BARE: &str = "bare rocksdb";

/// These have their server's CPU time divided by that of another: the client's share is in all else.
const COSTS: [(&str, &str); 3] = [
    ("kith view unary", "kith plain unary"),
    ("kith view batch 500", "kith plain batch 500"),
    ("kith view unary, none kept", "kith plain unary, none kept"),
];

/// One measurement of lookups.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// What was measured.
    pub name: String,
    /// Lookups answered per second.
    pub lookups_per_s: f64,
    /// Median latency of a call, in microseconds. A batch is one call.
    pub p50_us: f64,
    /// 99th percentile.
    pub p99_us: f64,
    /// CPU time of the server for each lookup, in microseconds; absent if its process was not watched.
    pub server_cpu_us: Option<f64>,
    /// More of the same run; not part of a summary.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub detail: Option<Detail>,
}

/// What else is known of a measurement.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Detail {
    /// 90th percentile of the latency in microseconds.
    pub p90_us: f64,
    /// 99.9th percentile.
    pub p999_us: f64,
    /// The longest.
    pub max_us: f64,
    /// Share of lookups that were answered with a value for every field asked for.
    pub complete: f64,
}

/// Other figures, by name; the name ends in the unit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Figures {
    /// What was measured.
    pub name: String,
    /// The figures.
    pub figures: BTreeMap<String, f64>,
}

/// Put the JSON lines of many measurements together: one table of medians and ratios.
#[derive(Clone, Debug, Args)]
pub struct ReportArgs {
    /// Files of JSON lines
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Also write the medians here
    #[arg(long, value_name = "FILE")]
    pub summary: Option<PathBuf>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
enum Line {
    Row(Row),
    Figures(Figures),
}

#[derive(Debug, Default, Serialize)]
struct Summary {
    rows: Vec<Row>,
    figures: Vec<Figures>,
}

impl Row {
    /// The row of a measurement of lookups.
    pub fn new(name: &str, outcome: &Outcome) -> Self {
        let tally = &outcome.tally;
        let items = tally.items.max(1) as f64;
        let at = |quantile| micros(Duration::from_nanos(tally.latencies.value_at_quantile(quantile)));
        Self {
            name: name.to_owned(),
            lookups_per_s: round(tally.items as f64 / outcome.measured.as_secs_f64()),
            p50_us: at(0.5),
            p99_us: at(0.99),
            server_cpu_us: outcome.server_cpu.map(|cpu| round(cpu.as_secs_f64() * 1e6 / items)),
            detail: Some(Detail {
                p90_us: at(0.9),
                p999_us: at(0.999),
                max_us: micros(Duration::from_nanos(tally.latencies.max())),
                complete: tally.complete as f64 / items,
            }),
        }
    }

    /// The row as a table, or as JSON on one line.
    pub fn print(&self, json: bool) -> anyhow::Result<String> {
        printed(self, Self::table, json)
    }

    fn table(&self) -> Table {
        let mut table = new_table(&[
            "",
            "lookups/s",
            "p50 µs",
            "p90 µs",
            "p99 µs",
            "p99.9 µs",
            "max µs",
            "server CPU µs",
            "complete",
        ]);
        let of_detail = |value: fn(&Detail) -> f64| number(self.detail.as_ref().map(value));
        table.add_row([
            self.name.clone(),
            number(Some(self.lookups_per_s)),
            number(Some(self.p50_us)),
            of_detail(|detail| detail.p90_us),
            number(Some(self.p99_us)),
            of_detail(|detail| detail.p999_us),
            of_detail(|detail| detail.max_us),
            number(self.server_cpu_us),
            of_detail(|detail| detail.complete),
        ]);
        table
    }
}

impl Figures {
    /// The figures under a name.
    pub fn new(name: &str, figures: impl IntoIterator<Item = (impl Into<String>, f64)>) -> Self {
        let figures = figures.into_iter().map(|(name, value)| (name.into(), round(value))).collect();
        Self { name: name.to_owned(), figures }
    }

    /// The figures as a table, or as JSON on one line.
    pub fn print(&self, json: bool) -> anyhow::Result<String> {
        printed(self, Self::table, json)
    }

    fn table(&self) -> Table {
        figures_table(std::slice::from_ref(self))
    }
}

fn printed<T: Serialize>(result: &T, table: fn(&T) -> Table, json: bool) -> anyhow::Result<String> {
    let text = match json {
        true => serde_json::to_string(result).context("cannot write the result as JSON")?,
        false => table(result).to_string(),
    };
    Ok(text + "\n")
}

/// Reads the files, writes the summary, and gives the tables.
pub fn report(args: &ReportArgs) -> anyhow::Result<String> {
    let (mut runs, mut summary) = (Vec::new(), Summary::default());
    for path in &args.files {
        for line in read(path)? {
            match line {
                Line::Row(row) => runs.push(row),
                Line::Figures(figures) => summary.figures.push(figures),
            }
        }
    }
    let groups = by_name(runs);
    let tables = format!("{}\n\n{}\n", rows_table(&groups), figures_table(&summary.figures));
    let Some(path) = &args.summary else { return Ok(tables) };
    summary.rows = groups.iter().map(|group| Row { detail: None, ..group.median.clone() }).collect();
    let json = serde_json::to_string_pretty(&summary).context("cannot write the summary as JSON")?;
    std::fs::write(path, json + "\n").with_context(|| format!("cannot write {}", path.display()))?;
    Ok(tables)
}

fn read(path: &Path) -> anyhow::Result<Vec<Line>> {
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    lines
        .map(|(at, line)| {
            serde_json::from_str(line)
                .with_context(|| format!("{}:{}: neither a row nor figures", path.display(), at + 1))
        })
        .collect()
}

/// The runs of one name.
#[derive(Debug)]
struct Group {
    median: Row,
    /// Distance of the slowest run from the fastest, as a share of the median.
    spread: f64,
}

/// The runs under each name, in the order in which the names came first.
fn by_name(runs: Vec<Row>) -> Vec<Group> {
    let mut names = Vec::<String>::new();
    let mut rows = BTreeMap::<String, Vec<Row>>::new();
    for row in runs {
        if !names.contains(&row.name) {
            names.push(row.name.clone());
        }
        rows.entry(row.name.clone()).or_default().push(row);
    }
    names.iter().filter_map(|name| group(rows.remove(name)?)).collect()
}

fn group(mut runs: Vec<Row>) -> Option<Group> {
    runs.sort_by(|a, b| a.lookups_per_s.total_cmp(&b.lookups_per_s));
    let (slowest, fastest) = (runs.first()?.lookups_per_s, runs.last()?.lookups_per_s);
    let median = runs.get(runs.len() / 2)?.clone();
    let spread = (fastest - slowest) / median.lookups_per_s;
    Some(Group { median, spread })
}

fn rows_table(groups: &[Group]) -> Table {
    let mut table =
        new_table(&["", "lookups/s", "spread", "p50 µs", "p99 µs", "server CPU µs", "lookups/s as a multiple of"]);
    for Group { median, spread } in groups {
        table.add_row([
            median.name.clone(),
            number(Some(median.lookups_per_s)),
            format!("{:.0} %", spread * 100.0),
            number(Some(median.p50_us)),
            number(Some(median.p99_us)),
            number(median.server_cpu_us),
            ratios(median, groups).join(", "),
        ]);
    }
    if let Some(column) = table.column_mut(6) {
        column.set_cell_alignment(CellAlignment::Left);
    }
    table
}

fn ratios(row: &Row, groups: &[Group]) -> Vec<String> {
    let find = |name: &str| groups.iter().map(|group| &group.median).find(|row| row.name == name);
    let others = COMPARISONS.iter().filter(|(name, _)| *name == row.name).flat_map(|(_, others)| *others);
    let mut ratios: Vec<String> = others
        .filter_map(|other| find(other))
        .map(|other| format!("{:.2} × {}", row.lookups_per_s / other.lookups_per_s, other.name))
        .collect();
    let bare_cpu = find(BARE).and_then(|bare| bare.server_cpu_us).filter(|_| PER_CORE.contains(&row.name.as_str()));
    if let (Some(own), Some(bare)) = (row.server_cpu_us, bare_cpu) {
        ratios.push(format!("{:.2} × {BARE}, per core", bare / own));
    }
    let cost = COSTS.iter().find(|(name, _)| *name == row.name).and_then(|(_, other)| find(other));
    if let Some((own, other)) = cost.and_then(|other| row.server_cpu_us.zip(other.server_cpu_us)) {
        ratios.push(format!("{:.2} × its server CPU", own / other));
    }
    ratios
}

fn figures_table(all: &[Figures]) -> Table {
    let mut table = new_table(&["", "figure", "value"]);
    for Figures { name, figures } in all {
        for (figure, value) in figures {
            table.add_row([name.clone(), figure.clone(), number(Some(*value))]);
        }
    }
    table
}

/// A table in Markdown whose first column is text and whose others are numbers.
fn new_table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::ASCII_MARKDOWN).set_header(header.iter().copied());
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

/// Three significant digits or all before the point; `-` for nothing.
fn number(value: Option<f64>) -> String {
    match value {
        None => "-".into(),
        Some(value) if value.abs() >= 100.0 => format!("{value:.0}"),
        Some(value) if value.abs() >= 10.0 => format!("{value:.1}"),
        Some(value) => format!("{value:.2}"),
    }
}

fn micros(duration: Duration) -> f64 {
    round(duration.as_secs_f64() * 1e6)
}

fn round(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}

#[cfg(test)]
mod tests;
