//! How a command ends. This is the one place that knows the exit codes.

use std::io::{self, Write as _};
use std::process::ExitCode;

use crate::{client, config};

/// The exit codes as `kith --help` documents them.
pub const HELP: &str = "Exit codes:
  0  done
  1  failed: the server said no, is out of reach, or the command was interrupted
  2  the arguments or the configuration are wrong
  3  some of the input was rejected, the rest was done
  4  nothing was found";

const DONE: u8 = 0;
const FAILED: u8 = 1;
const USAGE: u8 = 2;
const REJECTED: u8 = 3;
const NOTHING_FOUND: u8 = 4;

/// A command that came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// All of it worked.
    Done,
    /// Some of the input was rejected.
    Rejected,
    /// There is nothing of what was asked for.
    NothingFound,
}

/// A command that did not.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The arguments contradict each other or name something that is not there.
    #[error("{0}")]
    Usage(String),
    /// The configuration is wrong.
    #[error(transparent)]
    Config(#[from] config::Error),
    /// The server could not be asked, or refused.
    #[error(transparent)]
    Client(#[from] client::Error),
    /// Stdout cannot be written.
    #[error("cannot write to stdout: {0}")]
    Output(io::Error),
    /// Anything else.
    #[error("{0:#}")]
    Other(#[from] anyhow::Error),
}

impl Failure {
    fn code(&self) -> u8 {
        match self {
            Self::Usage(_) | Self::Config(_) | Self::Client(client::Error::Setup(_)) => USAGE,
            Self::Client(error) if error.is_not_found() => NOTHING_FOUND,
            // Whoever read our output has seen enough, as in `kith events … | head`.
            Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => DONE,
            Self::Client(_) | Self::Output(_) | Self::Other(_) => FAILED,
        }
    }
}

/// Says on stderr why a command failed and gives its exit code.
pub fn finish(ended: Result<Outcome, Failure>) -> ExitCode {
    ExitCode::from(match ended {
        Ok(Outcome::Done) => DONE,
        Ok(Outcome::Rejected) => REJECTED,
        Ok(Outcome::NothingFound) => NOTHING_FOUND,
        Err(failure) => {
            let code = failure.code();
            if code != DONE {
                complain(&format!("kith: {failure}"));
            }
            code
        }
    })
}

/// A line on stderr. If even that cannot be written, there is nobody left to tell.
pub fn complain(line: &str) {
    let _nobody_left = writeln!(io::stderr(), "{line}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_that_went_away_is_no_error() {
        let failure = |kind: io::ErrorKind| Failure::Output(kind.into());
        assert_eq!(failure(io::ErrorKind::BrokenPipe).code(), 0);
        assert_eq!(failure(io::ErrorKind::StorageFull).code(), 1);
    }

    #[test]
    fn every_code_is_in_the_help() {
        for code in [DONE, FAILED, USAGE, REJECTED, NOTHING_FOUND] {
            assert!(HELP.lines().any(|line| line.starts_with(&format!("  {code}  "))), "{code}");
        }
    }
}
