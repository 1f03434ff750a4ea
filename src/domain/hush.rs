//! Hush: topics that are not to be raised with a customer, and why they stay so when identities change.
//!
//! What was said of topics is kept in a form whose union is commutative, associative and idempotent, so that it does not
//! matter in which order facts and merges came. Of what one identifier says of a topic in a channel the newest moment
//! decides, and so a later hush may shorten an earlier one. Of what several identifiers say every hush stands, whatever
//! the others say of its end, unless a lift with a later moment says otherwise, by whichever of them. A lift in one
//! channel is about what was hushed in that channel by name; a lift in all channels is about every hush of the topic.
//!
//! A hush that was copied to another identifier, because a profile came apart, is that identifier's own from then on:
//! nothing at it names the other, who may be erased one day. Should the two meet again, each has said it.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use super::fact::check_text;
use super::holdings::Stamp;
use super::identifier::Identifier;
use super::invalid::{Invalid, Reason};
use super::label;
use super::link::Moment;
use super::time::Time;

/// How many topics one identifier may bring, each counted once for every channel that it is hushed or lifted in;
/// further ones are refused.
pub const MAX_TOPICS: usize = 128;
/// How long a cause may be, in bytes.
pub const MAX_CAUSE_BYTES: usize = 256;

/// A topic in one channel, or in all of them.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Topic {
    /// Its name.
    pub name: String,
    /// The channel; empty: all of them.
    pub channel: String,
}

/// What a fact says of a topic, as it came in.
#[derive(Clone)]
pub struct Saying {
    /// The name of the topic.
    pub topic: String,
    /// The channel; empty: all of them.
    pub channel: String,
    /// True if the topic may be raised again.
    pub lift: bool,
    /// When the hush ends by itself.
    pub until: Option<Time>,
    /// Why, for the history alone.
    pub cause: String,
}

/// What a fact says of a topic, checked.
#[derive(Clone, PartialEq)]
pub struct Said {
    /// The topic.
    pub topic: Topic,
    /// True if it may be raised again.
    pub lift: bool,
    /// When the hush ends by itself; never of a lift.
    pub until: Option<Time>,
    /// Why. No answer has it: it is kept with the event, and nowhere else.
    pub cause: String,
}

/// That a topic is not to be raised.
#[derive(Clone, PartialEq, Eq)]
pub struct Hush {
    /// When it ends by itself; `None`: when it is lifted.
    pub until: Option<Time>,
    /// The fact that said so, and the identifier it was said of.
    pub stamp: Arc<Stamp>,
}

/// What was said of one topic in one channel.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Opinions {
    /// The newest fact that says that it may be raised again.
    pub lifted: Option<Moment>,
    /// By identifier, the newest fact since then that says that it may not.
    pub hushes: BTreeMap<Identifier, Hush>,
}

/// What was said of topics.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Hushes {
    /// By topic and channel; none is empty.
    pub topics: BTreeMap<Topic, Opinions>,
}

/// A topic that is hushed now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hushed {
    /// The topic.
    pub topic: Topic,
    /// When that ends by itself; `None`: when it is lifted.
    pub until: Option<Time>,
}

/// Says nothing of what the topic is.
impl fmt::Debug for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Topic(…)")
    }
}

/// Says how many topics there are, and not which.
impl fmt::Debug for Hushes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hushes").field("topics", &self.topics.len()).finish()
    }
}

impl Saying {
    /// Checks every limit. `time` is the event time.
    pub(super) fn check(self, time: Time) -> Result<Said, Invalid> {
        let Self { topic, channel, lift, until, cause } = self;
        let topic = Topic {
            name: label::read(&topic, "hush.topic", true)?,
            channel: label::read(&channel, "hush.channel", false)?,
        };
        check_text(&cause, "hush.cause", MAX_CAUSE_BYTES, false)?;
        if lift && until.is_some() {
            return Err(Invalid::new(Reason::BadValue, "hush.until", "is set, and `lift` too; a lift has no end"));
        }
        if until.is_some_and(|until| until <= time) {
            return Err(Invalid::new(Reason::BadValue, "hush.until", "is not after the time of the fact"));
        }
        Ok(Said { topic, lift, until, cause })
    }
}

impl Hush {
    /// True if it has not ended by itself at `now`.
    pub fn holds(&self, now: Time) -> bool {
        self.until.is_none_or(|until| now < until)
    }

    /// Of two that one identifier has, the greater one counts: the newer, and of one moment the longer.
    fn rank(&self) -> (&Moment, bool, Option<Time>, &str) {
        (&self.stamp.moment, self.until.is_none(), self.until, &self.stamp.source)
    }
}

impl Opinions {
    fn keep(&mut self, hush: Hush) -> bool {
        let newer = self.hushes.get(&hush.stamp.origin).is_none_or(|known| known.rank() < hush.rank());
        if newer {
            self.hushes.insert(hush.stamp.origin.clone(), hush);
        }
        newer
    }
}

