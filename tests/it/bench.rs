//! `kith bench` against a real server: what it loads is found again, whole, in every mode.

use serde_json::Value as Json;

use crate::harness::{Server, run};

const PROFILES: &str = "300";

/// Runs a benchmark and reads its one line of JSON.
fn bench(server: &Server, arguments: &[&str]) -> Json {
    let mut command = server.kith(&["--json", "bench"]);
    command.args(arguments).args(["--profiles", PROFILES]);
    let output = run(command, "");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn what_is_loaded_is_looked_up_whole() {
    let server = Server::start();
    let process = server.process_id().to_string();
    let shortly = ["--seconds", "0.3", "--warmup", "0.1", "--server-pid", process.as_str()];

    assert_eq!(bench(&server, &["load"])["figures"]["duplicates"], 0.0);
    assert_eq!(bench(&server, &["load"])["figures"]["duplicates"], 300.0, "loading again changes nothing");
    for mode in
        [&["--mode", "unary"][..], &["--mode", "stream"], &["--mode", "batch"], &["--keys", "zipf", "--rate", "200"]]
    {
        let row = bench(&server, &[&["lookup"], mode, &shortly].concat());
        assert_eq!(row["complete"], 1.0, "{mode:?}: {row}");
        assert!(row["lookups_per_s"].as_f64().unwrap() > 100.0, "{mode:?}: {row}");
    }
    for mode in ["unary", "stream"] {
        let row = bench(&server, &[&["write", "--mode", mode], &shortly[..]].concat());
        assert!(row["figures"]["facts_per_s"].as_f64().unwrap() > 0.0, "{mode}: {row}");
    }
    assert!(bench(&server, &["disk"])["figures"]["bytes_per_profile"].is_f64());
}

#[test]
fn answers_that_lack_fields_show() {
    let server = Server::start();
    bench(&server, &["load"]);
    let row = bench(&server, &["lookup", "--fields", "attr_00,shoe_size", "--seconds", "0.2", "--warmup", "0"]);
    assert_eq!(row["complete"], 0.0, "{row}");
}
