//! Text as it stands in HTML, between tags and inside quoted attributes.

/// `text` with `&`, `<`, `>`, `"` and `'` as entities.
pub fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            _ => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_ends_a_text_stays() {
        assert_eq!(escape("O'Neill & <b>\"Söhne\"</b>"), "O&#39;Neill &amp; &lt;b&gt;&quot;Söhne&quot;&lt;/b&gt;");
    }
}
