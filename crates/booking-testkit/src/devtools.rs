//! The protocol of Chromium's developer tools, over a pipe: one JSON text after another, each ended by a zero byte.

use std::io::{BufRead as _, BufReader, Read, Write as _};
use std::process::ChildStdin;
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// The longest wait for an answer.
const ANSWER_LIMIT: Duration = Duration::from_secs(30);
/// Messages that the browser sends before they are read wait here, and then in its pipe.
const MESSAGES_MAX: usize = 16;

/// A browser's end of the pipe. A browser whose pipe closes ends.
#[derive(Debug)]
pub(crate) struct DevTools(Mutex<Pipe>);

#[derive(Debug)]
struct Pipe {
    commands: ChildStdin,
    messages: Receiver<Value>,
    last: u64,
}

impl DevTools {
    pub(crate) fn new(commands: ChildStdin, answers: impl Read + Send + 'static) -> Self {
        let (sender, messages) = sync_channel(MESSAGES_MAX);
        // It ends with the browser.
        thread::spawn(move || {
            let mut answers = BufReader::new(answers);
            let mut text = Vec::new();
            while answers.read_until(0, &mut text).is_ok_and(|count| count > 0) {
                text.pop();
                let Ok(message) = serde_json::from_slice::<Value>(&text) else { break };
                text.clear();
                if sender.send(message).is_err() {
                    break;
                }
            }
        });
        Self(Mutex::new(Pipe { commands, messages, last: 0 }))
    }

    /// The answer to a command, or its error.
    pub(crate) fn ask(&self, method: &str, parameters: &Value) -> Result<Value, String> {
        let mut pipe = self.0.lock().expect("nothing panics while it holds this lock");
        pipe.last += 1;
        let id = pipe.last;
        let mut command =
            json!({"id": id, "method": method, "params": parameters}).to_string().into_bytes();
        command.push(0);
        pipe.commands.write_all(&command).map_err(|error| format!("{method}: {error}"))?;
        let deadline = Instant::now() + ANSWER_LIMIT;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let message =
                pipe.messages.recv_timeout(left).map_err(|error| format!("{method}: {error}"))?;
            // Other messages are events that were not requested.
            if message["id"] == id {
                return match message.get("error") {
                    Some(error) => Err(format!("{method}: {error}")),
                    None => Ok(message["result"].clone()),
                };
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::{Command, Stdio};

    /// The result of a command to a browser that reads it, sends an event, sends this, and ends.
    fn ask(says: &str) -> Result<Value, String> {
        let script = r#"head -c 40 >/dev/null; printf '{"method":"news"}\000'; printf %s "$0" | tr '|' '\000'"#;
        let mut child = Command::new("sh")
            .args(["-c", script, says])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("there is a shell");
        let commands = child.stdin.take().expect("it is piped");
        let answers = child.stdout.take().expect("it is piped");
        let answer = DevTools::new(commands, answers).ask("Browser.getVersion", &json!({}));
        child.wait().expect("it is our child");
        answer
    }

    #[test]
    fn an_answer_is_matched_among_events_and_other_answers() {
        let answer = ask(r#"{"id":7,"result":{}}|{"id":1,"result":{"product":"x"}}|"#);
        assert_eq!(answer, Ok(json!({"product": "x"})));
    }

    #[test]
    fn a_refusal_and_an_end_are_no_answers() {
        let refused = ask(r#"{"id":1,"error":{"message":"Not allowed"}}|"#);
        assert!(refused.is_err_and(|error| error.contains("Not allowed")));
        for end in ["", "{\"id\":1,", "nonsense|"] {
            assert!(ask(end).is_err_and(|error| error.starts_with("Browser.getVersion: ")));
        }
    }
}
