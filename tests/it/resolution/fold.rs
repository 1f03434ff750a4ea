//! The fold against the reference.

use std::collections::BTreeMap;

use kith::domain::identifier::Identifier;
use kith::domain::ids::ProfileId;
use kith::domain::link::{Link, LinkId, Moment};
use kith::domain::model::Model;
use kith::domain::receipt::Rule;
use kith::domain::resolution::Rules;
use kith::domain::resolution::fold::{Evidence, Folded, Partition, resolve};
use kith::domain::time::Time;
use kith::domain::wall::{self, Wall};
use proptest::prelude::*;
use proptest::sample::subsequence;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use super::for_all;
use super::history::{self, IDENTIFIERS, MODEL, Said, Says, USUAL, history};
use super::naive::{Broken, Members, Naive, Outcome, Quarantine};

fn identifier(key: &str) -> Identifier {
    Identifier::from_stored(key).unwrap()
}

fn moment((time, message_id): &history::Moment) -> Moment {
    Moment { time: Time::from_micros(*time), message_id: message_id.clone() }
}

fn link(said: &Said, keys: &[String], previous: Option<&String>) -> Link {
    Link {
        first: moment(&said.moment),
        again: Vec::new(),
        source: String::new(),
        identifiers: keys.iter().map(|key| identifier(key)).collect(),
        previous: previous.map(|key| identifier(key)),
    }
}

/// The links in what was said.
fn links(said: &Said) -> Vec<Link> {
    match &said.says {
        Says::Seen { keys, .. } => vec![link(said, keys, None)],
        Says::Alias { previous, new } => vec![link(said, std::slice::from_ref(new), Some(previous))],
        Says::Apart { between, .. } => between.chunks(1).map(|one| link(said, one, None)).collect(),
    }
}

fn wall(said: &Said) -> Option<Wall> {
    let Says::Apart { between, until } = &said.says else { return None };
    let mut between = between.each_ref().map(|key| identifier(key));
    between.sort();
    let until = until.as_ref().map(moment);
    Some(Wall { between, until, same_human: false, by: moment(&said.moment), source: String::new() })
}

/// What was said as evidence, in the same order.
fn evidence(history: &[Said], quarantine: &Quarantine) -> Evidence {
    let quarantined = quarantine.iter().map(|(key, until)| {
        let until = until.as_ref().map(moment);
        (identifier(key), until.map_or(wall::Quarantine::Closed, wall::Quarantine::ReleasedAt))
    });
    Evidence {
        links: history.iter().flat_map(links).collect(),
        walls: history.iter().filter_map(wall).collect(),
        quarantined: quarantined.collect(),
        founded: BTreeMap::new(),
    }
}

/// As it is stored: one link for all facts with the same identifiers.
fn said_again(links: Vec<Link>) -> Vec<Link> {
    let mut stored: BTreeMap<LinkId, Link> = BTreeMap::new();
    for link in links {
        let moment = link.first.clone();
        let kept = stored.entry(link.id()).or_insert(link);
        if moment < kept.first {
            kept.again.push(std::mem::replace(&mut kept.first, moment));
        } else if moment != kept.first {
            kept.again.push(moment);
        }
    }
    stored.into_values().collect()
}

fn fold(evidence: &Evidence) -> Partition {
    let model = Model::parse(MODEL).unwrap();
    resolve(evidence, Rules { model: &model, kind: model.kind("").unwrap() })
}

/// The fold's answer in the words of the reference.
fn outcome(partition: &Partition) -> Outcome {
    let survivors: BTreeMap<ProfileId, ProfileId> =
        partition.merges.iter().map(|merge| (merge.absorbed, merge.survivor)).collect();
    let members = |mut profile: ProfileId| -> Members {
        while let Some(survivor) = survivors.get(&profile) {
            profile = *survivor;
        }
        let members = partition.profiles[&profile].membership.members();
        members.iter().map(|member| member.identifier.as_str().to_owned()).collect()
    };
    let rule = |rule: &Rule| match rule {
        Rule::Limit { type_name, .. } => format!("{type_name} limit"),
        Rule::Wall => "wall".to_owned(),
        Rule::Size => "size".to_owned(),
        Rule::BlockedValue
        | Rule::Attributes
        | Rule::Quarantine
        | Rule::Component { .. }
        | Rule::Groups
        | Rule::Topics
        | Rule::Consents
        | Rule::Erasure
        | Rule::Suppression => panic!("no rule of joining"),
    };
    let created = |folded: &Moment| (folded.time.micros(), folded.message_id.clone());
    Outcome {
        profiles: partition.profiles.iter().map(|(id, p)| (members(*id), created(&p.membership.created))).collect(),
        aliases: partition.aliases.iter().map(|(id, of)| (id.as_str().to_owned(), of.as_str().to_owned())).collect(),
        refusals: (partition.refusals.iter())
            .map(|r| (r.refusal.identifier.as_str().to_owned(), members(r.by), rule(&r.refusal.rule)))
            .collect(),
        merges: partition.merges.len(),
    }
}

