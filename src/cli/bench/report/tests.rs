use super::*;

fn row(name: &str, lookups_per_s: f64, server_cpu_us: f64) -> Row {
    Row {
        name: name.into(),
        lookups_per_s,
        p50_us: 100.0,
        p99_us: 200.0,
        server_cpu_us: Some(server_cpu_us),
        detail: None,
    }
}

#[test]
fn the_median_run_stands_for_all_and_the_order_is_kept() {
    let runs = vec![row("b", 10.0, 1.0), row("a", 7.0, 1.0), row("b", 30.0, 3.0), row("b", 20.0, 2.0)];
    let groups = by_name(runs);
    assert_eq!(groups[0].median, row("b", 20.0, 2.0));
    assert_eq!(groups[0].spread, 1.0);
    assert_eq!(groups[1].median, row("a", 7.0, 1.0));
    assert_eq!(groups.len(), 2);
}

#[test]
fn ratios_are_of_throughput_and_per_core_for_rocksdb() {
    let groups = by_name(vec![
        row("floor batch 100", 400.0, 1.0),
        row("bare rocksdb", 100.0, 6.0),
        row("kith batch 100", 300.0, 4.0),
    ]);
    assert_eq!(ratios(&groups[2].median, &groups), ["0.75 × floor batch 100", "1.50 × bare rocksdb, per core"]);
    assert!(ratios(&groups[0].median, &groups).is_empty());
}

#[test]
fn a_report_reads_what_measurements_write() {
    let directory = tempfile::tempdir().unwrap();
    let (lines, summary) = (directory.path().join("runs.ndjson"), directory.path().join("summary.json"));
    let detail = Some(Detail { p90_us: 1.0, p999_us: 2.0, max_us: 3.0, complete: 1.0 });
    let measured = Row { detail, ..row("floor unary", 60_000.0, 11.5) };
    let figures = Figures::new("load", [("facts_per_s", 50_000.0)]);
    let text =
        format!("{}\n\n{}\n", serde_json::to_string(&measured).unwrap(), serde_json::to_string(&figures).unwrap());
    std::fs::write(&lines, text).unwrap();

    let tables = report(&ReportArgs { files: vec![lines.clone()], summary: Some(summary.clone()) }).unwrap();
    assert!(tables.contains("| floor unary |") && tables.contains("| facts_per_s |"), "{tables}");
    let written: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(&summary).unwrap()).unwrap();
    let expected = serde_json::json!({
        "rows": [{"name": "floor unary", "lookups_per_s": 60000.0, "p50_us": 100.0, "p99_us": 200.0, "server_cpu_us": 11.5}],
        "figures": [{"name": "load", "figures": {"facts_per_s": 50000.0}}],
    });
    assert_eq!(written, expected);

    std::fs::write(&lines, "{\"name\":\"cut\"").unwrap();
    assert!(
        report(&ReportArgs { files: vec![lines], summary: None })
            .unwrap_err()
            .to_string()
            .ends_with("runs.ndjson:1: neither a row nor figures")
    );
}
