//! Where histories may still have to be gone through for what they say of the erased, and when that is tried again after
//! it failed.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

use crate::domain::ids::WorkspaceId;

/// How long it waits before it tries again what failed, such as a full disk.
const RETRY_AFTER: Duration = Duration::from_secs(5);

/// Workspaces in which an erasure may have left something, each with the moment before which it is not tried again if it
/// failed there.
#[derive(Debug)]
pub(super) struct Scrubs(BTreeMap<WorkspaceId, Option<Instant>>);

impl Scrubs {
    pub(super) fn new(workspaces: impl Iterator<Item = WorkspaceId>) -> Self {
        Self(workspaces.map(|workspace| (workspace, None)).collect())
    }

    /// The next workspace, as soon as it is its turn. For ever, if nothing is left anywhere.
    pub(super) async fn due(&self) -> WorkspaceId {
        match self.next() {
            Some((workspace, None)) => workspace,
            Some((workspace, Some(again))) => {
                tokio::time::sleep_until(again).await;
                workspace
            }
            None => std::future::pending().await,
        }
    }

    /// Those where it works come before those where it failed, so that none waits for another.
    fn next(&self) -> Option<(WorkspaceId, Option<Instant>)> {
        self.0.iter().map(|(workspace, again)| (*workspace, *again)).min_by_key(|(_, again)| *again)
    }

    /// There may be more to go through.
    pub(super) fn open(&mut self, workspace: WorkspaceId) {
        self.0.insert(workspace, None);
    }

    /// There is nothing more.
    pub(super) fn close(&mut self, workspace: WorkspaceId) {
        self.0.remove(&workspace);
    }

    /// It failed at `now`, and will be tried again. True if that is news.
    pub(super) fn put_off(&mut self, workspace: WorkspaceId, now: Instant) -> bool {
        self.0.insert(workspace, Some(now + RETRY_AFTER)).flatten().is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_failed_is_kept_for_later_and_others_do_not_wait_for_it() {
        let (one, other, now) = (WorkspaceId(1), WorkspaceId(2), Instant::now());
        let mut scrubs = Scrubs::new([one, other].into_iter());
        assert_eq!(scrubs.next(), Some((one, None)));
        assert!(scrubs.put_off(one, now) && !scrubs.put_off(one, now), "it is news once");
        assert_eq!(scrubs.next(), Some((other, None)));
        scrubs.close(other);
        assert_eq!(scrubs.next(), Some((one, Some(now + RETRY_AFTER))));
        scrubs.open(one);
        assert_eq!(scrubs.next(), Some((one, None)));
        assert!(scrubs.put_off(one, now), "it had worked in between");
        scrubs.close(one);
        assert_eq!(scrubs.next(), None);
    }
}
