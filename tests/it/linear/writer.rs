//! Writers: each says things of its own customers, one after the other, and notes what holds from then on.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use kith::proto::v1::fact::Body;
use kith::proto::v1::write_result::Result as Written;
use kith::proto::v1::{
    BatchWriteRequest, Consent, EraseRequest, Fact, Hush, Identify, LookupRequest, Receipt, ReceiptAction,
    UndoMergeRequest, WriteAndLookupRequest, WriteRequest,
};
use prost_types::value::Kind;
use prost_types::{Struct, Timestamp, Value};
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use tonic::Status;

use super::answer::Asked;
use super::checker::Step;
use super::pair::{Pair, Side};
use super::reader::{self, lookup};
use super::run::{Key, Run};

/// Facts of one batch.
const BATCH: usize = 5;

/// Writes until the run is over.
pub async fn write(run: Arc<Run>, at: usize) {
    let random = StdRng::seed_from_u64(run.plan.seed.wrapping_add(at as u64));
    let mut writer = Writer { pairs: vec![Pair::default(); run.plan.pairs], run, at, random, micros: 0 };
    while writer.run.goes_on() {
        let pair = reader::pair(&mut writer.random, writer.run.plan.pairs);
        if let Err(status) = writer.next(pair).await {
            writer.run.fail(format!("writer {at} was refused: {status:?}"));
        }
    }
}

/// What a writer does next to a pair.
#[derive(Clone, Copy, Debug)]
enum Act {
    Say(Side),
    SayMany,
    SayAndLookUp(Side),
    Hush(Side),
    Consent(Side),
    Merge,
    Undo,
    Erase(Side),
    SayLate(Side),
}

struct Writer {
    run: Arc<Run>,
    at: usize,
    random: StdRng,
    pairs: Vec<Pair>,
    micros: u64,
}

impl Writer {
    async fn next(&mut self, pair: usize) -> Result<(), Status> {
        match self.act(pair) {
            Act::Say(side) => self.say(pair, side).await,
            Act::SayMany => self.say_many().await,
            Act::SayAndLookUp(side) => self.say_and_look_up(pair, side).await,
            Act::Hush(side) => self.hush(pair, side).await,
            Act::Consent(side) => self.consent(pair, side).await,
            Act::Merge => self.merge(pair).await,
            Act::Undo => self.undo(pair).await,
            Act::Erase(side) => self.erase(pair, side).await,
            Act::SayLate(side) => self.say_late(pair, side).await,
        }
    }

    /// One of the acts that the pair is ready for.
    fn act(&mut self, at: usize) -> Act {
        let side = Side::BOTH[self.random.random_range(0..2)];
        let pair = &self.pairs[at];
        let is_there = pair.own(side).is_some();
        match self.random.random_range(0..100) {
            _ if !self.run.plan.everything => Act::Say(side),
            0..8 if pair.is_together() => Act::Undo,
            0..12 if pair.merged().is_some() && !pair.is_together() => Act::Merge,
            12..14 if is_there => Act::Erase(side),
            14..20 if is_there => Act::Hush(side),
            20..26 if is_there => Act::Consent(side),
            26..86 if pair.is_erased(side) => Act::SayLate(side),
            26..32 => Act::SayMany,
            32..40 => Act::SayAndLookUp(side),
            _ => Act::Say(side),
        }
    }

    fn key(&self, pair: usize, side: Side) -> Key {
        Key { writer: self.at, at: 2 * pair + side as usize }
    }

    fn text(&self, pair: usize, side: Side) -> String {
        self.key(pair, side).text()
    }

    /// A moment after all that were used before, and not before now.
    fn moment(&mut self) -> Timestamp {
        #[allow(clippy::disallowed_methods, reason = "event times are of the clock that the server has too")]
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_micros();
        self.micros = u64::try_from(now).unwrap().max(self.micros + 1);
        let micros = i64::try_from(self.micros).unwrap();
        Timestamp { seconds: micros / 1_000_000, nanos: i32::try_from(micros % 1_000_000).unwrap() * 1_000 }
    }

