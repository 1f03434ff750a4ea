//! The file that keeps what an import could not take: line, reason and the text itself.
//!
//! It holds what was in the input, personal data too: it is readable by its owner alone, and it is the only place
//! that the text of a row goes to. It is created with the first reject; an older one of the name is replaced.

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;

use serde_json::json;

use super::feed::Reject;

/// Rights of the file: its owner reads and writes.
const OWNER_ONLY: u32 = 0o600;

/// The shape of the file, that of the input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// With the header `line,reason,raw`.
    Csv,
    /// With the members `line`, `reason` and `raw`.
    Ndjson,
}

/// The file, open from the first reject on.
#[derive(Debug)]
pub struct Rejects {
    path: PathBuf,
    format: Format,
    writer: Option<Writer>,
}

#[derive(Debug)]
enum Writer {
    Csv(Box<csv::Writer<File>>),
    Ndjson(BufWriter<File>),
}

impl Rejects {
    /// Nothing is written yet.
    pub fn new(path: PathBuf, format: Format) -> Self {
        Self { path, format, writer: None }
    }

    /// The file.
    pub fn path(&self) -> &std::path::Path {
        &self.path
    }

    /// Keeps one row.
    pub fn keep(&mut self, reject: &Reject) -> io::Result<()> {
        let writer = match &mut self.writer {
            Some(writer) => writer,
            none => none.insert(Writer::create(&self.path, self.format)?),
        };
        writer.write(reject)
    }

    /// Brings the rows to the disk.
    pub fn flush(&mut self) -> io::Result<()> {
        match &mut self.writer {
            Some(Writer::Csv(writer)) => writer.flush(),
            Some(Writer::Ndjson(writer)) => writer.flush(),
            None => Ok(()),
        }
    }
}

impl Writer {
    fn create(path: &std::path::Path, format: Format) -> io::Result<Self> {
        let file = OpenOptions::new().write(true).create(true).truncate(true).mode(OWNER_ONLY).open(path)?;
        match format {
            Format::Ndjson => Ok(Self::Ndjson(BufWriter::new(file))),
            Format::Csv => {
                let mut writer = csv::Writer::from_writer(file);
                writer.write_record(["line", "reason", "raw"])?;
                Ok(Self::Csv(Box::new(writer)))
            }
        }
    }

    fn write(&mut self, reject: &Reject) -> io::Result<()> {
        let Reject { line, reason, raw } = reject;
        match self {
            Self::Csv(writer) => {
                writer.write_record([line.to_string().as_bytes(), reason.as_bytes(), raw])?;
                Ok(())
            }
            Self::Ndjson(writer) => {
                let raw = String::from_utf8_lossy(raw);
                writeln!(writer, "{}", json!({"line": line, "reason": reason, "raw": raw}))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn kept(format: Format) -> String {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("rejects");
        let mut rejects = Rejects::new(path.clone(), format);
        rejects.flush().unwrap();
        assert!(!path.exists());
        rejects.keep(&Reject { line: 7, reason: "is \"wrong\"".into(), raw: b"a,\"b".to_vec() }).unwrap();
        rejects.flush().unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, OWNER_ONLY);
        std::fs::read_to_string(path).unwrap()
    }

    #[test]
    fn both_formats_keep_the_row_as_it_was() {
        assert_eq!(kept(Format::Csv), "line,reason,raw\n7,\"is \"\"wrong\"\"\",\"a,\"\"b\"\n");
        assert_eq!(kept(Format::Ndjson), "{\"line\":7,\"raw\":\"a,\\\"b\",\"reason\":\"is \\\"wrong\\\"\"}\n");
    }
}
