//! `[views]`: their TOML shape, and what makes of it views that can answer.
//!
//! ```toml
//! [attributes.person]                # what views may read besides computed attributes; see `attributes`
//! nickname = "text"
//! first_name = "text"
//!
//! [views.newsletter]                 # several versions of one name: [[views.newsletter]], each with its `version`
//! version = 2                        # from 1 on; 1 if left out
//! kind = "person"                    # whose profiles; person if left out
//! purpose = "marketing"              # what needs consent; nothing does if left out
//! channel = "email"
//! opt_in = true                      # who was never asked has not agreed; if left out, only a refusal counts
//! topics = ["weddings"]              # what the view speaks of; a field may have `topics` of its own
//! shared = "hold"                    # what is decided of a key that several people share: send, hold or skip
//!
//! [views.newsletter.holds.open_complaint]
//! while = "complaint.open"           # holds while it is true, or above zero
//! decision = "hold"                  # hold or skip; if left out, skip for `bought` and else hold
//! [views.newsletter.holds.has_it]
//! bought = "bought.products"         # a list: holds if it has what the request says that the message is about
//! [views.newsletter.holds.had_it_lately]
//! bought = "bought.last"             # `last_events`: with `within` only those no older count, exactly as old included;
//! within = "30d"                     # it reaches back as far as the events that the attribute keeps by its `limit`
//! [views.newsletter.holds.enough]
//! count = "emails.count_7d"          # holds once there were `at_most`
//! at_most = 3
//!
//! [views.newsletter.fields.greeting]
//! from = ["nickname", "first_name"]  # rungs, the best first: also address.NAME, and KIND.NAME through a group
//! type = "name"                      # text, name, number, bool, time, list or any; that of the first rung if left out
//! default = "there"                  # the constant where no rung answers
//! required = true                    # nothing can be rendered without it, so there has to be a default
//! max_age = "90d"                    # an older value is stale; s, m, h, d or w
//! max_length = 40                    # characters: a longer text is cut, a longer name rejected
//! repair = true                      # a name in capitals or small letters gets back its case
//! ```

mod field;
mod hold;
mod shape;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::attributes::quoted;
use crate::domain::answer::{Fields, MAX_FIELDS, Name};
use crate::domain::ids::KindId;
use crate::domain::model::finding::Finding;
use crate::domain::model::{Model, Source};
use crate::domain::segment::Asked;
use crate::domain::time;
use crate::domain::view::{self, Decision, Hold, MAX_HOLDS, MAX_TOPICS, MAX_VIEW_FIELDS, MAX_VIEWS, View, is_label};
pub(super) use shape::FileViews;
use shape::{FileField, FileHold, FileView};

/// What labels look like, for people.
const LABEL: &str = "1 to 64 of a-z, 0-9, _ and -, a letter or digit first";

/// Compiles the declared views of `model`; what is wrong goes to `findings`. By name and version.
pub(super) fn compile(declared: FileViews, model: &Model, findings: &mut Vec<Finding>) -> Vec<Arc<View>> {
    let mut views: Vec<Arc<View>> = Vec::new();
    let count: usize = declared.values().map(|versions| versions.views.len()).sum();
    if count > MAX_VIEWS {
        findings.push(Finding::new("views", format!("declares more than {MAX_VIEWS} views")));
    }
    if count == 0 || count > MAX_VIEWS {
        return views;
    }
    let readable = model.kinds().iter().map(|kind| (kind.id, model.readable(kind))).collect();
    for (name, versions) in declared {
        let path = format!("views.{}", quoted(&name));
        if !is_label(&name) {
            findings.push(Finding::new(&path, format!("is no name of a view: {LABEL}")));
            continue;
        }
        let mut known = BTreeSet::new();
        for (at, declared) in versions.views.into_iter().enumerate() {
            let path = if versions.listed { format!("{path}[{at}]") } else { path.clone() };
            if declared.version == 0 || !known.insert(declared.version) {
                let text = "is 0 or taken: versions of a view are whole numbers from 1 on, each once";
                findings.push(Finding::new(format!("{path}.version"), text));
            }
            let compiler = Compiler { model, readable: &readable, path, findings };
            views.extend(compiler.view(name.clone(), declared).map(Arc::new));
        }
    }
    views.sort_by(|a, b| (&a.name, a.version).cmp(&(&b.name, b.version)));
    views
}

