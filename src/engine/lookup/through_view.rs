//! Lookups by a view: its slots are the fields of one lookup, and what was read is what it answers from.

use super::{Ask, Question};
use crate::domain::answer::{Answer, Resolution};
use crate::domain::consent::{Consent, Purpose, State};
use crate::domain::hush::Hushed;
use crate::domain::time::{Time, earlier};
use crate::domain::view::{About, Denier, Found, Gate, Permission, View};

/// What every customer of a lookup is to be spoken to for.
#[derive(Clone, Copy, Debug)]
pub struct Occasion<'a> {
    /// The view that answers.
    pub view: &'a View,
    /// What the message is about.
    pub about: &'a About,
    /// The time at which it is asked.
    pub now: Time,
}

impl<'a> Occasion<'a> {
    /// What the view is for, in its channel.
    pub(super) fn purpose(self) -> Option<Purpose> {
        let View { purpose, channel, .. } = self.view;
        (!purpose.is_empty()).then(|| Purpose { name: purpose.clone(), channel: channel.clone() })
    }

    /// What the view reads.
    pub(super) fn question(self, purpose: Option<&'a Purpose>) -> Question<'a> {
        let Self { view, about: _, now } = self;
        Question { kind: view.kind, fields: &view.slots, now, purpose }
    }
}

impl Ask<'_> {
    /// The answer to it. What a view makes of the fields is in place of those that it read.
    pub(super) fn seen(self, answer: Answer) -> Answer {
        let Self::View(Occasion { view, about, now }) = self else { return answer };
        let found = Found { fields: &answer.fields, apart: &answer.apart };
        let viewed = view.answer(found, about, now, &gate(view, &answer));
        Answer { fields: Vec::new(), apart: Vec::new(), viewed: Some(viewed), ..answer }
    }
}

/// What is hushed in the channel of the view, or in all, and whether its purpose is allowed there. A view of no channel in
/// particular may be used in any: whatever is hushed anywhere counts, and what is not allowed in one of the channels is not
/// allowed.
fn gate(view: &View, answer: &Answer) -> Gate {
    let counts = |hushed: &&Hushed| {
        let channel = &hushed.topic.channel;
        channel.is_empty() || view.channel.is_empty() || *channel == view.channel
    };
    let hushed = answer.hushed.iter().filter(counts).map(|hushed| hushed.topic.name.clone()).collect();
    // All topics that are hushed are in the answer, so it is another when any of them is not.
    let hush_ends = answer.hushed.iter().filter_map(|hushed| hushed.until).min();
    Gate {
        hushed,
        permission: permission(&answer.consents),
        erased: answer.resolution == Resolution::Erased,
        shared: matches!(answer.resolution, Resolution::Shared { .. }),
        changes_at: earlier(answer.changes_at, hush_ends),
    }
}

fn permission(consents: &[Consent]) -> Permission {
    match State::of_all(consents.iter().map(|consent| consent.state)) {
        State::Granted => Permission::Granted,
        State::Unknown => Permission::Unknown,
        State::Denied => {
            let deniers = consents.iter().filter_map(|consent| consent.denied_by);
            Permission::Denied(deniers.reduce(Denier::and).unwrap_or(Denier::Customer))
        }
    }
}
