//! `[computed."name"]`: computed attributes.

mod subject;

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::attributes::FileAttributes;
use super::meaning;
use crate::domain::aggregate::{Aggregate, TIME, Window};
use crate::domain::answer::{ADDRESS, ADDRESS_PREFIX};
use crate::domain::model::finding::Error;
use crate::domain::model::{Computed, DEFAULT_KIND, Kind, Over, Property};
use subject::Subject;

/// How many values a unique list keeps where the model does not say.
const DEFAULT_UNIQUE: usize = 100;
/// The largest `limit` of a unique list.
const MAX_UNIQUE: usize = 1_000;
/// How many events `last_events` keeps where the model does not say.
const DEFAULT_EVENTS: usize = 10;
/// The largest `limit` of `last_events`.
const MAX_EVENTS: usize = 100;
/// How many properties `last_events` may keep of each event.
const MAX_PROPERTIES: usize = 16;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FileComputed {
    kind: Option<String>,
    aggregate: FileAggregate,
    event: String,
    property: Option<String>,
    #[serde(default)]
    over: FileOver,
    window: Option<String>,
    limit: Option<usize>,
    properties: Option<Vec<String>>,
    time_zone: Option<String>,
    address_types: Option<Vec<String>>,
    #[serde(default)]
    backfill: bool,
}

#[derive(Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum FileOver {
    #[default]
    Own,
    Members,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum FileAggregate {
    Count,
    Sum,
    Average,
    Min,
    Max,
    First,
    Last,
    UniqueList,
    MostFrequent,
    LastEvents,
    Hours,
    BestHour,
    DaysSinceFirst,
    DaysSinceLast,
    DaysBetween,
}

/// The names of those that are to count stored events too.
pub(super) fn backfilled(declared: &BTreeMap<String, FileComputed>) -> BTreeSet<String> {
    declared.iter().filter(|(_, declared)| declared.backfill).map(|(name, _)| name.clone()).collect()
}

/// Checks one declaration.
pub(super) fn check(name: String, declared: FileComputed, kinds: &[Kind]) -> Result<Computed, Error> {
    let FileComputed {
        kind,
        aggregate,
        event,
        property,
        over,
        window,
        limit,
        properties,
        time_zone,
        address_types,
        backfill: _,
    } = declared;
    let path = format!("computed.\"{name}\"");
    let Subject { kind, address_types, over } = match name.strip_prefix(ADDRESS_PREFIX) {
        Some(rest) => {
            let types = address_types.unwrap_or_default();
            subject::address(rest, kind.is_some() || over == FileOver::Members, types, kinds, &path)?
        }
        None if address_types.is_some() => {
            let text = "is for addresses, whose attributes are called `address.NAME`; rename it, or remove this";
            return Err(meaning(format!("{path}.address_types"), text));
        }
        None => subject::kind(&name, kind.as_deref().unwrap_or(DEFAULT_KIND), over, kinds, &path)?,
    };
    if event.is_empty() {
        return Err(meaning(format!("{path}.event"), "is empty; name a track event"));
    }
    if over == Over::Members && time_zone.is_some() {
        let text = "is not for `over = \"members\"`: they live in many zones; remove it for UTC";
        return Err(meaning(format!("{path}.time_zone"), text));
    }
    let aggregate = check_aggregate(aggregate, Parameters { limit, properties, time_zone }, &path)?;
    let property = check_property(property, &aggregate, &format!("{path}.property"))?;
    let window = window.map(|window| check_window(&window, &aggregate, &format!("{path}.window"))).transpose()?;
    Ok(Computed { name, kind, address_types, aggregate, event, property, over, window })
}

/// Refuses names that are companions of others.
pub(super) fn check_together(computed: &[Computed], attributes: &FileAttributes) -> Result<(), Error> {
    for owner in computed {
        for companion in owner.companions() {
            let is_computed = computed.iter().any(|other| other.kind == owner.kind && other.name == companion);
            let is_declared = match companion.strip_prefix(ADDRESS_PREFIX) {
                Some(name) => attributes.get(ADDRESS).is_some_and(|declared| declared.contains_key(name)),
                None => attributes.values().any(|declared| declared.contains_key(&companion)),
            };
            if is_computed || is_declared {
                let text = format!("has the companion `{companion}`, which is declared as well; rename one of them");
                return Err(meaning(format!("computed.\"{}\"", owner.name), text));
            }
        }
    }
    Ok(())
}

