//! The server describes itself: a client that knows nothing but its address lists, describes and calls everything, in
//! natural JSON. The client is the real grpcurl; where it cannot be had, `reflect.py` stands in for it.

use std::collections::BTreeSet;
use std::process::{Command, Stdio};

use serde_json::Value as Json;

use super::harness::{MODEL, Server, repository, run};

/// Two facts of one customer, as a caller types them.
const JOE: &str = r#"{"fact": {"message_id": "1", "time": "2026-01-02T03:04:05Z", "source": "site",
    "keys": ["user_id:u1", "email:joe@example.com"],
    "identify": {"traits": {"first_name": "Joe", "vip": true, "sizes": [8, 8.5], "pet": {"name": "Rex"}}}}}"#;
const ORDERS: &str = r#"{"facts": [
    {"message_id": "2", "keys": ["user_id:u1"], "track": {"event": "Order Completed", "properties": {"total": 12.5}}},
    {"message_id": "3", "keys": ["nonsense"], "track": {"event": "Order Completed"}}]}"#;
const STREAMED: &str = r#"
    {"fact": {"message_id": "4", "keys": ["user_id:u2"], "page": {"name": "Home"}}}
    {"fact": {"message_id": "5", "keys": ["user_id:u2"], "screen": {"name": "Start"}}}
    {"fact": {"message_id": "5", "keys": ["user_id:u2"], "screen": {"name": "Start"}}}
    {"fact": {"message_id": "6", "keys": ["user_id:u2"], "group": {"key": "account_id:acme", "role": "admin"}}}
    {"fact": {"message_id": "7", "keys": ["user_id:u2"], "consent": {"purpose": "marketing", "granted": false}}}"#;
const THREE_CUSTOMERS: &str = r#"
    {"keys": ["user_id:u1"], "fields": ["first_name"]}
    {"keys": ["user_id:u2"]}
    {"keys": ["user_id:nobody"]}"#;

