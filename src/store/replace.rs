//! Small files beside the database, replaced as a whole: after a power cut there is the file of before or the one of after.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;

/// Puts `bytes` into the file `path`, on disk before this returns.
pub(super) fn replace(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let draft = path.with_extension("new");
    let mut file = File::create(&draft)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&draft, path)?;
    match path.parent() {
        Some(directory) => File::open(directory)?.sync_all(),
        None => Ok(()),
    }
}
