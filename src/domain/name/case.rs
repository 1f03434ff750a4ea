//! The case of a name that has lost it: `MCDONALD` and `mcdonald` become `McDonald`.
//!
//! Whoever writes capitals and small letters means both, so mixed case is never touched (as in Lingua::EN::NameCase and
//! every formatter since). Where a rule would be wrong about as often as right (`Macdonald` or `MacDonald`, Portuguese
//! `do` or Korean Do), the plain form wins: it is what people forgive. The language of a name is not known; only letters
//! that one language alone has (Turkish `ı` and `İ`) say which one it is.

/// Words that stay small between other words. Left out is what is as often a name: Das (Gupta), Bin (Seng), Do (Yun).
const PARTICLES: &[&str] = &[
    "van", "von", "vom", "zum", "zur", "der", "den", "dem", "de", "del", "da", "dos", "ter", "ten", "op", "ibn",
    "bint", "binti",
];

/// Words that stay small after another one that does.
const SECOND: &[(&str, &str)] =
    &[("de", "la"), ("de", "las"), ("de", "los"), ("von", "und"), ("und", "zu"), ("von", "zu")];

/// Two particles that no given name and surname are: they stay small at the beginning as well.
const OPENINGS: &[(&str, &str)] = &[
    ("van", "der"),
    ("van", "den"),
    ("van", "de"),
    ("van", "'t"),
    ("von", "der"),
    ("von", "dem"),
    ("von", "den"),
    ("von", "und"),
    ("de", "la"),
    ("de", "las"),
    ("de", "los"),
    ("op", "den"),
];

/// Vietnamese surnames that nine in ten bear, without their accents. After one of them `Van` is a name.
const VIETNAMESE: &[&str] = &[
    "nguyen", "tran", "le", "pham", "hoang", "huynh", "phan", "vu", "vo", "dang", "bui", "do", "ho", "ngo", "duong",
    "ly", "dinh", "truong",
];

/// What a capital follows after an apostrophe, besides single letters (`O'Neill`, `D'Angelo`, `N'Golo`). Elsewhere the
/// apostrophe is a sound inside a word: `Sa'ad`, `Ka'ahumanu`.
const BEFORE_CAPITAL: &[&str] = &["dell", "dall", "nell", "sant", "de", "da", "la", "le", "mc"];

/// Names of two letters without a vowel, or titles. All others in capitals are initials: `TJ`, `KC`.
const WITHOUT_VOWEL: &[&str] = &["ng", "md", "st", "dr", "mr", "ms", "sk"];

/// Ordinals of dynasties and families. `VI` and `XI` are left to those called Vi and Xi.
const ORDINALS: &[&str] = &["ii", "iii", "iv", "vii", "viii"];

/// Given names of isiXhosa and isiZulu that begin as Scottish ones do.
const NOT_SCOTTISH: &[&str] = &["mcebisi", "mcebo", "mceleli", "mcoyi"];

/// The name in the case that people write it in, if it is all capitals or all small letters; else as it is.
pub fn repair(name: &str) -> String {
    let Some(was) = Case::of(name) else { return name.to_owned() };
    let spelling = Spelling::of(name);
    let words: Vec<String> = name.split(' ').map(|word| spelling.lower(word)).collect();
    let repaired: Vec<String> = (0..words.len()).map(|at| word(&words, at, was, spelling)).collect();
    repaired.join(" ")
}

/// What has become of the case of a name.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Case {
    Shouted,
    Whispered,
}

impl Case {
    /// `None` for mixed case, and for scripts that have no case.
    fn of(name: &str) -> Option<Self> {
        let mut cased = name.chars().filter(|c| has_case(*c));
        let first = cased.next()?;
        let all = |is: fn(char) -> bool| is(first) && cased.clone().all(is);
        match (all(char::is_lowercase), all(|c| !c.is_lowercase())) {
            (true, _) => Some(Self::Whispered),
            (_, true) => Some(Self::Shouted),
            _ => None,
        }
    }
}

/// True for letters whose case says something. `ß` stands among capitals because it has none that people use; Georgian and
/// Cherokee have capitals in Unicode and no words that begin with one; letters such as `ª` and `ʰ` are small for ever.
fn has_case(c: char) -> bool {
    let cased = c.is_uppercase() || c.is_lowercase() || is_title(c);
    let caseless = matches!(c, 'ß' | '\u{10D0}'..='\u{10FF}' | '\u{13A0}'..='\u{13FF}' | '\u{AB70}'..='\u{ABBF}');
    let changes = c.to_lowercase().ne([c]) || c.to_uppercase().ne([c]);
    cased && !caseless && changes
}

/// How letters change case.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Spelling {
    /// As Unicode says where nothing is known of the language.
    Common,
    /// `I` is the capital of `ı`, and `İ` that of `i`: Turkish and Azerbaijani.
    Dotless,
}

impl Spelling {
    /// `Ğ` is theirs as well; `Ş` is not enough, because Romanian is written with it too.
    fn of(name: &str) -> Self {
        if name.contains(['ı', 'İ', 'ğ', 'Ğ']) { Self::Dotless } else { Self::Common }
    }

    /// The word in small letters. Not letter by letter: the final sigma of Greek is another one.
    fn lower(self, word: &str) -> String {
        match self {
            Self::Common => word.to_lowercase(),
            Self::Dotless => word.replace('I', "ı").replace('İ', "i").to_lowercase(),
        }
    }

