//! Typed access to the fields of a message, by path. The errors name the path and never show the value.

use serde_json::Value as Json;

use crate::intake::Refusal;

/// A JSON object.
pub type Object = serde_json::Map<String, Json>;

/// A message whose objects are known to be objects.
#[derive(Debug)]
pub(super) struct Message {
    object: Object,
}

impl Message {
    /// Checks the objects that other fields are looked for in.
    pub fn new(object: Object) -> Result<Self, Refusal> {
        let message = Self { object };
        for path in ["traits", "properties", "context", "context.traits", "context.app", "context.library"] {
            if message.get(path).is_some_and(|json| !json.is_object()) {
                return Err(wrong(path, "an object"));
            }
        }
        Ok(message)
    }

    /// What is at the path; `null` is nothing.
    fn get(&self, path: &str) -> Option<&Json> {
        let mut names = path.split('.');
        let first = self.object.get(names.next()?)?;
        let found = names.try_fold(first, |json, name| json.get(name))?;
        (!found.is_null()).then_some(found)
    }

    /// A text that is not empty, if the field is there.
    pub fn text(&self, path: &str) -> Result<Option<&str>, Refusal> {
        let Some(json) = self.get(path) else {
            return Ok(None);
        };
        match json.as_str() {
            Some("") => Err(Refusal::new(format!("`{path}` is empty: leave it out instead"))),
            Some(text) => Ok(Some(text)),
            None => Err(wrong(path, "text")),
        }
    }

    /// True or false; false if the field is absent.
    pub fn flag(&self, path: &str) -> Result<bool, Refusal> {
        if self.get(path).is_some() { self.required_flag(path) } else { Ok(false) }
    }

    /// True or false, and one of them must be there.
    pub fn required_flag(&self, path: &str) -> Result<bool, Refusal> {
        let json = self.get(path).ok_or_else(|| Refusal::new(format!("`{path}` is missing")))?;
        json.as_bool().ok_or_else(|| wrong(path, "true or false"))
    }

    /// A text that must be there.
    pub fn required(&self, path: &str) -> Result<String, Refusal> {
        let text = self.text(path)?.ok_or_else(|| Refusal::new(format!("`{path}` is missing")))?;
        Ok(text.to_owned())
    }

    /// A list of texts; none if the field is absent.
    pub fn texts(&self, path: &str) -> Result<Vec<String>, Refusal> {
        let list = |json: &Json| -> Option<Vec<String>> {
            json.as_array()?.iter().map(|item| item.as_str().map(str::to_owned)).collect()
        };
        let expected = || wrong(path, "a list of texts");
        self.get(path).map_or(Ok(Vec::new()), |json| list(json).ok_or_else(expected))
    }

    /// An instant.
    pub fn time(&self, path: &str) -> Result<Option<jiff::Timestamp>, Refusal> {
        let time = |text: &str| text.parse().map_err(|_| wrong(path, "an RFC 3339 time, such as 2026-11-21T18:30:00Z"));
        self.text(path)?.map(time).transpose()
    }

    /// A trait that is an identifier too, if it is text and not blank. As an attribute it may be anything.
    pub fn identifying_trait(&self, parent: &str, name: &str) -> Option<&str> {
        let text = self.get(&format!("{parent}.{name}")).and_then(Json::as_str);
        text.filter(|text| !text.trim().is_empty())
    }

    /// The keys in `context.externalIds`. Members other than `type` and `id` are ignored.
    pub fn external_ids(&self) -> Result<Vec<String>, Refusal> {
        const PATH: &str = "context.externalIds";
        let key = |json: &Json| -> Option<String> {
            let kind = json.get("type")?.as_str()?;
            Some(format!("{kind}:{}", json.get("id")?.as_str()?))
        };
        let keys = |json: &Json| -> Option<Vec<String>> { json.as_array()?.iter().map(key).collect() };
        let expected = || wrong(PATH, "a list of objects with the texts `type` and `id`");
        self.get(PATH).map_or(Ok(Vec::new()), |json| keys(json).ok_or_else(expected))
    }

    /// Takes an object of the top level out of the message.
    pub fn take(&mut self, name: &str) -> Result<Option<Object>, Refusal> {
        match self.object.remove(name) {
            Some(Json::Object(object)) => Ok(Some(object)),
            Some(Json::Null) | None => Ok(None),
            Some(_) => Err(wrong(name, "an object")),
        }
    }
}

fn wrong(path: &str, expected: &str) -> Refusal {
    Refusal::new(format!("`{path}` must be {expected}"))
}
