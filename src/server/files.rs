//! Open files: every connection is one, and so is every table that the database reads.
//!
//! Whoever hits the limit of the system first must be nobody: a database without files fails writes it has queued.

use super::cores::CROWD_CONNECTIONS;
use super::start::StartError;
use crate::engine::MAX_OPEN_FILES;

/// Files beside connections and tables: logs, those that are being written, the port, what each thread waits on.
const OTHER_FILES: usize = 128;

/// Raises this process's limit of open files as far as it may go by itself, and makes sure that it is enough for
/// `max_connections` and the database.
pub fn make_room(max_connections: usize) -> Result<(), StartError> {
    let permitted = rlimit::increase_nofile_limit(rlimit::INFINITY).map_err(StartError::OpenFiles)?;
    check(max_connections, usize::try_from(permitted).unwrap_or(usize::MAX))
}

fn check(max_connections: usize, permitted: usize) -> Result<(), StartError> {
    let connections = max_connections.saturating_add(CROWD_CONNECTIONS);
    let needed = connections.saturating_add(MAX_OPEN_FILES).saturating_add(OTHER_FILES);
    if needed > permitted {
        return Err(StartError::TooFewFiles { needed, permitted });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_and_tables_must_fit_together() {
        check(1_024, 4_096).unwrap();
        check(0, CROWD_CONNECTIONS + MAX_OPEN_FILES + OTHER_FILES).unwrap();
        let refused = check(1_024, 1_024).unwrap_err().to_string();
        assert!(refused.contains("limits.max_connections") && refused.contains("1024"), "{refused}");
        check(usize::MAX, 1_000_000).unwrap_err();
    }
}
