//! What a request asks for: fields of one kind, or a view.

use std::sync::Arc;

use super::Fields;
use crate::domain::consent::Purpose;
use crate::domain::invalid::{Invalid, Reason};
use crate::domain::model::{Kind, Model};
use crate::domain::view::{About, View};

/// What is asked of customers, and of which kind they are.
#[derive(Clone, Debug)]
pub struct Wanted<'m> {
    /// The kind.
    pub kind: &'m Kind,
    /// What is asked.
    pub what: What,
}

/// What is asked of a customer.
#[derive(Clone, Debug)]
pub enum What {
    /// Fields of the profile.
    Fields {
        /// Which.
        fields: Fields,
        /// The purpose of which it is asked whether it is allowed.
        purpose: Option<Purpose>,
    },
    /// What a view makes of it.
    View {
        /// The view.
        view: Arc<View>,
        /// What the message is about.
        about: About,
    },
}

impl<'m> Wanted<'m> {
    /// Reads a request: `view` may be empty, and if it is not, `fields` and `purpose` must be. `about` goes with a view.
    pub fn parse(
        view: &str,
        kind: &str,
        fields: Vec<String>,
        purpose: Option<Purpose>,
        about: About,
        model: &'m Model,
    ) -> Result<Self, Invalid> {
        if view.is_empty() {
            let kind = super::kind(kind, model)?;
            model.check_segments(&fields, kind)?;
            without_view(&about)?;
            return Ok(Self { kind, what: What::Fields { fields: Fields::parse(fields)?, purpose } });
        }
        if purpose.is_some() {
            let text = "goes with no `view`: a view says itself what it is for; send one of them";
            return Err(Invalid::new(Reason::BadValue, "purpose", text));
        }
        if !fields.is_empty() {
            let text = "goes with no `view`: a view says itself what it reads; send one of them";
            return Err(Invalid::new(Reason::BadValue, "fields", text));
        }
        Self::view(view, kind, about, model)
    }

    /// What the view called so answers for a message about `about`. `kind_name` may be empty, and must be the kind of the view if it is not.
    pub fn view(name: &str, kind_name: &str, about: About, model: &'m Model) -> Result<Self, Invalid> {
        let view = model.view(name)?;
        let own = model.kind_by_id(view.kind);
        let kind = own.filter(|own| kind_name.is_empty() || own.name == kind_name).ok_or_else(|| {
            Invalid::new(Reason::BadValue, "kind", "is not the kind that the view is of; leave it out")
        })?;
        Ok(Self { kind, what: What::View { view: Arc::clone(view), about } })
    }
}

/// Refuses what a message is about where no view says what stands against that.
pub fn without_view(about: &About) -> Result<(), Invalid> {
    match about.is_empty() {
        true => Ok(()),
        false => Err(Invalid::new(Reason::BadValue, "about", "goes with a `view`, whose holds look for it; name one")),
    }
}