/// A history, what it is in another order of arrival, and the identifiers that are in quarantine.
fn shuffled() -> impl Strategy<Value = (Vec<Said>, Vec<Said>, Quarantine)> {
    history()
        .prop_flat_map(|(history, quarantine)| (Just(history.clone()), Just(history).prop_shuffle(), Just(quarantine)))
}

/// Identifiers that profiles were created for before: they name profiles and join nobody.
fn founded() -> impl Strategy<Value = BTreeMap<Identifier, ProfileId>> {
    subsequence(&IDENTIFIERS[..], 0..=4).prop_map(|keys| {
        let founded = keys.into_iter().zip(1_000..);
        founded.map(|(key, id)| (identifier(key), ProfileId(id))).collect()
    })
}

#[test]
fn the_fold_is_what_the_rules_say() {
    let inputs = (shuffled(), founded(), any::<bool>());
    for_all("the fold against the reference", 14_000, &inputs, |((history, shuffled, quarantine), founded, stored)| {
        let mut evidence = evidence(&shuffled, &quarantine);
        evidence.founded = founded;
        if stored {
            evidence.links = said_again(evidence.links);
        }
        let folded = fold(&evidence);

        prop_assert_eq!(outcome(&folded), Naive::fold(&history, &quarantine, USUAL, None).outcome());
        let members = |(id, folded): (&ProfileId, &Folded)| {
            let members = folded.membership.members().iter();
            members.map(|member| (member.identifier.clone(), *id)).collect::<Vec<_>>()
        };
        let owners: BTreeMap<Identifier, ProfileId> = folded.profiles.iter().flat_map(members).collect();
        prop_assert_eq!(&owners, &folded.owners);
        // The oldest profile survives a merge: the identifier that it was created for has been there since.
        for profile in folded.profiles.values() {
            let first = folded.joined.iter().find(|joined| joined.identifiers.contains(&profile.founder));
            prop_assert_eq!(first.map(|joined| &joined.moment), Some(&profile.membership.created));
        }
        for (identifier, name) in &folded.aliases {
            prop_assert!(!folded.aliases.contains_key(name), "a chain of aliases");
            prop_assert_eq!(owners[identifier], owners[name]);
        }
        Ok(history.len())
    });
}

#[test]
fn every_order_of_arrival_folds_to_the_same() {
    for_all("one history in two orders of arrival", 2_500, &shuffled(), |(history, shuffled, quarantine)| {
        let sorted = |mut evidence: Evidence| {
            evidence.walls.sort_by(|a, b| (&a.between, &a.by).cmp(&(&b.between, &b.by)));
            fold(&evidence)
        };
        prop_assert_eq!(sorted(evidence(&history, &quarantine)), sorted(evidence(&shuffled, &quarantine)));
        Ok(history.len())
    });
}

#[test]
fn a_reference_that_is_wrong_is_noticed() {
    for broken in [Broken::Walls, Broken::Sort, Broken::Demotion] {
        let mut runner = TestRunner::deterministic();
        let case = || history().new_tree(&mut runner).unwrap().current();
        let cases: Vec<_> = std::iter::repeat_with(case).take(200).collect();
        let differs = |(history, quarantine): &&(Vec<Said>, Quarantine)| {
            let folded = outcome(&fold(&evidence(history, quarantine)));
            folded != Naive::fold(history, quarantine, USUAL, Some(broken)).outcome()
        };
        let differences = cases.iter().filter(differs).count();
        println!("{broken:?}: {differences} of {} cases differ", cases.len());
        assert!(differences > 0, "{broken:?} makes no difference");
    }
}
