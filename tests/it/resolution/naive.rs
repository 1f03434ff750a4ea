//! The resolution rules read word by word, over plain strings and sets. It is as slow as it likes, and it shares nothing
//! with what it is a reference for.

use std::collections::{BTreeMap, BTreeSet};

use super::history::{Moment, Rules, Said, Says};

/// How many identifiers a profile may have.
const MAX_IDENTIFIERS: usize = 1_000;

/// The identifiers of a profile.
pub type Members = BTreeSet<String>;

/// Something the reference does wrong on purpose, so that a comparison that does not notice is found out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Broken {
    /// Walls keep nothing apart.
    Walls,
    /// Facts are folded as they come.
    Sort,
    /// An identifier that does not fit is not demoted alone: the fact keeps only its strongest.
    Demotion,
}

/// What a fold leads to, without the names of profiles: a profile is what it has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// The profiles, and the earliest fact of each.
    pub profiles: BTreeMap<Members, Moment>,
    /// Identifiers that are other names, and what they are other names of.
    pub aliases: BTreeMap<String, String>,
    /// Identifier, the profile that could not have it as it is in the end, and the rule.
    pub refusals: BTreeSet<(String, Members, String)>,
    /// How often a profile became part of another.
    pub merges: usize,
}

impl Outcome {
    /// Whose the identifier is.
    pub fn owner(&self, identifier: &str) -> Option<&Members> {
        self.profiles.keys().find(|members| members.contains(identifier))
    }

    /// Who uses the identifier: whose it is, and those who would have it if they could. A wall does not say that
    /// somebody uses it.
    pub fn people(&self, identifier: &str) -> BTreeSet<&Members> {
        let refused = self.refusals.iter().filter(|(id, _, rule)| id == identifier && rule != "wall");
        self.owner(identifier).into_iter().chain(refused.map(|(_, members, _)| members)).collect()
    }
}

/// Identifiers that join nobody: for ever, or in facts up to a moment.
pub type Quarantine = BTreeMap<String, Option<Moment>>;

/// The fold.
pub struct Naive<'a> {
    history: &'a [Said],
    quarantine: &'a Quarantine,
    rules: Rules,
    broken: Option<Broken>,
    /// By number, in order of creation.
    profiles: BTreeMap<usize, (Members, Moment)>,
    /// Profiles that became part of another.
    merged_into: BTreeMap<usize, usize>,
    aliases: BTreeMap<String, String>,
    refusals: Vec<(String, usize, String)>,
}

impl<'a> Naive<'a> {
    /// Folds a history, which is in order of arrival.
    pub fn fold(history: &'a [Said], quarantine: &'a Quarantine, rules: Rules, broken: Option<Broken>) -> Self {
        let mut naive = Self {
            history,
            quarantine,
            rules,
            broken,
            profiles: BTreeMap::new(),
            merged_into: BTreeMap::new(),
            aliases: BTreeMap::new(),
            refusals: Vec::new(),
        };
        let mut known = BTreeSet::new();
        let mut facts: Vec<&Said> = history.iter().filter(|said| known.insert(&said.moment.1)).collect();
        if broken != Some(Broken::Sort) {
            facts.sort_by_key(|said| &said.moment);
        }
        for said in facts {
            naive.take(said);
        }
        naive
    }

    fn take(&mut self, said: &Said) {
        match &said.says {
            Says::Seen { keys, .. } => self.step(&said.moment, keys, None),
            Says::Alias { previous, new } => self.step(&said.moment, std::slice::from_ref(new), Some(previous)),
            Says::Apart { between, .. } => {
                for identifier in between {
                    self.step(&said.moment, std::slice::from_ref(identifier), None);
                }
            }
        }
    }

    /// Folds one link.
    fn step(&mut self, moment: &Moment, keys: &[String], previous: Option<&String>) {
        // An identifier is as strong as the fact has it, whatever it is another name of.
        let mut keys = keys.to_vec();
        keys.sort_by_key(|key| (self.rules.rank(key), key.clone()));
        let closed = |id: &String| self.rules.blocks(id) || self.is_quarantined(id, moment);
        let mut ids: Vec<String> = Vec::new();
        for id in keys.iter().map(|key| self.name(key)).filter(|id| !closed(id)) {
            if !ids.contains(&id) {
                ids.push(id);
            }
        }
        if ids.is_empty() {
            return;
        }
        let mut given_up = previous.map(|key| self.name(key));
        given_up = given_up.filter(|id| !closed(id) && !ids.contains(id));

        let mut demoted: Vec<(String, String)> = Vec::new();
        while ids.len() + usize::from(given_up.is_some()) > 1 {
            let (_, union) = self.union(&ids, given_up.as_ref());
            let Some(rule) = self.broken_rule(&union, given_up.as_ref(), moment) else { break };
            if let Some(weakest) = given_up.take().or_else(|| ids.pop()) {
                demoted.push((weakest, rule));
            }
            if self.broken == Some(Broken::Demotion) {
                ids.truncate(1);
            }
        }

        let (owners, union) = self.union(&ids, given_up.as_ref());
        let profile = self.join(&owners, union, moment);
        self.refusals.extend(demoted.into_iter().map(|(id, rule)| (id, profile, rule)));
        if let Some(previous) = given_up {
            self.rename(&previous, &ids[0]);
        }
    }

