//! Keeping the evidence of a fact: its link, and where that is found.

use super::Place;
use super::plan::Plan;
use crate::codec::key::{LinkIndexKey, LinkKey};
use crate::domain::identifier::Identifier;
use crate::domain::link::{Link, MAX_AGAIN};
use crate::domain::receipt::Rule;
use crate::domain::wall::Quarantine;
use crate::store;
use crate::store::batch::Batch;
use crate::store::catalogue::{HELD_LINKS, LINK_INDEX, LINKS};

/// Keeps the evidence: the first time that these identifiers were said to belong together, and every later time that
/// it moved something. True if there was something to keep.
///
/// An identifier in quarantine is kept in the link and not in the index, where it would gather every link there is; it comes
/// into the index when the same is said again after its release, and is noted down beside the index until then. Values that
/// identify nobody are in the index, since a change of rules may say otherwise; what links they are in is not asked before.
pub(super) fn keep_link(
    batch: &mut Batch<'_>,
    place: Place,
    link: Link,
    known: Option<Link>,
    plans: &[Plan<'_>],
) -> Result<bool, store::Error> {
    let workspace = place.workspace;
    let key = LinkKey { workspace, link: link.id() };
    if let Some(mut known) = known {
        for identifier in link.identifiers.iter().chain(&link.previous).filter(|id| was_released(id, plans)) {
            let index = LinkIndexKey { workspace, identifier: identifier.clone(), link: key.link };
            LINK_INDEX.put(batch, &index, &())?;
        }
        let moves = plans.iter().any(|plan| !plan.folds_again && plan.decision.changes_the_graph());
        let more = known.said_again(link, moves || is_in_no_history(&known, plans));
        if more {
            LINKS.put(batch, &key, &known)?;
        }
        return Ok(more);
    }
    LINKS.put(batch, &key, &link)?;
    for identifier in link.identifiers.iter().chain(&link.previous) {
        let ours = || plans.iter().filter(|plan| plan.rules.has(identifier));
        let index = LinkIndexKey { workspace, identifier: identifier.clone(), link: key.link };
        if ours().next().is_none() || ours().any(|plan| plan.decision.blocks(identifier) != Some(&Rule::Quarantine)) {
            LINK_INDEX.put(batch, &index, &())?;
        } else if ours().any(|plan| plan.decision.blocks(identifier) == Some(&Rule::Quarantine)) {
            HELD_LINKS.put(batch, &index, &())?;
        }
    }
    Ok(true)
}

/// True if the history of some kind will not tell of this repetition, because all that it names is blocked there: should a
/// change of rules unblock it, the link itself has to know.
fn is_in_no_history(known: &Link, plans: &[Plan<'_>]) -> bool {
    let connects = known.identifiers.len() + usize::from(known.previous.is_some()) > 1;
    connects && known.again.len() < MAX_AGAIN && (plans.is_empty() || plans.iter().any(|plan| plan.origin.is_none()))
}

fn was_released(identifier: &Identifier, plans: &[Plan<'_>]) -> bool {
    let mut owners = plans.iter().filter_map(|plan| plan.owners.get(identifier));
    owners.any(|owner| matches!(owner.quarantine, Some(Quarantine::ReleasedAt(_))))
}
