//! `kith serve`.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::filter::LevelFilter;

use super::app::path_text;
use super::database;
use super::exit::{Failure, Outcome, complain};
use crate::config::{self, Config, Log, LogFormat, LogLevel};
use crate::server::{self, Server, TlsFiles};

/// Serve the database in a directory.
///
/// Listens on 127.0.0.1:7600 unless told otherwise. Another address than loopback needs --tls-cert and --tls-key and at
/// least one API key (`kith key create`), or --insecure. The log goes to stderr. SIGTERM and Ctrl-C drain: calls that
/// are under way are answered, new ones refused.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Address and port [default: 127.0.0.1:7600]
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<String>,
    /// Directory of the database, created if it does not exist [default: ./data]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Model file of the workspace `default` [default: the stored model, or the built-in one]
    #[arg(long, value_name = "FILE")]
    model: Option<PathBuf>,
    /// When a write is acknowledged: sync, or interval(MS) [default: sync]
    #[arg(long, value_name = "HOW")]
    durability: Option<String>,
    /// Permit an address other than loopback without TLS and API keys
    #[arg(long)]
    insecure: bool,
    /// PEM file of the certificate chain
    #[arg(long, value_name = "FILE")]
    tls_cert: Option<PathBuf>,
    /// PEM file of the certificate's private key
    #[arg(long, value_name = "FILE")]
    tls_key: Option<PathBuf>,
    /// Worker threads [default: as many as this machine runs at once]
    #[arg(long, value_name = "N")]
    cores: Option<usize>,
    /// Memory for stored data, records and RocksDB's blocks, in MiB [default: 1024]
    #[arg(long, value_name = "MIB")]
    cache_mib: Option<usize>,
    /// Memory for answers that are given again until something is written that they were read from, in MiB; 0 keeps none
    /// [default: 256]
    #[arg(long, value_name = "MIB")]
    answer_cache_mib: Option<usize>,
    /// error, warn, info, debug or trace [default: info]
    #[arg(long, value_name = "LEVEL")]
    log_level: Option<String>,
    /// json or text [default: text on a terminal, else json]
    #[arg(long, value_name = "FORMAT")]
    log_format: Option<String>,
}

impl Args {
    /// The flags that were given, by the key of the setting.
    pub fn flags(self) -> Vec<(&'static str, String)> {
        let Self {
            listen,
            data,
            model,
            durability,
            insecure,
            tls_cert,
            tls_key,
            cores,
            cache_mib,
            answer_cache_mib,
            log_level,
            log_format,
        } = self;
        let path = |path: Option<PathBuf>| path.map(|path| path_text(&path));
        let number = |number: Option<usize>| number.map(|number| number.to_string());
        let flags = [
            ("listen", listen),
            ("data", path(data)),
            ("model", path(model)),
            ("durability", durability),
            ("insecure", insecure.then(|| "true".to_owned())),
            ("tls.cert", path(tls_cert)),
            ("tls.key", path(tls_key)),
            ("cores", number(cores)),
            ("cache_mib", number(cache_mib)),
            ("answer_cache_mib", number(answer_cache_mib)),
            ("log.level", log_level),
            ("log.format", log_format),
        ];
        flags.into_iter().filter_map(|(key, value)| Some((key, value?))).collect()
    }
}

/// Serves until a signal says to stop, then drains.
pub async fn run(config: &Config) -> Result<Outcome, Failure> {
    start_log(&config.log);
    log_panics();
    let mut terminate = signal(SignalKind::terminate()).context("cannot wait for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot wait for SIGINT")?;
    server::make_room(config.limits.max_connections).context("cannot serve")?;
    let engine = database::open(config).await?;
    let server = Server::start(options(config), engine).await.context("cannot serve")?;
    let scheme = if config.tls.is_some() { "https" } else { "http" };
    complain(&format!("kith listening on {scheme}://{}", server.addr()));

    let handle = server.handle();
    let stop = async {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        handle.stop();
        std::future::pending::<()>().await;
    };
    tokio::select! {
        () = stop => {}
        () = server.stopped() => {}
    }
    Ok(Outcome::Done)
}

/// What the server floor is to know of the configuration.
fn options(config: &Config) -> server::Options {
    let config::Limits {
        max_message_bytes,
        max_connections,
        max_streams_per_connection,
        max_in_flight,
        deadline_ms,
        write_queue: _,
    } = config.limits;
    let limits = server::Limits {
        max_message_bytes,
        max_connections,
        max_streams_per_connection,
        max_in_flight,
        deadline: Duration::from_millis(deadline_ms),
    };
    let tls = config.tls.as_ref().map(|tls| TlsFiles { cert: tls.cert.clone(), key: tls.key.clone() });
    let answer_cache_bytes = config.answer_cache_mib.saturating_mul(1024 * 1024);
    let (listen, insecure, cores) = (config.listen, config.insecure, Some(config.cores));
    server::Options { listen, insecure, tls, cores, answer_cache_bytes, limits, reads_in_place: true }
}

/// Sends the log to stderr. A log that is there already, as in a test, is left alone.
fn start_log(log: &Log) {
    let level = match log.level {
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
        LogLevel::Trace => LevelFilter::TRACE,
    };
    let lines = tracing_subscriber::fmt().with_writer(std::io::stderr).with_max_level(level).with_ansi(false);
    let _already_there = match log.format {
        LogFormat::Json => lines.json().flatten_event(true).try_init(),
        LogFormat::Text => lines.try_init(),
    };
}

/// Sends the place of a panic to the log and nothing of its text, which may hold a value of a request or of the database.
fn log_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let location = panic.location().map(ToString::to_string).unwrap_or_default();
        let current = std::thread::current();
        tracing::error!(location, thread = current.name().unwrap_or_default(), "a thread panicked: a bug");
    }));
}
