use proptest::prelude::*;
use prost_types::value::Kind;

use super::*;
use crate::intake::MAX_ROW_BYTES;

const PURCHASES: &str = r#"
    type = "track"
    event = "purchase"
    source = "cdnow"
    keys = { user_id = "customer_id" }
    time = { column = "date", format = "%Y-%m-%d" }
    [properties]
    quantity = { column = "quantity", type = "number" }
    dollars = { column = "dollars", type = "number" }
"#;

fn rows(text: impl AsRef<[u8]>, mapping: &str) -> Vec<Row> {
    let mapping = Mapping::parse(mapping).unwrap();
    Rows::new(text.as_ref(), &mapping).unwrap().map(Result::unwrap).collect()
}

fn reason(row: &Row) -> String {
    row.fact.as_ref().unwrap_err().to_string()
}

fn member(fact: &v1::Fact, name: &str) -> Option<Kind> {
    let members = match fact.body.as_ref().unwrap() {
        Body::Track(track) => track.properties.as_ref(),
        Body::Identify(identify) => identify.traits.as_ref(),
        _ => None,
    };
    members.unwrap().fields.get(name).and_then(|value| value.kind.clone())
}

#[test]
fn a_purchase_becomes_a_track() {
    let file = "customer_id,date,quantity,dollars\r\n00001,1997-01-01,1,11.77\r\n";
    let read = rows(file, PURCHASES);
    let fact = read[0].fact.as_ref().unwrap();
    assert_eq!(read[0].line, 2);
    assert_eq!(fact.keys, ["user_id:00001"]);
    assert_eq!(fact.source, "cdnow");
    assert_eq!(fact.time.unwrap(), prost_types::Timestamp { seconds: 852_076_800, nanos: 0 });
    assert_eq!(member(fact, "dollars"), Some(Kind::NumberValue(11.77)));
    assert!(matches!(&fact.body, Some(Body::Track(track)) if track.event == "purchase"));
}

#[test]
fn the_derived_id_is_the_same_next_time_and_another_for_every_row() {
    let file = "customer_id,date,quantity,dollars\n1,1997-01-01,1,1\n1,1997-01-01,1,1\n";
    let ids = || rows(file, PURCHASES).into_iter().map(|row| row.fact.unwrap().message_id).collect::<Vec<_>>();
    let first = ids();
    assert_eq!(first, ids());
    assert_ne!(first[0], first[1]);
    assert!(first[0].starts_with("cdnow:2:"), "{}", first[0]);
    assert_eq!(first[0].len(), "cdnow:2:".len() + 16);
}

#[test]
fn an_identify_has_typed_traits_and_its_own_ids() {
    let mapping = r#"
        type = "identify"
        source = "crm"
        delimiter = ";"
        message_id = "id"
        keys = { email = "mail", phone = "phone" }
        [traits]
        name = { column = "name" }
        vip = { column = "vip", type = "bool" }
        since = { column = "since", type = "time", format = "%d.%m.%Y %H:%M" }
    "#;
    let file = "\u{feff}id;mail;phone;name;vip;since\nm1;j@x.de; ;\"Joe; the\n\"\"second\"\"\";Yes;24.12.2025 18:30\n;a@x.de;;;;\n";
    let read = rows(file, mapping);
    let fact = read[0].fact.as_ref().unwrap();
    assert_eq!((fact.message_id.as_str(), fact.time), ("m1", None));
    assert_eq!(fact.keys, ["email:j@x.de"]);
    assert_eq!(member(fact, "name"), Some(Kind::StringValue("Joe; the\n\"second\"".into())));
    assert_eq!(member(fact, "vip"), Some(Kind::BoolValue(true)));
    assert_eq!(member(fact, "since"), Some(Kind::StringValue("2025-12-24T18:30:00Z".into())));
    assert_eq!(read[1].line, 4);
    assert_eq!(reason(&read[1]), "the column of the message id is empty");
}

