//! Labels: the short names that people give to topics, purposes and channels.

use super::invalid::{Invalid, Reason};

/// How long a label may be, in bytes.
pub const MAX_LABEL_BYTES: usize = 64;

/// Reads a label and brings it to canonical form: lower case. `field` is its path; only where it is not `required` it
/// may be empty.
pub(super) fn read(text: &str, field: &str, required: bool) -> Result<String, Invalid> {
    super::fact::check_text(text, field, MAX_LABEL_BYTES, required)?;
    let label = text.to_ascii_lowercase();
    if label.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_' || b == b'-') {
        return Ok(label);
    }
    Err(Invalid::new(Reason::BadValue, field, "is not of a-z, 0-9, _ and -, such as baby-products"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_lower_case_and_of_few_characters() {
        assert_eq!(read("Baby_Products-2", "topic", true), Ok("baby_products-2".to_owned()));
        assert_eq!(read("", "channel", false), Ok(String::new()));
        assert_eq!(read(&"x".repeat(MAX_LABEL_BYTES), "topic", true).map(|label| label.len()), Ok(MAX_LABEL_BYTES));
        for (text, reason) in [("", Reason::Missing), ("a b", Reason::BadValue), ("ä", Reason::BadValue)] {
            assert_eq!(read(text, "topic", true).unwrap_err().reason, reason);
        }
        assert_eq!(read(&"x".repeat(MAX_LABEL_BYTES + 1), "topic", true).unwrap_err().reason, Reason::TooLarge);
    }
}
