//! Names that may have been meant.

/// A longer text was not meant as a name, in bytes. Comparing costs the product of both lengths.
const MAX_WANTED_BYTES: usize = 256;
/// How many names are compared.
const MAX_COMPARED: usize = 2_000;
/// How many bytes UTF-8 takes for a letter.
const MAX_BYTES_A_LETTER: usize = 4;

/// The name most like `wanted`, if one of them is like it: a third of its letters may be other ones.
pub fn nearest<'a>(wanted: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    if wanted.len() > MAX_WANTED_BYTES {
        return None;
    }
    let wanted = wanted.to_lowercase();
    let tolerated = (wanted.chars().count() / 3).max(1);
    let is_as_long = |name: &&str| name.len().abs_diff(wanted.len()) <= MAX_BYTES_A_LETTER * tolerated;
    let compared = known.into_iter().filter(is_as_long).take(MAX_COMPARED);
    let distances = compared.map(|name| (strsim::damerau_levenshtein(&wanted, &name.to_lowercase()), name));
    distances.filter(|(distance, _)| *distance <= tolerated).min().map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_alike_is_suggested() {
        let known = ["nickname", "first_name", "last_name", "orders.count"];
        assert_eq!(nearest("nickmame", known), Some("nickname"));
        assert_eq!(nearest("First_Name", known), Some("first_name"));
        assert_eq!(nearest("order.count", known), Some("orders.count"));
        assert_eq!(nearest("shoe_size", known), None);
        assert_eq!(nearest("", known), None);
        assert_eq!(nearest(&"n".repeat(1_000_000), known), None);
    }
}
