//! What the messages of a stream ask for, and what they inherit from those before them.

use std::sync::Arc;

use super::super::plan::Plan;
use crate::domain::answer::{self, Fields, Wanted, What};
use crate::domain::consent::Purpose;
use crate::domain::invalid::Invalid;
use crate::domain::model::{Kind, Model};
use crate::domain::view::About;
use crate::proto::v1::LookupRequest;

/// A message that was answered, but for its key, and its plan once it was repeated. What a repeated message inherits is what
/// it says or has inherited before, so it asks the same.
pub(super) struct Last {
    /// The message without its key and token.
    pub(super) rest: Vec<u8>,
    /// What it said of the kind.
    pub(super) kind: String,
    /// Whether it wants HTML twins.
    pub(super) html: bool,
    /// What it said to be about.
    pub(super) about: Vec<String>,
    /// Its plan.
    pub(super) plan: Option<Arc<Plan>>,
}

/// What was asked last; of a view its name, because the model may change under the stream.
pub(super) struct Asked {
    view: String,
    kind: String,
    /// What is asked.
    pub(super) what: What,
}

/// What one message asks for.
pub(super) struct Message {
    /// The name of a view, or nothing.
    pub(super) view: String,
    /// The name of a kind, or nothing.
    pub(super) kind: String,
    /// The names of fields, or nothing.
    pub(super) fields: Vec<String>,
    /// The purpose, if it names one.
    pub(super) purpose: Option<Purpose>,
    /// What it is about.
    pub(super) about: About,
}

impl Asked {
    /// What a stream asks for that has not said anything yet.
    pub(super) fn nothing() -> Self {
        let what = What::Fields { fields: Fields::Everything, purpose: None };
        Self { view: String::new(), kind: String::new(), what }
    }

    /// Takes in what a message asks for, if it is sound: of customers of which kind. What is asked is in `self.what` then.
    pub(super) fn next<'m>(&mut self, message: Message, model: &'m Model) -> Result<&'m Kind, Invalid> {
        let Message { view, kind, fields, purpose, about } = message;
        let repeats = view.is_empty() && fields.is_empty();
        if !view.is_empty() || (repeats && !self.view.is_empty()) {
            let name = if repeats { &self.view } else { &view };
            let Wanted { kind, what } = Wanted::parse(name, &kind, fields, purpose, about, model)?;
            self.what = what;
            if !repeats {
                self.view = view;
            }
            return Ok(kind);
        }
        answer::without_view(&about)?;
        let found = answer::kind(if kind.is_empty() { &self.kind } else { &kind }, model)?;
        model.check_segments(&fields, found)?;
        let fields = if fields.is_empty() { None } else { Some(Fields::parse(fields)?) };
        let last = std::mem::replace(&mut self.what, What::Fields { fields: Fields::Everything, purpose: None });
        let (last_fields, last_purpose) = match last {
            What::Fields { fields, purpose } => (fields, purpose),
            What::View { .. } => (Fields::Everything, None),
        };
        self.what = What::Fields { fields: fields.unwrap_or(last_fields), purpose: purpose.or(last_purpose) };
        self.view.clear();
        if !kind.is_empty() {
            self.kind = kind;
        }
        Ok(found)
    }

    /// What was asked last, as a request that inherits nothing.
    pub(super) fn request(&self, Last { kind, html, about, .. }: &Last) -> LookupRequest {
        let (html, about) = (*html, about.clone());
        let (fields, purpose) = match &self.what {
            What::View { .. } => {
                let (view, kind) = (self.view.clone(), kind.clone());
                return LookupRequest { view, kind, html, about, ..Default::default() };
            }
            What::Fields { fields: Fields::Everything, purpose } => (Vec::new(), purpose.clone()),
            What::Fields { fields: Fields::Named(names), purpose } => {
                (names.iter().map(ToString::to_string).collect(), purpose.clone())
            }
        };
        let (purpose, channel) = purpose.map(|Purpose { name, channel }| (name, channel)).unwrap_or_default();
        let kind = self.kind.clone();
        LookupRequest { kind, fields, purpose, channel, html, about, ..Default::default() }
    }
}
