//! Values that stand alone, outside of a file: a command line has the same ones.

use super::form::{Measure, in_words};
use super::units::{Rate, Span};
use super::value::Refused;
use std::time::Duration;

/// Reads a duration, as in "250ms".
///
/// # Errors
/// Says what was expected.
pub fn duration(text: &str) -> Result<Duration, String> {
    read::<Duration, _>(text)
}

/// Reads the shortest and the longest of a range of durations, as in "1ms..20ms" or "5ms".
///
/// # Errors
/// Says what was expected.
pub fn durations(text: &str) -> Result<(Duration, Duration), String> {
    read::<Span<Duration>, _>(text)
}

/// Reads a rate, a second, as in "40/s".
///
/// # Errors
/// Says what was expected.
pub fn rate(text: &str) -> Result<f64, String> {
    read::<Rate, _>(text)
}

fn read<M: Measure<T>, T>(text: &str) -> Result<T, String> {
    let value = M::from_text(text).map_err(|refused| match refused {
        Refused::Because(reason) => format!("{reason}: expected {}", M::EXPECTED),
        _ => format!("expected {}", M::EXPECTED),
    })?;
    let value = value.value();
    match M::is_allowed(&value) {
        true => Ok(value),
        false => Err(format!("expected {}", in_words(M::schema().as_value()))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_refused_says_what_was_expected() {
        let one = r#"expected a rate such as "40/s" or "90/min""#;
        let above_0 = "expected a rate from 0.001/s to 1000000/s";
        assert_eq!(rate("500/s"), Ok(500.0));
        assert_eq!(rate("fast"), Err(one.into()));
        assert_eq!(rate("0/s"), Err(above_0.into()));
        let (shortest, longest) = (Duration::from_millis(5), Duration::from_millis(50));
        assert_eq!(durations("5ms..50ms"), Ok((shortest, longest)));
        let range = r#"a range of durations such as "1ms..20ms", or one duration"#;
        assert_eq!(
            durations("50ms..5ms"),
            Err(format!("the range ends before it begins: expected {range}"))
        );
        assert_eq!(duration("5m"), Ok(Duration::from_secs(300)));
        let one = r#"expected a duration such as "250ms", "1.5s" or "5m""#;
        assert_eq!(duration("soon"), Err(one.into()));
    }
}
