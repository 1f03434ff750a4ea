use super::*;

/// Right, and what becomes of its capitals and small letters.
const NAMES: &[&str] = &[
    "Joe",
    "McDonald",
    "McKay",
    "McEwan",
    "O'Neill",
    "O’Neill",
    "D'Angelo",
    "N'Golo",
    "Dell'Orto",
    "De'Andre",
    "Sant'Anna",
    "van der Berg",
    "Jan van der Berg",
    "Vincent van Gogh",
    "Willem van 't Hof",
    "van 't Hof",
    "Van Morrison",
    "Van",
    "Ludwig von Mises",
    "von der Leyen",
    "von und zu Guttenberg",
    "de la Cruz",
    "Juan de la Cruz",
    "João da Silva",
    "Maria dos Santos",
    "Ahmad ibn Ali",
    "Tan Bin Seng",
    "Ashok Das Gupta",
    "Maria La Rosa",
    "Chen Zu En",
    "Nguyen Van An",
    "Nguyễn Văn An",
    "Al Gore",
    "Robert De",
    "La Toya",
    "Sa'ad",
    "Ra'ed",
    "Ka'ahumanu",
    "Kaʻahumanu",
    "'t Hooft",
    "'s-Gravesande",
    "'Abd Rahman",
    "Anne-Marie",
    "Jean-Luc",
    "Al-Sayed",
    "Levi-Strauss",
    "J.R.R. Tolkien",
    "J. Smith",
    "O.",
    "J",
    "É",
    "Ng",
    "Wu",
    "Jo",
    "Li Ng",
    "Md Rahman",
    "Henry VIII",
    "John Smith III",
    "John Smith Jr",
    "Robert (Bob)",
    "Thi Vi",
    "Ijaz",
    "IJsbrand",
    "Machado",
    "Mack",
    "Mcebisi",
    "Jürgen",
    "Großmann",
    "Øystein",
    "E\u{301}mile",
    "Ünal",
    "Παναγιώτης",
    "Юрий",
    "Әлия",
    "Joe & Ann",
    "王",
    "محمد",
];

#[test]
fn names_get_back_the_case_they_lost() {
    for &right in NAMES {
        assert_eq!(repair(right), right, "{right} is right");
        let shouted = right.replace('ß', "\0").to_uppercase().replace('\0', "ß");
        assert_eq!(repair(&shouted), right, "{shouted} in capitals");
        assert_eq!(repair(&right.to_lowercase()), right, "{right} in small letters");
    }
}

#[test]
fn mixed_case_is_never_touched() {
    for name in [
        "LaVelle",
        "deMille",
        "MacDonald",
        "Macdonald",
        "van Der berg",
        "McDONALD",
        "iPhone",
        "JoHn",
        "De Niro",
        "ǅamonja",
    ] {
        assert_eq!(repair(name), name);
    }
}

#[test]
fn what_the_rules_decide_one_way() {
    for (name, repaired) in [
        ("MACDONALD", "Macdonald"),
        ("TJ", "TJ"),
        ("TJ WATT", "TJ Watt"),
        ("tj watt", "Tj Watt"),
        ("JR", "JR"),
        ("AJ COLE", "AJ Cole"),
        ("K. D. LANG", "K. D. Lang"),
        ("GROẞMANN", "Großmann"),
        ("ﬁona", "Fiona"),
        ("MÜLLER-LÜDENSCHEIDT", "Müller-Lüdenscheidt"),
    ] {
        assert_eq!(repair(name), repaired, "{name}");
    }
}

#[test]
fn letters_follow_their_own_script() {
    for (name, repaired) in [
        // The dotless i of Turkish, where something says that it is Turkish.
        ("YILDIRIM İPEK", "Yıldırım İpek"),
        ("ısmail ışık", "Ismail Işık"),
        ("irfan dağ", "İrfan Dağ"),
        ("IRMAK DAĞLI", "Irmak Dağlı"),
        ("IRIS", "Iris"),
        ("ǆamonja", "ǅamonja"),
        ("ΓΙΏΡΓΟΣ", "Γιώργος"),
        ("გიორგი", "გიორგი"),
        ("ᲒᲘᲝᲠᲒᲘ", "გიორგი"),
        ("ᎠᏂᎩᏚᏩᎩ", "ᎠᏂᎩᏚᏩᎩ"),
        ("ԱՐԱՄ", "Արամ"),
        ("山田　太郎", "山田　太郎"),
        ("", ""),
    ] {
        assert_eq!(repair(name), repaired, "{name}");
    }
}

#[test]
fn repairing_twice_is_repairing_once() {
    for name in NAMES.iter().flat_map(|name| [name.to_uppercase(), name.to_lowercase()]) {
        let once = repair(&name);
        assert_eq!(repair(&once), once, "{name}");
    }
}
