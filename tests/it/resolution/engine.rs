//! The engine against the reference: facts in any order of arrival, with repeats and with corrections in between.

use std::collections::{BTreeMap, BTreeSet};

use kith::domain::answer::{Field, Resolution};
use kith::domain::consent::State;
use kith::domain::correction::Act;
use kith::domain::ids::ProfileId;
use kith::domain::key::Key;
use kith::domain::profile::{Member, Merge, Profile};
use kith::domain::receipt::{Action, Receipt};
use kith::domain::value::Value;
use kith::engine::Error;
use proptest::prelude::*;

use super::case::{Case, Shared, number};
use super::for_all;
use super::history::{self, Arrival, Brings, Did, Said, Says, arrivals};
use super::naive::{Members, Naive, Outcome, Quarantine};

/// A history in the engine, and what the reference is told of it.
pub struct Told<'a> {
    pub case: Case<'a>,
    /// What the engine has accepted, in order of arrival.
    said: Vec<Said>,
    /// What each of it brings is kept under, by its message id. It stays there, whatever the rules say later.
    origins: BTreeMap<String, String>,
    /// Whom each grant speaks for, by its message id: values that identified nobody when it was said are not among them.
    speaks_for: BTreeMap<String, Vec<String>>,
    pub quarantine: Quarantine,
    /// Hushes that were copied when a profile came apart, each with the identifier that it was copied to.
    copied: Vec<(String, Said)>,
    /// Other rules may have taken profiles apart, which keeps hushed for each part what was hushed for all: more than the
    /// reference knows of, and never less.
    pub rules_changed: bool,
    /// Every profile id it ever answered.
    ids: BTreeSet<ProfileId>,
}

/// What is known of a customer.
#[derive(Clone, Debug, PartialEq)]
struct Known {
    /// The attribute, how many orders, and how much in all.
    fields: Vec<Field>,
    hushed: bool,
    consent: State,
}

const FIELDS: [&str; 3] = ["x", "orders.count", "orders.sum"];

impl<'a> Told<'a> {
    pub fn nothing(case: Case<'a>) -> Self {
        let (said, origins, speaks_for, copied) = (Vec::new(), BTreeMap::new(), BTreeMap::new(), Vec::new());
        Self {
            case,
            rules_changed: false,
            said,
            origins,
            speaks_for,
            quarantine: Quarantine::new(),
            copied,
            ids: BTreeSet::new(),
        }
    }

    /// Tells the engine several facts at once, or one thing of any kind.
    pub fn tell(&mut self, arrivals: &[Arrival]) -> Result<Vec<Receipt>, TestCaseError> {
        let mut facts = Vec::new();
        for Arrival { now, brings } in arrivals {
            match brings {
                Brings::Undo { moment, nth } => self.undo(moment, *nth, *now)?,
                Brings::Said(said) => match &said.says {
                    Says::Apart { between: ends, until } => {
                        let mut between = ends.each_ref().map(|key| self.case.identifier(key));
                        between.sort();
                        let hushes = self.hushes_of_both(&self.naive().outcome(), ends);
                        let act = match until {
                            None => Act::KeepApart { between, same_human: false },
                            Some(_) => Act::Unlink { between },
                        };
                        let answer = self.case.correct(&said.moment.1, act, *now);
                        if self.hear(said, answer)?.is_some() {
                            self.copied.extend(hushes);
                        }
                    }
                    Says::Seen { .. } | Says::Alias { .. } => facts.push((said, *now)),
                },
            }
        }
        let answers = self.case.write(&facts);
        (facts.into_iter().zip(answers)).filter_map(|((said, _), answer)| self.hear(said, answer).transpose()).collect()
    }