    /// Begins a step that changes a pair, and tells its number. It is sent from now on, so it may be seen.
    fn begin(&mut self, at: usize, change: impl FnOnce(&mut Pair, Step, &mut dyn FnMut() -> usize)) -> Step {
        let pair = &mut self.pairs[at];
        let before = Side::BOTH.map(|side| pair.shown(side));
        let mut history = self.run.history(self.at);
        let step = history.next();
        change(pair, step, &mut || history.new_profile());
        let after = Side::BOTH.map(|side| (2 * at + side as usize, pair.shown(side)));
        let changed = after.into_iter().zip(before).filter(|((_, after), before)| after != before);
        history.send(changed.map(|(after, _)| after))
    }

    fn fact(&mut self, keys: Vec<String>, step: Step, body: Body) -> Fact {
        let message_id = format!("{}.{step}", self.at);
        Fact { message_id, time: Some(self.moment()), source: "test".to_owned(), keys, body: Some(body) }
    }

    /// Begins a fact that says a number of one side.
    fn saying(&mut self, pair: usize, side: Side) -> (Step, Fact) {
        let step = self.begin(pair, |pair, step, profile| pair.says(side, step, profile));
        let keys = vec![self.text(pair, side)];
        (step, self.fact(keys, step, identify(step)))
    }

    /// What was told of a fact about one side. The step is done only with [`Writer::done`].
    fn told(&self, pair: usize, side: Side, receipt: &Receipt) {
        let mut history = self.run.history(self.at);
        let Some(own) = self.pairs[pair].own(side) else { return };
        let expected = if self.pairs[pair].is_together() { self.pairs[pair].merged().unwrap().0 } else { own };
        let told = receipt.profiles.first().map_or("", |profile| profile.profile_id.as_str());
        if receipt.profiles.len() != 1 || !history.told(expected, told) {
            drop(history);
            self.run.fail(format!(
                "the receipt of a fact about {} is of another profile: {receipt:?}",
                self.text(pair, side)
            ));
        }
    }

    /// A step is done. Often somebody looks at once, with its token, on another connection.
    async fn done(&mut self, pair: usize, step: Step, token: String) -> Result<(), Status> {
        self.run.history(self.at).done(step);
        self.run.given("", token.clone());
        if self.random.random_ratio(1, 4) {
            let (connection, side) = (self.random.random_range(0..usize::MAX), self.random.random_range(0..2));
            let asked = Asked::ALL[self.random.random_range(0..Asked::ALL.len())];
            lookup(&self.run, connection, self.key(pair, Side::BOTH[side]), asked, token).await?;
            self.run.count("lookups by the token of a write", 1);
        }
        Ok(())
    }

    async fn write(&self, fact: Fact) -> Result<Receipt, Status> {
        let request = WriteRequest { fact: Some(fact) };
        let response = self.run.client(self.at).write().write(request).await?;
        Ok(response.into_inner().receipt.unwrap())
    }

    async fn say(&mut self, pair: usize, side: Side) -> Result<(), Status> {
        let (step, fact) = self.saying(pair, side);
        let receipt = self.write(fact).await?;
        self.told(pair, side, &receipt);
        self.run.count("facts", 1);
        self.done(pair, step, receipt.token).await
    }

    async fn say_many(&mut self) -> Result<(), Status> {
        let mut about = Vec::with_capacity(BATCH);
        let mut facts = Vec::with_capacity(BATCH);
        for _ in 0..BATCH {
            let (pair, side) =
                (reader::pair(&mut self.random, self.run.plan.pairs), Side::BOTH[self.random.random_range(0..2)]);
            let (step, fact) = self.saying(pair, side);
            about.push((pair, side, step));
            facts.push(fact);
        }
        let request = BatchWriteRequest { facts };
        let response = self.run.client(self.at).write().batch_write(request).await?.into_inner();
        for ((pair, side, _), result) in about.iter().zip(response.results) {
            match result.result {
                Some(Written::Receipt(receipt)) => self.told(*pair, *side, &receipt),
                other => self.run.fail(format!("a fact of a batch was answered {other:?}")),
            }
        }
        self.run.count("facts in batches", BATCH);
        let (pair, _, step) = about[BATCH - 1];
        self.done(pair, step, response.token).await
    }

