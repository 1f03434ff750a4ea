use super::*;
use crate::client::fake;
use crate::intake::ndjson;
use crate::proto::v1::Fact;

/// A row whose fact has this id.
fn row(line: u64, id: &str) -> io::Result<Row> {
    let fact = Fact { message_id: id.into(), ..Default::default() };
    Ok(Row { line, raw: id.as_bytes().to_vec(), fact: Ok(fact) })
}

fn never() -> watch::Receiver<bool> {
    watch::channel(false).1
}

/// Feeds the rows to a server of their own.
async fn feed(
    rows: impl Iterator<Item = io::Result<Row>> + Send + 'static,
    interrupted: watch::Receiver<bool>,
    progress: impl FnMut(&Summary),
) -> (Summary, End, Vec<Reject>) {
    let client = Client::connect(&fake::serve().await).await.unwrap();
    let mut rejects = Vec::new();
    let keep = |reject| {
        rejects.push(reject);
        Ok(())
    };
    let (summary, end) = run(&client, rows, interrupted, keep, progress).await;
    (summary, end, rejects)
}

#[tokio::test]
async fn rejects_of_either_side_come_in_the_order_of_the_rows() {
    let message =
        |id: &str| format!("{{\"type\":\"track\",\"messageId\":\"{id}\",\"userId\":\"u\",\"event\":\"e\"}}\n");
    let file = [&message("a"), "nonsense\n", &message("refuse 1"), &message("a"), "{}\n"].concat();
    let rows = ndjson::Rows::new(io::Cursor::new(file));
    let (summary, end, rejects) = feed(rows, never(), |_| {}).await;
    assert!(matches!(end, End::Complete));
    assert_eq!((summary.applied, summary.duplicates, summary.rejected), (1, 1, 3));
    let reasons: Vec<_> = rejects.iter().map(|reject| (reject.line, reject.reason.as_str())).collect();
    assert_eq!(reasons, [(2, "not JSON, at column 2"), (3, "keys[0]: is malformed"), (5, "`type` is missing")]);
    assert_eq!(rejects[0].raw, b"nonsense");
}

#[tokio::test]
async fn many_more_rows_than_the_window_get_through() {
    let rows = (1..=20 * WINDOW as u64).map(|line| row(line, &line.to_string()));
    let (summary, end, _) = feed(rows, never(), |_| {}).await;
    assert!(matches!(end, End::Complete));
    assert_eq!(summary.applied, 20 * WINDOW as u64);
}

#[tokio::test]
async fn a_stream_that_breaks_is_a_failure_and_what_was_acknowledged_is_counted() {
    let rows = ["a", "b", "break"].into_iter().chain(std::iter::repeat("c"));
    let (summary, end, _) = feed(rows.zip(1..).map(|(id, line)| row(line, id)), never(), |_| {}).await;
    assert!(matches!(end, End::Broken(Failure::Client(_))), "{end:?}");
    assert_eq!(summary.applied, 2);
}

#[tokio::test]
async fn an_interrupt_settles_what_was_sent_and_stops() {
    let (told, interrupted) = watch::channel(false);
    let rows = (1..).map(|line| row(line, &line.to_string()));
    let stop_at_100 = |summary: &Summary| {
        if summary.applied == 100 {
            told.send_replace(true);
        }
    };
    let (summary, end, _) = feed(rows, interrupted, stop_at_100).await;
    assert!(matches!(end, End::Interrupted));
    assert!((100..=100 + WINDOW as u64 + 1).contains(&summary.applied), "{}", summary.applied);
}

#[tokio::test]
async fn an_interrupt_does_not_wait_for_input_that_never_comes() {
    let (told, interrupted) = watch::channel(false);
    let silence = std::iter::once_with(|| {
        std::thread::sleep(std::time::Duration::from_secs(3600));
        row(2, "late")
    });
    let rows = std::iter::once(row(1, "early")).chain(silence);
    let (summary, end, _) = feed(rows, interrupted, |_| {
        told.send_replace(true);
    })
    .await;
    assert!(matches!(end, End::Interrupted));
    assert_eq!(summary.applied, 1);
}

#[tokio::test]
async fn input_that_cannot_be_read_on_is_a_failure() {
    let rows = [row(1, "a"), Err(io::Error::other("gone"))].into_iter();
    let (summary, end, _) = feed(rows, never(), |_| {}).await;
    assert!(matches!(&end, End::Broken(failure) if failure.to_string().contains("gone")), "{end:?}");
    assert_eq!(summary.applied, 1);
}

#[tokio::test]
async fn a_reader_that_dies_is_not_taken_for_the_end() {
    let rows = (1..).map(|line| if line < 5 { row(line, "a") } else { panic!("as a defect would") });
    let (_, end, _) = feed(rows, never(), |_| {}).await;
    assert!(matches!(end, End::Broken(Failure::Other(_))), "{end:?}");
}
