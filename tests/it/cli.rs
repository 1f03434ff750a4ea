//! The binary from end to end: what it prints for people and for machines, and the codes it exits with.

use std::path::Path;
use std::process::Output;

use serde_json::{Value as Json, json};

use super::harness::{MODEL, Server, Setup, kith, repository, run};

const DONE: i32 = 0;
const FAILED: i32 = 1;
const USAGE: i32 = 2;
const REJECTED: i32 = 3;
const NOTHING_FOUND: i32 = 4;

/// Facts of one customer, in the shape of the tracking spec.
const FACTS: &str = r#"
{"type":"identify","messageId":"1","timestamp":"2026-01-01T00:00:00Z","userId":"u1","traits":{"first_name":"Joe","email":"Joe@Example.com"}}
{"type":"track","messageId":"2","timestamp":"2026-01-02T00:00:00Z","userId":"u1","event":"Order Completed","properties":{"total":12.5}}
{"type":"page","messageId":"3","timestamp":"2026-01-03T00:00:00Z","anonymousId":"a1","userId":"u1","name":"Home"}
"#;

/// A command that has run.
struct Ran {
    code: i32,
    stdout: String,
    stderr: String,
}

impl From<Output> for Ran {
    fn from(Output { status, stdout, stderr }: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Self { code: status.code().unwrap(), stdout: text(stdout), stderr: text(stderr) }
    }
}

impl Ran {
    /// Its output, which is one JSON value on one line.
    fn json(&self) -> Json {
        assert_eq!(self.stdout.lines().count(), 1, "{} {}", self.stdout, self.stderr);
        serde_json::from_str(&self.stdout).unwrap()
    }

    fn with_code(self, code: i32) -> Self {
        assert_eq!(self.code, code, "stdout: {} stderr: {}", self.stdout, self.stderr);
        self
    }

    fn showing(self, parts: &[&str]) -> Self {
        parts.iter().for_each(|part| assert!(self.stdout.contains(part), "no {part} in {}", self.stdout));
        self
    }
}

/// Runs the binary without a server.
fn alone(arguments: &[&str]) -> Ran {
    let mut command = kith();
    command.args(arguments);
    run(command, "").into()
}

/// Runs a client of the server.
fn ask(server: &Server, arguments: &[&str], stdin: &str) -> Ran {
    run(server.kith(arguments), stdin).into()
}

/// A server that has [`FACTS`], by way of a pipe.
fn server_with_facts() -> Server {
    let server = Server::start();
    let summary = ask(&server, &["write", "-", "--json"], FACTS).with_code(DONE).json();
    assert_eq!([&summary["applied"], &summary["duplicates"], &summary["rejected"]], [3, 0, 0]);
    server
}

#[test]
fn what_was_written_is_looked_up() {
    let server = server_with_facts();
    let asked = ask(&server, &["lookup", "email:joe@example.com", "--fields", "first_name,orders.count,shoe_size"], "");
    asked.with_code(DONE).showing(&["FOUND", "first_name", "Joe", "orders.count", "PRESENT", "shoe_size", "NOT_SET"]);

    let answer = ask(&server, &["lookup", "anonymous_id:a1", "--json"], "").with_code(DONE).json();
    assert_eq!(answer["answer"]["resolution"], "RESOLUTION_FOUND");
    let values = json!({"email": "Joe@Example.com", "first_name": "Joe", "orders.count": 1,
                        "orders.last_total": 12.5, "orders.revenue": 12.5});
    assert_eq!(answer["answer"]["values"], values);

    let many = ask(&server, &["lookup", "--batch", "-", "--json"], "user_id:u1\nuser_id:nobody\n").with_code(DONE);
    let resolutions = many.stdout.lines().map(|line| {
        let answer: Json = serde_json::from_str(line).unwrap();
        answer["answer"]["resolution"].as_str().unwrap().to_owned()
    });
    assert_eq!(resolutions.collect::<Vec<_>>(), ["RESOLUTION_FOUND", "RESOLUTION_NOT_FOUND"]);
    let same = ask(&server, &["lookup", "user_id:nobody", "anonymous_id:a1", "--same", "--json"], "").with_code(DONE);
    assert_eq!(same.json()["answer"]["key"], "anonymous_id:a1");
}