    async fn say_and_look_up(&mut self, pair: usize, side: Side) -> Result<(), Status> {
        let (step, fact) = self.saying(pair, side);
        let asked = Asked::Card;
        let keys = vec![self.text(pair, side)];
        let lookup = Some(LookupRequest { keys, view: asked.view(), ..Default::default() });
        let known = self.run.known();
        let request = WriteAndLookupRequest { fact: Some(fact), lookup };
        let response = self.run.client(self.at).lookup().write_and_lookup(request).await?.into_inner();
        self.told(pair, side, &response.receipt.unwrap());
        let known = known.and_done(self.at, step);
        self.run.judge(&known, asked, &[(self.key(pair, side), response.answer.unwrap())]);
        self.run.count("facts with their lookup", 1);
        self.done(pair, step, response.token).await
    }

    async fn hush(&mut self, pair: usize, side: Side) -> Result<(), Status> {
        let lift = self.random.random();
        let step = self.begin(pair, |pair, step, _| pair.hushes(side, lift, step));
        let body = Body::Hush(Hush { topic: "weddings".to_owned(), lift, ..Default::default() });
        let fact = self.fact(vec![self.text(pair, side)], step, body);
        let receipt = self.write(fact).await?;
        self.told(pair, side, &receipt);
        self.run.count("hushes and lifts", 1);
        self.done(pair, step, receipt.token).await
    }

    async fn consent(&mut self, pair: usize, side: Side) -> Result<(), Status> {
        let granted = self.random.random();
        let step = self.begin(pair, |pair, _, _| pair.consents(side, granted));
        let body =
            Body::Consent(Consent { purpose: "offers".to_owned(), granted: Some(granted), ..Default::default() });
        let fact = self.fact(vec![self.text(pair, side)], step, body);
        let receipt = self.write(fact).await?;
        self.told(pair, side, &receipt);
        self.run.count("consents and denials", 1);
        self.done(pair, step, receipt.token).await
    }

    async fn merge(&mut self, pair: usize) -> Result<(), Status> {
        let step = self.begin(pair, |pair, step, _| pair.merges(step));
        let keys = Side::BOTH.map(|side| self.text(pair, side)).to_vec();
        let fact = self.fact(keys, step, identify(step));
        let receipt = self.write(fact).await?;
        self.told(pair, Side::A, &receipt);
        self.run.count("merges", 1);
        self.done(pair, step, receipt.token).await
    }

    async fn undo(&mut self, pair: usize) -> Result<(), Status> {
        let (_, absorbed) = self.pairs[pair].merged().unwrap();
        let merge_id = self.run.history(self.at).id(absorbed).unwrap().to_owned();
        let step = self.begin(pair, |pair, _, _| pair.comes_apart());
        let message_id = format!("{}.{step}", self.at);
        let request = UndoMergeRequest { merge_id, dry_run: false, message_id, source: "test".to_owned() };
        let response = self.run.client(self.at).identity().undo_merge(request).await?.into_inner();
        self.run.count("undone merges", 1);
        self.done(pair, step, response.receipt.unwrap().token).await
    }

    async fn erase(&mut self, pair: usize, side: Side) -> Result<(), Status> {
        let step = self.begin(pair, |pair, _, _| pair.erase(side));
        let (key, message_id) = (self.text(pair, side), format!("{}.{step}", self.at));
        let request = EraseRequest { key, message_id, ..Default::default() };
        let response = self.run.client(self.at).privacy().erase(request).await?.into_inner();
        self.run.count("erasures", 1);
        self.done(pair, step, response.receipt.unwrap().token).await
    }

    /// A fact from before an erasure changes nothing.
    async fn say_late(&mut self, pair: usize, side: Side) -> Result<(), Status> {
        let step = self.begin(pair, |_, _, _| ());
        let mut fact = self.fact(vec![self.text(pair, side)], step, identify(step));
        fact.time = Some(Timestamp { seconds: 1, nanos: 0 });
        let receipt = self.write(fact).await?;
        if receipt.lines.iter().any(|line| line.action() != ReceiptAction::Erased) || !receipt.profiles.is_empty() {
            self.run.fail(format!("a late fact about the erased was answered {receipt:?}"));
        }
        self.run.count("late facts about the erased", 1);
        self.done(pair, step, receipt.token).await
    }
}

fn identify(number: u64) -> Body {
    #[allow(clippy::cast_precision_loss, reason = "a run has far fewer steps than 2^53")]
    let value = Value { kind: Some(Kind::NumberValue(number as f64)) };
    let traits = Some(Struct { fields: [("number".to_owned(), value)].into() });
    Body::Identify(Identify { traits, address: String::new() })
}