/// What only some aggregates have.
struct Parameters {
    limit: Option<usize>,
    properties: Option<Vec<String>>,
    time_zone: Option<String>,
}

fn check_aggregate(aggregate: FileAggregate, parameters: Parameters, path: &str) -> Result<Aggregate, Error> {
    let Parameters { mut limit, mut properties, mut time_zone } = parameters;
    let aggregate = match aggregate {
        FileAggregate::Count => Aggregate::Count,
        FileAggregate::Sum => Aggregate::Sum,
        FileAggregate::Average => Aggregate::Average,
        FileAggregate::Min => Aggregate::Min,
        FileAggregate::Max => Aggregate::Max,
        FileAggregate::First => Aggregate::First,
        FileAggregate::Last => Aggregate::Last,
        FileAggregate::MostFrequent => Aggregate::MostFrequent,
        FileAggregate::UniqueList => {
            Aggregate::UniqueList { limit: check_limit(limit.take(), DEFAULT_UNIQUE, MAX_UNIQUE, path)? }
        }
        FileAggregate::LastEvents => {
            let limit = check_limit(limit.take(), DEFAULT_EVENTS, MAX_EVENTS, path)?;
            Aggregate::LastEvents { limit, properties: check_properties(properties.take().unwrap_or_default(), path)? }
        }
        FileAggregate::Hours => Aggregate::Hours { time_zone: time_zone.take() },
        FileAggregate::BestHour => Aggregate::BestHour { time_zone: time_zone.take() },
        FileAggregate::DaysSinceFirst => Aggregate::DaysSinceFirst,
        FileAggregate::DaysSinceLast => Aggregate::DaysSinceLast,
        FileAggregate::DaysBetween => Aggregate::DaysBetween,
    };
    let unused = [
        ("limit", limit.is_some(), "unique_list and last_events"),
        ("properties", properties.is_some(), "last_events"),
        ("time_zone", time_zone.is_some(), "hours and best_hour"),
    ];
    match unused.into_iter().find(|(_, given, _)| *given) {
        Some((what, _, whose)) => Err(meaning(format!("{path}.{what}"), format!("is for {whose}; remove it"))),
        None => Ok(aggregate),
    }
}

fn check_limit(limit: Option<usize>, default: usize, most: usize, path: &str) -> Result<usize, Error> {
    let limit = limit.unwrap_or(default);
    let fits = (1..=most).contains(&limit);
    fits.then_some(limit).ok_or_else(|| meaning(format!("{path}.limit"), format!("is not 1 to {most}")))
}

fn check_properties(properties: Vec<String>, path: &str) -> Result<Vec<String>, Error> {
    let path = format!("{path}.properties");
    if properties.is_empty() || properties.len() > MAX_PROPERTIES {
        return Err(meaning(path, format!("names 1 to {MAX_PROPERTIES} properties of the event")));
    }
    if properties.iter().any(|name| name == TIME) {
        return Err(meaning(path, format!("names `{TIME}`, which is the time of each event and always there")));
    }
    Ok(properties)
}

fn check_property(property: Option<String>, aggregate: &Aggregate, path: &str) -> Result<Property, Error> {
    if aggregate.is_of_events() {
        return match property {
            None => Ok(Property::Time),
            Some(_) => Err(meaning(path, format!("is not for `{}`, which is of events; remove it", aggregate.name()))),
        };
    }
    match (aggregate, property.as_deref()) {
        (_, None | Some("")) => Err(meaning(path, "is missing; name a property of the event, or @time")),
        (Aggregate::Sum | Aggregate::Average, Some("@time")) => Err(meaning(path, "is @time, which cannot be summed")),
        (_, Some("@time")) => Ok(Property::Time),
        (_, Some(name)) => Ok(Property::Named(name.to_owned())),
    }
}

fn check_window(window: &str, aggregate: &Aggregate, path: &str) -> Result<Window, Error> {
    if !aggregate.slides() {
        return Err(meaning(path, "is for count, sum, average, min and max; remove it"));
    }
    let known = Window::ALL.into_iter().find(|known| known.name() == window);
    known.ok_or_else(|| meaning(path, "is none of 24h, 7d, 30d and 90d"))
}