#[test]
fn a_customer_is_shown_whole() {
    let server = server_with_facts();
    let shown = ask(&server, &["profile", "user_id:u1"], "").with_code(DONE);
    shown.showing(&[
        "person",
        "user_id:u1",
        "email:joe@example.com",
        "anonymous_id:a1",
        "first_name",
        "orders.revenue",
    ]);
    let profile = ask(&server, &["profile", "user_id:u1", "--json"], "").with_code(DONE).json();
    let keys = profile["profile"]["identifiers"].as_array().unwrap().iter().map(|one| one["key"].as_str().unwrap());
    assert_eq!(keys.collect::<Vec<_>>(), ["user_id:u1", "email:joe@example.com", "anonymous_id:a1"]);
    let id = profile["profile"]["profileId"].as_str().unwrap();
    ask(&server, &["lookup", &format!("profile_id:{id}")], "").with_code(DONE).showing(&["Joe"]);

    ask(&server, &["events", "user_id:u1"], "").with_code(DONE).showing(&["Order Completed", "Home", "identify"]);
    let events = ask(&server, &["events", "user_id:u1", "--limit", "2", "--json"], "").with_code(DONE);
    let types = events.stdout.lines().map(|line| serde_json::from_str::<Json>(line).unwrap()["type"].clone());
    assert_eq!(types.collect::<Vec<_>>(), ["page", "track"], "newest first");

    ask(&server, &["stats"], "").with_code(DONE).showing(&["commands applied", "profile_by_id"]);
    let stats = ask(&server, &["stats", "--json"], "").with_code(DONE).json();
    let events =
        stats["families"].as_array().unwrap().iter().find(|family| family["name"] == "event_by_identifier_time");
    assert_eq!(events.unwrap()["records"], "3");
}

#[test]
fn an_account_lists_its_members() {
    let server = server_with_facts();
    let joins = [("u1", "admin"), ("u2", ""), ("u3", "buyer")].map(|(user, role)| {
        let mut join = json!({"type": "group", "messageId": user, "userId": user, "groupId": "acme"});
        if !role.is_empty() {
            join["role"] = role.into();
        }
        format!("{join}\n")
    });
    ask(&server, &["members", "account_id:acme"], "").with_code(NOTHING_FOUND);
    ask(&server, &["write", "-"], &joins.concat()).with_code(DONE);
    ask(&server, &["members", "account_id:acme"], "").with_code(DONE).showing(&["admin", "buyer", "account_id:acme"]);
    let members = ask(&server, &["members", "account_id:acme", "--json"], "").with_code(DONE);
    assert_eq!(members.stdout.lines().count(), 3);
    let two = ask(&server, &["members", "account_id:acme", "--limit", "2", "--json"], "").with_code(DONE);
    assert_eq!(two.stdout.lines().count(), 2);
    let account = ask(&server, &["profile", "account_id:acme", "--kind", "account", "--json"], "").json();
    assert_eq!([&account["profile"]["members"], &account["profile"]["seatsUsed"]], [3, 3]);
    ask(&server, &["profile", "user_id:u1"], "").with_code(DONE).showing(&["account_id:acme", "admin"]);
    let fields = "account.role,account.members,account.id";
    let answer = ask(&server, &["lookup", "user_id:u1", "--fields", fields, "--json"], "").json();
    let expected = json!({"account.id": "account_id:acme", "account.role": "admin", "account.members": 3});
    assert_eq!(answer["answer"]["values"], expected);
}

