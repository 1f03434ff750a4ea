//! The main job on real data: the purchases of `examples/cdnow` go in through the binary, and what comes back of every
//! customer is what adding up the file gives.

use std::collections::BTreeMap;
use std::path::Path;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use kith::client::{Client, json};
use kith::proto::v1::{
    Answer, BatchLookupRequest, GetProfileRequest, GetStatsRequest, Resolution, StreamLookupRequest,
};
use kith::server;
use serde_json::{Value as Json, json};

use super::harness::{Server, Setup, repository, run, values};

const FIELDS: [&str; 5] = ["orders.count", "orders.revenue", "orders.quantity", "orders.first_at", "orders.last_at"];
/// What depends on the day of asking, but the last.
const DAYS: [&str; 3] = ["orders.recency_days", "orders.tenure_days", "orders.span_days"];
/// What is known of the file, so that neither side of the comparison can be empty.
const CUSTOMERS: usize = 11_785;
const PURCHASES: u64 = 35_304;

/// What a customer bought.
#[derive(Default)]
struct Orders {
    count: u64,
    cents: u64,
    quantity: u64,
    days: Vec<String>,
}

/// Adds the file up, line by line, in whole cents.
fn add_up(file: &Path) -> BTreeMap<String, Orders> {
    let text = std::fs::read_to_string(file).unwrap();
    let mut customers: BTreeMap<String, Orders> = BTreeMap::new();
    for line in text.lines().skip(1) {
        let cells: Vec<_> = line.split(',').collect();
        let [customer, day, quantity, dollars] = cells[..] else { panic!("{line}") };
        let orders = customers.entry(format!("user_id:{customer}")).or_default();
        orders.count += 1;
        orders.cents += cents(dollars);
        orders.quantity += quantity.parse::<u64>().unwrap();
        orders.days.push(day.to_owned());
    }
    customers
}

fn cents(dollars: &str) -> u64 {
    let (whole, fraction) = dollars.split_once('.').unwrap_or((dollars, ""));
    assert!(fraction.len() <= 2, "{dollars} has more than cents");
    whole.parse::<u64>().unwrap() * 100 + format!("{fraction:0<2}").parse::<u64>().unwrap()
}

impl Orders {
    /// What a lookup answers of [`FIELDS`]. Of all doubles the one nearest to the amount is right, and no other.
    fn as_values(&self) -> Json {
        let midnight = |day: Option<&String>| format!("{}T00:00:00Z", day.unwrap());
        let dollars: f64 = format!("{}.{:02}", self.cents / 100, self.cents % 100).parse().unwrap();
        json!({
            "orders.count": self.count,
            "orders.revenue": if self.cents.is_multiple_of(100) { json!(self.cents / 100) } else { json!(dollars) },
            "orders.quantity": self.quantity,
            "orders.first_at": midnight(self.days.iter().min()),
            "orders.last_at": midnight(self.days.iter().max()),
        })
    }
}

/// What models of customer value are fitted to: how often, how long ago, since when, over how long, how much.
#[derive(Debug, PartialEq)]
struct Rfm {
    frequency: u64,
    /// Days since the last purchase.
    recency: u64,
    /// Days since the first purchase.
    tenure: u64,
    /// Days from the first purchase to the last.
    span: u64,
    cents: u64,
}

impl Rfm {
    /// By adding up the file, on that day of UTC: whoever bought did so at midnight.
    fn of(orders: &Orders, today: Date) -> Self {
        let day = |text: Option<&String>| text.unwrap().parse::<Date>().unwrap();
        let between = |from: Date, to: Date| u64::try_from(to.since(from).unwrap().get_days()).unwrap();
        let (first, last) = (day(orders.days.iter().min()), day(orders.days.iter().max()));
        Self {
            frequency: orders.count,
            recency: between(last, today),
            tenure: between(first, today),
            span: between(first, last),
            cents: orders.cents,
        }
    }

    /// By computed attributes alone.
    fn answered(values: &Json) -> Self {
        let whole = |name: &str| values[name].as_u64().unwrap_or_else(|| panic!("{name} of {values}"));
        Self {
            frequency: whole("orders.count"),
            recency: whole("orders.recency_days"),
            tenure: whole("orders.tenure_days"),
            span: whole("orders.span_days"),
            cents: (values["orders.revenue"].as_f64().unwrap() * 100.0).round() as u64,
        }
    }
}

/// The day of UTC that it is now.
fn today() -> Date {
    let micros = i64::try_from(server::now().micros()).unwrap();
    Timestamp::from_microsecond(micros).unwrap().to_zoned(TimeZone::UTC).date()
}

fn import(server: &Server, file: &Path) -> (Option<i32>, Json) {
    let mapping = repository("examples/cdnow/mapping.toml");
    let mut command = server.kith(&["import", "--json"]);
    command.arg(file).arg("--mapping").arg(mapping);
    let output = run(command, "");
    let summary = serde_json::from_slice(&output.stdout);
    (output.status.code(), summary.unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr))))
}

async fn applied(client: &Client) -> u64 {
    client.admin().get_stats(GetStatsRequest {}).await.unwrap().into_inner().applied_commands
}

fn wanted() -> Vec<String> {
    FIELDS.iter().chain(&DAYS).map(ToString::to_string).collect()
}

async fn by_batch(client: &Client, keys: &[String]) -> Vec<Answer> {
    let mut answers = Vec::new();
    for keys in keys.chunks(1_000) {
        let request = BatchLookupRequest { keys: keys.to_vec(), fields: wanted(), ..Default::default() };
        answers.extend(client.lookup().batch_lookup(request).await.unwrap().into_inner().answers);
    }
    answers
}