    /// Appends the letter as it begins a word.
    fn put_title(self, out: &mut String, c: char) {
        match c {
            'i' if self == Self::Dotless => out.push('İ'),
            'ǆ' => out.push('ǅ'),
            'ǉ' => out.push('ǈ'),
            'ǌ' => out.push('ǋ'),
            'ǳ' => out.push('ǲ'),
            // Georgian has no capitals inside a text.
            '\u{10D0}'..='\u{10FF}' => out.push(c),
            _ => {
                let mut upper = c.to_uppercase();
                out.extend(upper.next());
                // Of `ﬁ` the capital is `FI`, and a word begins with `Fi`.
                upper.for_each(|rest| out.extend(rest.to_lowercase()));
            }
        }
    }
}

fn is_title(c: char) -> bool {
    matches!(c, 'ǅ' | 'ǈ' | 'ǋ' | 'ǲ')
}

fn is_apostrophe(c: char) -> bool {
    matches!(c, '\'' | '’' | '‘' | '`' | '´' | 'ʼ')
}

/// One word, which is in small letters, in its place among the others.
fn word(words: &[String], at: usize, was: Case, spelling: Spelling) -> String {
    let Some(word) = words.get(at).map(String::as_str) else { return String::new() };
    if stays_small(words, at) {
        return word.to_owned();
    }
    let is_last = at > 0 && at + 1 == words.len();
    if (is_last && ORDINALS.contains(&word)) || (was == Case::Shouted && are_initials(word, at)) {
        return word.to_uppercase();
    }
    capitalise(word, spelling)
}

/// True for particles, unless they are the name itself: first or last, or of somebody Vietnamese.
fn stays_small(words: &[String], at: usize) -> bool {
    let word = |at: usize| words.get(at).map_or("", String::as_str);
    let pair = |at: usize| (word(at), word(at + 1));
    if at == 0 {
        return words.len() > 2 && OPENINGS.contains(&pair(0));
    }
    let is_particle = PARTICLES.contains(&word(at)) || SECOND.contains(&pair(at - 1));
    let is_name = word(at) == "van" && VIETNAMESE.contains(&word(0)) && !OPENINGS.contains(&pair(at));
    is_particle && !is_name && at + 1 < words.len()
}

/// True for two letters that cannot be spoken as a word. `JR` after a name is "junior".
fn are_initials(word: &str, at: usize) -> bool {
    let is_suffix = at > 0 && ["jr", "sr"].contains(&word);
    let is_vowel = |byte: u8| b"aeiouy".contains(&byte);
    let is_short = word.len() == 2 && word.bytes().all(|byte| byte.is_ascii_lowercase());
    let is_unspoken = word.ends_with('j') || !word.bytes().any(is_vowel);
    is_short && is_unspoken && !is_suffix && !WITHOUT_VOWEL.contains(&word)
}

/// Gives each part of a word its capital. Parts begin after everything that is not part of a letter, and after some
/// apostrophes.
fn capitalise(word: &str, spelling: Spelling) -> String {
    let mut out = String::with_capacity(word.len());
    let mut part = String::new();
    let mut before: Option<char> = None;
    let mut prefix = String::new();
    for c in word.chars().map(Some).chain([None]) {
        if let Some(letter) = c.filter(|c| is_inside(*c)) {
            part.push(letter);
            continue;
        }
        match before.is_some_and(is_apostrophe) && !capital_after(&prefix, &part) {
            true => out.push_str(&part),
            false => put_part(&mut out, &part, spelling),
        }
        prefix = std::mem::take(&mut part);
        before = c;
        out.extend(c);
    }
    out
}

/// Letters with their accents and joiners. The okina of Hawaiian is a letter.
fn is_inside(c: char) -> bool {
    let is_mark = unicode_normalization::char::is_combining_mark(c);
    (c.is_alphanumeric() && !is_apostrophe(c)) || is_mark || matches!(c, '\u{200C}' | '\u{200D}')
}

/// Whether a capital follows the apostrophe between `prefix` and `part`.
fn capital_after(prefix: &str, part: &str) -> bool {
    match prefix.chars().count() {
        // `'t Hooft`, `'s-Gravesande`; and `'Abd`, where it is a letter of Arabic.
        0 => part.chars().count() > 1,
        1 => true,
        _ => BEFORE_CAPITAL.contains(&prefix),
    }
}

fn put_part(out: &mut String, part: &str, spelling: Spelling) {
    if let Some(clan) = part.strip_prefix("mc").filter(|clan| clan.len() > 2 && !NOT_SCOTTISH.contains(&part)) {
        out.push_str("Mc");
        return put_part(out, clan, spelling);
    }
    // The Dutch digraph: IJsbrand, and Ijaz, who is not Dutch.
    let is_digraph =
        part.strip_prefix("ij").and_then(|rest| rest.chars().next()).is_some_and(|c| !"aeiouy".contains(c));
    let mut letters = part.chars();
    if is_digraph && spelling == Spelling::Common {
        out.push_str("IJ");
        letters.next();
        letters.next();
    } else if let Some(first) = letters.next() {
        spelling.put_title(out, first);
    }
    out.push_str(letters.as_str());
}

#[cfg(test)]
mod tests;
