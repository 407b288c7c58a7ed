//! Connecting to whichever of several servers takes writes.

use deadpool_postgres::Connect;
use futures_util::future::BoxFuture;
use futures_util::stream::{FuturesUnordered, StreamExt, poll_fn};
use std::cell::Cell;
use std::future::pending;
use std::panic::resume_unwind;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::runtime::Handle;
use tokio::task::{JoinHandle, JoinSet};
use tokio_postgres::config::{Host, SslMode, TargetSessionAttrs};
use tokio_postgres::error::SqlState;
use tokio_postgres::tls::{MakeTlsConnect, TlsConnect};
use tokio_postgres::{AsyncMessage, Client, Config, Connection, Error, Socket};

/// The function in PostgreSQL's source that waits for a synchronous standby. Unlike its warning, its
/// name is not translated.
const WAIT_FOR_STANDBY: &str = "SyncRepWaitForLSN";

/// Asks all servers at once, and uses the first that takes writes. One after the other would not do:
/// the driver waits for ever for a server that accepts a connection and never answers, as one does
/// that hangs, and never reaches the next.
pub(crate) struct Connector<T> {
    pub(crate) tls: T,
    /// The runtime in which the store was opened, if there was one.
    pub(crate) home: Option<Handle>,
    /// Counts commits that PostgreSQL reported as done although no standby has them.
    pub(crate) unreplicated: Arc<AtomicU64>,
}

impl<T> Connect for Connector<T>
where
    T: MakeTlsConnect<Socket> + Clone + Sync + Send + 'static,
    T::Stream: Sync + Send,
    T::TlsConnect: Sync + Send,
    <T::TlsConnect as TlsConnect<Socket>>::Future: Send,
{
    fn connect(&self, config: &Config) -> BoxFuture<'_, Result<(Client, JoinHandle<()>), Error>> {
        let (tls, unreplicated) = (self.tls.clone(), Arc::clone(&self.unreplicated));
        let hosts = each_host(config);
        let connecting = async move {
            let (client, connection) = first_of(hosts, tls).await?;
            Ok::<_, Error>((client, tokio::spawn(drive(connection, unreplicated))))
        };
        match self.home.as_ref().filter(|_| IS_GUEST.get()) {
            None => Box::pin(connecting),
            Some(home) => {
                // It ends with the task that waits for it.
                let mut at_home = JoinSet::new();
                at_home.spawn_on(connecting, home);
                Box::pin(async move {
                    match at_home.join_next().await {
                        Some(Ok(connected)) => connected,
                        Some(Err(error)) if error.is_panic() => resume_unwind(error.into_panic()),
                        // That runtime has ended, and there are no connections any more. The caller's own time limit
                        // ends the wait.
                        _ => pending().await,
                    }
                })
            }
        }
    }
}

thread_local! {
    static IS_GUEST: Cell<bool> = const { Cell::new(false) };
}

/// Keeps connections out of the runtime of this thread from now on: those that a store needs for calls from here are
/// made and driven in the runtime in which the store was opened.
///
/// Connections are shared, and live in the runtime in which they were made. So a connection would end with a runtime
/// that ends before the others, and its next user would wait for a thread of lower priority. This is for a thread with
/// a runtime of its own, all of whose tasks run on it.
pub fn keep_no_connections_here() {
    IS_GUEST.set(true);
}

async fn first_of<T>(
    hosts: Vec<Config>,
    tls: T,
) -> Result<(Client, Connection<Socket, T::Stream>), Error>
where
    T: MakeTlsConnect<Socket> + Clone,
{
    let several = hosts.len() > 1;
    let connecting = hosts.iter().map(|host| host.connect(tls.clone()));
    let mut connecting: FuturesUnordered<_> = connecting.collect();
    let mut last_error: Option<Error> = None;
    while let Some(made) = connecting.next().await {
        match made {
            Ok(connection) => return Ok(connection),
            Err(error) => {
                if several && is_final(&error) {
                    log::warn!("one of several database servers refuses us: {error}");
                }
                // As long as one of them may become the server that takes writes, it is worth
                // waiting.
                if last_error.as_ref().is_none_or(is_final) {
                    last_error = Some(error);
                }
            }
        }
    }
    Err(last_error.expect("a configuration without a host is refused by the driver as the first"))
}

/// Whether a server refused the connection in a way that waiting does not change.
fn is_final(error: &Error) -> bool {
    error.code().is_some_and(|code| !is_passing(code))
}

/// Whether a server that refuses a connection with this code may accept one soon.
pub(crate) fn is_passing(code: &SqlState) -> bool {
    [SqlState::CANNOT_CONNECT_NOW, SqlState::TOO_MANY_CONNECTIONS].contains(code)
}

