//! `kith completions`.

use clap::CommandFactory as _;

use super::exit::{Failure, Outcome};
use super::output;

/// Print the completions of a shell.
///
/// For bash: kith completions bash > ~/.local/share/bash-completion/completions/kith
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The shell.
    shell: clap_complete::Shell,
}

/// Prints the script.
pub fn run(args: Args) -> Result<Outcome, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut super::Cli::command(), "kith", &mut script);
    output::print(&String::from_utf8_lossy(&script))?;
    Ok(Outcome::Done)
}
