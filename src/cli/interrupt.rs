//! Ctrl-C: the first one asks a command to come to a clean end, the second one ends it.

use tokio::sync::watch;

/// Exit code of a process that was interrupted twice, as a shell expects it: 128 and the number of SIGINT.
const KILLED: i32 = 130;

/// Becomes true at the first Ctrl-C.
pub fn watch() -> watch::Receiver<bool> {
    let (told, interrupted) = watch::channel(false);
    tokio::spawn(async move {
        // Where the signal cannot be caught, Ctrl-C ends the process as it always does.
        if tokio::signal::ctrl_c().await.is_err() {
            return;
        }
        told.send_replace(true);
        if tokio::signal::ctrl_c().await.is_ok() {
            std::process::exit(KILLED);
        }
    });
    interrupted
}