/// Drives a connection until it ends.
async fn drive<S>(mut connection: Connection<Socket, S>, unreplicated: Arc<AtomicU64>)
where
    S: tokio_postgres::tls::TlsStream + Unpin,
{
    let mut messages = poll_fn(move |context| connection.poll_message(context));
    while let Some(Ok(message)) = messages.next().await {
        // The notice comes before the answer to COMMIT, so that it is counted by then.
        if let AsyncMessage::Notice(notice) = message
            && notice.routine() == Some(WAIT_FOR_STANDBY)
        {
            unreplicated.fetch_add(1, Ordering::SeqCst);
        }
    }
}

/// A configuration for each server that is named, to be used if it takes writes. All other settings
/// are copied; the driver has no way to change its hosts.
fn each_host(config: &Config) -> Vec<Config> {
    let (hosts, addresses) = (config.get_hosts(), config.get_hostaddrs());
    let (several, ports) = (hosts.len().max(addresses.len()), config.get_ports());
    let is_consistent = [hosts.len(), addresses.len()].iter().all(|&n| n == 0 || n == several)
        && (ports.len() <= 1 || ports.len() == several);
    if several < 2 || !is_consistent {
        // The driver reports what does not fit together.
        return vec![plain_by_socket(config.clone())];
    }
    let one = |index: usize| {
        let mut one = without_hosts(config);
        match hosts.get(index) {
            Some(Host::Tcp(name)) => one.host(name),
            #[cfg(unix)]
            Some(Host::Unix(path)) => one.host_path(path),
            None => &mut one,
        };
        if let Some(address) = addresses.get(index) {
            one.hostaddr(*address);
        }
        if let Some(port) = ports.get(index).or(ports.first()) {
            one.port(*port);
        }
        plain_by_socket(one)
    };
    (0..several).map(one).collect()
}

/// Whether the servers are reached only through sockets.
pub(crate) fn is_by_socket_alone(config: &Config) -> bool {
    let hosts = config.get_hosts();
    // With an address, a host is only a name.
    config.get_hostaddrs().is_empty()
        && !hosts.is_empty()
        && hosts.iter().all(|host| !matches!(host, Host::Tcp(_)))
}

/// The same configuration without TLS for a socket. PostgreSQL speaks none over sockets, which have no name that
/// a certificate could be for, and nobody between their ends: libpq ignores `sslmode`, too.
fn plain_by_socket(mut config: Config) -> Config {
    if is_by_socket_alone(&config) {
        config.ssl_mode(SslMode::Disable);
    }
    config
}

fn without_hosts(config: &Config) -> Config {
    let mut one = Config::new();
    one.ssl_mode(config.get_ssl_mode())
        .ssl_negotiation(config.get_ssl_negotiation())
        .keepalives(config.get_keepalives())
        .keepalives_idle(config.get_keepalives_idle())
        .target_session_attrs(TargetSessionAttrs::ReadWrite)
        .channel_binding(config.get_channel_binding())
        .load_balance_hosts(config.get_load_balance_hosts());
    if let Some(user) = config.get_user() {
        one.user(user);
    }
    if let Some(password) = config.get_password() {
        one.password(password);
    }
    if let Some(database) = config.get_dbname() {
        one.dbname(database);
    }
    if let Some(options) = config.get_options() {
        one.options(options);
    }
    if let Some(name) = config.get_application_name() {
        one.application_name(name);
    }
    if let Some(limit) = config.get_connect_timeout() {
        one.connect_timeout(*limit);
    }
    if let Some(limit) = config.get_tcp_user_timeout() {
        one.tcp_user_timeout(*limit);
    }
    if let Some(interval) = config.get_keepalives_interval() {
        one.keepalives_interval(interval);
    }
    if let Some(retries) = config.get_keepalives_retries() {
        one.keepalives_retries(retries);
    }
    one
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_server_gets_the_same_configuration() {
        let rest = "/d?sslmode=require&target_session_attrs=read-write&connect_timeout=4\
                    &tcp_user_timeout=5&keepalives_idle=6&keepalives_interval=7&keepalives_retries=8\
                    &application_name=us&options=-c%20jit%3Doff&channel_binding=disable";
        let config = |hosts: &str| -> Config {
            format!("postgres://ada:secret@{hosts}{rest}").parse().expect("valid")
        };
        let each = each_host(&config("one:1,[::1]:2,three:3"));
        assert_eq!(each, [config("one:1"), config("[::1]:2"), config("three:3")]);
        let folder = each_host(&config("%2Frun%2Fpostgresql:1,two:2"));
        let modes: Vec<_> = folder.iter().map(Config::get_ssl_mode).collect();
        assert_eq!(modes, [SslMode::Disable, SslMode::Require], "there is no TLS over a socket");
        let common: Config =
            "host=one,two hostaddr=10.0.0.1,10.0.0.2 port=7".parse().expect("valid");
        let ports: Vec<_> = each_host(&common)
            .iter()
            .map(|one| (one.get_ports().to_vec(), one.get_hostaddrs().to_vec()))
            .collect();
        let address = |text: &str| text.parse().expect("an address");
        assert_eq!(
            ports,
            [(vec![7], vec![address("10.0.0.1")]), (vec![7], vec![address("10.0.0.2")])]
        );
    }
}
