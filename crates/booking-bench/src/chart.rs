//! The hot event as bars, for the README.

use crate::plan::{Comparison, Target, What};
use crate::report::thousands;
use crate::results::Results;
use std::fmt::Write;

const WIDTH: u32 = 760;
const LABEL_WIDTH: u32 = 270;
const BAR_WIDTH: u32 = 320;
const ROW_HEIGHT: u32 = 30;
const TOP: u32 = 46;

/// The bars: a cell's name, its label, and whether it is Booking's.
const BARS: [(&str, &str, bool); 6] = [
    ("pgbench-hot", "one transaction a request (pgbench)", false),
    ("one-pg", "Booking, PostgreSQL, batches of one", false),
    ("hot-pg-64", "Booking, PostgreSQL, 64 connections", true),
    ("hot-pg-256", "Booking, PostgreSQL, 256 connections", true),
    ("hot-sqlite-64", "Booking, SQLite, 64 connections", true),
    ("hot-sqlite-256", "Booking, SQLite, 256 connections", true),
];

/// The look, which follows the reader's light or dark.
const STYLE: &str = "
    text { font: 13px system-ui, sans-serif; fill: #1f2328 }
    .title { font-weight: 600; font-size: 15px }
    .plain { fill: #8c959f } .ours { fill: #0969da }
    @media (prefers-color-scheme: dark) {
      text { fill: #e6edf3 } .plain { fill: #6e7681 } .ours { fill: #4493f8 }
    }
";

/// Draws the measurements; `None` if there are none.
pub(crate) fn svg(results: &Results) -> Option<String> {
    let bars: Vec<_> =
        BARS.iter().filter_map(|bar| Some((bar, results.rate(bar.0)?.median))).collect();
    let longest = bars.iter().map(|(_, rate)| *rate).reduce(f64::max)?;
    let height = TOP + ROW_HEIGHT * u32::try_from(bars.len()).ok()? + 8;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" role=\"img\">\n\
         <title>Registrations a second on one event</title>\n<style>{STYLE}</style>\n\
         <text class=\"title\" x=\"8\" y=\"24\">Durable registrations a second on one event</text>\n"
    );
    let mut y = TOP;
    for (&(key, label, ours), rate) in bars {
        let width = (f64::from(BAR_WIDTH) * rate / longest).max(1.0);
        let class = if ours { "ours" } else { "plain" };
        // As in the report: within each round.
        let against = Comparison { of: key, by: BARS[0].0, what: What::Rate, target: Target::None };
        let times = match results.compare(&against) {
            Some(ratio) if ours => format!("  ({:.0} ×)", ratio.median),
            _ => String::new(),
        };
        let (text_y, value_x) = (y + 14, f64::from(LABEL_WIDTH) + width + 8.0);
        let _ = write!(
            svg,
            "<text x=\"8\" y=\"{text_y}\">{label}</text>\n\
             <rect class=\"{class}\" x=\"{LABEL_WIDTH}\" y=\"{y}\" width=\"{width:.1}\" height=\"18\" rx=\"3\"/>\n\
             <text x=\"{value_x:.1}\" y=\"{text_y}\">{}{times}</text>\n",
            thousands(rate)
        );
        y += ROW_HEIGHT;
    }
    svg.push_str("</svg>\n");
    Some(svg)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cells::Sample;
    use std::time::Duration;

    #[test]
    fn bars_are_proportional_to_their_figures() {
        assert_eq!(svg(&Results::default()), None);
        let mut results = Results::default();
        for (key, per_second) in [("pgbench-hot", 1_000.0), ("hot-pg-256", 20_000.0)] {
            let p50 = Duration::from_millis(1);
            results.add(key, Sample { per_second, p50, p99: None, cpu: None });
        }
        let svg = svg(&results).expect("something was measured");
        assert!(svg.contains("width=\"320.0\"") && svg.contains("width=\"16.0\""), "{svg}");
        assert!(svg.contains("20,000  (20 ×)"), "{svg}");
    }
}
