//! What is wrong with a model file, in print: the line, and below it a mark where it is.

use std::path::Path;

use serde_json::{Value as Json, json};

use crate::cli::output;
use crate::domain::model::{Error, Finding, Place};

/// Longer lines are shown without their mark: it would stand anywhere on a terminal.
const MAX_SHOWN: usize = 160;

/// For people.
pub(super) fn text(file: &Path, source: &str, error: &Error) -> String {
    let told: Vec<String> = error.findings.iter().map(|finding| one(file, source, finding)).collect();
    told.join("\n\n")
}

fn one(file: &Path, source: &str, finding: &Finding) -> String {
    let Finding { path, text, suggestion, place, within: _ } = finding;
    let colon = if path.is_empty() { "" } else { ": " };
    let said = output::plain(&format!("{path}{colon}{text}"));
    let meant = suggestion.iter().map(|meant| format!("did you mean `{}`?", output::plain(meant))).collect::<String>();
    let Some(Place { line, column, length }) = *place else {
        return format!("{}: {said} {meant}", file.display()).trim_end().to_owned();
    };
    let head = format!("{}:{line}:{column}: {said}", file.display());
    let shown = source.lines().nth(line - 1).unwrap_or_default();
    if shown.chars().count() > MAX_SHOWN {
        return format!("{head}\n  {meant}").trim_end().to_owned();
    }
    // A tab stays one, so that the mark is below what it is about.
    let before = shown.chars().take(column - 1).map(|c| if c == '\t' { '\t' } else { ' ' }).collect::<String>();
    let number = line.to_string();
    let gutter = " ".repeat(number.len());
    let mark = format!("{gutter} | {before}{} {meant}", "^".repeat(length));
    format!("{head}\n{number} | {}\n{}", shown.trim_end(), mark.trim_end())
}

/// For machines.
pub(super) fn json(error: &Error) -> Json {
    let findings = error.findings.iter().map(|Finding { path, text, suggestion, place, within: _ }| {
        let (line, column) = (place.map(|place| place.line), place.map(|place| place.column));
        json!({"path": path, "text": text, "suggestion": suggestion, "line": line, "column": column})
    });
    json!({"findings": findings.collect::<Json>()})
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::model::Model;

    #[test]
    fn the_mark_is_below_what_is_wrong() {
        let source = "[kinds.person]\nidentifiers = ['user_id']\n[attributes.person]\nnickname = 'text'\n\
                      [views.v.fields.f]\n\tfrom = ['nickmame']\n";
        let told = text(Path::new("model.toml"), source, &Model::parse(source).unwrap_err());
        let expected = "model.toml:6:10: views.v.fields.f.from[0]: names `nickmame`, which is neither declared in \
                        [attributes] nor computed; declare it there with its type\n\
                        6 | \tfrom = ['nickmame']\n  | \t        ^^^^^^^^^^ did you mean `nickname`?";
        assert_eq!(told, expected);
        let whole = text(Path::new("model.toml"), "", &Model::parse("").unwrap_err());
        assert!(whole.starts_with("model.toml: kinds: declares no kind"), "{whole}");
    }
}
