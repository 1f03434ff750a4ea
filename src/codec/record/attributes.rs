//! Attributes as they are stored: the document that they are in, and the stamps that it has numbers of.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::holdings::missing_stamp;
use crate::codec::Error;
use crate::codec::document::{Document, Field, Origin};
use crate::domain::attributes::{Attributes, Unread};
use crate::domain::holdings::{Cell, Stamp};

/// A document that was checked, and its stamps.
pub(super) struct StoredAttributes {
    bytes: Box<[u8]>,
    pub(super) stamps: Vec<Arc<Stamp>>,
}

impl StoredAttributes {
    /// The attributes of a document, not read yet.
    pub(super) fn checked(bytes: &[u8], stamps: Vec<Arc<Stamp>>) -> Result<Attributes, Error> {
        Document::read(bytes)?.check(stamps.len())?;
        Ok(Attributes::unread(Arc::new(Self { bytes: bytes.into(), stamps })))
    }

    /// The document.
    pub(super) fn document(&self) -> Result<Document<'_>, Error> {
        Document::read(&self.bytes)
    }
}

impl Unread for StoredAttributes {
    fn read(&self) -> BTreeMap<String, Cell> {
        // It was checked: there is no error to be had.
        self.document().and_then(|document| read(document, &self.stamps)).unwrap_or_default()
    }
}

/// Reads the attributes of a document. They come in name order, so that the map is built at once.
pub(super) fn read(document: Document<'_>, stamps: &[Arc<Stamp>]) -> Result<BTreeMap<String, Cell>, Error> {
    let attribute = |field: Result<Field<'_>, Error>| match field {
        Ok(Field { name, origin: Origin::Stamp(number), value }) => {
            let stamp = usize::try_from(number).ok().and_then(|number| stamps.get(number));
            let cell = stamp.map(|stamp| Cell { value, stamp: Arc::clone(stamp) });
            Some(cell.map(|cell| (name.to_owned(), cell)).ok_or_else(missing_stamp))
        }
        Ok(_) => None,
        Err(error) => Some(Err(error)),
    };
    document.fields().filter_map(attribute).collect()
}
