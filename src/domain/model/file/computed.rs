//! `[computed."name"]`: computed attributes.

use serde::Deserialize;

use super::attributes::FileAttributes;
use super::meaning;
use crate::domain::aggregate::{Aggregate, TIME, Window};
use crate::domain::answer::OF_GROUPS;
use crate::domain::model::finding::Error;
use crate::domain::model::{Computed, DEFAULT_KIND, Kind, Over, Property, reads_otherwise};
use crate::domain::value::MAX_NAME_BYTES;

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
    #[serde(default = "default_kind")]
    kind: String,
    aggregate: FileAggregate,
    event: String,
    property: Option<String>,
    #[serde(default)]
    over: FileOver,
    window: Option<String>,
    limit: Option<usize>,
    properties: Option<Vec<String>>,
    time_zone: Option<String>,
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
}

fn default_kind() -> String {
    DEFAULT_KIND.to_owned()
}

/// Checks one declaration.
pub(super) fn check(name: String, declared: FileComputed, kinds: &[Kind]) -> Result<Computed, Error> {
    let FileComputed { kind, aggregate, event, property, over, window, limit, properties, time_zone } = declared;
    let path = format!("computed.\"{name}\"");
    if name.is_empty() || name.len() > MAX_NAME_BYTES || reads_otherwise(&name, kinds) {
        let text = "is no name of a field: 1 to 128 bytes, not `*`, and not under `address.`, `segment.` or the name of a kind";
        return Err(meaning(path, text));
    }
    let Some(kind) = kinds.iter().find(|declared| declared.name == kind) else {
        return Err(meaning(format!("{path}.kind"), format!("names `{kind}`, which is not declared")));
    };
    let over = check_over(over, kind, kinds, &path)?;
    if kind.name != DEFAULT_KIND && OF_GROUPS.contains(&name.as_str()) {
        return Err(meaning(path, "has a name that every kind with members has built in; choose another"));
    }
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
    Ok(Computed { name, kind: kind.id, aggregate, event, property, over, window })
}

/// Refuses names that are companions of others.
pub(super) fn check_together(computed: &[Computed], attributes: &FileAttributes) -> Result<(), Error> {
    for owner in computed {
        for companion in owner.companions() {
            let is_computed = computed.iter().any(|other| other.kind == owner.kind && other.name == companion);
            let is_declared = attributes.values().any(|declared| declared.contains_key(&companion));
            if is_computed || is_declared {
                let text = format!("has the companion `{companion}`, which is declared as well; rename one of them");
                return Err(meaning(format!("computed.\"{}\"", owner.name), text));
            }
        }
    }
    Ok(())
}

fn check_over(over: FileOver, kind: &Kind, kinds: &[Kind], path: &str) -> Result<Over, Error> {
    let path = format!("{path}.over");
    match over {
        FileOver::Own => Ok(Over::Own),
        FileOver::Members if kind.name == DEFAULT_KIND => {
            let text = format!("is `members`, and a {DEFAULT_KIND} has none; set `kind` to that of the groups");
            Err(meaning(path, text))
        }
        FileOver::Members if !kinds.iter().any(|kind| kind.name == DEFAULT_KIND) => {
            let text = format!("is `members`, which are of kind {DEFAULT_KIND}; declare [kinds.{DEFAULT_KIND}]");
            Err(meaning(path, text))
        }
        FileOver::Members => Ok(Over::Members),
    }
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
            ("aggregate='average'\nproperty='@time'", "property: is @time, which cannot be summed"),
            ("aggregate='best_hour'\ntime_zone='z'\nkind='account'\nover='members'", "time_zone: is not for"),
            ("aggregate='count'\nwindow='7d'\n[attributes.person]\n'n.full'='bool'", "has the companion `n.full`"),
        ];
        for (declared, expected) in refused {
            let kinds = "[kinds.person]\nidentifiers=['user_id']\n[kinds.account]\nidentifiers=['account_id']\n";
            let error = Model::parse(&format!("{kinds}[computed.n]\nevent='e'\n{declared}")).unwrap_err().to_string();
            assert!(error.contains(expected), "{declared}: {error}");
        }
    }
}