/// Compiles one view.
struct Compiler<'a> {
    model: &'a Model,
    readable: &'a BTreeMap<KindId, BTreeMap<String, Source>>,
    path: String,
    findings: &'a mut Vec<Finding>,
}

impl Compiler<'_> {
    fn view(mut self, name: String, declared: FileView) -> Option<View> {
        let FileView { version, kind, purpose, channel, opt_in, topics, shared, holds, fields } = declared;
        let Some(kind) = self.model.kind(&kind) else {
            let known = self.model.kinds().iter().map(|kind| kind.name.as_str());
            let finding = Finding::new(format!("{}.kind", self.path), "names a kind that is not declared");
            self.findings.push(finding.suggesting(&kind, known));
            return None;
        };
        self.label("purpose", &purpose);
        self.label("channel", &channel);
        if opt_in && purpose.is_empty() {
            self.say("opt_in", "is for a purpose, and there is none; add `purpose`");
        }
        let topics = self.topics("topics", topics);
        let shared = shared.map_or(Decision::Hold, Decision::from);
        let mut slots = Slots { readable: self.readable.get(&kind.id)?, names: Vec::new() };
        let fields = self.fields(fields, &mut slots);
        let holds = self.holds(holds, &mut slots);
        if slots.names.len() > MAX_FIELDS {
            self.say("fields", &format!("and holds read more than {MAX_FIELDS} different attributes"));
        }
        let names: Vec<Name> = slots.names.into_iter().map(Name::from).collect();
        let asked = Asked::of(&names, kind.id, self.model).map(Arc::new);
        let (kind, slots) = (kind.id, Fields::Named(names));
        Some(View { name, version, kind, purpose, channel, opt_in, topics, fields, shared, holds, slots, asked })
    }

    fn holds(&mut self, declared: BTreeMap<String, FileHold>, slots: &mut Slots<'_>) -> Vec<Hold> {
        if declared.len() > MAX_HOLDS {
            self.say("holds", &format!("are more than {MAX_HOLDS}"));
        }
        let holds = declared.into_iter().take(MAX_HOLDS);
        holds.filter_map(|(name, declared)| self.hold(name, declared, slots)).collect()
    }

    fn fields(&mut self, declared: BTreeMap<String, FileField>, slots: &mut Slots<'_>) -> Vec<view::Field> {
        if declared.is_empty() || declared.len() > MAX_VIEW_FIELDS {
            self.say("fields", &format!("are none, or more than {MAX_VIEW_FIELDS}"));
        }
        let names: BTreeSet<String> = declared.keys().cloned().collect();
        let fields = declared.into_iter().take(MAX_VIEW_FIELDS);
        fields.map(|(name, declared)| self.field(name, declared, &names, slots)).collect()
    }

    fn topics(&mut self, at: &str, declared: Vec<String>) -> BTreeSet<String> {
        if declared.len() > MAX_TOPICS {
            self.say(at, &format!("are more than {MAX_TOPICS}"));
        }
        let mut topics = BTreeSet::new();
        for (number, topic) in declared.into_iter().enumerate() {
            self.label(&format!("{at}[{number}]"), &topic);
            if topic.is_empty() || !topics.insert(topic) {
                self.say(&format!("{at}[{number}]"), "is empty, or there already");
            }
        }
        topics
    }

    fn label(&mut self, at: &str, label: &str) {
        if !label.is_empty() && !is_label(label) {
            self.say(at, &format!("is not {LABEL}"));
        }
    }

    /// A duration of more than nothing, in microseconds.
    fn duration(&mut self, at: &str, text: &str) -> Option<u64> {
        let micros = time::duration(text).filter(|micros| *micros > 0);
        if micros.is_none() {
            self.say(at, "is no duration; write a number and s, m, h, d or w, such as 90d");
        }
        micros
    }

    fn say(&mut self, at: &str, text: &str) {
        self.findings.push(Finding::new(format!("{}.{at}", self.path), text));
    }
}

/// What a view reads: all that it could, and what it does.
struct Slots<'a> {
    readable: &'a BTreeMap<String, Source>,
    names: Vec<String>,
}

impl Slots<'_> {
    /// The number of the slot that reads `name`.
    fn of(&mut self, name: &str) -> usize {
        let known = self.names.iter().position(|slot| slot == name);
        known.unwrap_or_else(|| {
            self.names.push(name.to_owned());
            self.names.len() - 1
        })
    }
}

#[cfg(test)]
mod tests;