/// Every call but those on keys: the method, its messages, and what its answer must show.
const CALLS: &[(&str, &str, &[&str])] = &[
    ("kith.v1.WriteService.Write", JOE, &[r#""action": "RECEIPT_ACTION_CREATED""#, r#""token": ""#]),
    ("kith.v1.WriteService.BatchWrite", ORDERS, &[r#""reason": "ERROR_REASON_MALFORMED_KEY""#, r#""messageId": "2""#]),
    ("kith.v1.WriteService.StreamWrite", STREAMED, &[r#""messageId": "4""#, r#""duplicate": true"#]),
    (
        "kith.v1.LookupService.Lookup",
        r#"{"keys": ["email:Joe@Example.com"], "fields": ["first_name", "vip", "pet", "orders.revenue", "nick"]}"#,
        &[
            r#""resolution": "RESOLUTION_FOUND""#,
            r#""first_name": "Joe""#,
            r#""vip": true"#,
            r#""name": "Rex""#,
            r#""orders.revenue": 12.5"#,
            r#""nick": "FIELD_STATE_NOT_SET""#,
        ],
    ),
    (
        "kith.v1.LookupService.BatchLookup",
        r#"{"keys": ["user_id:u1", "user_id:u2", "nonsense"]}"#,
        &[r#""first_name": "Joe""#, r#""field": "keys[2]""#],
    ),
    (
        "kith.v1.LookupService.StreamLookup",
        THREE_CUSTOMERS,
        &[r#""first_name": "Joe""#, r#""key": "user_id:u2""#, "RESOLUTION_NOT_FOUND"],
    ),
    (
        "kith.v1.ProfileService.GetProfile",
        r#"{"key": "user_id:u1"}"#,
        &[r#""key": "email:joe@example.com""#, r#""value": "Joe""#, r#""time": "2026-01-02T03:04:05Z""#],
    ),
    (
        "kith.v1.ProfileService.ListConsents",
        r#"{"key": "user_id:u2"}"#,
        &[r#""purpose": "marketing""#, r#""messageId": "7""#],
    ),
    (
        "kith.v1.ProfileService.ListEvents",
        r#"{"key": "user_id:u1", "page_size": 1}"#,
        &[r#""name": "Order Completed""#, r#""total": 12.5"#, r#""nextPageToken": ""#],
    ),
    ("kith.v1.ProfileService.ListMembers", r#"{"key": "account_id:acme"}"#, &[r#""role": "admin""#]),
    (
        "kith.v1.IdentityService.Explain",
        r#"{"a": "user_id:u1", "b": "email:Joe@Example.com"}"#,
        &[r#""toKey": "email:joe@example.com""#, r#""messageId": "1""#, r#""cuts": true"#],
    ),
    (
        "kith.v1.IdentityService.ExplainApart",
        r#"{"a": "user_id:u1", "b": "user_id:u2"}"#,
        &[r#""aProfileId": ""#, r#""bProfileId": ""#],
    ),
    (
        "kith.v1.IdentityService.Simulate",
        r#"{"facts": [{"message_id": "s", "keys": ["user_id:u2", "email:joe@example.com"], "page": {}}]}"#,
        &[r#""action": "RECEIPT_ACTION_DEMOTED""#, r#""rule": "user_id limit 1""#],
    ),
    (
        "kith.v1.IdentityService.KeepApart",
        r#"{"a": "user_id:u1", "b": "user_id:u2", "same_human": true, "source": "ops"}"#,
        &[r#""action": "RECEIPT_ACTION_WALLED""#, r#""token": ""#],
    ),
    (
        "kith.v1.IdentityService.Unlink",
        r#"{"a": "user_id:u1", "b": "email:joe@example.com"}"#,
        &[r#""action": "RECEIPT_ACTION_SPLIT""#],
    ),
    ("kith.v1.IdentityService.ListLargest", r#"{"by": "LARGEST_BY_GROWTH"}"#, &["{}"]),
    // Both personas.
    (
        "kith.v1.PrivacyService.Erase",
        r#"{"key": "user_id:u1", "suppress": true}"#,
        &[r#""identifiers": "2""#, r#""token": ""#],
    ),
    ("kith.v1.AdminService.GetStats", "{}", &[r#""name": "profile_by_id""#, r#""appliedCommands": ""#]),
    ("kith.v1.AdminService.ListKeys", "{}", &["{}"]),
    ("grpc.health.v1.Health.Check", r#"{"service": "kith.v1.LookupService"}"#, &[r#""status": "SERVING""#]),
    ("grpc.reflection.v1.ServerReflection.ServerReflectionInfo", LIST, &[r#""name": "kith.v1.LookupService""#]),
    ("grpc.reflection.v1alpha.ServerReflection.ServerReflectionInfo", LIST, &[r#""name": "kith.v1.LookupService""#]),
];
const LIST: &str = r#"{"list_services": ""}"#;
/// An endless stream: its first message counts.
const WATCH: &str = "grpc.health.v1.Health.Watch";
const WATCH_SECONDS: &str = "1";

/// A client that works by reflection alone, called as grpcurl is.
struct Tool {
    command: Vec<String>,
    address: String,
    secret: Option<String>,
}

impl Tool {
    /// The best that this machine has for a server.
    fn find(server: &Server) -> Option<Self> {
        let mut install = Command::new(repository("scripts/install-grpcurl.sh"));
        let path = install.stderr(Stdio::inherit()).output().unwrap().stdout;
        let path = String::from_utf8(path).unwrap().trim().to_owned();
        let command = if path.is_empty() { stand_in()? } else { vec![path] };
        println!("reflection is tried with {command:?}");
        Some(Self { command, address: server.address().to_owned(), secret: None })
    }

    /// Calls it with these arguments after the address. Answers whether it went well, stdout and stderr.
    fn try_run(&self, options: &[&str], arguments: &[&str], stdin: &str) -> (bool, String, String) {
        let mut command = Command::new(&self.command[0]);
        command.args(&self.command[1..]).arg("-plaintext").args(options);
        command
            .args(self.secret.iter().flat_map(|secret| ["-H".to_owned(), format!("authorization: Bearer {secret}")]));
        let output = run(
            {
                command.arg(&self.address).args(arguments);
                command
            },
            stdin,
        );
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (output.status.success(), text(output.stdout), text(output.stderr))
    }

    fn run(&self, arguments: &[&str]) -> String {
        let (well, stdout, stderr) = self.try_run(&[], arguments, "");
        assert!(well, "{arguments:?}: {stderr}");
        stdout
    }

    fn call(&self, method: &str, messages: &str) -> String {
        let (well, stdout, stderr) = self.try_run(&["-d", "@"], &[method], messages);
        assert!(well, "{method}: {stderr}");
        stdout
    }

    /// Every method of every service.
    fn methods(&self) -> BTreeSet<String> {
        let services = self.run(&["list"]);
        services
            .lines()
            .flat_map(|service| self.run(&["list", service]).lines().map(str::to_owned).collect::<Vec<_>>())
            .collect()
    }
}

/// The script in Python, if Python has what it needs.
fn stand_in() -> Option<Vec<String>> {
    let script = repository("tests/it/reflect.py").to_str().unwrap().to_owned();
    let able = Command::new("python3").args(["-c", "import grpc, grpc_reflection"]).stderr(Stdio::null()).status();
    able.is_ok_and(|status| status.success()).then(|| vec!["python3".to_owned(), script])
}

#[test]
fn a_client_that_knows_only_the_address_calls_everything() {
    let server = Server::start();
    let Some(mut tool) = Tool::find(&server) else {
        println!("SKIPPED: there is no grpcurl, no Go to install it with, and no Python with grpcio-reflection");
        return;
    };
    let methods = tool.methods();
    every_rpc_is_described(&tool, &methods);

    let mut called: BTreeSet<String> = BTreeSet::new();
    for (method, messages, shown) in CALLS {
        let answer = tool.call(method, messages);
        shown.iter().for_each(|part| assert!(answer.contains(part), "{method}: no {part} in {answer}"));
        called.insert((*method).to_owned());
    }
    let (_cut, watched, _) = tool.try_run(&["-max-time", WATCH_SECONDS, "-d", "@"], &[WATCH], "{}");
    assert!(watched.contains(r#""status": "SERVING""#), "{watched}");
    called.insert(WATCH.to_owned());
    errors_have_their_details(&tool);
    called.extend(a_merge_is_undone(&tool));
    called.extend(a_quarantine_is_ended(&tool));
    called.extend(a_model_is_changed(&tool));
    called.extend(a_send_is_served(&tool));
    called.extend(keys_are_made_and_revoked(&mut tool));
    assert_eq!(called, methods, "every method is called, and no other");
}

/// Descriptions come with the comments of the protos.
fn every_rpc_is_described(tool: &Tool, methods: &BTreeSet<String>) {
    for service in [
        "LookupService",
        "WriteService",
        "ProfileService",
        "IdentityService",
        "SegmentService",
        "ModelService",
        "PrivacyService",
        "AdminService",
    ] {
        let service = format!("kith.v1.{service}");
        let text = tool.run(&["describe", &service]);
        let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        let rpcs: Vec<_> = lines.windows(2).filter(|pair| pair[1].starts_with("rpc ")).collect();
        let own = methods.iter().filter(|method| method.starts_with(&format!("{service}.")));
        assert_eq!(rpcs.len(), own.count(), "{text}");
        rpcs.iter().for_each(|pair| assert!(pair[0].starts_with("//"), "no comment on {} of {service}", pair[1]));
    }
    let fact = tool.run(&["describe", "kith.v1.Fact"]);
    assert!(fact.contains("// Unique id chosen by the sender"), "{fact}");
}

fn errors_have_their_details(tool: &Tool) {
    let message = r#"{"keys": ["user_id:u1", "nonsense"]}"#;
    let (well, stdout, stderr) = tool.try_run(&["-d", "@"], &["kith.v1.LookupService.Lookup"], message);
    assert!(!well && stdout.trim().is_empty(), "{stdout}");
    for part in
        ["InvalidArgument", "google.rpc.ErrorInfo", "ERROR_REASON_MALFORMED_KEY", "google.rpc.BadRequest", "keys[1]"]
    {
        assert!(stderr.contains(part), "no {part} in {stderr}");
    }
}

/// By its id, as it is listed.
fn a_merge_is_undone(tool: &Tool) -> [String; 2] {
    let methods = ["ListMerges", "UndoMerge"].map(|name| format!("kith.v1.IdentityService.{name}"));
    for keys in [r#""phone:+4930901820""#, r#""user_id:u3""#, r#""user_id:u3", "phone:+4930901820""#] {
        let id = keys.len();
        let fact = format!(r#"{{"fact": {{"message_id": "merge-{id}", "keys": [{keys}], "page": {{}}}}}}"#);
        tool.call("kith.v1.WriteService.Write", &fact);
    }
    let listed: Json = serde_json::from_str(&tool.call(&methods[0], r#"{"key": "user_id:u3"}"#)).unwrap();
    let id = &listed["merges"][0]["absorbedProfileId"];
    let undone = tool.call(&methods[1], &format!(r#"{{"merge_id": {id}}}"#));
    assert!(undone.contains("RECEIPT_ACTION_SPLIT"), "{undone}");
    methods
}

/// Of an address that more than 20 profiles could not have.
fn a_quarantine_is_ended(tool: &Tool) -> [String; 1] {
    let fact = |number| {
        let keys = format!(r#""user_id:many{number}", "email:many@example.com""#);
        format!(r#"{{"message_id": "many-{number}", "keys": [{keys}], "page": {{}}}}"#)
    };
    let facts: Vec<String> = (0..22).map(fact).collect();
    let written = tool.call("kith.v1.WriteService.BatchWrite", &format!(r#"{{"facts": [{}]}}"#, facts.join(",")));
    assert!(written.contains("RECEIPT_ACTION_QUARANTINED"), "{written}");
    let method = "kith.v1.IdentityService.ReleaseQuarantine".to_owned();
    let released = tool.call(&method, r#"{"key": "email:many@example.com"}"#);
    assert!(released.contains("RECEIPT_ACTION_RELEASED"), "{released}");
    [method]
}

/// Seen before it is done.
fn a_model_is_changed(tool: &Tool) -> [String; 4] {
    let methods = ["DiffModel", "ApplyModel", "GetModel"].map(|name| format!("kith.v1.ModelService.{name}"));
    let source = MODEL.replace("[identifiers.email]", "[identifiers.email]\nlimit = 3");
    let source = format!("{source}[segments.new]\nwhen = '!has(orders.count)'\n");
    let request = serde_json::json!({"source": source}).to_string();
    let found = tool.call(&methods[0], &request);
    assert!(found.contains(r#""profilesBefore": ""#), "{found}");
    let applied = tool.call(&methods[1], &request);
    assert!(applied.contains(r#""version": "2""#), "{applied}");
    let shown = tool.call(&methods[2], "{}");
    assert!(shown.contains("limit = 3") && shown.contains(r#""refold": "#), "{shown}");
    let list = "kith.v1.SegmentService.ListSegmentMembers".to_owned();
    let members = tool.call(&list, r#"{"segment": "new"}"#);
    assert!(members.contains(r#""key": "user_id:many1""#) && members.contains(r#""seen": ""#), "{members}");
    let [diff, apply, get] = methods;
    [diff, apply, get, list]
}

/// By a view, which the first model does not have.
fn a_send_is_served(tool: &Tool) -> [String; 2] {
    let methods = ["WriteAndLookup", "GetServed"].map(|name| format!("kith.v1.LookupService.{name}"));
    let views = "[attributes.person]\nfirst_name = \"text\"\n[views.hello.fields.name]\nfrom = [\"first_name\"]\n";
    let source = MODEL.replace("[identifiers.email]", "[identifiers.email]\nlimit = 3");
    let request = serde_json::json!({"source": format!("{source}{views}")}).to_string();
    tool.call("kith.v1.ModelService.ApplyModel", &request);
    let traits = serde_json::json!({"traits": {"first_name": "Ida"}});
    let request = serde_json::json!({
        "fact": {"message_id": "send-1", "keys": ["user_id:ida"], "identify": traits},
        "lookup": {"view": "hello", "send_id": "spring"},
    });
    let answer = tool.call(&methods[0], &request.to_string());
    assert!(answer.contains(r#""name": "Ida""#) && answer.contains(r#""pinnedAt": ""#), "{answer}");
    let served = tool.call(&methods[1], r#"{"send_id": "spring", "key": "user_id:ida"}"#);
    assert!(served.contains(r#""name": "Ida""#) && served.contains(r#""view": "hello""#), "{served}");
    methods
}

/// From the first key on every call needs one.
fn keys_are_made_and_revoked(tool: &mut Tool) -> [String; 2] {
    let methods = ["CreateKey", "RevokeKey"].map(|name| format!("kith.v1.AdminService.{name}"));
    let created = tool.call(&methods[0], r#"{"name": "ops", "scopes": ["SCOPE_ADMIN"]}"#);
    let created: Json = serde_json::from_str(&created).unwrap();
    let (well, _, stderr) = tool.try_run(&["-d", "@"], &["kith.v1.AdminService.GetStats"], "{}");
    assert!(!well && stderr.contains("API key"), "{stderr}");

    tool.secret = created["secret"].as_str().map(str::to_owned);
    let revoked = tool.call(&methods[1], &format!(r#"{{"key_id": {}}}"#, created["key"]["keyId"]));
    assert!(revoked.contains(r#""revokedAt": ""#), "{revoked}");
    methods
}
