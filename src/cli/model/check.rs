//! `kith model check`.

use std::path::PathBuf;

use serde_json::{Value as Json, json};

use crate::cli::exit::{Failure, Outcome, complain};
use crate::cli::output;
use crate::domain::model::{Model, Property};

/// Check a model file and show what it declares. Asks no server.
///
/// Exits with 3 if the model is refused.
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
            complain(&format!("{}: {error}", file.display()));
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
        let kind = model.kind_by_id(computed.kind).map(|kind| kind.name.as_str());
        let aggregate = format!("{:?}", computed.aggregate).to_lowercase();
        json!({"name": computed.name, "kind": kind, "aggregate": aggregate, "event": computed.event, "property": property})
    });
    json!({
        "types": types.collect::<Json>(),
        "kinds": kinds.collect::<Json>(),
        "computed": computed.collect::<Json>(),
    })
}

fn text(model: &Model) -> String {
    let declared = declared(model);
    let sections: [(&str, &[&str]); 3] = [
        ("kinds", &["name", "identifiers"]),
        ("types", &["name", "canonical", "limit", "login"]),
        ("computed", &["name", "kind", "aggregate", "event", "property"]),
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
                      [computed.'orders.count']\naggregate = 'count'\nevent = 'purchase'";
        let text = text(&Model::parse(source).unwrap());
        for part in ["user_id > email", "orders.count", "purchase", "count", "person"] {
            assert!(text.contains(part), "{part} in {text}");
        }
    }
}
