//! What a read has to wait for: the write that its token names, and what was under way at a moment.

use std::time::Duration;

use prost_types::Timestamp;

use super::Context;
use crate::domain::ids::Seq;
use crate::domain::invalid::{Invalid, Reason};
use crate::domain::time::Time;
use crate::domain::token::Token;
use crate::server::status::Refusal;
use crate::server::{clock, convert};

/// How long a read waits for either.
const REACH_TIME: Duration = Duration::from_secs(2);
/// How far ahead of the clock a moment may be, in microseconds: for clocks that differ a little.
const MAX_AHEAD_MICROS: u64 = 1_000_000;

impl Context {
    /// Waits until the write that `token` names is visible, if it names one.
    pub(super) async fn reach(&self, token: &str) -> Result<(), Refusal> {
        let Some(seq) = self.unreached(token)? else { return Ok(()) };
        let text = "the write of the token is not visible here yet; ask again";
        // Seldom, and on the heap: a timer inside would make the future of every lookup several times as large.
        let reached = Box::pin(tokio::time::timeout(REACH_TIME, self.engine.reached(seq))).await;
        reached.map_err(|_elapsed| Refusal::not_ready(text))
    }

    /// The place of the write that `token` names, if it is not visible yet.
    pub(super) fn unreached(&self, token: &str) -> Result<Option<Seq>, Invalid> {
        let named = Token::parse(token)?.map(|Token(seq)| seq);
        Ok(named.filter(|seq| self.engine.applied() < *seq))
    }

    /// Waits until every write is visible that waited for the writer at the moment `not_before`, if there is one.
    pub(super) async fn reach_moment(&self, not_before: Option<&Timestamp>) -> Result<(), Refusal> {
        let Some(moment) = not_before else { return Ok(()) };
        let ahead = ahead(convert::time::read(moment, "not_before")?, clock::now())?;
        let text = "what was being written is not visible here yet; ask again";
        let settled = Box::pin(tokio::time::timeout(REACH_TIME, async {
            tokio::time::sleep(ahead).await;
            self.engine.settled().await
        }));
        Ok(settled.await.map_err(|_elapsed| Refusal::not_ready(text))??)
    }
}

/// How long it is until `moment`.
fn ahead(moment: Time, now: Time) -> Result<Duration, Invalid> {
    let micros = moment.micros().saturating_sub(now.micros());
    if micros > MAX_AHEAD_MICROS {
        let text = "is more than 1 second ahead of the server's clock; nobody knows what will have been written then";
        return Err(Invalid::new(Reason::TimeOutOfRange, "not_before", text));
    }
    Ok(Duration::from_micros(micros))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_waited_for_up_to_a_second() {
        let now = Time::from_micros(5_000_000);
        let of = |micros| ahead(Time::from_micros(micros), now).map_err(|invalid| invalid.reason);
        assert_eq!((of(0), of(5_000_000)), (Ok(Duration::ZERO), Ok(Duration::ZERO)));
        assert_eq!(of(6_000_000), Ok(Duration::from_secs(1)));
        assert_eq!(of(6_000_001), Err(Reason::TimeOutOfRange));
    }
}