    /// Holds against the reference whether the engine has accepted what was said. Answers the receipt if it has.
    fn hear(&mut self, said: &Said, answer: Result<Receipt, Error>) -> Result<Option<Receipt>, TestCaseError> {
        if self.said.iter().any(|known| known.moment.1 == said.moment.1) {
            prop_assert!(answer.is_ok_and(|receipt| receipt.duplicate), "a message id was taken twice");
            return Ok(None);
        }
        prop_assert_eq!(answer.is_ok(), self.accepts(said), "{:?} is answered {:?}", said, answer);
        let Ok(receipt) = answer else { return Ok(None) };
        self.ids.extend(receipt.profiles.iter().map(|(_, id)| *id));
        self.ids.extend(receipt.lines.iter().filter_map(|line| line.profile));
        if let Says::Seen { keys, did: Did::Consent { granted: true } } = &said.says {
            let named = keys.iter().filter(|key| !self.case.rules().blocks(key)).cloned().collect();
            self.speaks_for.insert(said.moment.1.clone(), named);
        }
        let origin = self.case.rules().origin(said).cloned();
        self.origins.extend(origin.map(|origin| (said.moment.1.clone(), origin)));
        self.said.push(said.clone());
        Ok(Some(receipt))
    }

    fn accepts(&self, said: &Said) -> bool {
        match &said.says {
            Says::Seen { keys, .. } => {
                !self.case.rules().refuses(&keys.iter().map(|key| self.naive().name(key)).collect())
            }
            Says::Alias { .. } => true,
            // What is one identifier cannot be kept apart; what is not together cannot be taken apart.
            Says::Apart { between: [a, b], until: None } => self.naive().name(a) != self.naive().name(b),
            Says::Apart { between: [a, b], until: Some(_) } => {
                self.naive().outcome().owner(a).is_some_and(|members| members.contains(b))
            }
        }
    }

