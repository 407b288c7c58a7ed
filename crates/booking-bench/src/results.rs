//! Samples of several rounds, and their statistics.

use crate::cells::Sample;
use crate::plan::{Comparison, Target, What};
use std::collections::HashMap;

/// All samples, by cell and round.
#[derive(Debug, Default)]
pub(crate) struct Results {
    samples: HashMap<&'static str, Vec<Sample>>,
}

/// The median of several figures, and their range.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Spread {
    /// The median.
    pub(crate) median: f64,
    /// The lowest.
    pub(crate) min: f64,
    /// The highest.
    pub(crate) max: f64,
}

impl Results {
    /// Adds the sample of the next round.
    pub(crate) fn add(&mut self, key: &'static str, sample: Sample) {
        self.samples.entry(key).or_default().push(sample);
    }

    /// All samples of a cell.
    pub(crate) fn of(&self, key: &str) -> &[Sample] {
        self.samples.get(key).map_or(&[], Vec::as_slice)
    }

    /// A figure of a cell over all rounds.
    pub(crate) fn spread(
        &self,
        key: &str,
        figure: impl Fn(&Sample) -> Option<f64>,
    ) -> Option<Spread> {
        Spread::of(self.of(key).iter().filter_map(figure).collect())
    }

    /// Requests a second.
    pub(crate) fn rate(&self, key: &str) -> Option<Spread> {
        self.spread(key, |sample| Some(sample.per_second))
    }

    /// A comparison within each round, since the machine may change from one round to the next.
    pub(crate) fn compare(&self, comparison: &Comparison) -> Option<Spread> {
        let pairs = self.of(comparison.of).iter().zip(self.of(comparison.by));
        Spread::of(pairs.filter_map(|(of, by)| comparison.what.compare(of, by)).collect())
    }
}

impl What {
    fn compare(self, of: &Sample, by: &Sample) -> Option<f64> {
        Some(match self {
            Self::Rate => of.per_second / by.per_second,
            Self::P50 => of.p50.as_secs_f64() / by.p50.as_secs_f64(),
            Self::Cpu => {
                let seconds = |sample: &Sample| {
                    sample.cpu.as_ref().map(|cpu| cpu.of_the_product().as_secs_f64())
                };
                seconds(of)? / seconds(by)?
            }
            Self::P99Growth => 1e3 * (of.p99?.as_secs_f64() - by.p99?.as_secs_f64()),
        })
    }
}

impl Target {
    /// Whether a figure reaches it; `None` if there is no target.
    pub(crate) fn is_reached_by(self, figure: f64) -> Option<bool> {
        match self {
            Self::AtLeast(target) => Some(figure >= target),
            Self::AtMost(target) => Some(figure <= target),
            Self::None => None,
        }
    }
}

impl Spread {
    /// Of these figures; `None` if there are none.
    pub(crate) fn of(mut figures: Vec<f64>) -> Option<Self> {
        figures.sort_unstable_by(f64::total_cmp);
        let (min, max) = (*figures.first()?, *figures.last()?);
        let middle = figures.len() / 2;
        let median = match figures.len() % 2 {
            0 => f64::midpoint(figures[middle - 1], figures[middle]),
            _ => figures[middle],
        };
        Some(Self { median, min, max })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn the_median_is_in_the_middle() {
        let spread = |figures: &[f64]| Spread::of(figures.to_vec());
        assert_eq!(spread(&[3.0, 1.0, 2.0]), Some(Spread { median: 2.0, min: 1.0, max: 3.0 }));
        assert_eq!(spread(&[4.0, 1.0]), Some(Spread { median: 2.5, min: 1.0, max: 4.0 }));
        assert_eq!(spread(&[]), None);
    }

    #[test]
    fn rounds_are_compared_one_by_one() {
        let sample =
            |per_second| Sample { per_second, p50: Duration::from_millis(1), p99: None, cpu: None };
        let mut results = Results::default();
        // The second round was on a machine of half the speed.
        for (a, b) in [(20.0, 10.0), (10.0, 5.0), (22.0, 10.0)] {
            results.add("a", sample(a));
            results.add("b", sample(b));
        }
        let comparison =
            Comparison { of: "a", by: "b", what: What::Rate, target: Target::AtLeast(2.0) };
        let ratio = results.compare(&comparison).expect("both were measured");
        assert_eq!(ratio, Spread { median: 2.0, min: 2.0, max: 2.2 });
        assert_eq!(comparison.target.is_reached_by(ratio.median), Some(true));
    }
}