#[test]
fn the_exit_code_tells_what_happened() {
    let server = server_with_facts();
    for nobody in ["lookup", "profile", "events"] {
        ask(&server, &[nobody, "user_id:nobody"], "").with_code(NOTHING_FOUND);
    }
    let good = r#"{"type":"track","messageId":"9","event":"e","userId":"u1"}"#;
    let half = ask(&server, &["write", "-"], &format!("{good}\nnonsense\n")).with_code(REJECTED);
    assert!(half.stderr.contains("-:2: not JSON"), "{}", half.stderr);
    assert!(half.stdout.starts_with("1 facts written, 0 seen before, 1 rejected"), "{}", half.stdout);
    ask(&server, &["lookup", "user_id:u1", "nonsense"], "").with_code(REJECTED);

    let refused = ask(&server, &["profile", "nonsense"], "").with_code(FAILED);
    assert!(refused.stderr.contains("ERROR_REASON_MALFORMED_KEY") && refused.stdout.is_empty(), "{}", refused.stderr);
    for usage in [&["lookup"][..], &["shout"], &["import", "facts.txt"], &["stats", "--server", "nonsense"]] {
        ask(&server, usage, "").with_code(USAGE);
    }
    let gone = ["stats", "--server", "http://127.0.0.1:9"];
    assert!(alone(&gone).with_code(FAILED).stderr.contains("is `kith serve` running there?"));
}

#[test]
fn writing_again_changes_nothing() {
    let server = server_with_facts();
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("facts.ndjson");
    std::fs::write(&file, FACTS).unwrap();
    let file = file.to_str().unwrap();
    for command in ["write", "import"] {
        let summary = ask(&server, &[command, file, "--json"], "").with_code(DONE).json();
        assert_eq!([&summary["applied"], &summary["duplicates"]], [0, 3]);
    }
    let answer = ask(&server, &["lookup", "user_id:u1", "--fields", "orders.count", "--json"], "").json();
    assert_eq!(answer["answer"]["values"], json!({"orders.count": 1}));
}

#[test]
fn a_reader_that_has_seen_enough_is_no_error() {
    let server = server_with_facts();
    let mut events = server.kith(&["events", "user_id:u1", "--json"]);
    // The read end is closed before anything is written.
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let output =
        events.stdout(writer).stderr(std::process::Stdio::piped()).spawn().unwrap().wait_with_output().unwrap();
    assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(DONE), &b""[..]));
}

#[test]
fn what_needs_no_server_asks_none() {
    let model = repository("examples/cdnow/model.toml");
    let model = model.to_str().unwrap();
    alone(&["model", "check", model]).with_code(DONE).showing(&["orders.revenue", "user_id", "person"]);
    let declared = alone(&["model", "check", model, "--json"]).with_code(DONE).json();
    assert_eq!(declared["computed"][0]["name"], "orders.count");
    let directory = tempfile::tempdir().unwrap();
    let wrong = directory.path().join("wrong.toml");
    std::fs::write(&wrong, "[kinds.person]\nidentifiers = [\"shoe_size\"]\n").unwrap();
    let refused = alone(&["model", "check", wrong.to_str().unwrap()]).with_code(REJECTED);
    assert!(refused.stderr.contains("shoe_size"), "{}", refused.stderr);

    let shown = alone(&["config", "--api-key", "hunter2", "--server", "http://shop:1"]).with_code(DONE);
    assert!(!shown.stdout.contains("hunter2"));
    let config: toml::Table = shown.showing(&["http://shop:1"]).stdout.parse().unwrap();
    assert_eq!(config["durability"].as_str(), Some("sync"));
    let mut unknown = kith();
    unknown.arg("config").env("KITH_NONSENSE", "1");
    let unknown = Ran::from(run(unknown, "")).with_code(USAGE);
    assert!(unknown.stderr.contains("KITH_NONSENSE"), "{}", unknown.stderr);

    for shell in ["bash", "zsh", "fish"] {
        alone(&["completions", shell]).with_code(DONE).showing(&["kith", "lookup", "fields"]);
    }
    alone(&["--help"]).with_code(DONE).showing(&["Exit codes", "lookup", "import"]);
}

