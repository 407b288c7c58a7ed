//! Every metric, as the table of `docker/OPERATING.md` and `/metrics` describe it.

/// A metric.
pub(super) struct Described {
    pub(super) name: &'static str,
    #[cfg_attr(not(test), expect(dead_code, reason = "for the table of docker/OPERATING.md"))]
    pub(super) kind: &'static str,
    pub(super) labels: &'static [&'static str],
    /// Its help text, in one line.
    pub(super) help: &'static str,
}

macro_rules! metrics {
    ($($name:literal $kind:ident [$($label:literal)*] $help:literal)*) => {
        /// Every metric there is.
        pub(super) const METRICS: &[Described] = &[$(Described {
            name: $name,
            kind: stringify!($kind),
            labels: &[$($label),*],
            help: $help,
        }),*];
    };
}

metrics! {
    "booking_http_requests_total" counter ["route" "method" "status"] "requests answered; the route is its template, - where there is none"
    "booking_http_request_duration_seconds" histogram ["route" "method"] "how long they took, from their head to their answer"
    "booking_http_requests_in_flight" gauge [] "requests that are being answered"
    "booking_live_watchers" gauge [] "connections on which events are watched"
    "booking_live_messages_total" counter [] "states of events that they were sent"
    "booking_problems_total" counter ["code"] "answers that were problems: refusals such as sold_out, and failures"
    "booking_ready" gauge ["check"] "1 where the check of /readyz is ok, else 0"
    "booking_queue_commands" gauge [] "commands that wait or are under way"
    "booking_queue_age_seconds" gauge [] "how long the first of those that wait has been waiting"
    "booking_queue_shed_total" counter [] "commands that were refused because too many wait"
    "booking_batch_commands" histogram [] "commands in a batch"
    "booking_batches_in_flight" gauge ["node"] "batches of the queue that are being executed, by the number of the database's machine"
    "booking_batch_wait_seconds" histogram [] "how long the first command of a batch had waited"
    "booking_batch_failures_total" counter ["error"] "batches without an outcome: unavailable, commit_unknown, broken"
    "booking_store_lock_seconds" histogram [] "from asking for the locks of a batch to having them"
    "booking_store_commit_seconds" histogram [] "writing what was decided and committing it; on SQLite COMMIT alone"
    "booking_store_transaction_seconds" histogram [] "a whole transaction of the queue; on SQLite any that writes"
    "booking_store_retries_total" counter [] "attempts at writing that failed and were made again"
    "booking_store_commits_lost_total" counter [] "COMMITs whose answer was lost, so that they were looked into"
    "booking_store_connections" gauge ["state"] "open connections to the store, used and idle; on SQLite those that read"
    "booking_store_connections_max" gauge [] "the most that there may be"
    "booking_store_connections_waiting" gauge [] "callers that wait for one"
    "booking_cells_up" gauge ["cell"] "1 where a cell that data is in can be worked with, else 0; a store that is one database is called -"
    "booking_cells_map_version" gauge [] "the version of the map of cells that this server goes by; 0 for a store that is one database"
    "booking_cells_map_outdated" gauge [] "1 while there is a newer one that it cannot go by, else 0"
    "booking_cells_map_publishing_seconds" gauge [] "for how long a change of cells has been begun and not made known, as this server has seen: new events that are to change cells are put up nowhere; 0 if that is not so"
    "booking_events" gauge [] "published events, as of at most 10 s ago, as the next four"
    "booking_seats" gauge [] "their seats"
    "booking_seats_taken" gauge [] "those of them that are confirmed, held or offered"
    "booking_seats_held" gauge [] "those that are held or offered"
    "booking_waiting" gauge [] "people on their waitlists"
    "booking_delivery_oldest_seconds" gauge ["sink"] "age of the oldest fact that is still to be delivered to a webhook, by mail, or to what nobody has looked up yet (none); 0 if there is none; as of at most 10 s ago, as the next two"
    "booking_delivery_lanes" gauge ["sink" "state"] "events, once for each webhook and for mail, that have something to be delivered: waiting, or failing if the last try did"
    "booking_mails" gauge ["state"] "mails that are due, and those that were given up and are still kept: due, stuck"
    "booking_mail_server_away_seconds" gauge [] "for how long the mail server has been away, as this server has found out, so that all mails wait; 0 if it is there"
    "booking_task_panics_total" counter ["task"] "panics of what runs beside requests: each is begun anew, after 1 s and then twice as long each time, up to a minute"
    "booking_task_up" gauge ["task"] "0 while it waits for that, else 1"
    "booking_sweeps_total" counter ["result"] "sweeps: done, failed"
    "booking_audits_total" counter ["result"] "recounts in the background: clean, differences, failed"
    "booking_audit_differences" gauge [] "differences that the last recount found"
    "booking_audit_timestamp_seconds" gauge [] "when that was; 0 for never"
    "booking_build_info" gauge ["version"] "1, for the version that runs"
    "process_cpu_seconds_total" counter [] "CPU time used"
    "process_resident_memory_bytes" gauge [] "memory in use"
    "process_threads" gauge [] "threads"
    "process_open_fds" gauge [] "open files and connections"
    "process_max_fds" gauge [] "the most that there may be"
    "process_start_time_seconds" gauge [] "when the program was started"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_manual_describes_every_metric_and_no_other() {
        let manual =
            include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docker/OPERATING.md"));
        let rows = manual
            .lines()
            .filter(|line| line.starts_with("| `booking_") || line.starts_with("| `process_"));
        let described = METRICS.iter().map(|Described { name, kind, labels, help }| {
            let labels = match labels {
                [] => String::new(),
                labels => format!("`{}`", labels.join("`, `")),
            };
            format!("| `{name}` | {kind} | {labels} | {help} |")
        });
        assert_eq!(rows.collect::<Vec<_>>().join("\n"), described.collect::<Vec<_>>().join("\n"));
    }
}
