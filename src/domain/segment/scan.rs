//! Bounds the text of an expression before anything parses it: the parser calls itself for each bracket, and for each part
//! of a long chain.
//!
//! To be sure that parser and scan see the same texts and the same brackets, what could be read in two ways is refused:
//! comments, texts over several lines, and texts with a prefix.

use std::ops::Range;

use super::{MAX_BRACKETS, MAX_SOURCE_BYTES, MAX_TOKENS, Mistake};

/// Refuses what is too long, too deep, or not to be told apart.
pub(super) fn scan(source: &str) -> Result<(), Mistake> {
    if source.trim().is_empty() {
        return Err(Mistake::new("is empty; write an expression that is true or false"));
    }
    if source.len() > MAX_SOURCE_BYTES {
        return Err(Mistake::new(format!("is longer than {MAX_SOURCE_BYTES} bytes")));
    }
    let mut scan = Scan { brackets: 0, tokens: 0, before: None };
    let mut rest = source.char_indices().peekable();
    while let Some((at, letter)) = rest.next() {
        let here = || Some(at..at + letter.len_utf8());
        match letter {
            '"' | '\'' => scan.text(source, at, &mut rest)?,
            '/' if source.get(at..).is_some_and(|rest| rest.starts_with("//")) => {
                return Err(Mistake::new("has a comment; write it beside the expression, after a #").at(here()));
            }
            _ => scan.letter(letter).map_err(|mistake| mistake.at(here()))?,
        }
        if scan.tokens > MAX_TOKENS {
            let text = format!("has more than {MAX_TOKENS} names, constants and signs; ask for less");
            return Err(Mistake::new(text).at(here()));
        }
    }
    Ok(())
}

/// What was seen so far.
struct Scan {
    brackets: usize,
    tokens: usize,
    before: Option<char>,
}

impl Scan {
    fn letter(&mut self, letter: char) -> Result<(), Mistake> {
        // `a ? b : a ? b : c` nests as brackets do, and nothing ever closes it.
        if matches!(letter, '(' | '[' | '{' | '?') {
            self.brackets += 1;
        }
        if matches!(letter, ')' | ']' | '}') {
            self.brackets = self.brackets.saturating_sub(1);
        }
        if self.brackets > MAX_BRACKETS {
            return Err(Mistake::new(format!("nests brackets or choices more than {MAX_BRACKETS} times")));
        }
        let goes_on = is_of_word(letter) && self.before.is_some_and(is_of_word);
        if !goes_on && !letter.is_whitespace() {
            self.tokens += 1;
        }
        self.before = Some(letter);
        Ok(())
    }

    /// Takes a text to its end.
    fn text(
        &mut self,
        source: &str,
        from: usize,
        rest: &mut impl Iterator<Item = (usize, char)>,
    ) -> Result<(), Mistake> {
        let quote = source.get(from..).and_then(|rest| rest.chars().next()).unwrap_or_default();
        let here = |to: usize| Some(from..to);
        if self.before.is_some_and(|before| is_of_word(before) || before == quote) {
            return Err(
                Mistake::new("has a text right behind something else; write a plain \"text\"").at(here(from + 1))
            );
        }
        self.tokens += 1;
        self.before = Some(quote);
        let mut is_escaped = false;
        for (at, letter) in rest {
            match letter {
                '\n' | '\r' => return Err(Mistake::new("has a text that goes on on the next line").at(here(at))),
                _ if is_escaped && !ESCAPED.contains(letter) => {
                    let text = "has another escape than `\\\\`, `\\\"`, `\\'` or `\\n`; write letters as they are, and a backslash as `\\\\`";
                    return Err(Mistake::new(text).at(here(at + letter.len_utf8())));
                }
                _ if is_escaped => is_escaped = false,
                '\\' => is_escaped = true,
                _ if letter == quote => return Ok(()),
                _ => {}
            }
        }
        Err(Mistake::new("has a text without an end").at(here(source.len())))
    }
}

/// What may stand behind a backslash. CEL knows more, by numbers; a text that its lexer cannot read would be read on as
/// something else.
const ESCAPED: &str = "\\\"'`abfnrtv";

fn is_of_word(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_'
}

/// Where `text` stands, if it stands at `from`.
pub(super) fn span(source: &str, from: usize, text: &str) -> Option<Range<usize>> {
    source.get(from..)?.starts_with(text).then(|| from..from + text.len())
}
