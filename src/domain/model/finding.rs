//! What is wrong with a model file, and where in it.

use std::fmt;
use std::ops::Range;

use toml::de::{DeTable, DeValue};

use crate::domain::suggest;

/// How many findings are told of one file; what is found after them is likely to follow from them.
pub(super) const MAX_FINDINGS: usize = 20;

/// Why a model file is refused: at least one finding, and at most [`MAX_FINDINGS`] that could be found at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// What is wrong, in the order of the file.
    pub findings: Vec<Finding>,
}

/// One thing that is wrong with a model file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What it is about, such as `computed."orders.count".event`. Empty where the file is not even TOML.
    pub path: String,
    /// What is wrong and what to do.
    pub text: String,
    /// The name that may have been meant.
    pub suggestion: Option<String>,
    /// Where it is; `None` where it is about the file as a whole.
    pub place: Option<Place>,
    /// Which bytes of the text at `path` it is about, if not the whole.
    pub within: Option<Range<usize>>,
}

/// A place in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The line; the first one is 1.
    pub line: usize,
    /// The character in it; the first one is 1.
    pub column: usize,
    /// How many characters of this line it is about, at least 1.
    pub length: usize,
}

impl std::error::Error for Error {}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, finding) in self.findings.iter().enumerate() {
            let gap = if number == 0 { "" } else { "\n" };
            write!(f, "{gap}{finding}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, text, suggestion, place, within: _ } = self;
        if let Some(Place { line, column, .. }) = place {
            write!(f, "line {line}, column {column}: ")?;
        }
        let colon = if path.is_empty() { "" } else { ": " };
        write!(f, "{path}{colon}{text}")?;
        suggestion.iter().try_for_each(|meant| write!(f, "; did you mean `{meant}`?"))
    }
}

impl From<Finding> for Error {
    fn from(finding: Finding) -> Self {
        Self { findings: vec![finding] }
    }
}

impl Finding {
    /// That `text` is to be said of what is at `path`.
    pub(super) fn new(path: impl Into<String>, text: impl Into<String>) -> Self {
        Self { path: path.into(), text: text.into(), suggestion: None, place: None, within: None }
    }

    /// With the name of `known` that is most like `wanted`.
    pub(super) fn suggesting<'a>(self, wanted: &str, known: impl IntoIterator<Item = &'a str>) -> Self {
        Self { suggestion: suggest::nearest(wanted, known).map(str::to_owned), ..self }
    }

    /// What the parser says of a file that is not TOML, or not of the right shape.
    pub(super) fn of_syntax(error: &toml::de::Error, source: &str) -> Self {
        let text = error.message().trim().to_owned();
        // Of an unknown key serde tells it and then those that it knows, each between backticks.
        let mut names = text.split('`').skip(1).step_by(2).map(str::to_owned);
        let unknown = names.next().filter(|_| text.starts_with("unknown"));
        let suggestion = unknown.and_then(|unknown| {
            let known: Vec<String> = names.collect();
            suggest::nearest(&unknown, known.iter().map(String::as_str)).map(str::to_owned)
        });
        let place = error.span().map(|span| Place::of(&span, source));
        Self { path: String::new(), text, suggestion, place, within: None }
    }
}

impl Error {
    /// With the place of each finding in `source`, in its order. The file is read once more for it, so that what is sound
    /// need not know where it stands.
    pub(super) fn located(mut self, source: &str) -> Self {
        let Ok(file) = DeTable::parse(source) else { return self };
        for finding in self.findings.iter_mut().filter(|finding| finding.place.is_none()) {
            let span = span_in_table(file.get_ref(), &finding.path);
            let narrow = |span| narrowed(span, finding.within.as_ref(), source);
            finding.place = span.map(narrow).map(|span| Place::of(&span, source));
        }
        self.findings.sort_by_key(|finding| finding.place);
        self
    }
}

impl Place {
    fn of(span: &Range<usize>, source: &str) -> Self {
        let before = source.get(..span.start).unwrap_or(source);
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let on_line = |text: &str| text.chars().take_while(|c| *c != '\n').count();
        Self {
            line: before.matches('\n').count() + 1,
            column: before.get(line_start..).map_or(0, |text| text.chars().count()) + 1,
            length: source.get(span.clone()).map_or(1, on_line).max(1),
        }
    }
}

/// The part of a text that stands at `span` in the file. Where the file writes it by other letters than it has, the whole.
fn narrowed(span: Range<usize>, within: Option<&Range<usize>>, source: &str) -> Range<usize> {
    let written = source.get(span.clone()).unwrap_or_default();
    let quote = [("'''", true), ("\"\"\"", false), ("'", true), ("\"", false)];
    let found = quote
        .into_iter()
        .find(|(quote, is_literal)| written.starts_with(quote) && (*is_literal || !written.contains('\\')));
    let (Some(within), Some((quote, _))) = (within, found) else { return span };
    let inner = written.get(quote.len()..).unwrap_or_default();
    let newline =
        [("\r\n", 2), ("\n", 1)].into_iter().find(|(newline, _)| quote.len() == 3 && inner.starts_with(newline));
    let start = span.start + quote.len() + newline.map_or(0, |(_, length)| length);
    let part = start + within.start..start + within.end;
    if part.end < span.end { part } else { span }
}

/// Where the deepest part of `path` stands that is in the table: the value, or the key of what is a table itself.
fn span_in_table(table: &DeTable<'_>, path: &str) -> Option<Range<usize>> {
    let mut found: Option<(usize, Range<usize>)> = None;
    for (key, value) in table {
        for written in [key.get_ref().to_string(), format!("\"{}\"", key.get_ref())] {
            let Some(rest) = path.strip_prefix(written.as_str()) else { continue };
            let is_whole = rest.is_empty() || rest.starts_with(['.', '[']);
            let is_longest = found.as_ref().is_none_or(|(length, _)| *length < written.len());
            if is_whole && is_longest {
                let own =
                    if value.get_ref().is_table() || is_of_tables(value.get_ref()) { key.span() } else { value.span() };
                found = Some((written.len(), span_in_value(value.get_ref(), rest).unwrap_or(own)));
            }
        }
    }
    found.map(|(_, span)| span)
}

/// True for `[[…]]`, which has no place of its own.
fn is_of_tables(value: &DeValue<'_>) -> bool {
    value.as_array().is_some_and(|items| items.iter().any(|item| item.get_ref().is_table()))
}

fn span_in_value(value: &DeValue<'_>, rest: &str) -> Option<Range<usize>> {
    match value {
        DeValue::Table(table) => span_in_table(table, rest.strip_prefix('.')?),
        DeValue::Array(items) => {
            let (number, rest) = rest.strip_prefix('[')?.split_once(']')?;
            let item = items.get(number.parse::<usize>().ok()?)?;
            span_in_value(item.get_ref(), rest).or(Some(item.span()))
        }
        DeValue::String(_) | DeValue::Integer(_) | DeValue::Float(_) | DeValue::Boolean(_) | DeValue::Datetime(_) => {
            None
        }
    }
}