#[test]
fn a_bad_row_is_refused_by_column_and_the_next_one_is_read() {
    let mut file = b"customer_id,date,quantity,dollars\n".to_vec();
    file.extend_from_slice(
        b"1,CANARY,1,1\n2,1997-01-01,CANARY,1\n3,1997-01-01,1,inf\n4,1997-01-01,1\n,1997-01-01,1,1\n",
    );
    file.extend_from_slice(b"6,,1,1\n7,\xff,1,1\n8,1997\r-01-01,1,1\n9,1997-01-01,,1\n");
    let read = rows(&file, PURCHASES);
    let reasons: Vec<_> = read.iter().take(8).map(reason).collect();
    assert_eq!(
        reasons,
        [
            "column `date` is not a time written as `%Y-%m-%d`",
            "column `quantity` is not a number",
            "column `dollars` is not a number",
            "3 columns where the header has 4",
            "names nobody: every column of the mapping's keys is empty",
            "column `date` is empty",
            "column 2 is not UTF-8",
            "a carriage return outside of quotes",
        ]
    );
    assert_eq!(read[6].raw, b"7,\xff,1,1");
    assert_eq!(member(read[8].fact.as_ref().unwrap(), "quantity"), None);
}

#[test]
fn an_open_quote_costs_one_line() {
    let file = "customer_id,date,quantity,dollars\n\"1,1997-01-01,1,1\n2,1997-01-01,1,1\n3,1997-01-01,1,1";
    let read = rows(file, PURCHASES);
    let outcome: Vec<_> = read.iter().map(|row| (row.line, row.fact.is_ok())).collect();
    assert_eq!(outcome, [(2, false), (3, true), (4, true)]);
    assert!(reason(&read[0]).starts_with("a quote that is not closed"));
}

#[test]
fn a_row_past_the_limit_is_refused_with_its_beginning() {
    let file = format!("customer_id,date,quantity,dollars\n{}\n2,1997-01-01,1,1\n", "9".repeat(MAX_ROW_BYTES * 3));
    let read = rows(file, PURCHASES);
    assert_eq!(read[0].raw.len(), MAX_ROW_BYTES);
    assert!(reason(&read[0]).starts_with("longer than"));
    assert!(read[1].fact.is_ok());
}

#[test]
fn columns_are_checked_before_the_first_row() {
    let mapping = Mapping::parse(PURCHASES).unwrap();
    let error = |text: &str| Rows::new(text.as_bytes(), &mapping).unwrap_err().to_string();
    assert!(error("customer_id,date,quantity\n").contains("`dollars`"));
    assert!(error("date,customer_id,date,quantity,dollars\n").contains("more than once"));
    assert!(error("").contains("empty"));
}

#[test]
fn a_mapping_that_contradicts_itself_is_refused() {
    let base = "source = \"s\"\nkeys = { user_id = \"u\" }\n";
    let cases = [
        ("type = \"track\"", "event"),
        ("type = \"identify\"\nevent = \"e\"", "event"),
        ("type = \"identify\"\n[properties]\np = { column = \"c\" }", "traits"),
        ("type = \"identify\"\ncolour = \"red\"", "colour"),
        ("type = \"identify\"\ndelimiter = \"||\"", "delimiter"),
        ("type = \"identify\"\n[traits]\np = { column = \"c\", format = \"%Y\" }", "format"),
        ("type = \"identify\"\ntime = { column = \"c\", format = \"%Y-%@\" }", "time format"),
    ];
    for (lines, expected) in cases {
        let error = Mapping::parse(&format!("{base}{lines}")).unwrap_err();
        assert!(error.contains(expected), "{lines}: {error}");
    }
}

proptest! {
    /// Whatever a cell holds, once it is written as CSV it is read back as it was.
    #[test]
    fn written_cells_are_read_back(cells in prop::collection::vec("[ -~äß\n\"]{0,12}", 1..30)) {
        let mut writer = ::csv::Writer::from_writer(Vec::new());
        writer.write_record(["u", "t"]).unwrap();
        for cell in &cells {
            writer.write_record(["1", cell]).unwrap();
        }
        let file = writer.into_inner().unwrap();
        let mapping = "type = \"identify\"\nsource = \"s\"\nkeys = { user_id = \"u\" }\n[traits]\nt = { column = \"t\" }";
        let read: Vec<_> = rows(&file, mapping).iter().map(|row| member(row.fact.as_ref().unwrap(), "t")).collect();
        let expected: Vec<_> = cells.iter().map(|cell| (!cell.trim().is_empty()).then(|| Kind::StringValue(cell.clone()))).collect();
        prop_assert_eq!(read, expected);
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(prop_oneof![any::<u8>(), Just(b'"'), Just(b'\n'), Just(b',')], 0..300)) {
        let mut file = b"customer_id,date,quantity,dollars\n".to_vec();
        file.extend(bytes);
        rows(&file, PURCHASES);
    }
}
