//! The format of the database: a file beside it, read before anything else is opened.
//!
//! `FORMAT`: the version as decimal text and a line feed.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::Error;

/// The format that this version writes. Records of older ones are read as they are and become new ones when they are written
/// next, so that an upgrade is the number alone:
///
/// 1. at first;
/// 2. a fragment that is all of its profile is stored once, and values stand in columns.
const FORMAT: u32 = 2;

/// The file.
fn path(directory: &Path) -> PathBuf {
    directory.join("FORMAT")
}

/// True if there is a database in `directory`, of whatever format.
pub fn is_database(directory: &Path) -> bool {
    path(directory).is_file()
}

/// Stamps a directory that is new or of an older format, and refuses one of a newer format before it is touched.
pub(super) fn check(directory: &Path) -> Result<(), Error> {
    let path = path(directory);
    match fs::read_to_string(&path) {
        Ok(text) => match text.trim().parse() {
            Ok(found) if found > FORMAT => Err(Error::NewerFormat { found, known: FORMAT }),
            Ok(FORMAT) => Ok(()),
            Ok(_) => stamp(&path),
            Err(_) => Err(Error::Io { path, text: "is not a format version; was it written by kith?".to_owned() }),
        },
        Err(error) if error.kind() == ErrorKind::NotFound => stamp(&path),
        Err(error) => Err(Error::io(&path, &error)),
    }
}

/// Writes the file anew, or not at all.
fn stamp(path: &Path) -> Result<(), Error> {
    let draft = path.with_extension("new");
    let written = fs::write(&draft, format!("{FORMAT}\n")).and_then(|()| fs::rename(&draft, path));
    written.map_err(|error| Error::io(path, &error))
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
        fs::write(&file, "3\n").unwrap();
        assert!(matches!(check(directory.path()), Err(Error::NewerFormat { found: 3, known: FORMAT })));
        fs::write(&file, "").unwrap();
        assert!(matches!(check(directory.path()), Err(Error::Io { .. })));
    }

    #[test]
    fn an_older_format_becomes_the_one_of_today() {
        let directory = tempfile::TempDir::new().unwrap();
        fs::write(directory.path().join("FORMAT"), "1\n").unwrap();
        check(directory.path()).unwrap();
        assert_eq!(fs::read_to_string(directory.path().join("FORMAT")).unwrap(), "2\n");
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    }
}