    pub fn naive(&self) -> Naive<'_> {
        Naive::fold(&self.said, &self.quarantine, self.case.rules(), None)
    }

    /// Undoes a merge, if there is one. What the engine puts a wall between is then told to the reference as well.
    fn undo(&mut self, moment: &history::Moment, nth: usize, now: u64) -> Result<(), TestCaseError> {
        let merges: Vec<Merge> = self.case.profiles()?.into_values().flat_map(|(_, merges)| merges).collect();
        let Some(merge) = merges.get(nth % merges.len().max(1)) else { return Ok(()) };
        let before = self.naive().outcome();
        let Ok(receipt) = self.case.correct(&moment.1, Act::UndoMerge { merge: merge.absorbed }, now) else {
            return Ok(());
        };
        let walled = receipt.lines.iter().filter(|line| line.action == Action::Walled);
        let between: Vec<String> = walled.filter_map(|line| Some(self.case.plain(line.identifier.as_ref()?))).collect();
        let between: [String; 2] = between.try_into().unwrap();
        let hushes = self.hushes_of_both(&before, &between);
        self.copied.extend(hushes);
        self.said.push(Said {
            moment: moment.clone(),
            says: Says::Apart { between: between.clone(), until: Some(moment.clone()) },
        });
        let profiles = self.case.profiles()?;
        let has = |profile: &Profile, key: &String| {
            profile.membership.members().iter().any(|member| self.case.plain(&member.identifier) == *key)
        };
        let owner = |key| profiles.iter().find(|(_, (profile, _))| has(profile, key)).map(|(id, _)| *id);
        let [a, b] = between.each_ref().map(owner);
        prop_assert_ne!(a, b, "a merge was undone and is still there");
        let undone = Some(self.case.find(merge.absorbed)?);
        prop_assert!(undone == a || undone == b, "the id of what was undone leads to neither side");
        Ok(())
    }

    /// What holds whatever was said: that of [`Case::profiles`], and an id once answered leads to a profile for ever. Only by
    /// other rules the identifiers of a whole profile may come to be of nobody, and its id with them.
    pub fn holds(&self) -> Result<(), TestCaseError> {
        let profiles = self.case.profiles()?;
        let leads = |id: &&ProfileId| !self.rules_changed || self.case.find(**id).is_ok();
        for id in self.ids.iter().filter(leads) {
            prop_assert!(profiles.contains_key(&self.case.find(*id)?), "an id leads to a profile of nobody");
        }
        Ok(())
    }

    /// The facts of the customer with these identifiers, in order.
    fn facts(&self, members: &Members) -> Vec<&Said> {
        let ours = |said: &&Said| self.origins.get(&said.moment.1).is_some_and(|origin| members.contains(origin));
        let mut facts: Vec<&Said> = self.said.iter().filter(ours).collect();
        facts.sort_by_key(|said| &said.moment);
        facts
    }

    /// The hushes that stand: those of the customer's identifiers, and those that were copied to them, which nobody of
    /// them lifted later on.
    fn hushes(&self, members: &Members) -> Vec<&Said> {
        let facts = self.facts(members);
        let lifts = |said: &&Said| matches!(said.says, Says::Seen { did: Did::Hush { lift: true }, .. });
        let hushes = |said: &&Said| matches!(said.says, Says::Seen { did: Did::Hush { lift: false }, .. });
        let lifted = facts.iter().copied().filter(lifts).map(|said| &said.moment).max();
        let copied = self.copied.iter().filter(|(to, _)| members.contains(to)).map(|(_, said)| said);
        facts.iter().copied().filter(hushes).chain(copied).filter(|said| Some(&said.moment) > lifted).collect()
    }

    /// What is copied to both of two that were of one profile.
    fn hushes_of_both(&self, before: &Outcome, [a, b]: &[String; 2]) -> Vec<(String, Said)> {
        let together = before.owner(a).filter(|members| members.contains(b));
        let hushes = together.map(|members| self.hushes(members)).unwrap_or_default();
        hushes.into_iter().flat_map(|said| [(a.clone(), said.clone()), (b.clone(), said.clone())]).collect()
    }

    /// Denied, if somebody denies it after the last grant that names them; else granted, if anybody grants it.
    fn consent(&self, members: &Members) -> State {
        let facts = self.facts(members);
        let decisions = facts.iter().copied().filter_map(|said| match &said.says {
            Says::Seen { did: Did::Consent { granted }, .. } => Some((said, *granted)),
            _ => None,
        });
        let decisions: Vec<(&Said, bool)> = decisions.collect();
        let denies = |(denial, granted): &(&Said, bool)| {
            let origin = &self.origins[&denial.moment.1];
            let ends = |(grant, granted): &(&Said, bool)| {
                *granted && grant.moment > denial.moment && self.speaks_for[&grant.moment.1].contains(origin)
            };
            !granted && !decisions.iter().any(ends)
        };
        match decisions.iter().any(denies) {
            true => State::Denied,
            false if decisions.iter().any(|(_, granted)| *granted) => State::Granted,
            false => State::Unknown,
        }
    }

    /// What is to be known of the customer with these identifiers.
    fn known(&self, members: &Members) -> Known {
        let (mut x, mut orders) = (Field::NotSet, Vec::new());
        for said in self.facts(members) {
            match said.says {
                Says::Seen { did: Did::Set(cents), .. } => {
                    x = Field::Present { value: number(cents), as_of: Some(self.case.time(said.moment.0)) };
                }
                Says::Seen { did: Did::Order(cents), .. } => orders.push(u32::from(cents)),
                Says::Seen { did: Did::Hush { .. } | Did::Consent { .. }, .. } => {}
                Says::Alias { .. } | Says::Apart { .. } => {}
            }
        }
        let some = |number: f64| if orders.is_empty() { Field::NotSet } else { Field::now(Value::Number(number)) };
        let fields = vec![x, some(orders.len() as f64), some(f64::from(orders.iter().sum::<u32>()) / 100.0)];
        Known { fields, hushed: !self.hushes(members).is_empty(), consent: self.consent(members) }
    }

    /// Holds all that the engine answers against the reference.
    pub fn compare(&self) -> Result<(), TestCaseError> {
        let outcome = self.naive().outcome();
        let profiles = self.case.profiles()?;
        let members = |profile: &Profile| -> Members {
            profile.membership.members().iter().map(|member| self.case.plain(&member.identifier)).collect()
        };
        let created = |profile: &Profile| self.case.plain_moment(&profile.membership.created);
        let found: BTreeMap<_, _> = profiles.values().map(|(p, _)| (members(p), created(p))).collect();
        prop_assert_eq!(&found, &outcome.profiles);
        let all = profiles.values().flat_map(|(profile, _)| profile.membership.members());
        let alias =
            |member: &Member| Some((self.case.plain(&member.identifier), self.case.plain(member.alias_of.as_ref()?)));
        prop_assert_eq!(all.filter_map(alias).collect::<BTreeMap<_, _>>(), outcome.aliases.clone());

        // Who uses an identifier in quarantine is known from before it was.
        let open = |key: &&String| self.quarantine.get(*key) != Some(&None);
        for key in self.case.keys.iter().filter(open) {
            let people = outcome.people(key);
            let known: Vec<Known> = people.iter().map(|members| self.known(members)).collect();
            let answer = self.case.lookup(Key::Identifier(self.case.identifier(key)), &FIELDS);
            let fields = answer.fields.into_iter().map(|(_, field)| field).collect();
            let mut answered = Known { fields, hushed: !answer.hushed.is_empty(), consent: answer.consents[0].state };
            let hushed = known.iter().any(|known| known.hushed);
            if self.rules_changed && answered.hushed {
                answered.hushed = hushed;
            }
            match answer.resolution {
                Resolution::NotFound | Resolution::Erased => {
                    prop_assert_eq!(outcome.owner(key), None, "{} is not found", key)
                }
                Resolution::Found(id) => {
                    prop_assert_eq!(outcome.owner(key), Some(&members(&profiles[&id].0)));
                    prop_assert_eq!(people.len(), 1, "{} is shared: {:?}", key, people);
                    prop_assert_eq!(answered, known[0].clone(), "by {}", key);
                }
                Resolution::Shared { people: count } => {
                    prop_assert_eq!(count, people.len(), "{} is shared by {:?}", key, people);
                    prop_assert_eq!(answered, agreed(&known), "by {}", key);
                }
            }
        }
        Ok(())
    }
}

