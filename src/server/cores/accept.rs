//! The acceptor: takes connections, counts them against the cap, and hands each to the least loaded core.

use std::io;
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::sync::{mpsc, watch};

use super::{CROWD_CONNECTIONS, Connections, CoreOptions};

/// How long to wait after the system could not give a connection, for want of file descriptors mostly.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// A core as the acceptor sees it.
pub struct Core {
    /// Takes connections. The cap bounds what can be in it.
    pub inbox: mpsc::UnboundedSender<Accepted>,
    /// How many connections it has.
    pub open: Arc<AtomicUsize>,
}

/// A connection on its way to a core.
pub struct Accepted {
    /// The socket.
    pub socket: std::net::TcpStream,
    /// Its place in the counts.
    pub slot: Slot,
    /// True if it came past the cap: its calls are to be refused.
    pub crowded: bool,
}

/// One connection in the counts, until dropped.
pub struct Slot {
    connections: Arc<Connections>,
    core: Arc<AtomicUsize>,
}

impl Slot {
    fn take(connections: &Arc<Connections>, core: &Arc<AtomicUsize>) -> Self {
        connections.open.fetch_add(1, Ordering::Relaxed);
        core.fetch_add(1, Ordering::Relaxed);
        Self { connections: Arc::clone(connections), core: Arc::clone(core) }
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.connections.open.fetch_sub(1, Ordering::Relaxed);
        self.core.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Starts the acceptor's thread.
pub fn spawn(
    listener: TcpListener,
    cores: Vec<Core>,
    options: CoreOptions,
    alive: watch::Sender<()>,
) -> io::Result<JoinHandle<()>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let listener = {
        let _inside = runtime.enter();
        tokio::net::TcpListener::from_std(listener)?
    };
    std::thread::Builder::new().name("kith-accept".to_owned()).spawn(move || {
        runtime.block_on(accept_all(listener, &cores, &options));
        drop(alive);
    })
}

/// Accepts until the drain; the cores see its end by the end of their inboxes.
async fn accept_all(listener: tokio::net::TcpListener, cores: &[Core], options: &CoreOptions) {
    loop {
        let accepted = tokio::select! {
            biased;
            () = options.drain.wait() => return,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((socket, _peer)) => hand_over(socket, cores, options),
            Err(error) if is_of_the_peer(&error) => {}
            Err(error) => {
                tracing::error!(%error, "cannot accept connections; raise the limit of open files if it is reached");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

fn hand_over(socket: TcpStream, cores: &[Core], options: &CoreOptions) {
    let open = options.connections.open();
    let crowded = open >= options.max_connections;
    if crowded {
        options.connections.refused.fetch_add(1, Ordering::Relaxed);
    }
    if open >= options.max_connections.saturating_add(CROWD_CONNECTIONS) {
        return;
    }
    let Some(core) = cores.iter().min_by_key(|core| core.open.load(Ordering::Relaxed)) else { return };
    let slot = Slot::take(&options.connections, &core.open);
    let Ok(socket) = socket.set_nodelay(true).and_then(|()| socket.into_std()) else { return };
    // A core that has ended is draining; the connection is closed with what comes back.
    let _closed = core.inbox.send(Accepted { socket, slot, crowded });
}

fn is_of_the_peer(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}
