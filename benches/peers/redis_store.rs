//! The same profiles in Redis, as people keep them there: `user_id:…` holds the id of a profile, and the hash
//! `profile:ID` its attributes. A lookup takes two steps, one after the other.

use anyhow::Context as _;
use redis::aio::MultiplexedConnection;
use redis::io::tcp::TcpSettings;
use redis::{AsyncConnectionConfig, Client, IntoConnectionInfo as _};

/// A profile's id and the fields asked for.
pub type Found = (String, Vec<Option<String>>);

/// Opens a connection that any number of tasks can share. Nagle's algorithm is off and nothing times out.
pub async fn connect(address: &str) -> anyhow::Result<MultiplexedConnection> {
    let info = format!("redis://{address}").into_connection_info()?;
    let info = info.set_tcp_settings(TcpSettings::default().set_nodelay(true));
    let config = AsyncConnectionConfig::new().set_response_timeout(None);
    let connection = Client::open(info)?.get_multiplexed_async_connection_with_config(&config).await;
    connection.with_context(|| format!("cannot reach Redis at {address}"))
}

/// One lookup: `GET`, then `HMGET`.
pub async fn look_up(
    connection: &mut MultiplexedConnection,
    key: &str,
    fields: &[String],
) -> anyhow::Result<Option<Found>> {
    let id: Option<String> = redis::cmd("GET").arg(key).query_async(connection).await?;
    let Some(id) = id else { return Ok(None) };
    let values = redis::cmd("HMGET").arg(hash_key(&id)).arg(fields).query_async(connection).await?;
    Ok(Some((id, values)))
}

/// Where the attributes of a profile are.
pub fn hash_key(id: &str) -> String {
    format!("profile:{id}")
}
