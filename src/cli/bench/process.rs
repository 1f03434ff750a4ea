//! What another process of this machine has used, read from `/proc` (Linux).

use std::time::Duration;

use anyhow::Context as _;

/// The unit of CPU times in `/proc`: `USER_HZ`, 100 a second on every Linux that Rust runs on.
const TICK: Duration = Duration::from_millis(10);

/// User and system time of all threads of these processes together.
pub fn cpu_time(pids: &[u32]) -> anyhow::Result<Duration> {
    pids.iter().map(|pid| cpu_time_of(*pid)).sum()
}

/// Bytes that these processes caused to be written to storage.
pub fn written_bytes(pids: &[u32]) -> anyhow::Result<u64> {
    pids.iter().map(|pid| written_bytes_of(*pid)).sum()
}

fn cpu_time_of(pid: u32) -> anyhow::Result<Duration> {
    let path = format!("/proc/{pid}/stat");
    let stat =
        std::fs::read_to_string(&path).with_context(|| format!("cannot read {path}: is the process running?"))?;
    let ticks = ticks_in_stat(&stat).with_context(|| format!("{path} has another form than expected"))?;
    Ok(TICK.saturating_mul(ticks))
}

/// utime and stime, the 14th and 15th fields. The second one, the name in parentheses, may hold anything.
fn ticks_in_stat(stat: &str) -> Option<u32> {
    let (_, after_name) = stat.rsplit_once(')')?;
    let mut times = after_name.split_ascii_whitespace().skip(11);
    let user: u32 = times.next()?.parse().ok()?;
    let system: u32 = times.next()?.parse().ok()?;
    user.checked_add(system)
}

fn written_bytes_of(pid: u32) -> anyhow::Result<u64> {
    let path = format!("/proc/{pid}/io");
    let io = std::fs::read_to_string(&path).with_context(|| format!("cannot read {path}"))?;
    io.lines()
        .find_map(|line| line.strip_prefix("write_bytes: "))
        .and_then(|bytes| bytes.trim().parse().ok())
        .with_context(|| format!("{path} has another form than expected"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_spaces_and_parentheses_does_not_shift_the_fields() {
        let stat = "7 (a) b (c) S 1 7 7 0 -1 4194560 10 0 0 0 123 45 0 0 20 0 3 0 100 1000 10";
        assert_eq!(ticks_in_stat(stat), Some(168));
        assert_eq!(ticks_in_stat("7 (cut"), None);
    }

    #[test]
    fn own_cpu_time_grows() {
        let me = [std::process::id()];
        let before = cpu_time(&me).unwrap();
        let mut noise = 0u64;
        while cpu_time(&me).unwrap() < before + 2 * TICK {
            noise = super::super::people::mix(noise);
        }
        assert!(cpu_time(&[u32::MAX]).is_err());
    }
}