async fn by_stream(client: &Client, keys: &[String]) -> Vec<Answer> {
    let ask = |key: String| StreamLookupRequest { keys: vec![key], fields: wanted(), ..Default::default() };
    let requests: Vec<_> = keys.iter().cloned().map(ask).collect();
    let mut stream = client.lookup().stream_lookup(tokio_stream::iter(requests)).await.unwrap().into_inner();
    let mut answers = Vec::new();
    while let Some(response) = stream.message().await.unwrap() {
        answers.push(response.answer.unwrap());
    }
    answers
}

/// The computed attributes that a profile is shown with.
async fn computed(client: &Client, key: &str) -> Json {
    let request = GetProfileRequest { key: key.to_owned(), ..Default::default() };
    let profile = client.profile().get_profile(request).await.unwrap().into_inner().profile.unwrap();
    profile
        .computed
        .iter()
        .map(|(name, value)| (name.clone(), json::value(value)))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

/// Holds answers against the file. They were given at some moment since the day `begun`.
fn compare(answers: &[Answer], customers: &BTreeMap<String, Orders>, begun: Date) {
    let days = [begun, today()];
    assert_eq!(answers.len(), customers.len());
    for (answer, (key, orders)) in answers.iter().zip(customers) {
        assert_eq!((&answer.key, answer.resolution()), (key, Resolution::Found));
        let mut values = values(answer);
        assert!(of_one_day(&values, orders, days), "{key}: {values} on one of {days:?}");
        values.as_object_mut().unwrap().retain(|name, _| FIELDS.contains(&name.as_str()));
        assert_eq!(values, orders.as_values(), "{key}");
    }
}

fn of_one_day(values: &Json, orders: &Orders, days: [Date; 2]) -> bool {
    days.iter().any(|day| Rfm::answered(values) == Rfm::of(orders, *day))
}

#[tokio::test]
async fn every_customer_is_what_the_file_adds_up_to() {
    let file = repository("examples/cdnow/cdnow.csv");
    let customers = add_up(&file);
    assert_eq!(customers.len(), CUSTOMERS);
    let keys: Vec<String> = customers.keys().cloned().collect();
    let server = Setup::default().model(&repository("examples/cdnow/model.toml")).start();
    let client = server.client().await;

    let (code, summary) = import(&server, &file);
    assert_eq!((code, &summary["applied"], &summary["rejected"]), (Some(0), &json!(PURCHASES), &json!(0)));
    let begun = today();
    compare(&by_batch(&client, &keys).await, &customers, begun);
    compare(&by_stream(&client, &keys).await, &customers, begun);
    let profile = computed(&client, &keys[0]).await;
    assert!(of_one_day(&profile, &customers[&keys[0]], [begun, today()]), "{profile}");

    let before = applied(&client).await;
    let (code, summary) = import(&server, &file);
    assert_eq!(applied(&client).await, before, "what was imported again took a place in the log");
    assert_eq!((code, &summary["applied"], &summary["duplicates"]), (Some(0), &json!(0), &json!(PURCHASES)));
    compare(&by_batch(&client, &keys).await, &customers, begun);
}

/// Lines with what is wrong with them; the others are good.
const MIXED: &str = "customer_id,date,quantity,dollars
00001,1997-01-01,1,11.77
00002,1997-01-12,one,12.00
00003,1997-01-02,2
,1997-01-02,2,20.76
00001,1997-13-01,2,20.76
00001,1997-02-03,2,8.23
TOO_LONG,1997-02-03,2,8.23
00004,2150-01-01,2,8.23
00005,1997-02-03,4,1.00
";

#[tokio::test]
async fn bad_lines_are_rejected_with_their_reason_and_the_good_ones_land() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("mixed.csv");
    let too_long = "9".repeat(513);
    std::fs::write(&file, MIXED.replace("TOO_LONG", &too_long)).unwrap();
    let server = Setup::default().model(&repository("examples/cdnow/model.toml")).start();

    let (code, summary) = import(&server, &file);
    assert_eq!((code, &summary["applied"], &summary["rejected"]), (Some(3), &json!(3), &json!(6)));
    let mut rejects = csv::Reader::from_path(directory.path().join("mixed.csv.rejects.csv")).unwrap();
    let rejects: Vec<csv::StringRecord> = rejects.records().map(Result::unwrap).collect();
    let expected = [
        ("3", "`quantity` is not a number", "00002,1997-01-12,one,12.00"),
        ("4", "3 columns where the header has 4", "00003,1997-01-02,2"),
        ("5", "names nobody", ",1997-01-02,2,20.76"),
        ("6", "`date` is not a time", "00001,1997-13-01,2,20.76"),
        ("8", "longer than 512 bytes", &format!("{too_long},1997-02-03,2,8.23")),
        ("9", "24 h ahead", "00004,2150-01-01,2,8.23"),
    ];
    assert_eq!(rejects.len(), expected.len(), "{rejects:?}");
    for (reject, (line, reason, raw)) in rejects.iter().zip(expected) {
        assert_eq!((&reject[0], &reject[2]), (line, raw));
        assert!(reject[1].contains(reason) && !reject[1].contains(raw), "line {line}: {}", &reject[1]);
    }

    let keys = ["00001", "00002", "00003", "00004", "00005"].map(|id| format!("user_id:{id}"));
    let answers = by_batch(&server.client().await, &keys).await;
    let counts: Vec<_> = answers.iter().map(|answer| values(answer)["orders.count"].clone()).collect();
    assert_eq!(counts, [json!(2), Json::Null, Json::Null, Json::Null, json!(1)]);
    assert_eq!(values(&answers[0])["orders.revenue"], json!(20));
}