/// What is true of all of them, and as old as the oldest of it: hushed if it is for any, allowed if it is by each.
fn agreed(people: &[Known]) -> Known {
    let agree = |at: usize| {
        let first = &people[0].fields[at];
        let value = |field: &Field| field.clone().value();
        let as_of = |known: &Known| if let Field::Present { as_of, .. } = known.fields[at] { as_of } else { None };
        match people.iter().all(|known| value(&known.fields[at]) == value(first)) {
            false => Field::Ambiguous,
            true => value(first)
                .map_or(Field::NotSet, |value| Field::Present { value, as_of: people.iter().filter_map(as_of).min() }),
        }
    };
    let all = |state: State| people.iter().all(|known| known.consent == state);
    let consent = match people.iter().any(|known| known.consent == State::Denied) {
        true => State::Denied,
        false if all(State::Granted) => State::Granted,
        false => State::Unknown,
    };
    let hushed = people.iter().any(|known| known.hushed);
    Known { fields: (0..FIELDS.len()).map(agree).collect(), hushed, consent }
}

/// Whether facts are told at once, and what is told.
fn haste() -> impl Strategy<Value = (bool, (Vec<&'static str>, Vec<Arrival>))> {
    (any::<bool>(), arrivals())
}

#[test]
fn the_engine_is_what_the_rules_say_in_any_order_of_arrival() {
    let shared = Shared::open();
    let is_fact = |arrival: &Arrival| match &arrival.brings {
        Brings::Said(said) => !matches!(said.says, Says::Apart { .. }),
        Brings::Undo { .. } => false,
    };
    for_all("the engine against the reference", 2_940, &haste(), |(at_once, (keys, arrivals))| {
        let mut told = Told::nothing(shared.case(&keys));
        for together in arrivals.chunk_by(|a, b| at_once && is_fact(a) && is_fact(b)) {
            told.tell(together)?;
            told.holds()?;
        }
        told.compare()?;
        Ok(arrivals.len())
    });
}
