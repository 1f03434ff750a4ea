//! The notice that the server is ending: given once, seen by every part of it.
//!
//! From then on nothing new is accepted, what is under way is finished, and streams end.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

/// How long calls that are under way may take to finish after the notice; then they are cut off.
pub const DRAIN_TIME: Duration = Duration::from_secs(10);

/// The notice. Clones share it.
#[derive(Clone, Debug)]
pub struct Drain {
    given: Arc<watch::Sender<bool>>,
}

impl Drain {
    /// A notice that is not given yet.
    pub fn new() -> Self {
        Self { given: Arc::new(watch::Sender::new(false)) }
    }

    /// Gives the notice. Giving it again changes nothing.
    pub fn begin(&self) {
        self.given.send_replace(true);
    }

    /// True once the notice is given.
    pub fn is_on(&self) -> bool {
        *self.given.borrow()
    }

    /// Waits for the notice.
    pub async fn wait(&self) {
        let mut notice = self.given.subscribe();
        // The sender lives as long as `self`, so this ends by the notice alone.
        let _given = notice.wait_for(|given| *given).await;
    }
}

impl Default for Drain {
    fn default() -> Self {
        Self::new()
    }
}
