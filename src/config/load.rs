//! Lays the sources of the configuration over each other.
//!
//! Invariant: each source is checked by itself before it is merged, so that an error names the file, the variable or
//! the flag at fault and not the sum of them.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;

use ::config::{Config as Merged, ConfigError, Environment, File, FileFormat};

use super::Config;
use crate::engine::DEFAULT_WORKSPACE;

/// What every variable of kith starts with. Levels are separated by two underscores.
const PREFIX: &str = "KITH_";
/// The variable that names the file. It is the one variable that is no key of the configuration.
const FILE_VARIABLE: &str = "KITH_CONFIG";
/// The file that is read if it is there and no other is named.
const DEFAULT_FILE: &str = "kith.toml";
/// Longest name of a workspace in bytes.
const MAX_WORKSPACE_NAME: usize = 64;

/// Why there is no configuration.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file cannot be read.
    #[error("cannot read the configuration file {}: {cause}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        cause: std::io::Error,
    },
    /// A source holds something that is no configuration.
    #[error("in {origin}: {problem}")]
    Source {
        /// The file, variable or flag.
        origin: String,
        /// What is wrong there.
        problem: String,
    },
    /// Every source is sound; together they are not.
    #[error("{0}")]
    Contradiction(String),
}

/// The sources of one configuration, weakest first.
#[derive(Debug, Default)]
pub struct Layers {
    /// The file named by `--config`. None: that of `KITH_CONFIG`, or `kith.toml` if there is one.
    pub file: Option<PathBuf>,
    /// The variables that start with `KITH_`.
    pub environment: BTreeMap<String, String>,
    /// Flags as (key with dots, value).
    pub flags: Vec<(&'static str, String)>,
}

/// The variables of this process that are meant for kith.
pub fn environment() -> Result<BTreeMap<String, String>, Error> {
    std::env::vars_os().filter_map(of_kith).collect()
}

/// The variable as text if it is one of kith. Its value may be a secret and is not part of the error.
fn of_kith((name, value): (OsString, OsString)) -> Option<Result<(String, String), Error>> {
    let name = name.into_string().ok().filter(|name| name.starts_with(PREFIX))?;
    let pair = value.into_string().map(|value| (name.clone(), value));
    Some(pair.map_err(|_| source(&name, "the value is not UTF-8")))
}

impl Config {
    /// The configuration that the layers make together.
    pub fn load(mut layers: Layers) -> Result<Self, Error> {
        let named = layers.environment.remove(FILE_VARIABLE).map(PathBuf::from);
        let mut merged = Merged::builder();
        if let Some((path, text)) = read_file(layers.file.or(named))? {
            check_file(&path, &text)?;
            merged = merged.add_source(File::from_str(&text, FileFormat::Toml));
        }
        for (name, value) in &layers.environment {
            let variable = variable(name, value);
            check(Merged::builder().add_source(variable.clone()), name)?;
            merged = merged.add_source(variable);
        }
        for (key, value) in layers.flags {
            let problem = |error: ConfigError| source(&flag_of(key), &error.to_string());
            check(Merged::builder().set_override(key, value.clone()).map_err(problem)?, &flag_of(key))?;
            merged = merged.set_override(key, value).map_err(problem)?;
        }
        let built = merged.build().and_then(Merged::try_deserialize::<Self>);
        let config = built.map_err(|error| Error::Contradiction(error.to_string()))?;
        config.check()?;
        Ok(config)
    }

    /// What no single source can be blamed for.
    fn check(&self) -> Result<(), Error> {
        let refuse = |problem: &str| Err(Error::Contradiction(problem.into()));
        if let Some(tls) = &self.tls
            && (tls.cert.as_os_str().is_empty() || tls.key.as_os_str().is_empty())
        {
            return refuse("tls.cert and tls.key belong together: set both or neither");
        }
        if self.cores == 0 {
            return refuse("cores must be 1 or more");
        }
        let own_model = self.workspaces.get(DEFAULT_WORKSPACE).is_some_and(|workspace| workspace.model.is_some());
        if own_model && self.model.is_some() {
            return refuse("model and workspaces.default.model are the same setting: set one of them");
        }
        if !self.workspaces.keys().all(|name| is_workspace_name(name)) {
            return refuse("the name of a workspace is 1 to 64 of a-z, 0-9, `-` and `_`");
        }
        Ok(())
    }
}

fn is_workspace_name(name: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-' || byte == b'_';
    (1..=MAX_WORKSPACE_NAME).contains(&name.len()) && name.bytes().all(allowed)
}

/// The file with its text: the one that is named, which must be there, or the default one, which need not.
fn read_file(named: Option<PathBuf>) -> Result<Option<(PathBuf, String)>, Error> {
    let required = named.is_some();
    let path = named.unwrap_or_else(|| PathBuf::from(DEFAULT_FILE));
    match std::fs::read_to_string(&path) {
        Ok(text) => Ok(Some((path, text))),
        Err(cause) if cause.kind() == std::io::ErrorKind::NotFound && !required => Ok(None),
        Err(cause) => Err(Error::Read { path, cause }),
    }
}

/// Checks the file by itself. Its syntax is checked first and here, because a parser's own error shows the line,
/// which may hold the API key.
fn check_file(path: &std::path::Path, text: &str) -> Result<(), Error> {
    let origin = path.display().to_string();
    if let Err(error) = toml::from_str::<toml::Table>(text) {
        let start = error.span().map_or(0, |span| span.start);
        let line = 1 + text.bytes().take(start).filter(|byte| *byte == b'\n').count();
        return Err(source(&format!("{origin}:{line}"), error.message()));
    }
    check(Merged::builder().add_source(File::from_str(text, FileFormat::Toml)), &origin)
}

/// Reads one source alone over the defaults.
fn check(only: ::config::ConfigBuilder<::config::builder::DefaultState>, origin: &str) -> Result<(), Error> {
    let read = only.build().and_then(Merged::try_deserialize::<Config>);
    read.map(drop).map_err(|error| source(origin, &error.to_string()))
}

/// One variable as a source of its own.
fn variable(name: &str, value: &str) -> Environment {
    let only = [(name.to_owned(), value.to_owned())].into_iter().collect();
    Environment::with_prefix("KITH").prefix_separator("_").separator("__").source(Some(only))
}

/// `tls.cert` is set by `--tls-cert`.
fn flag_of(key: &str) -> String {
    format!("--{}", key.replace(['.', '_'], "-"))
}

fn source(origin: &str, problem: &str) -> Error {
    Error::Source { origin: origin.into(), problem: problem.into() }
}

#[cfg(test)]
mod tests;