#[tokio::test]
async fn once_there_are_facts_rules_change_by_a_command_that_shows_what_it_does() {
    let directory = tempfile::tempdir().unwrap();
    let shop = repository("examples/cdnow/model.toml");
    let setup = || Setup::default().data(directory.path());
    setup().start().stop().await;
    let server = setup().model(&shop).start();
    ask(&server, &["write", "-"], FACTS).with_code(DONE);
    server.stop().await;

    let changed = directory.path().join("changed.toml");
    let source = std::fs::read_to_string(&shop).unwrap() + "[identifiers.email]\nblocked = ['/@/']\n";
    std::fs::write(&changed, source).unwrap();
    let serve = ["serve", "--listen", "127.0.0.1:0", "--data", directory.path().to_str().unwrap(), "--model"];
    let refused = alone(&[&serve[..], &[changed.to_str().unwrap()]].concat()).with_code(FAILED);
    assert!(refused.stderr.contains("kith model diff"), "{}", refused.stderr);
    let server = setup().model(&shop).start();
    let changed = changed.to_str().unwrap();
    ask(&server, &["lookup", "user_id:u1"], "").with_code(DONE).showing(&["Joe"]);
    ask(&server, &["model", "diff", changed], "").with_code(DONE).showing(&["would lose theirs", "nobody {email:"]);
    ask(&server, &["model", "apply", changed], "").with_code(DONE).showing(&["identifiers that lose theirs"]);
    ask(&server, &["model", "show"], "").with_code(DONE).showing(&["blocked = ['/@/']"]);
    ask(&server, &["model", "diff", changed], "").with_code(DONE).showing(&["no profile would change"]);
}

#[test]
fn keys_are_made_in_the_directory_of_a_stopped_server_and_then_asked_for() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().to_str().unwrap();
    let mistyped = directory.path().join("dat");
    let mistyped = mistyped.to_str().unwrap();
    for command in [&["key", "list"][..], &["key", "revoke", "1"]] {
        let refused = alone(&[command, &["--data", mistyped]].concat()).with_code(USAGE);
        assert!(refused.stderr.contains("holds no database"), "{}", refused.stderr);
    }
    assert!(!Path::new(mistyped).exists(), "nothing is created by looking");
    let create = ["key", "create", "--name", "ops", "--scopes", "admin", "--data", data, "--json"];
    let made = alone(&create).with_code(DONE).json();
    let secret = made["secret"].as_str().unwrap();
    alone(&["key", "list", "--data", data]).with_code(DONE).showing(&["ops"]);
    alone(&["key", "list", "--data", data, "--workspace", "other"]).with_code(USAGE);
    let server = Setup::default().data(directory.path()).start();
    let refused = ask(&server, &["stats"], "").with_code(FAILED);
    assert!(refused.stderr.contains("ERROR_REASON_UNAUTHENTICATED"), "{}", refused.stderr);

    ask(&server, &["stats", "--api-key", secret], "").with_code(DONE);
    let refused = ask(&server, &["lookup", "user_id:u1", "--api-key", secret], "").with_code(FAILED);
    assert!(refused.stderr.contains("ERROR_REASON_SCOPE_MISSING"), "{}", refused.stderr);
    let listed = ask(&server, &["key", "list", "--api-key", secret], "").with_code(DONE).showing(&["ops", "admin"]);
    assert!(!listed.stdout.contains(secret));
    let id = made["key"]["keyId"].as_str().unwrap();
    ask(&server, &["key", "revoke", id, "--api-key", secret], "").with_code(DONE);
    ask(&server, &["stats", "--api-key", secret], "").with_code(FAILED);
}

#[test]
fn the_first_key_brings_the_configured_model_with_it() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data");
    let (model, config) = (directory.path().join("model.toml"), directory.path().join("kith.toml"));
    std::fs::write(&model, MODEL).unwrap();
    std::fs::write(&config, format!("model = {model:?}\n")).unwrap();
    let (data, model, config) = (data.to_str().unwrap(), model.to_str().unwrap(), config.to_str().unwrap());
    let create = ["key", "create", "--name", "ops", "--scopes", "admin", "--data", data, "--config", config, "--json"];
    let secret = alone(&create).with_code(DONE).json()["secret"].as_str().unwrap().to_owned();
    let server = Setup::default().data(Path::new(data)).model(Path::new(model)).start();
    let stats = ask(&server, &["stats", "--api-key", &secret, "--json"], "").with_code(DONE).json();
    assert_eq!(stats["modelVersion"], "1", "the server found its model in force");
}