#[cfg(test)]
mod tests {
    use crate::domain::model::Model;

    #[test]
    fn nonsense_is_refused_where_it_stands() {
        let refused = [
            ("aggregate='last'\nproperty='p'\nwindow='24h'", "window: is for count, sum, average, min and max"),
            ("aggregate='count'\nwindow='25h'", "window: is none of 24h, 7d, 30d and 90d"),
            ("aggregate='count'\nlimit=3", "limit: is for unique_list and last_events"),
            ("aggregate='sum'\nproperty='p'\ntime_zone='z'", "time_zone: is for hours and best_hour"),
            ("aggregate='unique_list'\nproperty='p'\nlimit=1001", "limit: is not 1 to 1000"),
            ("aggregate='unique_list'\nproperty='p'\nproperties=['p']", "properties: is for last_events"),
            ("aggregate='last_events'\nproperties=['time']", "properties: names `time`"),
            ("aggregate='last_events'", "properties: names 1 to 16 properties"),
            ("aggregate='best_hour'\nproperty='p'", "property: is not for `best_hour`"),
            ("aggregate='days_since_last'\nproperty='p'", "property: is not for `days_since_last`, which is of events"),
            ("aggregate='days_between'\nwindow='30d'", "window: is for count, sum, average, min and max"),
            ("aggregate='days_since_first'\ntime_zone='z'", "time_zone: is for hours and best_hour"),
            ("aggregate='average'\nproperty='@time'", "property: is @time, which cannot be summed"),
            ("aggregate='best_hour'\ntime_zone='z'\nkind='account'\nover='members'", "time_zone: is not for"),
            (
                "aggregate='count'\naddress_types=['email']",
                "address_types: is for addresses, whose attributes are called",
            ),
            ("aggregate='count'\nwindow='7d'\n[attributes.person]\n'n.full'='bool'", "has the companion `n.full`"),
        ];
        for (declared, expected) in refused {
            let kinds = "[kinds.person]\nidentifiers=['user_id']\n[kinds.account]\nidentifiers=['account_id']\n";
            let error = Model::parse(&format!("{kinds}[computed.n]\nevent='e'\n{declared}")).unwrap_err().to_string();
            assert!(error.contains(expected), "{declared}: {error}");
        }
    }

    #[test]
    fn nonsense_of_addresses_is_refused_where_it_stands() {
        let person = "[kinds.person]\nidentifiers=['user_id', 'email']\n";
        let refused = [
            (person, "", "address_types: is missing; name the identifier types"),
            (person, "address_types=[]", "address_types: is missing"),
            (person, "address_types=['emial']", "names `emial`, which is not among the identifiers of [kinds.person]"),
            (person, "address_types=['emial']", "did you mean `email`"),
            (person, "address_types=['account_id']", "address_types: names `account_id`"),
            (person, "address_types=['email']\nkind='person'", "remove `kind` and `over`"),
            (person, "address_types=['email']\nover='members'", "remove `kind` and `over`"),
            (
                person,
                "address_types=['email']\nwindow='7d'\n[attributes.address]\n'n.full'='bool'",
                "has the companion",
            ),
            (person, "address_types=['email']\n[attributes.address]\nn='number'", "is also a computed attribute"),
            ("[kinds.account]\nidentifiers=['account_id']\n", "address_types=['account_id']", "declare [kinds.person]"),
        ];
        for (kinds, declared, expected) in refused {
            let source = format!("{kinds}[computed.'address.n']\naggregate='count'\nevent='e'\n{declared}");
            let error = Model::parse(&source).unwrap_err().to_string();
            assert!(error.contains(expected), "{declared}: {error}");
        }
        let nameless = format!("{person}[computed.'address.']\naggregate='count'\nevent='e'\naddress_types=['email']");
        assert!(Model::parse(&nameless).unwrap_err().to_string().contains("after `address.`"));
        let sound = format!("{person}[computed.'address.n']\naggregate='count'\nevent='e'\naddress_types=['email']");
        assert!(Model::parse(&sound).is_ok());
    }
}
