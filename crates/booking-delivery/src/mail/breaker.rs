//! Holds mails back while the mail server is away.

use super::schedule::with_jitter;
use crate::limits::{MAIL_PAUSE, MAIL_PAUSE_MAX};
use chrono::TimeDelta;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Knows whether the mail server is reachable. After a failure all mails wait: [`MAIL_PAUSE`], and then twice as
/// long each time, up to [`MAIL_PAUSE_MAX`]; after each pause one of them is tried. Clones share their state.
#[derive(Debug, Clone, Default)]
pub struct Breaker(Arc<Mutex<Option<Away>>>);

/// The last failure to reach it.
#[derive(Debug, Clone)]
struct Away {
    /// Since when, as far as is known.
    since: Instant,
    /// When the last failure was noticed.
    found: Instant,
    /// How long all wait after that, without the jitter that keeps several servers from returning at once.
    pause: Duration,
    until: Instant,
    is_tried: bool,
    why: String,
}

/// How many mails may be sent now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admits {
    /// As many as are due.
    All,
    /// One, to see whether the server is back.
    One,
    /// None.
    Nobody,
}

impl Breaker {
    /// For how long the mail server has been away, if it is.
    pub fn away_for(&self) -> Option<Duration> {
        self.lock().as_ref().map(|away| away.since.elapsed())
    }

    /// How many mails may be sent now.
    pub fn admits(&self) -> Admits {
        self.admits_at(Instant::now())
    }

    fn admits_at(&self, now: Instant) -> Admits {
        match &*self.lock() {
            None => Admits::All,
            Some(away) if away.is_tried || now < away.until => Admits::Nobody,
            Some(_) => Admits::One,
        }
    }

    /// Lets a caller try.
    ///
    /// # Errors
    /// Why the server was away at the last try, if no try is allowed now.
    pub(super) fn enter(&self) -> Result<Pass, String> {
        self.enter_at(Instant::now())
    }

    fn enter_at(&self, began: Instant) -> Result<Pass, String> {
        let mut state = self.lock();
        if let Some(away) = &mut *state {
            if away.is_tried || began < away.until {
                return Err(away.why.clone());
            }
            away.is_tried = true;
        }
        let is_probe = state.is_some();
        drop(state);
        Ok(Pass { breaker: self.clone(), began, is_probe })
    }

    fn lock(&self) -> MutexGuard<'_, Option<Away>> {
        // It is consistent between any two calls.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Permission to try. Dropping it says nothing about the server.
#[derive(Debug)]
pub(super) struct Pass {
    breaker: Breaker,
    began: Instant,
    is_probe: bool,
}

impl Pass {
    /// The server answered, and accepts mail from us.
    pub(super) fn answered(&mut self) {
        self.is_probe = false;
        if let Some(away) = self.breaker.lock().take() {
            let seconds = away.since.elapsed().as_secs();
            log::info!("mail: the server is there again, after {seconds} s");
        }
    }

    /// The server is away. Nothing in `why` is about a mail.
    pub(super) fn failed(&mut self, why: &str) {
        self.failed_at(why, Instant::now());
    }

    fn failed_at(&mut self, why: &str, found: Instant) {
        let is_probe = std::mem::take(&mut self.is_probe);
        let mut state = self.breaker.lock();
        let (since, pause) = match &*state {
            None => (found, MAIL_PAUSE),
            Some(away) if is_probe => (away.since, (away.pause * 2).min(MAIL_PAUSE_MAX)),
            // Another try has noticed it meanwhile.
            Some(away) if self.began <= away.found => return,
            Some(away) => (away.since, away.pause),
        };
        if state.is_none() {
            log::warn!("mail: the server takes none, and all mails wait: {why}");
        }
        let until = found + longer_by_chance(pause);
        *state = Some(Away { since, found, pause, until, is_tried: false, why: why.to_owned() });
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        if self.is_probe
            && let Some(away) = &mut *self.breaker.lock()
        {
            away.is_tried = false;
        }
    }
}

fn longer_by_chance(pause: Duration) -> Duration {
    let longer = TimeDelta::from_std(pause).map(|pause| with_jitter(pause, fastrand::f64()));
    longer.ok().and_then(|longer| longer.to_std().ok()).unwrap_or(pause)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A breaker by a clock that the test advances.
    struct Watched {
        breaker: Breaker,
        now: Instant,
    }

    impl Watched {
        fn new() -> Self {
            Self { breaker: Breaker::default(), now: Instant::now() }
        }

        fn admits(&self) -> Admits {
            self.breaker.admits_at(self.now)
        }

        fn enter(&self) -> Pass {
            self.breaker.enter_at(self.now).expect("it is let in")
        }

        fn fail(&self, pass: &mut Pass) {
            pass.failed_at("refused", self.now);
        }

        /// Goes to the end of the pause, and returns its length in seconds, roughly.
        fn wait(&mut self) -> u64 {
            assert_eq!(self.admits(), Admits::Nobody);
            assert_eq!(self.breaker.enter_at(self.now).expect_err("it is away"), "refused");
            let began = self.now;
            while self.admits() == Admits::Nobody {
                self.now += Duration::from_millis(100);
            }
            (self.now - began).as_secs()
        }
    }

    #[test]
    fn while_the_server_is_away_one_mail_is_tried_with_growing_pauses() {
        let mut watched = Watched::new();
        assert_eq!((watched.admits(), watched.breaker.away_for()), (Admits::All, None));
        // Several at once count as one.
        let mut passes = [watched.enter(), watched.enter(), watched.enter()];
        passes.iter_mut().for_each(|pass| watched.fail(pass));
        let mut pauses = Vec::new();
        for _ in 0..8 {
            pauses.push(watched.wait());
            assert_eq!(watched.admits(), Admits::One);
            let mut probe = watched.enter();
            assert_eq!(watched.admits(), Admits::Nobody, "one at a time");
            assert!(watched.breaker.enter_at(watched.now).is_err());
            watched.fail(&mut probe);
        }
        for (pause, expected) in pauses.iter().zip([1, 2, 4, 8, 16, 32, 60, 60]) {
            assert!((expected..=expected * 6 / 5 + 1).contains(pause), "{pauses:?}");
        }
        assert!(watched.breaker.away_for().is_some());
        watched.wait();
        watched.enter().answered();
        assert_eq!((watched.admits(), watched.breaker.away_for()), (Admits::All, None));
        watched.fail(&mut watched.enter());
        assert!(watched.wait() <= 2, "it begins anew");
    }

    #[test]
    fn a_try_without_a_result_leaves_it_to_the_next() {
        let mut watched = Watched::new();
        drop(watched.enter());
        assert_eq!(watched.admits(), Admits::All);
        let mut late = watched.enter();
        watched.fail(&mut watched.enter());
        watched.wait();
        // It began before mails were held back, and so says nothing new.
        watched.fail(&mut late);
        assert_eq!(watched.admits(), Admits::One);
        drop(watched.enter());
        assert_eq!(watched.admits(), Admits::One);
        // A try that was in progress all the time and succeeds shows that the server is back.
        late.answered();
        assert_eq!(watched.admits(), Admits::All);
    }
}
