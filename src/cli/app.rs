//! What every command has at hand: the global flags and the configuration they lead to.

use std::path::PathBuf;

use crate::cli::exit::Failure;
use crate::client::Client;
use crate::config::{self, Config, Layers, Secret};

/// Flags of every command.
#[derive(Debug, clap::Args)]
pub struct Global {
    /// URL of the server [default: http://127.0.0.1:7600, or KITH_SERVER]
    #[arg(long, global = true, value_name = "URL")]
    server: Option<String>,
    /// API key to send [or KITH_API_KEY, which other users of the machine cannot see]
    #[arg(long, global = true, value_name = "KEY", value_parser = secret)]
    api_key: Option<Secret>,
    /// PEM file of the authority that signed the server's certificate [or KITH_CA; default: those of this machine]
    #[arg(long, global = true, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// Configuration file [default: $KITH_CONFIG, else ./kith.toml if there is one]
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Print JSON, one object a line, for machines
    #[arg(long, global = true)]
    pub json: bool,
}

fn secret(text: &str) -> Result<Secret, std::convert::Infallible> {
    Ok(Secret::from(text.to_owned()))
}

/// The configuration of this run, and how to print.
#[derive(Debug)]
pub struct App {
    /// The effective configuration.
    pub config: Config,
    /// Print JSON.
    pub json: bool,
}

impl App {
    /// Loads the configuration with the flags of the command on top.
    pub fn new(global: Global, mut flags: Vec<(&'static str, String)>) -> Result<Self, Failure> {
        let Global { server, api_key, ca, config, json } = global;
        flags.extend(server.map(|url| ("server", url)));
        flags.extend(api_key.map(|key| ("api_key", key.expose().to_owned())));
        flags.extend(ca.map(|path| ("ca", path_text(&path))));
        let layers = Layers { file: config, environment: config::environment()?, flags };
        Ok(Self { config: Config::load(layers)?, json })
    }

    /// A connection to the server.
    pub async fn connect(&self) -> Result<Client, Failure> {
        Ok(Client::connect(&self.config).await?)
    }
}

/// A path as the configuration takes it.
pub fn path_text(path: &std::path::Path) -> String {
    path.to_string_lossy().into_owned()
}
