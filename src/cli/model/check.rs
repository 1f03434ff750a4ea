//! `kith model check`.

use std::path::PathBuf;

use serde_json::{Value as Json, json};

use super::findings;
use crate::cli::exit::{Failure, Outcome, complain};
use crate::cli::output;
use crate::client;
use crate::domain::aggregate::Window;
use crate::domain::answer::{ADDRESS, Fields, Name};
use crate::domain::ids::KindId;
use crate::domain::model::{Model, Property};
use crate::domain::time::duration_text;
use crate::domain::value::Value;
use crate::domain::view::{Condition, View};

/// Check a model file and show what it declares. Asks no server.
///
/// Exits with 3 if the model is refused. With --json: {"findings": [{"line": …, "column": …, "path": …, "text": …,
/// "suggestion": …}]}.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The model file
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

/// Checks the file and prints what it declares.
pub fn run(Args { file }: Args, as_json: bool) -> Result<Outcome, Failure> {
    let source = super::read(&file)?;
    let model = match Model::parse(&source) {
        Ok(model) => model,
        Err(error) => {
            match as_json {
                true => output::print_json(&findings::json(&error))?,
                false => complain(&findings::text(&file, &source, &error)),
            }
            return Ok(Outcome::Rejected);
        }
    };
    match as_json {
        true => output::print_json(&declared(&model))?,
        false => output::print(&text(&model))?,
    }
    Ok(Outcome::Done)
}

/// For machines. The tables for people show the same.
fn declared(model: &Model) -> Json {
    let types = model.types().map(|declared| {
        let canonical = format!("{:?}", declared.canonical).to_lowercase();
        json!({"name": declared.name, "canonical": canonical, "limit": declared.limit, "login": declared.login})
    });
    let kinds = model.kinds().iter().map(|kind| json!({"name": kind.name, "identifiers": kind.types()}));
    let computed = model.computed().iter().map(|computed| {
        let property = match &computed.property {
            Property::Time => "@time",
            Property::Named(name) => name,
        };
        let of_kind = model.kind_by_id(computed.kind).map(|kind| kind.name.as_str());
        let kind = if computed.kind == KindId::ADDRESS { Some(ADDRESS) } else { of_kind };
        let aggregate = computed.aggregate.name();
        json!({"name": computed.name, "kind": kind, "aggregate": aggregate, "event": computed.event, "property": property,
            "window": computed.window.map(Window::name).unwrap_or_default(),
            "backfill": model.is_backfilled(&computed.name)})
    });
    let segments = model.segments().iter().map(|segment| {
        let kind = model.kind_by_id(segment.kind).map_or(ADDRESS, |kind| kind.name.as_str());
        json!({"name": segment.name, "kind": kind, "when": segment.when, "reads": segment.reads})
    });
    json!({
        "types": types.collect::<Json>(),
        "kinds": kinds.collect::<Json>(),
        "computed": computed.collect::<Json>(),
        "segments": segments.collect::<Json>(),
        "views": model.views().iter().flat_map(|view| fields(view)).collect::<Json>(),
        "holds": model.views().iter().flat_map(|view| holds(view)).collect::<Json>(),
    })
}

/// One row a field; without `default` where it has no constant.
fn fields(view: &View) -> impl Iterator<Item = Json> {
    let slots = slots(view);
    view.fields.iter().map(|field| {
        let read: Vec<&str> = field.rungs.iter().filter_map(|rung| slots.get(rung.slot)).map(AsRef::as_ref).collect();
        let mut row = json!({
            "view": view.full_name(), "field": &*field.name, "type": field.value_type.to_string(), "reads": read,
            "required": field.required,
        });
        if let (Some(default), Some(row)) = (&field.default, row.as_object_mut()) {
            row.insert("default".to_owned(), constant(default));
        }
        row
    })
}

/// One row a hold.
fn holds(view: &View) -> impl Iterator<Item = Json> {
    let slots = slots(view);
    view.holds.iter().map(|hold| {
        let when = match hold.condition {
            Condition::While => "while".to_owned(),
            Condition::Bought { within: None } => "bought".to_owned(),
            Condition::Bought { within: Some(micros) } => format!("bought within {}", duration_text(micros)),
            Condition::Count { at_most } => format!("count, at most {at_most}"),
        };
        let decision = format!("{:?}", hold.decision).to_lowercase();
        json!({"view": view.full_name(), "hold": hold.name, "when": when, "reads": slots.get(hold.slot).map(AsRef::<str>::as_ref), "decision": decision})
    })
}

fn slots(view: &View) -> &[Name] {
    match &view.slots {
        Fields::Everything => &[],
        Fields::Named(names) => names,
    }
}

fn constant(value: &Value) -> Json {
    match value {
        Value::Null => Json::Null,
        Value::Bool(value) => json!(value),
        Value::Number(number) => client::json::number(*number),
        Value::Text(text) => json!(text),
        Value::Time(time) => json!(time.to_string()),
        Value::List(items) => items.iter().map(constant).collect(),
        Value::Object(values) => values.iter().map(|(name, value)| (name.clone(), constant(value))).collect(),
    }
}

fn text(model: &Model) -> String {
    let declared = declared(model);
    let sections: [(&str, &[&str]); 6] = [
        ("kinds", &["name", "identifiers"]),
        ("types", &["name", "canonical", "limit", "login"]),
        ("computed", &["name", "kind", "aggregate", "event", "property", "window"]),
        ("segments", &["name", "kind", "when"]),
        ("views", &["view", "field", "type", "reads", "default", "required"]),
        ("holds", &["view", "hold", "when", "reads", "decision"]),
    ];
    let tables = sections.iter().filter_map(|(section, columns)| {
        let mut table = output::table(columns.iter().copied());
        let rows = declared.get(section).and_then(Json::as_array).filter(|rows| !rows.is_empty())?;
        table.add_rows(rows.iter().map(|row| columns.iter().map(|column| cell(row.get(column))).collect::<Vec<_>>()));
        Some(format!("{section}\n{}\n", table.trim_fmt()))
    });
    tables.collect::<Vec<_>>().join("\n")
}

/// Lists are ranks here: strongest first.
fn cell(json: Option<&Json>) -> String {
    match json {
        Some(Json::Array(items)) => items.iter().map(output::cell).collect::<Vec<_>>().join(" > "),
        Some(other) => output::cell(other),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tables_show_what_the_model_declares() {
        let source = "[identifiers.user_id]\n[identifiers.email]\n[kinds.person]\nidentifiers = ['user_id', 'email']\n\
                      [computed.'orders.count']\naggregate = 'count'\nevent = 'purchase'\n\
                      [segments.buyers]\nwhen = 'orders.count > 0'\n\
                      [computed.'orders.last']\naggregate = 'last_events'\nevent = 'purchase'\nproperties = ['product']\n\
                      [views.page.holds.has_it]\nbought = 'orders.last'\nwithin = '30d'\n\
                      [views.page.fields.orders]\nfrom = ['orders.count']\ndefault = 0";
        let text = text(&Model::parse(source).unwrap());
        for part in [
            "user_id > email",
            "orders.count",
            "purchase",
            "count",
            "person",
            "page@1",
            "number",
            "buyers",
            "orders.count > 0",
            "bought within 30d",
        ] {
            assert!(text.contains(part), "{part} in {text}");
        }
    }
}
