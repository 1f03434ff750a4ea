//! The format of the database: a file beside it, read before anything else is opened.
//!
//! `FORMAT`: the version as decimal text and a line feed.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::Error;
use super::replace::replace;

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

/// What is to be done once a database is open, and nothing before: who did not get to open it has not changed it.
#[must_use = "a database of an older format must be stamped before anything is written"]
pub(super) enum Format {
    /// It is of the format of today.
    Known,
    /// It is of an older one.
    Older,
}

/// Stamps a directory that is new, and refuses one of a newer format before it is touched.
pub(super) fn check(directory: &Path) -> Result<Format, Error> {
    let path = path(directory);
    match fs::read_to_string(&path) {
        Ok(text) => match text.trim().parse::<u32>() {
            Ok(found) if found > FORMAT => Err(Error::NewerFormat { found, known: FORMAT }),
            Ok(FORMAT) => Ok(Format::Known),
            Ok(_) => Ok(Format::Older),
            Err(_) => Err(Error::Io { path, text: "is not a format version; was it written by kith?".to_owned() }),
        },
        Err(error) if error.kind() == ErrorKind::NotFound => stamp(directory).map(|()| Format::Known),
        Err(error) => Err(Error::io(&path, &error)),
    }
}

impl Format {
    /// Stamps a database of an older format, before the first record of today's is written into it.
    pub(super) fn upgrade(self, directory: &Path) -> Result<(), Error> {
        match self {
            Self::Known => Ok(()),
            Self::Older => stamp(directory),
        }
    }
}

fn stamp(directory: &Path) -> Result<(), Error> {
    let path = path(directory);
    replace(&path, format!("{FORMAT}\n").as_bytes()).map_err(|error| Error::io(&path, &error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_newer_format_is_refused_and_an_unreadable_one_too() {
        let directory = tempfile::TempDir::new().unwrap();
        for _ in 0..2 {
            assert!(matches!(check(directory.path()), Ok(Format::Known)));
        }
        let file = directory.path().join("FORMAT");
        fs::write(&file, "3\n").unwrap();
        assert!(matches!(check(directory.path()), Err(Error::NewerFormat { found: 3, known: FORMAT })));
        fs::write(&file, "").unwrap();
        assert!(matches!(check(directory.path()), Err(Error::Io { .. })));
    }

    #[test]
    fn an_older_format_becomes_the_one_of_today_once_it_is_open() {
        let directory = tempfile::TempDir::new().unwrap();
        let file = directory.path().join("FORMAT");
        fs::write(&file, "1\n").unwrap();
        let format = check(directory.path()).unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), "1\n");
        format.upgrade(directory.path()).unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), "2\n");
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    }
}
