//! How the scripts put hushes and consents.

use kith::domain::consent::Purpose;

fn in_channel(channel: &str) -> String {
    if channel.is_empty() { String::new() } else { format!(" in {channel}") }
}

fn for_address(address: &str) -> String {
    if address.is_empty() { String::new() } else { format!(" for {address}") }
}

/// A hushed topic, and of which identifier that was said where it is known.
pub fn hush(topic: &str, channel: &str, until: Option<u64>, origin: &str) -> String {
    let until = until.map(|until| format!(" until {until}")).unwrap_or_default();
    let origin = if origin.is_empty() { String::new() } else { format!(" of {origin}") };
    format!("  hushed {topic}{}{until}{origin}\n", in_channel(channel))
}

/// Whether a purpose is allowed.
pub fn consent(Purpose { name, channel }: &Purpose, state: &str) -> String {
    format!("  {state} {name}{}\n", in_channel(channel))
}

/// Whether a purpose is allowed, and who said so and when.
pub fn decided(
    Purpose { name, channel }: &Purpose,
    address: &str,
    state: &str,
    said: Vec<(bool, &str, u64)>,
) -> String {
    let said = said.iter().map(|(granted, origin, time)| format!("{} by {origin}@{time}", verb(*granted)));
    let said = said.collect::<Vec<_>>().join(", ");
    format!("  {state} {name}{}{}: {said}\n", in_channel(channel), for_address(address))
}

/// What a fact said of a purpose.
pub fn change(granted: bool, purpose: &Purpose, address: &str, origin: &str, time: u64, message_id: &str) -> String {
    let Purpose { name, channel } = purpose;
    let (channel, address) = (in_channel(channel), for_address(address));
    format!("{} {name}{channel}{address} by {origin}@{time} ({message_id})\n", verb(granted))
}

fn verb(granted: bool) -> &'static str {
    if granted { "granted" } else { "denied" }
}
