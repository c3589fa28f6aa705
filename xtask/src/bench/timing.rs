//! Whole processes, timed.

use std::{
    process::{Command, Stdio},
    time::Instant,
};

use anyhow::{Context as _, Result, bail};

/// Seconds, sorted.
pub(super) struct Times(Vec<f64>);

impl Times {
    pub(super) fn of(mut seconds: Vec<f64>) -> Self {
        seconds.sort_by(f64::total_cmp);
        Self(seconds)
    }

    pub(super) fn median(&self) -> f64 {
        let middle = self.0.len() / 2;
        if self.0.len().is_multiple_of(2) {
            self.0[middle - 1].midpoint(self.0[middle])
        } else {
            self.0[middle]
        }
    }

    pub(super) fn fastest(&self) -> f64 {
        self.0[0]
    }

    pub(super) fn slowest(&self) -> f64 {
        self.0[self.0.len() - 1]
    }

    pub(super) fn count(&self) -> usize {
        self.0.len()
    }
}

/// Runs programs one after the other to their ends; gives the seconds from the first start to the last end.
pub(super) fn seconds(commands: impl IntoIterator<Item = Command>) -> Result<f64> {
    let begin = Instant::now();
    for mut command in commands {
        let output = command
            .stdin(Stdio::null())
            .output()
            .with_context(|| format!("cannot start {}", command.get_program().display()))?;
        if !output.status.success() {
            let words = [output.stdout, output.stderr].concat();
            bail!("{} failed: {}", command.get_program().display(), String::from_utf8_lossy(&words).trim());
        }
    }
    Ok(begin.elapsed().as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::Times;

    #[test]
    fn the_median_is_the_middle_one_or_between_the_two_middle_ones() {
        let median = |seconds: &[f64]| Times::of(seconds.to_vec()).median();
        assert!((median(&[3.0, 1.0, 2.0]) - 2.0).abs() < f64::EPSILON);
        assert!((median(&[4.0, 1.0, 2.0, 3.0]) - 2.5).abs() < f64::EPSILON);
    }
}
