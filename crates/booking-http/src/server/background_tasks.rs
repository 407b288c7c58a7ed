//! The background tasks of a server, as they are configured.

use crate::auth::token_cache::TokenCache;
use crate::background::cell_map::HangUps;
use crate::background::{
    auditor, cell_map, delivery, link_recovery, live_reader, sweeper, ticket_keys, token_refresh,
};
use crate::config::Config;
use crate::config::live_cells::LiveCells;
use crate::service::Service;
use actix_web::rt;
use booking_core::EmailAddress;
use booking_delivery::{Hint, Postman, Sender, Supervisor};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::sync::mpsc::Receiver;
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// How long to wait for the end of delivery, which was asked to stop when the server began to.
const DELIVERY_ENDS_WITHIN: Duration = Duration::from_secs(2);

/// The background tasks that are running.
#[derive(Default)]
pub(super) struct BackgroundTasks {
    tasks: Vec<JoinHandle<()>>,
    delivery: Option<JoinHandle<()>>,
}

/// The parts of delivery, and the queue of addresses whose links are asked for.
pub(super) struct Delivering {
    pub(super) sender: Sender,
    pub(super) postman: Option<Arc<Postman>>,
    pub(super) hint: Hint,
    pub(super) to_be_found: Option<Receiver<EmailAddress>>,
}

/// The cells, if there are some, and the signal to reload their file.
pub(super) struct Following {
    pub(super) cells: Option<Arc<LiveCells>>,
    pub(super) hang_ups: HangUps,
}

impl BackgroundTasks {
    /// Begins with all that is set.
    pub(super) fn start(
        config: &Config,
        service: &Arc<Service>,
        tokens: &Arc<TokenCache>,
        delivering: Delivering,
        following: Following,
    ) -> Self {
        let mut background = Self::default();
        let Delivering { sender, postman, hint, to_be_found } = delivering;
        let (of_delivery, others) = (&service.delivering, &service.background);
        if config.delivers {
            // Its loops are each begun anew, too.
            background.keep(of_delivery, "deliver", service, move |service| {
                delivery::run(service, sender.apart(), postman.clone(), hint.clone())
            });
            background.delivery = background.tasks.pop();
        }
        background.keep(of_delivery, "watch_delivery", service, delivery::watch);
        if let Some(asked) = to_be_found {
            let asked = Arc::new(Mutex::new(asked));
            background.keep(of_delivery, "find_links", service, move |service| {
                link_recovery::run(service, Arc::clone(&asked))
            });
        }
        let known =
            service.link_recovery.is_some().then(|| service.take_known_addresses()).flatten();
        if let Some(known) = known {
            let known = Arc::new(Mutex::new(known));
            background.keep(of_delivery, "tell_known_addresses", service, move |service| {
                link_recovery::notify_known(service, Arc::clone(&known))
            });
        }
        if let Some(every) = config.sweep_every {
            background.keep(others, "sweep", service, move |service| sweeper::run(service, every));
        }
        if let Some(every) = config.audit_every {
            background.keep(others, "audit", service, move |service| auditor::run(service, every));
        }
        let tokens = Arc::clone(tokens);
        background.keep(others, "refresh_tokens", service, move |service| {
            token_refresh::run(service, Arc::clone(&tokens))
        });
        background.keep(others, "show_ticket_keys", service, ticket_keys::run);
        background.keep(others, "read_live_seats", service, live_reader::run);
        match following {
            Following { cells: Some(cells), hang_ups } => {
                background.keep(others, "follow_cells", service, move |service| {
                    cell_map::run(service, Arc::clone(&cells), hang_ups.clone())
                });
            }
            Following { cells: None, hang_ups } => {
                background.keep(others, "hear_sighup", service, move |service| {
                    cell_map::hear(service, hang_ups.clone())
                });
            }
        }
        background
    }

    /// Runs a task, and restarts it when it panics.
    fn keep<W: Future<Output = ()> + 'static>(
        &mut self,
        supervisor: &Supervisor,
        name: &'static str,
        service: &Arc<Service>,
        begin: impl Fn(Arc<Service>) -> W + 'static,
    ) {
        supervisor.announce(name);
        let (supervisor, service) = (supervisor.clone(), Arc::clone(service));
        self.tasks.push(rt::spawn(async move {
            supervisor.keep(name, || begin(Arc::clone(&service))).await;
        }));
    }

    /// Ends all of it.
    pub(super) async fn end(self) {
        for task in self.tasks {
            task.abort();
        }
        if let Some(mut delivery) = self.delivery {
            // It has a thread, which must not be in the middle of something when the program ends.
            if timeout(DELIVERY_ENDS_WITHIN, &mut delivery).await.is_err() {
                log::warn!("delivery has not ended, and is left where it is");
                delivery.abort();
            }
        }
    }
}
