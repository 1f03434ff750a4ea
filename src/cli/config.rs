//! `kith config`.

use anyhow::Context as _;

use super::app::App;
use super::exit::{Failure, Outcome};
use super::output;

/// Print the effective configuration as TOML, secrets hidden.
///
/// What is printed can be saved as kith.toml and changed. A setting that is not printed is not set.
#[derive(Debug, clap::Args)]
pub struct Args {}

/// Prints it.
pub fn run(Args {}: Args, app: &App) -> Result<Outcome, Failure> {
    if app.json {
        output::print_json(&serde_json::to_value(&app.config).context("the configuration is not JSON")?)?;
    } else {
        output::print(&toml::to_string(&app.config).context("the configuration is not TOML")?)?;
    }
    Ok(Outcome::Done)
}
