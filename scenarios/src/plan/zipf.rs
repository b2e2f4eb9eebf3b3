//! Skewed choices of keys, with the same result on every machine.

/// How often each of some keys is chosen: key k (from 0) in proportion to `1 / (k + 1)^skew`.
#[derive(Clone, Debug, Default)]
pub(super) struct Zipf {
    keys: u32,
    skew: f64,
    /// The weights of the keys up to each one, added up; empty where all weigh the same.
    sums: Vec<f64>,
}

impl Zipf {
    /// Prepares for these keys; costs nothing where it already is.
    pub(super) fn prepare(&mut self, keys: u32, skew: f64) {
        if (self.keys, self.skew) == (keys, skew) {
            return;
        }
        (self.keys, self.skew) = (keys, skew);
        self.sums.clear();
        if skew == 0.0 {
            return;
        }
        let mut sum = 0.0;
        for key in 1..=keys {
            sum += 1.0 / power(f64::from(key), skew);
            self.sums.push(sum);
        }
    }

    /// Returns the key at `unit`, a number from 0 to, not including, 1.
    pub(super) fn key(&self, unit: f64) -> u32 {
        if self.sums.is_empty() {
            return (unit * f64::from(self.keys)) as u32;
        }
        let target = unit * self.sums.last().copied().unwrap_or(0.0);
        let key = self.sums.partition_point(|sum| *sum <= target) as u32;
        key.min(self.keys.saturating_sub(1))
    }
}

/// Raises `base` to the power of `exponent`, which is not negative.
///
/// The standard library's `powf` may differ in the last bit from one machine to another, and a
/// plan must not; multiplication and square roots are exact by IEEE 754, so this takes the
/// exponent bit by bit.
fn power(base: f64, exponent: f64) -> f64 {
    let mut result = 1.0;
    for _ in 0..exponent.trunc() as u32 {
        result *= base;
    }
    let (mut rest, mut root) = (exponent.fract(), base);
    while rest > 0.0 {
        root = root.sqrt();
        rest *= 2.0;
        if rest >= 1.0 {
            result *= root;
            rest -= 1.0;
        }
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn powers_are_those_of_the_library_but_for_rounding() {
        for (base, exponent) in [
            (2.0, 0.5),
            (7.0, 1.2),
            (30.0, 0.0),
            (1000.0, 0.99),
            (3.0, 2.75),
        ] {
            let (ours, theirs) = (power(base, exponent), f64::powf(base, exponent));
            assert!(
                (ours / theirs - 1.0).abs() < 1e-12,
                "{base}^{exponent}: {ours}"
            );
        }
    }

    #[test]
    fn keys_are_chosen_in_proportion() {
        let mut zipf = Zipf::default();
        zipf.prepare(4, 1.0);
        let mut counts = [0; 4];
        for step in 0..2_500 {
            counts[zipf.key((f64::from(step) + 0.5) / 2_500.0) as usize] += 1;
        }
        // 1 : 1/2 : 1/3 : 1/4, which is 12 : 6 : 4 : 3 of 25.
        assert_eq!(counts, [1_200, 600, 400, 300]);
        zipf.prepare(4, 0.0);
        assert_eq!(
            [0.0, 0.25, 0.5, 0.75, 0.999_999].map(|unit| zipf.key(unit)),
            [0, 1, 2, 3, 3]
        );
    }
}
