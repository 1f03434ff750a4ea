use super::*;

#[test]
fn real_names_are_never_junk() {
    for name in [
        "Null",
        "Test",
        "Nan",
        "Nil",
        "Nils",
        "NIL",
        "NAN",
        "Guest",
        "User",
        "Admin",
        "Na",
        "Root",
        "Ng",
        "NG",
        "O",
        "U",
        "Ö",
        "J",
        "王",
        "王小明",
        "山田　太郎",
        "Nguyễn Văn An",
        "محمد",
        "דָּוִד",
        "Παναγιώτης",
        "გიორგი",
        "Ngô",
        "O'Neill",
        "D’Angelo",
        "Kaʻahumanu",
        "Jean-Luc",
        "van der Berg",
        "'t Hooft",
        "Nuñez",
        "Null.",
        "Nullmann",
        "Testa",
        "J. R. R.",
        "Robert (Bob)",
        "Dwayne \"The Rock\" Johnson",
        "Joe & Ann",
        "Jennifer 8. Lee",
        "X Æ A-12",
        "Henry VIII",
        "Ⅷ. Karl",
        "St. John",
        "K.Raman",
        "Xóõ!",
        "علی\u{200C}رضا",
        "Nobody Beats",
        "Unknown Mortal",
        "Anonymous Smith",
        "Blank",
        "Void",
        "Undefinedson",
        "Mcebisi",
        "B",
        "Ye",
        "Xx",
        "Janice Keihanaikukauakahihulihe'ekahaunaele",
    ] {
        assert_eq!(tidy(name).as_deref(), Ok(name), "{name} is a name");
    }
    let longest = "ö".repeat(MAX_NAME_CHARS);
    assert_eq!(tidy(&longest), Ok(longest));
}

#[test]
fn junk_is_never_a_name() {
    let of = |junk: Junk, texts: &[&str]| {
        texts.iter().for_each(|text| assert_eq!(tidy(text), Err(junk), "{text:?} is {junk:?}"));
    };
    of(Junk::Blank, &["", " ", "\t\r\n", "\u{A0}", "\u{3000}\u{3000}", "\u{200B}\u{FEFF}", "\u{3164}", "\u{200D}"]);
    of(
        Junk::Placeholder,
        &[
            "N/A",
            "n/a",
            " N/a ",
            "N.A.",
            "#N/A",
            "\\N",
            "null",
            "NULL",
            "(null)",
            "<null>",
            "[NULL]",
            "\"null\"",
            "'null'",
            "nil",
            "<nil>",
            "None",
            "none",
            "nan",
            "NaN",
            "NA",
            "--n/a--",
            "undefined",
            "Undefined",
            "UNKNOWN",
            "Anonymous",
            "test",
            "TEST",
            "Test Test",
            "test user",
            "TEST USER",
            "guest",
            "First Name",
            "firstname",
            "Your name",
            "No Name",
            "Not available",
            "xxx",
            "XXX",
            "asdf",
        ],
    );
    of(Junk::Address, &["joe@example.com", "@joe", "Joe <joe@example.com>", "https://evil.test", "WWW.evil.test"]);
    of(Junk::Address, &["You won! bit.ly.com/x"]);
    of(
        Junk::Machine,
        &["{{first_name}}", "*|FNAME|*", "%FIRSTNAME%", "${name}", "[fname]", "<b>Joe</b>", "first_name"],
    );
    of(Junk::Machine, &["J%C3%BCrgen", "J\u{FFFD}rgen", "J?rgen", "O&#39;Neill", "Robert'); DROP TABLE x"]);
    of(Junk::Number, &["12345", "٣٤٥", "-", "...", "+49 30 123", "😀", "user12345", "R2D2", "0"]);
    of(Junk::Control, &["Joe\nBcc: x", "Joe\u{0}", "Joe\tBloggs", "Joe\u{202E}eoJ", "a\u{85}b", "a\u{2028}b"]);
    of(Junk::TooLong, &[&"a".repeat(MAX_NAME_CHARS + 1), &"王".repeat(MAX_NAME_CHARS + 1)]);
}

#[test]
fn what_says_nothing_is_dropped() {
    for (text, name) in [
        ("  Joe  ", "Joe"),
        ("Joe\n", "Joe"),
        ("\u{FEFF}Joe\u{200B}", "Joe"),
        ("Ann   Mary", "Ann Mary"),
        ("Ann \u{200B} Mary", "Ann Mary"),
        ("Jo\u{AD}e", "Joe"),
        ("山田　　太郎", "山田　太郎"),
        ("علی\u{200C}رضا\u{200C}", "علی\u{200C}رضا"),
    ] {
        assert_eq!(tidy(text).as_deref(), Ok(name), "{text:?}");
    }
}
