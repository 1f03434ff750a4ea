//! Names that may have been meant.

/// The name most like `wanted`, if one of them is like it: a third of its letters may be other ones.
pub fn nearest<'a>(wanted: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wanted = wanted.to_lowercase();
    let tolerated = (wanted.chars().count() / 3).max(1);
    let distances = known.into_iter().map(|name| (strsim::damerau_levenshtein(&wanted, &name.to_lowercase()), name));
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
    }
}
