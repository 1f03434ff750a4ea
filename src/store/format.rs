//! The format of the database: a file beside it, read before anything else is opened.
//!
//! `FORMAT`: the version as decimal text and a line feed.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::Error;

/// The format that this version writes. Upgrades from older ones go here, in order, once there is an older one.
const FORMAT: u32 = 1;

/// The file.
fn path(directory: &Path) -> PathBuf {
    directory.join("FORMAT")
}

/// True if there is a database in `directory`, of whatever format.
pub fn is_database(directory: &Path) -> bool {
    path(directory).is_file()
}

/// Stamps a new directory with the format, and refuses one of a newer format before it is touched.
pub(super) fn check(directory: &Path) -> Result<(), Error> {
    let path = path(directory);
    match fs::read_to_string(&path) {
        Ok(text) => match text.trim().parse() {
            Ok(found) if found > FORMAT => Err(Error::NewerFormat { found, known: FORMAT }),
            Ok(_) => Ok(()),
            Err(_) => Err(Error::Io { path, text: "is not a format version; was it written by kith?".to_owned() }),
        },
        Err(error) if error.kind() == ErrorKind::NotFound => {
            fs::write(&path, format!("{FORMAT}\n")).map_err(|error| Error::io(&path, &error))
        }
        Err(error) => Err(Error::io(&path, &error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_newer_format_is_refused_and_an_unreadable_one_too() {
        let directory = tempfile::TempDir::new().unwrap();
        check(directory.path()).unwrap();
        check(directory.path()).unwrap();
        let file = directory.path().join("FORMAT");
        fs::write(&file, "2\n").unwrap();
        assert!(matches!(check(directory.path()), Err(Error::NewerFormat { found: 2, known: FORMAT })));
        fs::write(&file, "").unwrap();
        assert!(matches!(check(directory.path()), Err(Error::Io { .. })));
    }
}
