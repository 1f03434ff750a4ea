//! What a source file uses: its paths, made absolute, without comments, texts and tests.

use regex::Regex;

/// A source file, read for what it uses.
pub struct Source {
    code: String,
    /// Every path in it, of `use` and in between: `crate::…` for those of the crate, else as they stand.
    pub paths: Vec<String>,
}

impl Source {
    /// Reads the text of `module`, such as `engine::apply`.
    pub fn read(module: &str, text: &str) -> Self {
        let code = without_tests(&code_alone(text));
        let uses = Regex::new(r"\buse\s+([^;]+);").unwrap();
        let mut paths = Vec::new();
        for found in uses.captures_iter(&code) {
            let compact: String = found[1].replace(" as ", "@").split_whitespace().collect();
            expand("", &compact, &mut paths);
        }
        let between = uses.replace_all(&code, "");
        let path = Regex::new(r"[A-Za-z_]\w*(?:::[A-Za-z_]\w*)+").unwrap();
        paths.extend(path.find_iter(&between).map(|found| found.as_str().to_owned()));
        let paths = paths.into_iter().map(|path| absolute(module, &path)).collect();
        Self { code, paths }
    }

    /// True if the code has this word.
    pub fn has_word(&self, word: &str) -> bool {
        Regex::new(&format!(r"\b{word}\b")).unwrap().is_match(&self.code)
    }
}

/// One path for each leaf of a tree such as `a::{b, c::{self, d}}`. `prefix` ends with `::` unless it is empty.
fn expand(prefix: &str, tree: &str, paths: &mut Vec<String>) {
    let tree = tree.trim_start_matches("::");
    match tree.split_once('{') {
        Some((head, group)) => {
            let group = group.strip_suffix('}').unwrap_or(group);
            branches(group).into_iter().for_each(|branch| expand(&format!("{prefix}{head}"), branch, paths));
        }
        None => {
            let path = format!("{prefix}{}", tree.split('@').next().unwrap_or(tree));
            paths.push(path.strip_suffix("::self").unwrap_or(&path).to_owned());
        }
    }
}

/// Splits at the commas that are in no inner group.
fn branches(group: &str) -> Vec<&str> {
    let mut depth = 0;
    let at_top = |character: char| {
        depth += i32::from(character == '{') - i32::from(character == '}');
        character == ',' && depth == 0
    };
    group.split(at_top).filter(|branch| !branch.is_empty()).collect()
}

/// The path from the root of the crate if it starts with `self` or `super`.
fn absolute(module: &str, path: &str) -> String {
    let mut steps = path.split("::").peekable();
    let mut here: Vec<&str> = module.split("::").collect();
    if !matches!(steps.peek(), Some(&("self" | "super"))) {
        return path.to_owned();
    }
    steps.next_if_eq(&"self");
    while steps.next_if_eq(&"super").is_some() {
        here.pop();
    }
    ["crate"].into_iter().chain(here).chain(steps).collect::<Vec<_>>().join("::")
}

/// The text with each comment and literal replaced by a space.
fn code_alone(text: &str) -> String {
    let no_code = Regex::new(concat!(
        r#"(?s)//[^\n]*|/\*.*?\*/"#,
        r##"|\bb?r#".*?"#|\bb?r"[^"]*""##,
        r#"|b?"(?:\\.|[^"\\])*""#,
        r"|b?'(?:\\[^']+|\\'|[^'\\])'",
    ));
    no_code.unwrap().replace_all(text, " ").into_owned()
}

/// The code without what `#[cfg(test)]` stands before: up to the end of its block, or of its statement.
fn without_tests(code: &str) -> String {
    let Some((before, rest)) = code.split_once("#[cfg(test)]") else {
        return code.to_owned();
    };
    let mut depth = 0;
    let end = rest.char_indices().find(|(_, character)| {
        depth += i32::from(*character == '{') - i32::from(*character == '}');
        depth == 0 && matches!(character, '}' | ';')
    });
    let after = end.map_or("", |(at, _)| &rest[at + 1..]);
    format!("{before}{}", without_tests(after))
}