    /// The profiles that own any of the identifiers, and what they and the identifiers are together.
    fn union(&self, ids: &[String], given_up: Option<&String>) -> (Vec<usize>, Members) {
        let mut union: Members = ids.iter().chain(given_up).cloned().collect();
        let owns = |members: &Members| ids.iter().chain(given_up).any(|id| members.contains(id));
        let owners: Vec<usize> =
            self.profiles.iter().filter(|(_, (members, _))| owns(members)).map(|(number, _)| *number).collect();
        for owner in &owners {
            union.extend(self.profiles[owner].0.iter().cloned());
        }
        (owners, union)
    }

    /// Walls first, then limits in the order of rank, then the size guard. A value given up by an alias counts against
    /// no limit.
    fn broken_rule(&self, union: &Members, given_up: Option<&String>, moment: &Moment) -> Option<String> {
        let walls = self.history.iter().filter_map(|said| match &said.says {
            Says::Apart { between, until } => Some((between, until)),
            Says::Seen { .. } | Says::Alias { .. } => None,
        });
        for (between, until) in walls {
            let stands = until.as_ref().is_none_or(|until| moment <= until);
            if stands && between.iter().all(|side| union.contains(side)) && self.broken != Some(Broken::Walls) {
                return Some("wall".to_owned());
            }
        }
        for (type_name, limit) in self.rules.limits {
            let counts =
                |id: &&String| is_of(id, type_name) && !self.aliases.contains_key(*id) && Some(*id) != given_up;
            if union.iter().filter(counts).count() > limit {
                return Some(format!("{type_name} limit"));
            }
        }
        (union.len() > MAX_IDENTIFIERS).then(|| "size".to_owned())
    }

    /// The survivor is the profile that was created first.
    fn join(&mut self, owners: &[usize], union: Members, moment: &Moment) -> usize {
        let new = self.profiles.len() + self.merged_into.len();
        let survivor = owners.iter().copied().min_by_key(|number| &self.profiles[number].1).unwrap_or(new);
        let (members, _) = self.profiles.entry(survivor).or_insert_with(|| (Members::new(), moment.clone()));
        *members = union;
        for absorbed in owners.iter().filter(|number| **number != survivor) {
            self.profiles.remove(absorbed);
            self.merged_into.insert(*absorbed, survivor);
        }
        survivor
    }

    /// What was another name of `previous` is another name of `new` from now on.
    fn rename(&mut self, previous: &str, new: &str) {
        for name in self.aliases.values_mut().filter(|name| *name == previous) {
            new.clone_into(name);
        }
        self.aliases.insert(previous.to_owned(), new.to_owned());
    }

    /// What the key is another name of, or the key itself.
    pub fn name(&self, key: &str) -> String {
        self.aliases.get(key).cloned().unwrap_or_else(|| key.to_owned())
    }

    fn is_quarantined(&self, id: &str, moment: &Moment) -> bool {
        self.quarantine.get(id).is_some_and(|until| until.as_ref().is_none_or(|until| moment <= until))
    }

    /// What has become of a profile.
    fn in_the_end(&self, mut profile: usize) -> &Members {
        while let Some(survivor) = self.merged_into.get(&profile) {
            profile = *survivor;
        }
        &self.profiles[&profile].0
    }

    /// What it all leads to.
    pub fn outcome(&self) -> Outcome {
        let refusal = |(id, profile, rule): &(String, usize, String)| {
            (id.clone(), self.in_the_end(*profile).clone(), rule.clone())
        };
        Outcome {
            profiles: self.profiles.values().cloned().collect(),
            aliases: self.aliases.clone(),
            refusals: self.refusals.iter().map(refusal).collect(),
            merges: self.merged_into.len(),
        }
    }
}

impl Rules {
    /// The identifier under which what a fact brings is kept: its strongest that is not blocked. `None` if it brings
    /// nothing or identifies nobody.
    pub fn origin(self, said: &Said) -> Option<&String> {
        let Says::Seen { keys, .. } = &said.says else { return None };
        keys.iter().filter(|key| !self.blocks(key)).min_by_key(|key| (self.rank(key), *key))
    }

    /// True if a fact with these identifiers, aliases resolved, has two values of a type of which a profile has one.
    pub fn refuses(self, keys: &BTreeSet<String>) -> bool {
        let known = || keys.iter().filter(|key| !self.blocks(key));
        let only = self.limits.iter().filter(|(_, limit)| *limit == 1);
        only.into_iter().any(|(type_name, _)| known().filter(|key| is_of(key, type_name)).count() > 1)
    }

    pub fn blocks(self, id: &str) -> bool {
        self.blocked.contains(&id)
    }

    fn rank(self, id: &str) -> usize {
        self.limits.iter().position(|(type_name, _)| is_of(id, type_name)).unwrap()
    }
}

fn is_of(id: &str, type_name: &str) -> bool {
    id.split_once(':').is_some_and(|(name, _)| name == type_name)
}
