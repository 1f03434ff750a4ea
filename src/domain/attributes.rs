//! Attributes: values by name, with the facts that set them.
//!
//! Most facts touch none: a purchase moves what is computed. So attributes that come from the store stay as they are stored
//! until somebody asks for one of them, and if nobody does they go back as they came.

use std::any::Any;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, OnceLock};

use super::holdings::Cell;

/// Attributes as they are stored. They were checked when they were found, so that reading them cannot fail.
pub trait Unread: Any + Send + Sync {
    /// Reads them.
    fn read(&self) -> BTreeMap<String, Cell>;
}

/// Attributes by name.
#[derive(Clone, Default)]
pub struct Attributes {
    cells: BTreeMap<String, Cell>,
    /// What counts in place of `cells`, as long as it is there.
    stored: Option<Stored>,
}

#[derive(Clone)]
struct Stored {
    unread: Arc<dyn Unread>,
    read: OnceLock<BTreeMap<String, Cell>>,
}

impl Attributes {
    /// Attributes that are not read yet.
    pub fn unread(stored: Arc<dyn Unread>) -> Self {
        Self { cells: BTreeMap::new(), stored: Some(Stored { unread: stored, read: OnceLock::new() }) }
    }

    /// What they were made of, if nobody has changed them since and it is a `T`.
    pub fn as_stored<T: Unread>(&self) -> Option<&T> {
        let unread: &dyn Any = &*self.stored.as_ref()?.unread;
        unread.downcast_ref()
    }

    /// The attributes, to be looked at.
    pub fn cells(&self) -> &BTreeMap<String, Cell> {
        match &self.stored {
            Some(Stored { unread, read }) => read.get_or_init(|| unread.read()),
            None => &self.cells,
        }
    }

    /// The attributes, to be changed.
    pub fn cells_mut(&mut self) -> &mut BTreeMap<String, Cell> {
        if let Some(Stored { unread, read }) = self.stored.take() {
            self.cells = read.into_inner().unwrap_or_else(|| unread.read());
        }
        &mut self.cells
    }

    /// The attributes.
    pub fn into_cells(mut self) -> BTreeMap<String, Cell> {
        std::mem::take(self.cells_mut())
    }
}

impl From<BTreeMap<String, Cell>> for Attributes {
    fn from(cells: BTreeMap<String, Cell>) -> Self {
        Self { cells, stored: None }
    }
}

impl PartialEq for Attributes {
    fn eq(&self, other: &Self) -> bool {
        match (&self.stored, &other.stored) {
            (Some(ours), Some(theirs)) if Arc::ptr_eq(&ours.unread, &theirs.unread) => true,
            _ => self.cells() == other.cells(),
        }
    }
}

impl fmt::Debug for Attributes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.cells().fmt(f)
    }
}
