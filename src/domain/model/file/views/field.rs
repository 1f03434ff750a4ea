//! One field of a view: its chain of rungs, checked against what there is to read.

use std::collections::BTreeSet;

use super::shape::FileField;
use super::{Compiler, Slots};
use crate::domain::model::Source;
use crate::domain::model::file::attributes::quoted;
use crate::domain::model::finding::{Finding, MAX_FINDINGS};
use crate::domain::name;
use crate::domain::value::{MAX_DEPTH, MAX_NAME_BYTES, Value};
use crate::domain::view::{Field, MAX_LENGTH, MAX_RUNGS, Rung, Type};

impl Compiler<'_> {
    pub(super) fn field(
        &mut self,
        name: String,
        declared: FileField,
        siblings: &BTreeSet<String>,
        slots: &mut Slots<'_>,
    ) -> Field {
        let FileField { from, value_type, default, required, max_age, max_length, repair, topics } = declared;
        let path = format!("fields.{}", quoted(&name));
        if name.is_empty() || name.len() > MAX_NAME_BYTES {
            self.say(&path, &format!("is no name of a field: 1 to {MAX_NAME_BYTES} bytes"));
        }
        if from.is_empty() && default.is_none() {
            self.say(&path, "reads nothing and has no `default`; add `from`");
        }
        if required && default.is_none() {
            let text = "must be there and may not be: nothing answers where no attribute does; add `default`";
            self.say(&format!("{path}.required"), text);
        }
        let sources = self.sources(&format!("{path}.from"), &from, siblings, slots);
        let own_type = value_type.map(Type::from);
        let value_type = own_type.or(sources.first().map(|source| source.value_type)).unwrap_or(Type::Any);
        self.types(&format!("{path}.from"), &sources, value_type, own_type.is_some());
        let field = Field {
            value_type,
            rungs: sources
                .iter()
                .map(|source| Rung { slot: slots.of(&source.name), scope: source.scope.as_str().into() })
                .collect(),
            default: default.and_then(|default| self.default(&format!("{path}.default"), default, value_type)),
            max_age: max_age.and_then(|max_age| self.max_age(&format!("{path}.max_age"), &max_age, &sources)),
            max_length: max_length.and_then(|length| usize::try_from(length).ok()),
            repair,
            required,
            topics: self.topics(&format!("{path}.topics"), topics),
            name: name.into(),
        };
        self.lengths(&path, &field);
        field
    }

    /// What the rungs read.
    fn sources(&mut self, path: &str, from: &[String], siblings: &BTreeSet<String>, slots: &Slots<'_>) -> Vec<Found> {
        if from.len() > MAX_RUNGS {
            self.say(path, &format!("has more than {MAX_RUNGS} rungs"));
        }
        let mut sources: Vec<Found> = Vec::new();
        for (at, name) in from.iter().enumerate().take(MAX_RUNGS) {
            let at_rung = format!("{path}[{at}]");
            if from.iter().take(at).any(|earlier| earlier == name) {
                self.say(&at_rung, &format!("is never reached: `{name}` was asked before"));
                continue;
            }
            match slots.readable.get(name) {
                Some(Source { scope, value_type, dated, of_events: _ }) => sources.push(Found {
                    at,
                    name: name.clone(),
                    scope: scope.clone(),
                    value_type: *value_type,
                    dated: *dated,
                }),
                None => self.unknown(&at_rung, name, siblings, slots),
            }
        }
        sources
    }

    fn unknown(&mut self, at_rung: &str, name: &str, siblings: &BTreeSet<String>, slots: &Slots<'_>) {
        // Looking for what was meant costs more than all the rest.
        if self.findings.len() >= MAX_FINDINGS {
            return;
        }
        let text = match siblings.contains(name) {
            true => format!(
                "names `{name}`, a field of this view; fields fall back to attributes and never to each other, so that \
                 no chain goes in circles"
            ),
            false => format!(
                "names `{name}`, which is neither declared in [attributes] nor computed; declare it there with its type"
            ),
        };
        let finding = Finding::new(format!("{}.{at_rung}", self.path), text);
        self.findings.push(finding.suggesting(name, slots.readable.keys().map(String::as_str)));
    }

    /// `is_own` if the field says itself what it is, and not its first rung.
    fn types(&mut self, path: &str, sources: &[Found], value_type: Type, is_own: bool) {
        for source in sources.iter().filter(|source| !value_type.takes(source.value_type)) {
            let whose = if is_own { "the field" } else { "the first rung" };
            let text = format!("is {}, and {whose} is {value_type}", source.value_type);
            self.say(&format!("{path}[{}]", source.at), &text);
        }
    }

    fn default(&mut self, path: &str, default: toml::Value, value_type: Type) -> Option<Value> {
        let Some(value) = constant(default, 0) else {
            self.say(path, "is not text, a number, a bool, a time or a list of these");
            return None;
        };
        let is_name = |text: &str| name::tidy(text).is_ok();
        let fits = match (&value, value_type) {
            (Value::Text(text), Type::Name) => is_name(text),
            // An empty text can be what is wanted where nothing is known.
            (Value::Text(_), Type::Text) => true,
            (value, value_type) => value_type.holds(value),
        };
        if !fits {
            self.say(path, &format!("is not {value_type}, as the field is"));
        }
        fits.then_some(value)
    }

    fn max_age(&mut self, path: &str, max_age: &str, sources: &[Found]) -> Option<u64> {
        let micros = self.duration(path, max_age)?;
        if !sources.iter().any(|source| source.dated) {
            self.say(path, "can never be passed: what is computed from all events is always of now; remove it");
        }
        Some(micros)
    }

    fn lengths(&mut self, path: &str, field: &Field) {
        let is_text = matches!(field.value_type, Type::Text | Type::Name);
        if field.repair && field.value_type != Type::Name {
            self.say(&format!("{path}.repair"), "is for names; set `type = \"name\"`");
        }
        let Some(longest) = field.max_length else { return };
        let path = format!("{path}.max_length");
        if !is_text {
            self.say(&path, "is for text and names");
        }
        if longest == 0 || longest > MAX_LENGTH {
            self.say(&path, &format!("is not 1 to {MAX_LENGTH} characters"));
        }
        if matches!(&field.default, Some(Value::Text(text)) if text.chars().count() > longest) {
            self.say(&path, "is less than the default has");
        }
    }
}

/// A rung that reads something that is there.
struct Found {
    at: usize,
    name: String,
    scope: String,
    value_type: Type,
    dated: bool,
}

/// A constant of the file, nested no deeper than a value may be; times are text, as they come in with facts.
fn constant(toml: toml::Value, depth: usize) -> Option<Value> {
    #[allow(clippy::cast_precision_loss)] // Numbers are doubles, as in JSON: whole ones past 2^53 are rounded.
    Some(match toml {
        toml::Value::String(text) => Value::Text(text),
        toml::Value::Integer(number) => Value::Number(number as f64),
        toml::Value::Float(number) => Value::Number(Some(number).filter(|number| number.is_finite())?),
        toml::Value::Boolean(value) => Value::Bool(value),
        toml::Value::Datetime(time) => Value::Text(time.to_string()),
        toml::Value::Array(items) if depth < MAX_DEPTH => {
            Value::List(items.into_iter().map(|item| constant(item, depth + 1)).collect::<Option<_>>()?)
        }
        toml::Value::Array(_) | toml::Value::Table(_) => return None,
    })
}
