//! The comparison of one scenario, as a table for a terminal of 80 columns.

use crate::distribution::{Distribution, Outside};
use crate::metrics::{Metric, Metrics};
use plimsoll_oracle::Word as _;
use std::fmt;

/// What real Kafka and the simulator did in one scenario.
#[derive(Debug)]
pub(crate) struct Table<'a> {
    /// The name of the scenario.
    pub scenario: &'a str,
    /// The runs on real Kafka, at least one.
    pub real: &'a [Metrics],
    /// The runs in the simulator, at least one.
    pub simulated: &'a [Metrics],
}

/// One metric of both.
struct Row {
    metric: Metric,
    real: Distribution,
    simulated: Distribution,
}

impl Row {
    const fn outside(&self) -> Option<Outside> {
        self.real.outside(self.simulated, self.metric.leeway())
    }

    /// Returns whether any run had anything of it.
    const fn is_there(&self) -> bool {
        self.real.greatest > 0 || self.simulated.greatest > 0
    }
}

impl Table<'_> {
    /// Returns a line for each metric in which real Kafka did what the simulator never did.
    pub(crate) fn outside(&self) -> Vec<String> {
        let outside = self.rows().filter(|row| row.outside().is_some());
        let lines = outside.map(|row| {
            let range = |of: Distribution| {
                let [least, most] = [of.least, of.greatest].map(|n| written(row.metric, n));
                format!("{least} to {most}")
            };
            let (real, simulated) = (range(row.real), range(row.simulated));
            let metric = row.metric.word();
            format!("  {metric:26}{real:>16}    simulator {simulated:>16}")
        });
        lines.collect()
    }

    /// Returns the number of metrics of which any run had anything.
    pub(crate) fn compared(&self) -> usize {
        self.rows().filter(Row::is_there).count()
    }

    fn rows(&self) -> impl Iterator<Item = Row> {
        Metric::ALL.iter().filter_map(|&metric| {
            Some(Row {
                metric,
                real: Distribution::of(self.real, metric)?,
                simulated: Distribution::of(self.simulated, metric)?,
            })
        })
    }
}

impl fmt::Display for Table<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let real = format!("real Kafka ({} runs)", self.real.len());
        let simulated = format!("simulator ({} runs)", self.simulated.len());
        writeln!(f, "{}", self.scenario)?;
        writeln!(f, "  {:24}{real:>21}  {simulated:>23}", "")?;
        let columns = ["least", "median", "most"].map(|column| format!("{column:>7}"));
        let columns = columns.concat();
        writeln!(f, "  {:24}{columns}    {columns}", "")?;
        for row in self.rows().filter(Row::is_there) {
            let numbers = |of: Distribution| {
                [of.least, of.median, of.greatest]
                    .map(|number| format!("{:>7}", written(row.metric, number)))
                    .concat()
            };
            let (real, simulated) = (numbers(row.real), numbers(row.simulated));
            write!(f, "  {:24}{real}    {simulated}", row.metric.word())?;
            match row.outside() {
                Some(side) => writeln!(f, "  {side}")?,
                None => writeln!(f)?,
            }
        }
        Ok(())
    }
}

/// Writes a count, or a time in seconds.
fn written(metric: Metric, number: u64) -> String {
    if metric.is_time() {
        let tenths = number.div_ceil(100);
        return format!("{}.{}s", tenths / 10, tenths % 10);
    }
    number.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use plimsoll_core::Instant;
    use plimsoll_oracle::{MemberId, Trace, TraceEvent};
    use std::iter::repeat_n;

    /// A run with this number of commits that were sent, and this time from healing to rest.
    fn run(commits: usize, rest: u64) -> Metrics {
        let member = MemberId(0);
        let mut trace = Trace::new();
        let events = repeat_n(TraceEvent::CommitSent { member }, commits);
        for event in events.chain([TraceEvent::Healed]) {
            trace.push(Instant::ZERO, event);
        }
        trace.push(Instant::from_millis(rest), TraceEvent::Quiet);
        Metrics::of(&trace)
    }

    #[test]
    fn a_table_has_what_happened_and_says_what_lies_outside() {
        let table = Table {
            scenario: "quick/example",
            real: &[run(9, 2_500), run(12, 4_010)],
            simulated: &[run(8, 2_100), run(10, 5_000), run(11, 5_000)],
        };
        let text = table.to_string();
        let expected = "\
quick/example
                            real Kafka (2 runs)       simulator (3 runs)
                            least median   most      least median   most
  commits sent                  9      9     12          8     10     11  above
  healing to rest            2.5s   2.5s   4.1s       2.1s   5.0s   5.0s
";
        let trimmed: Vec<&str> = text.lines().map(str::trim_end).collect();
        assert_eq!(trimmed.join("\n") + "\n", expected);
        let outside = "  commits sent                       9 to 12    simulator          8 to 11";
        assert_eq!(table.outside(), [outside]);
        assert!(text.lines().all(|line| line.len() <= 80), "{text}");
    }
}
