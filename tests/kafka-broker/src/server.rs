//! Listeners and connections: one task for each, and requests of a connection one after the other.
//!
//! Answers leave in the order of the requests, as the protocol demands. Whatever goes wrong on a
//! connection closes that connection and writes one line to the log.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use crate::api::sasl::{self, Login};
use crate::api::{self, Caller};
use crate::cluster::Cluster;
use crate::wire::{self, FrameError, Request};

const TLS_HANDSHAKE: Duration = Duration::from_secs(10);
/// After a failure to accept, usually for want of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// One open port, and how its clients are served.
pub(crate) struct Listener {
    pub(crate) socket: TcpListener,
    /// What clients are told to connect to.
    pub(crate) host: String,
    pub(crate) port: u16,
    /// With TLS comes the IAM login.
    pub(crate) tls: Option<TlsAcceptor>,
}

/// Serves a listener until the task is aborted, which closes its connections too.
pub(crate) async fn serve(listener: Listener, cluster: Arc<Cluster>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.socket.accept() => match accepted {
                Ok((stream, peer)) => {
                    let caller = Caller {
                        host: listener.host.clone(),
                        port: listener.port,
                        peer: format!("/{}", peer.ip()),
                    };
                    let connection = connection(
                        stream,
                        peer,
                        listener.tls.clone(),
                        caller,
                        cluster.clone(),
                    );
                    connections.spawn(connection);
                }
                Err(error) => {
                    tracing::warn!(%error, "could not accept a connection");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            },
            Some(ended) = connections.join_next() => {
                if let Err(error) = ended {
                    tracing::error!(%error, "a connection's task failed");
                }
            }
        }
    }
}

async fn connection(
    stream: TcpStream,
    peer: SocketAddr,
    tls: Option<TlsAcceptor>,
    caller: Caller,
    cluster: Arc<Cluster>,
) {
    tracing::debug!(%peer, "connection opened");
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%peer, %error, "could not switch off delays");
    }
    let result = match tls {
        None => requests(stream, Login::NotNeeded, &caller, &cluster).await,
        Some(tls) => match tokio::time::timeout(TLS_HANDSHAKE, tls.accept(stream)).await {
            Ok(Ok(stream)) => requests(stream, Login::Needed { chosen: false }, &caller, &cluster).await,
            Ok(Err(error)) => {
                tracing::warn!(%peer, %error, "a TLS handshake failed");
                return;
            }
            Err(_) => {
                tracing::warn!(%peer, "a TLS handshake took too long");
                return;
            }
        },
    };
    match result {
        Ok(()) => tracing::debug!(%peer, "connection closed"),
        Err(FrameError::Io(error)) => tracing::debug!(%peer, %error, "connection broken"),
        Err(FrameError::LoginExpired) => tracing::debug!(%peer, "login expired, closing"),
        Err(error) => tracing::warn!(%peer, %error, "closing a connection"),
    }
}

async fn requests<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    mut login: Login,
    caller: &Caller,
    cluster: &Cluster,
) -> Result<(), FrameError> {
    let mut stream = BufReader::new(stream);
    loop {
        let limit = if login.is_pending() { wire::MAX_FRAME_BEFORE_LOGIN } else { wire::MAX_FRAME };
        let Some(frame) = wire::read_frame(&mut stream, limit).await? else {
            return Ok(());
        };
        let request = Request::open(frame)?;
        login.permits(request.api)?;
        let mut close = false;
        let answer = if sasl::is_part_of_login(request.api) {
            let answered = sasl::handle(cluster, &mut login, &request)?;
            close = answered.close;
            Some(answered.answer)
        } else {
            api::handle(cluster, caller, &request).await?
        };
        if let Some(answer) = answer {
            stream.write_all(&answer).await?;
            stream.flush().await?;
        }
        if close {
            // The client has the reason and the end of the connection in this order.
            stream.shutdown().await?;
            return Ok(());
        }
    }
}
