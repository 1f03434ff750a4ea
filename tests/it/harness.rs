//! A real server for a test: `kith serve` as a child process on a free port, in a directory of its own.
//!
//! Invariant: what a test starts ends with it. Settings of whoever runs the tests do not reach the child.

use std::io::{BufRead as _, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use kith::client::{Client, json};
use kith::config::{Config, Secret};
use kith::engine::{Durability, Options, REFOLD_PORTION};
use kith::proto::v1;
use serde_json::{Map, Value as Json};
use tempfile::TempDir;

/// Types and kinds as in the built-in model, and computed attributes over `Order Completed`.
pub const MODEL: &str = r#"
[identifiers.user_id]
limit = 1
login = true
[identifiers.email]
[identifiers.phone]
[identifiers.anonymous_id]
limit = 100
[identifiers.device_id]
[identifiers.session_id]
limit = 5000
[identifiers.account_id]
limit = 1
[kinds.person]
identifiers = ["user_id", "email", "phone", "device_id", "session_id", "anonymous_id"]
[kinds.account]
identifiers = ["account_id"]
[computed."orders.count"]
aggregate = "count"
event = "Order Completed"
[computed."orders.revenue"]
aggregate = "sum"
event = "Order Completed"
property = "total"
[computed."orders.last_total"]
aggregate = "last"
event = "Order Completed"
property = "total"
"#;

/// How long anything that is waited for may take, generously: a test that hangs is a test that failed.
pub const PATIENCE: Duration = Duration::from_secs(30);
/// What the server says once it listens; the URL follows.
const LISTENING: &str = "kith listening on ";

/// How to start a server.
#[derive(Default)]
pub struct Setup {
    data: Option<PathBuf>,
    model: Option<PathBuf>,
    arguments: Vec<String>,
    environment: Vec<(&'static str, String)>,
}

impl Setup {
    /// Serves this directory, which outlives the server. Otherwise it has one of its own.
    pub fn data(mut self, directory: &Path) -> Self {
        self.data = Some(directory.to_owned());
        self
    }

    /// Applies this model file. Otherwise [`MODEL`].
    pub fn model(mut self, file: &Path) -> Self {
        self.model = Some(file.to_owned());
        self
    }

    /// Further arguments of `kith serve`.
    pub fn arguments(mut self, arguments: &[&str]) -> Self {
        self.arguments.extend(arguments.iter().map(ToString::to_string));
        self
    }

    /// A variable of the child.
    pub fn environment(mut self, name: &'static str, value: impl ToString) -> Self {
        self.environment.push((name, value.to_string()));
        self
    }

    /// Starts it and waits until it listens.
    pub fn start(self) -> Server {
        let Self { data, model, arguments, environment } = self;
        let own = TempDir::new().unwrap();
        let model = model.unwrap_or_else(|| {
            let file = own.path().join("model.toml");
            std::fs::write(&file, MODEL).unwrap();
            file
        });
        let data = data.unwrap_or_else(|| own.path().join("data"));
        let mut command = kith();
        command.args(["serve", "--listen", "127.0.0.1:0", "--cache-mib", "64", "--log-format", "json"]);
        command.arg("--data").arg(data).arg("--model").arg(model).args(arguments).envs(environment);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();

        let output = Arc::new(Mutex::new(String::new()));
        let (address, listening) = channel();
        let readers = vec![
            keep(child.stdout.take().unwrap(), &output, address.clone()),
            keep(child.stderr.take().unwrap(), &output, address),
        ];
        let mut server = Server { child, url: String::new(), output, readers, _own: own };
        match listening.recv_timeout(PATIENCE) {
            Ok(url) => server.url = url,
            Err(_) => panic!("the server did not start: {}", server.end()),
        }
        server
    }
}

/// Keeps what the server says, and sends its address when it says it.
fn keep(stream: impl Read + Send + 'static, output: &Arc<Mutex<String>>, address: Sender<String>) -> JoinHandle<()> {
    let output = Arc::clone(output);
    std::thread::spawn(move || {
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            if let Some(url) = line.strip_prefix(LISTENING) {
                // Nobody waits for the address of a server that took too long.
                let _gone = address.send(url.to_owned());
            }
            let mut output = output.lock().unwrap();
            output.push_str(&line);
            output.push('\n');
        }
    })
}

/// A server that runs until it is dropped, at the latest.
pub struct Server {
    child: Child,
    url: String,
    output: Arc<Mutex<String>>,
    readers: Vec<JoinHandle<()>>,
    _own: TempDir,
}

impl Server {
    /// A server with [`MODEL`].
    pub fn start() -> Self {
        Setup::default().start()
    }

    /// Host and port.
    pub fn address(&self) -> &str {
        self.url.strip_prefix("http://").unwrap()
    }

    /// Its process.
    pub fn process_id(&self) -> u32 {
        self.child.id()
    }

    /// A connection of its own.
    pub async fn client(&self) -> Client {
        self.client_with_key(None).await
    }

    /// A connection that calls with an API key.
    pub async fn client_with_key(&self, key: Option<&str>) -> Client {
        let api_key = key.map(|key| Secret::from(key.to_owned()));
        let config = Config { server: self.url.clone(), api_key, ..Config::default() };
        Client::connect(&config).await.unwrap()
    }

    /// A command of the binary that asks this server.
    pub fn kith(&self, arguments: &[&str]) -> Command {
        let mut command = kith();
        command.args(arguments).env("KITH_SERVER", &self.url);
        command
    }

    /// Ends it as a crash does, at once. Answers what it said.
    pub fn kill(mut self) -> String {
        self.end()
    }

    /// Ends it as an operator does. Answers what it said.
    ///
    /// The runtime goes on meanwhile: a connection whose client is frozen holds the end up.
    pub async fn stop(mut self) -> String {
        let stop = move || {
            let process = self.child.id().to_string();
            assert!(Command::new("sh").args(["-c", "kill -TERM $0", &process]).status().unwrap().success());
            let status = eventually("the server ends", || self.child.try_wait().unwrap());
            let output = self.end();
            assert!(status.success(), "the server ended with {status}: {output}");
            output
        };
        tokio::task::spawn_blocking(stop).await.unwrap()
    }

    fn end(&mut self) -> String {
        // It may have ended by itself already.
        let _ended = self.child.kill();
        self.child.wait().unwrap();
        self.readers.drain(..).for_each(|reader| reader.join().unwrap());
        self.output.lock().unwrap().clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.end();
    }
}

/// The binary, without the settings of whoever runs the tests.
pub fn kith() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kith"));
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("KITH_")) {
        command.env_remove(name);
    }
    command.env("KITH_CONFIG", "/dev/null");
    command
}

