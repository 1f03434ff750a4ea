//! `WriteAndLookup`: all of the lookup that can be refused is refused before the fact is written.

use super::super::Context;
use super::query::OwnedQuery;
use super::send::Asking;
use crate::domain::answer::{self, What};
use crate::domain::ids::WorkspaceId;
use crate::domain::invalid::{Invalid, Reason};
use crate::domain::key::Key;
use crate::domain::model::{Kind, Model};
use crate::domain::receipt::Receipt;
use crate::proto::v1::{Fact, LookupRequest, WriteAndLookupRequest};
use crate::server::convert;
use crate::server::metrics::{FactResult, LookupResult};
use crate::server::status::Refusal;
use crate::server::wire::{self, Encoded};

impl Context {
    pub(super) async fn write_and_lookup(
        &self,
        workspace: WorkspaceId,
        request: WriteAndLookupRequest,
    ) -> Result<Encoded, Refusal> {
        let WriteAndLookupRequest { fact, lookup } = request;
        let mut lookup = lookup.unwrap_or_default();
        let active = self.engine.model(workspace)?;
        if let Err(refusal) = self.foresee(workspace, &mut lookup, fact.as_ref()).await {
            self.counts.lookup(LookupResult::Refused);
            self.counts.fact(FactResult::Refused);
            return Err(refusal.within("lookup"));
        }
        let receipt: Result<Receipt, Refusal> = self.write(workspace, fact).await;
        self.count_fact(&receipt);
        let receipt = receipt.map_err(|refusal| refusal.within("fact"))?;
        let answered = self.lookup(workspace, lookup).await;
        if answered.is_err() {
            self.counts.lookup(LookupResult::Refused);
        }
        let (item, token) = answered.map_err(|refusal| refusal.within("lookup"))?;
        Ok(wire::write_and_lookup(&convert::receipt::write(receipt, &active.model), &item, &token))
    }

    /// Refuses a lookup that would be refused after the write. One that brings no keys is given those of the fact.
    async fn foresee(
        &self,
        workspace: WorkspaceId,
        lookup: &mut LookupRequest,
        fact: Option<&Fact>,
    ) -> Result<(), Refusal> {
        let OwnedQuery { active, kind, what, send, html: _ } = self.read(workspace, lookup.clone()).await?;
        if lookup.keys.is_empty() {
            lookup.keys = keys_of(fact, &kind, &active.model)?;
        }
        let ranked = answer::keys(&lookup.keys, &kind, &active.model)?;
        if let (What::View { view, about }, Some(send)) = (what, send) {
            // As it would be answered now: whether the send may ask by this view.
            Box::pin(self.read_sent(workspace, &ranked, &Asking { view, about }, &send)).await?;
        }
        Ok(())
    }
}

/// The keys of a fact that identify `kind`. What is wrong with others is for the fact to say.
fn keys_of(fact: Option<&Fact>, kind: &Kind, model: &Model) -> Result<Vec<String>, Invalid> {
    let keys: &[String] = fact.map(|fact| fact.keys.as_slice()).unwrap_or_default();
    let is_of_kind = |text: &&String| match Key::parse(text, "keys", model) {
        Ok(Key::Identifier(identifier)) => kind.rank(identifier.type_name()).is_some(),
        Ok(Key::Profile(_)) | Err(_) => false,
    };
    let found: Vec<String> = keys.iter().filter(is_of_kind).cloned().collect();
    if found.is_empty() {
        let text = "is empty, and the fact has no key that identifies this kind; name the customer by at least one key";
        return Err(Invalid::new(Reason::Missing, "keys", text));
    }
    Ok(found)
}
