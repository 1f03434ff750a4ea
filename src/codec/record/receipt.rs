//! The record of a receipt, with the log time of the fact so that it can expire.

use serde::{Deserialize, Serialize};

use super::parts::{StoredId, StoredRule, identifier, text};
use super::{Record, open, seal};
use crate::codec::Error;
use crate::domain::erasure::Erased;
use crate::domain::ids::{KindId, ProfileId, Seq};
use crate::domain::receipt::{Action, Line, LoggedReceipt, Mention, Receipt};
use crate::domain::time::Time;

const WHAT: &str = "receipt record";
const MENTION: &str = "mention record";

#[derive(Serialize, Deserialize)]
struct ReceiptV1 {
    logged: u64,
    message_id: String,
    profiles: Vec<(u32, StoredId)>,
    lines: Vec<LineV1>,
    seq: u64,
    erased: Option<ErasedV1>,
}

#[derive(Serialize, Deserialize)]
struct ErasedV1 {
    identifiers: u64,
    links: u64,
    events: u64,
    fragments: u64,
    unordered: bool,
}

#[derive(Serialize, Deserialize)]
struct LineV1 {
    action: StoredAction,
    kind: u32,
    identifier: Option<String>,
    profile: Option<StoredId>,
    rule: Option<StoredRule>,
}

#[derive(Serialize, Deserialize)]
enum StoredAction {
    Created,
    Attached,
    Merged,
    Demoted,
    Blocked,
    Capped,
    Refused,
    Aliased,
    Split,
    Moved,
    Quarantined,
    Released,
    Walled,
    Unordered,
    Erased,
}

impl Record for LoggedReceipt {
    fn encode(&self) -> Result<Vec<u8>, Error> {
        let Self { logged, receipt: Receipt { message_id, profiles, lines, seq, duplicate: _, erased } } = self;
        let stored = ReceiptV1 {
            logged: logged.micros(),
            message_id: message_id.clone(),
            profiles: profiles.iter().map(|(kind, id)| (kind.0, (*id).into())).collect(),
            lines: lines.iter().map(LineV1::from).collect(),
            seq: seq.0,
            erased: erased.map(ErasedV1::from),
        };
        seal(WHAT, 1, &stored)
    }

    fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let ReceiptV1 { logged, message_id, profiles, lines, seq, erased } = open(WHAT, 1, bytes)?;
        let receipt = Receipt {
            message_id,
            profiles: profiles.into_iter().map(|(kind, id)| (KindId(kind), id.into())).collect(),
            lines: lines.into_iter().map(line).collect::<Result<_, _>>()?,
            seq: Seq(seq),
            duplicate: false,
            erased: erased.map(Erased::from),
        };
        Ok(Self { logged: Time::from_micros(logged), receipt })
    }
}

impl From<Erased> for ErasedV1 {
    fn from(erased: Erased) -> Self {
        let Erased { identifiers, links, events, fragments, unordered } = erased;
        Self { identifiers, links, events, fragments, unordered }
    }
}

impl From<ErasedV1> for Erased {
    fn from(stored: ErasedV1) -> Self {
        let ErasedV1 { identifiers, links, events, fragments, unordered } = stored;
        Self { identifiers, links, events, fragments, unordered }
    }
}

#[derive(Serialize, Deserialize)]
struct MentionV1 {
    logged: u64,
}

impl Record for Mention {
    fn encode(&self) -> Result<Vec<u8>, Error> {
        let Self { logged } = self;
        seal(MENTION, 1, &MentionV1 { logged: logged.micros() })
    }

    fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let MentionV1 { logged } = open(MENTION, 1, bytes)?;
        Ok(Self { logged: Time::from_micros(logged) })
    }
}

impl From<&Line> for LineV1 {
    fn from(line: &Line) -> Self {
        let Line { action, kind, identifier, profile, rule } = line;
        Self {
            action: (*action).into(),
            kind: kind.0,
            identifier: identifier.as_ref().map(text),
            profile: profile.map(StoredId::from),
            rule: rule.as_ref().map(StoredRule::from),
        }
    }
}

fn line(stored: LineV1) -> Result<Line, Error> {
    let LineV1 { action, kind, identifier: key, profile, rule } = stored;
    Ok(Line {
        action: action.into(),
        kind: KindId(kind),
        identifier: key.map(|stored| identifier(WHAT, &stored)).transpose()?,
        profile: profile.map(ProfileId::from),
        rule: rule.map(Into::into),
    })
}

impl From<Action> for StoredAction {
    fn from(action: Action) -> Self {
        match action {
            Action::Created => Self::Created,
            Action::Attached => Self::Attached,
            Action::Merged => Self::Merged,
            Action::Demoted => Self::Demoted,
            Action::Blocked => Self::Blocked,
            Action::Capped => Self::Capped,
            Action::Refused => Self::Refused,
            Action::Aliased => Self::Aliased,
            Action::Split => Self::Split,
            Action::Moved => Self::Moved,
            Action::Quarantined => Self::Quarantined,
            Action::Released => Self::Released,
            Action::Walled => Self::Walled,
            Action::Unordered => Self::Unordered,
            Action::Erased => Self::Erased,
        }
    }
}

impl From<StoredAction> for Action {
    fn from(stored: StoredAction) -> Self {
        match stored {
            StoredAction::Created => Self::Created,
            StoredAction::Attached => Self::Attached,
            StoredAction::Merged => Self::Merged,
            StoredAction::Demoted => Self::Demoted,
            StoredAction::Blocked => Self::Blocked,
            StoredAction::Capped => Self::Capped,
            StoredAction::Refused => Self::Refused,
            StoredAction::Aliased => Self::Aliased,
            StoredAction::Split => Self::Split,
            StoredAction::Moved => Self::Moved,
            StoredAction::Quarantined => Self::Quarantined,
            StoredAction::Released => Self::Released,
            StoredAction::Walled => Self::Walled,
            StoredAction::Unordered => Self::Unordered,
            StoredAction::Erased => Self::Erased,
        }
    }
}
