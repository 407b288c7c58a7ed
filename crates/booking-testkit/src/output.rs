//! A child process's output, stored and searched while it runs.

use std::io::{BufRead as _, BufReader, Read};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

/// Everything read so far from one pipe of a child, by its own thread: a child whose pipe is not read stops when it
/// is full.
#[derive(Debug)]
pub(crate) struct Output {
    text: Arc<Mutex<String>>,
    lines: Receiver<String>,
}

impl Output {
    pub(crate) fn collect(source: impl Read + Send + 'static) -> Self {
        let text = Arc::new(Mutex::new(String::new()));
        let (sender, lines) = channel();
        let writer = Arc::clone(&text);
        thread::spawn(move || {
            let mut source = BufReader::new(source);
            let mut line = Vec::new();
            while source.read_until(b'\n', &mut line).is_ok_and(|count| count > 0) {
                let read = String::from_utf8_lossy(&line).into_owned();
                line.clear();
                writer.lock().expect("nothing panics while it holds this lock").push_str(&read);
                // The receiver is gone once the line that was waited for has come.
                let _ = sender.send(read);
            }
        });
        Self { text, lines }
    }

    /// What has been read so far.
    pub(crate) fn text(&self) -> String {
        self.text.lock().expect("nothing panics while it holds this lock").clone()
    }

    /// Waits until the pipe is closed and all of it read. A child that has ended may have left output in it; a
    /// process that it started may hold it open, so not for ever.
    pub(crate) fn wait_for_end(&self, limit: Duration) {
        let _ = self.wait_for(limit, |_| None::<()>);
    }

    /// Waits for a line that `parse` accepts; `None` when the pipe closes or the time is over first.
    pub(crate) fn wait_for<T>(
        &self,
        limit: Duration,
        mut parse: impl FnMut(&str) -> Option<T>,
    ) -> Option<T> {
        let deadline = Instant::now() + limit;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.lines.recv_timeout(left) {
                Ok(line) => {
                    if let Some(found) = parse(line.trim_end()) {
                        return Some(found);
                    }
                }
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => return None,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_that_parses_is_returned_and_all_text_is_kept() {
        let output = Output::collect(&b"one\ntwo 2\nthree 3\n"[..]);
        let found = output.wait_for(Duration::from_secs(10), |line| {
            line.split_once(' ').map(|(_, number)| number.to_owned())
        });
        assert_eq!(found.as_deref(), Some("2"));
        output.wait_for_end(Duration::from_secs(10));
        assert_eq!(output.text(), "one\ntwo 2\nthree 3\n");
    }
}
