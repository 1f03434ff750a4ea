//! What lookups may answer. A history has one writer, whose writes are its steps, one after the other; a lookup may answer
//! what holds after any step between the newest that was known to be done when it began and the newest that was begun
//! when it ended. What a lookup has answered is known from then on, so that a later one never answers what was before.

use std::fmt;
use std::ops::RangeInclusive;

/// The number of a write; 0 is before the first.
pub type Step = u64;

/// Who is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// A key that nobody has.
    Nobody,
    /// A key that was erased.
    Erased,
    /// A profile, by its place among those of the history.
    Profile(usize),
}

/// What holds for a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shown {
    pub who: Who,
    pub number: Option<u64>,
    pub hushed: bool,
    pub denied: bool,
}

impl Shown {
    /// A key of which nothing was said yet.
    pub const NOTHING: Self = Self { who: Who::Nobody, number: None, hushed: false, denied: false };
}

/// Who was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SeenWho {
    Nobody,
    Erased,
    /// A profile, by its id.
    Profile(String),
}

/// What a lookup answered for a key; `None` is what this lookup did not tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    pub who: SeenWho,
    pub number: Option<Option<u64>>,
    pub hushed: bool,
    pub denied: Option<bool>,
}

/// What cannot be wrong with answers of a store that is never stale.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wrong {
    /// It was so, before what was known when the lookup began.
    Stale,
    /// It never was so, or not yet.
    Never,
    /// Each was so, and never all of them at once.
    NeverAtOnce,
}

/// An answer that cannot be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    pub wrong: Wrong,
    /// What it was about.
    pub text: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.wrong, self.text)
    }
}

/// All that one writer has done, and what is known of it.
pub struct History {
    /// For each key what holds since which step, from the first on.
    keys: Vec<Vec<(Step, Shown)>>,
    /// The ids of profiles, as far as they were told.
    ids: Vec<Option<String>>,
    sent: Step,
    known: Step,
}

impl History {
    /// Of so many keys, of which nothing was said.
    pub fn new(keys: usize) -> Self {
        Self { keys: vec![vec![(0, Shown::NOTHING)]; keys], ids: Vec::new(), sent: 0, known: 0 }
    }

    /// The step that a lookup which begins now must not be behind of.
    pub fn known(&self) -> Step {
        self.known
    }

    /// A place for a profile that is about to be created.
    pub fn new_profile(&mut self) -> usize {
        self.ids.push(None);
        self.ids.len() - 1
    }

    /// The id of a profile, once it was told.
    pub fn id(&self, profile: usize) -> Option<&str> {
        self.ids[profile].as_deref()
    }

    /// The id that a receipt tells. False if it told another one before.
    pub fn told(&mut self, profile: usize, id: &str) -> bool {
        self.ids[profile].get_or_insert_with(|| id.to_owned()) == id
    }

    /// The number of the next step.
    pub fn next(&self) -> Step {
        self.sent + 1
    }

    /// Begins a step, after which this holds for some keys.
    pub fn send(&mut self, changes: impl IntoIterator<Item = (usize, Shown)>) -> Step {
        self.sent = self.next();
        for (key, shown) in changes {
            self.keys[key].push((self.sent, shown));
        }
        self.sent
    }

    /// A step is done, and all before it.
    pub fn done(&mut self, step: Step) {
        self.known = self.known.max(step);
    }

    /// Judges what one lookup answered for some keys in one view; `known` is [`History::known`] of when it began.
    pub fn judge(&mut self, known: Step, answers: &[(usize, Seen)]) -> Result<(), Violation> {
        let mut possible = vec![known..=self.sent];
        for (key, seen) in answers {
            let spans = self.spans(*key, seen, known..=self.sent);
            if spans.is_empty() {
                let wrong = self.wrong(*key, seen, known);
                return Err(Violation { wrong, text: self.tell(*key, seen, known) });
            }
            possible = in_both(&possible, &spans);
            if possible.is_empty() {
                let text =
                    answers.iter().map(|(key, seen)| self.tell(*key, seen, known)).collect::<Vec<_>>().join("\n");
                return Err(Violation { wrong: Wrong::NeverAtOnce, text });
            }
        }
        self.done(*possible[0].start());
        Ok(())
    }

    /// The steps of `within` after which a key answers this, in order.
    fn spans(&self, key: usize, seen: &Seen, within: RangeInclusive<Step>) -> Vec<RangeInclusive<Step>> {
        let states = &self.keys[key];
        let mut spans = Vec::new();
        let mut end = *within.end();
        for (since, shown) in states.iter().rev() {
            if end < *within.start() {
                break;
            }
            let start = *since.max(within.start());
            if start <= end && self.fits(shown, seen) {
                spans.push(start..=end);
            }
            if *since == 0 {
                break;
            }
            end = end.min(since - 1);
        }
        spans.reverse();
        spans
    }

    fn fits(&self, shown: &Shown, seen: &Seen) -> bool {
        let who = match (shown.who, &seen.who) {
            (Who::Nobody, SeenWho::Nobody) | (Who::Erased, SeenWho::Erased) => true,
            (Who::Profile(profile), SeenWho::Profile(id)) => self.id(profile).is_none_or(|known| known == id),
            _ => false,
        };
        who && seen.hushed == shown.hushed
            && seen.number.is_none_or(|number| number == shown.number)
            && seen.denied.is_none_or(|denied| denied == shown.denied)
    }

    fn wrong(&self, key: usize, seen: &Seen, known: Step) -> Wrong {
        let was = self.keys[key].iter().any(|(since, shown)| *since < known && self.fits(shown, seen));
        if was { Wrong::Stale } else { Wrong::Never }
    }

    /// What was seen of a key, and what could have been.
    fn tell(&self, key: usize, seen: &Seen, known: Step) -> String {
        let states = &self.keys[key];
        let first = states.iter().rposition(|(since, _)| *since <= known).unwrap_or(0).saturating_sub(3);
        let id = |shown: &Shown| match shown.who {
            Who::Profile(profile) => self.id(profile).unwrap_or("not told yet").to_owned(),
            Who::Nobody | Who::Erased => String::new(),
        };
        let told = states[first..].iter().map(|(since, shown)| format!("\n  since {since}: {shown:?} {}", id(shown)));
        let told: String = told.collect();
        format!("key {key} answered {seen:?}, known were {known} steps of {}{told}", self.sent)
    }
}

/// What is in both of two lists of spans.
fn in_both(a: &[RangeInclusive<Step>], b: &[RangeInclusive<Step>]) -> Vec<RangeInclusive<Step>> {
    let each = a.iter().flat_map(|a| b.iter().map(move |b| *a.start().max(b.start())..=*a.end().min(b.end())));
    each.filter(|span| !span.is_empty()).collect()
}