impl Hushes {
    /// True if nothing was ever said.
    pub fn is_empty(&self) -> bool {
        self.topics.is_empty()
    }

    /// True if there is room for a topic: something was said of it, or it is one of the first [`MAX_TOPICS`].
    pub fn has_room_for(&self, topic: &Topic) -> bool {
        self.topics.len() < MAX_TOPICS || self.topics.contains_key(topic)
    }

    /// Takes in what a fact says. True if anything is different now.
    pub fn learn(&mut self, said: &Said, stamp: &Arc<Stamp>) -> bool {
        let Said { topic, lift, until, cause: _ } = said;
        if *lift {
            let known = self.topics.entry(topic.clone()).or_default();
            let newer = known.lifted.as_ref() < Some(&stamp.moment);
            if newer {
                known.lifted = Some(stamp.moment.clone());
                self.settle();
            }
            return newer;
        }
        if self.lifted_after(topic, &stamp.moment) {
            return false;
        }
        let hush = Hush { until: *until, stamp: Arc::clone(stamp) };
        self.topics.entry(topic.clone()).or_default().keep(hush)
    }

    /// Takes in all of `other`.
    pub fn absorb(&mut self, other: Self) {
        if other.is_empty() {
            return;
        }
        for (topic, Opinions { lifted, hushes }) in other.topics {
            let known = self.topics.entry(topic).or_default();
            known.lifted = known.lifted.take().max(lifted);
            for hush in hushes.into_values() {
                known.keep(hush);
            }
        }
        self.settle();
    }

    /// Takes away hushes that were lifted later on.
    fn settle(&mut self) {
        let in_all = |(topic, opinions): (&Topic, &Opinions)| {
            topic.channel.is_empty().then(|| Some((topic.name.clone(), opinions.lifted.clone()?))).flatten()
        };
        let everywhere: BTreeMap<String, Moment> = self.topics.iter().filter_map(in_all).collect();
        for (topic, opinions) in &mut self.topics {
            let lifted = everywhere.get(&topic.name).max(opinions.lifted.as_ref());
            opinions.hushes.retain(|_, hush| Some(&hush.stamp.moment) >= lifted);
        }
        self.topics.retain(|_, opinions| *opinions != Opinions::default());
    }

    fn lifted_after(&self, topic: &Topic, moment: &Moment) -> bool {
        let everywhere = Topic { name: topic.name.clone(), channel: String::new() };
        let lifted = |topic: &Topic| self.topics.get(topic).and_then(|opinions| opinions.lifted.as_ref());
        lifted(topic).max(lifted(&everywhere)) > Some(moment)
    }

    /// The same hushes, as if said of `origin`: of each topic the one that ends last.
    #[must_use]
    pub fn said_of(&self, origin: &Identifier) -> Self {
        let mut all = Self::default();
        for (topic, Opinions { lifted: _, hushes }) in &self.topics {
            let last = hushes.values().max_by_key(|hush| (hush.until.is_none(), hush.until, &hush.stamp.moment));
            let Some(Hush { until, stamp }) = last else { continue };
            let stamp = Arc::new(Stamp { origin: origin.clone(), ..Stamp::clone(stamp) });
            all.topics.entry(topic.clone()).or_default().keep(Hush { until: *until, stamp });
        }
        all
    }

    /// The hushes that hold at `now`, as they were said, and nothing else.
    #[must_use]
    pub fn holding(&self, now: Time) -> Self {
        let mut topics = self.topics.clone();
        topics.retain(|_, opinions| {
            opinions.lifted = None;
            opinions.hushes.retain(|_, hush| hush.holds(now));
            !opinions.hushes.is_empty()
        });
        Self { topics }
    }

    /// The topics that are hushed at `now`, in order. What several identifiers hush ends with the last of them.
    pub fn hushed(&self, now: Time) -> Vec<Hushed> {
        let each = self.topics.iter().flat_map(|(topic, opinions)| {
            let holding = opinions.hushes.values().filter(move |hush| hush.holds(now));
            holding.map(move |hush| Hushed { topic: topic.clone(), until: hush.until })
        });
        union(each)
    }
}

/// Every topic once, in order, hushed as long as any of `hushed` says.
pub fn union(hushed: impl IntoIterator<Item = Hushed>) -> Vec<Hushed> {
    let mut topics: BTreeMap<Topic, Option<Time>> = BTreeMap::new();
    for Hushed { topic, until } in hushed {
        topics.entry(topic).and_modify(|known| *known = known.zip(until).map(|(a, b)| a.max(b))).or_insert(until);
    }
    topics.into_iter().map(|(topic, until)| Hushed { topic, until }).collect()
}

#[cfg(test)]
mod tests;
