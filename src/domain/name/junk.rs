//! What is not a name.
//!
//! The rule for words: **case decides.** Software writes `null` and `NULL`, never `Null`; people write `Null`, which is
//! a surname, as are Test, Guest and Nan. A spelling is junk if some software puts exactly it where a value is missing
//! ([`ARTEFACTS`]), or if nobody is called so however it is spelled ([`NOBODY`]). A bearer whose name arrives in the very
//! spelling of the artefact is the price.
//!
//! The rule for everything else: a name has a letter, of any script, and nothing that only machines write. Names of one
//! letter (O, Ö, U, 王) and without vowels (Ng) are names. Cf. "Personal names around the world" (W3C) and "Falsehoods
//! programmers believe about names" (McKenzie).

/// How many characters a name may have: what the UK Government Data Standards Catalogue allots to a full name.
pub const MAX_NAME_CHARS: usize = 70;

/// Spellings that software writes for a value that is not there.
const ARTEFACTS: &[&str] = &[
    "null", "NULL", // JSON, SQL, and whatever makes text of them.
    "nil",  // Go, Ruby, Lua. NIL is left to those called Nil.
    "nan", "NaN", // pandas, JavaScript. NAN is left to those called Nan.
    "none", "NONE", "None", // Python writes it as names are written, and nobody is known who is called so.
    "na", "NA", // R, and people who do not wish to say.
    "test", "TEST", "guest", "GUEST", "user", "USER", "customer", "CUSTOMER", "admin", "ADMIN", "root",
];

/// What nobody is called, in any case. Compared in lower case.
const NOBODY: &[&str] = &[
    "n/a",
    "n.a.",
    "n.a",
    "#n/a",
    "n\\a",
    "\\n",
    "-n/a-",
    "undefined",
    "unknown",
    "anonymous",
    "unnamed",
    "nobody",
    "no name",
    "noname",
    "not available",
    "not applicable",
    "not provided",
    "not set",
    "not given",
    "tbd",
    "tba",
    "first name",
    "firstname",
    "last name",
    "lastname",
    "full name",
    "fullname",
    "your name",
    "test test",
    "test user",
    "test account",
    "test customer",
    "xxx",
    "asdf",
    "qwerty",
];

/// Characters of templates, markup, queries, paths and percent-encoding, which no name has. `@` and what makes a link are
/// looked at first.
const OF_MACHINES: &[char] =
    &['{', '}', '<', '>', '[', ']', '|', '\\', '^', '~', '=', '%', '$', '#', '_', ';', '*', '?'];

/// Why a text is not a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Junk {
    /// Nothing that can be seen.
    Blank,
    /// Has control characters, or characters that turn the direction of what follows.
    Control,
    /// More than [`MAX_NAME_CHARS`] characters.
    TooLong,
    /// Stands for a name that is not there, such as `N/A` or `null`.
    Placeholder,
    /// An e-mail address or a link.
    Address,
    /// Has characters of templates, markup or a lost encoding, such as `{{first_name}}`.
    Machine,
    /// No letters, or not more of them than digits, such as `12345` or `user12345`.
    Number,
}

/// The name that `text` is, without the white space and the invisible characters around and inside it that say nothing;
/// else why it is none.
pub fn tidy(text: &str) -> Result<String, Junk> {
    let tidied = trim(text);
    if tidied.is_empty() {
        return Err(Junk::Blank);
    }
    if tidied.chars().any(is_control) {
        return Err(Junk::Control);
    }
    if tidied.chars().count() > MAX_NAME_CHARS {
        return Err(Junk::TooLong);
    }
    if is_placeholder(&tidied) {
        return Err(Junk::Placeholder);
    }
    if is_address(&tidied) {
        return Err(Junk::Address);
    }
    if tidied.chars().any(|c| OF_MACHINES.contains(&c) || c == char::REPLACEMENT_CHARACTER) {
        return Err(Junk::Machine);
    }
    let letters = tidied.chars().filter(|c| c.is_alphabetic()).count();
    let digits = tidied.chars().filter(|c| c.is_numeric() && !c.is_alphabetic()).count();
    // Jennifer 8. Lee and X Æ A-12 are names; user12345 is not.
    if letters <= digits { Err(Junk::Number) } else { Ok(tidied) }
}

/// Drops what cannot be seen, and of white space all that is around the text and all but the first of each run.
fn trim(text: &str) -> String {
    let mut tidied = String::with_capacity(text.len());
    let mut gap = None;
    for c in text.trim_matches(is_edge).chars().filter(|c| !is_invisible(*c)) {
        if is_space(c) {
            gap = gap.or(Some(c));
            continue;
        }
        tidied.extend(gap.take().filter(|_| !tidied.is_empty()));
        tidied.push(c);
    }
    tidied
}

/// White space, and letters of Hangul and Braille that are blank. Line ends and tabs inside are control characters.
fn is_space(c: char) -> bool {
    (c.is_whitespace() && !c.is_control())
        || matches!(c, '\u{115F}' | '\u{1160}' | '\u{2800}' | '\u{3164}' | '\u{FFA0}')
}

/// What says nothing at an end: white space of any kind, and the zero-width joiners, which inside are part of how Persian
/// and Indic names are spelled.
fn is_edge(c: char) -> bool {
    is_space(c) || is_invisible(c) || c.is_whitespace() || matches!(c, '\u{200C}' | '\u{200D}')
}

/// Soft hyphen, zero-width space, word joiner, byte order mark.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{AD}' | '\u{200B}' | '\u{2060}' | '\u{FEFF}')
}

/// Besides control characters proper, those that embed, override or isolate a direction: they garble what follows the
/// name (Unicode Technical Report 36). The marks U+200E and U+200F do not, and names in two directions need them.
fn is_control(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

/// As it is, and without the brackets or quotes that some put around their nothing: `(null)`, `<nil>`, `"N/A"`.
fn is_placeholder(tidied: &str) -> bool {
    let bare = tidied.trim_matches(['(', ')', '<', '>', '[', ']', '"', '\'', '-']).trim();
    [tidied, bare].iter().any(|text| ARTEFACTS.contains(text) || NOBODY.contains(&text.to_lowercase().as_str()))
}

fn is_address(tidied: &str) -> bool {
    let lower = tidied.to_lowercase();
    let is_link = lower.contains("://") || lower.starts_with("www.") || lower.contains(".com/");
    tidied.contains('@') || is_link
}

#[cfg(test)]
mod tests;
