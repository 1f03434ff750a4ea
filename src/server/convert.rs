//! Between messages and what they mean. Every message is taken apart field by field, so that a field added to the
//! protos fails the build here until it has a meaning.

pub mod access;
pub mod answer;
pub mod consent;
pub mod decision;
pub mod fact;
pub mod identity;
pub mod model;
pub mod page;
pub mod profile;
pub mod receipt;
pub mod served;
pub mod time;
pub mod value;

use crate::domain::ids::KindId;
use crate::domain::model::Model;

/// The name of a kind, for people. Empty for a kind that the model no longer declares.
fn kind_name(kind: KindId, model: &Model) -> String {
    model.kind_by_id(kind).map(|kind| kind.name.clone()).unwrap_or_default()
}