/// Runs a command to its end with this on its stdin.
pub fn run(command: Command, stdin: &str) -> Output {
    assert_cmd::Command::from_std(command).write_stdin(stdin).timeout(PATIENCE * 4).output().unwrap()
}

/// Asks again and again until there is an answer.
fn eventually<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let since = Instant::now();
    while since.elapsed() < PATIENCE {
        if let Some(answer) = ask() {
            return answer;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("waited in vain: {what}");
}

/// How a test opens an engine of its own.
pub fn engine_options(directory: &Path) -> Options {
    Options {
        data: directory.to_owned(),
        durability: Durability::Interval(Duration::from_secs(1)),
        cache_bytes: 64 * 1024 * 1024,
        write_queue: 64,
        refold_portion: REFOLD_PORTION,
        invalidates: true,
    }
}

/// A file of the repository.
pub fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// A fact, written as a message of the tracking spec.
pub fn fact(message: Json) -> v1::Fact {
    kith::intake::tracking::parse(message.to_string().as_bytes()).unwrap()
}

/// Writes a fact that must not be refused.
pub async fn write(client: &Client, fact: v1::Fact) -> v1::Receipt {
    let request = v1::WriteRequest { fact: Some(fact) };
    client.write().write(request).await.unwrap().into_inner().receipt.unwrap()
}

/// Asks for one customer.
pub fn asking(keys: &[&str], fields: &[&str]) -> v1::LookupRequest {
    let texts = |texts: &[&str]| texts.iter().map(ToString::to_string).collect();
    v1::LookupRequest { keys: texts(keys), fields: texts(fields), ..Default::default() }
}

/// Looks up one customer.
pub async fn lookup(client: &Client, keys: &[&str], fields: &[&str]) -> v1::Answer {
    client.lookup().lookup(asking(keys, fields)).await.unwrap().into_inner().answer.unwrap()
}

/// The values of an answer as plain JSON.
pub fn values(answer: &v1::Answer) -> Json {
    let values = answer.values.iter().map(|(name, value)| (name.clone(), json::value(value)));
    Json::Object(values.collect::<Map<_, _>>())
}
