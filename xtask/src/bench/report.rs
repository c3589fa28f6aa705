//! A measurement as a page.

use super::timing::Times;

/// What was measured.
pub(super) struct Report {
    /// The page's file name.
    pub(super) name: &'static str,
    pub(super) title: &'static str,
    /// What was done, so that somebody else can do it again.
    pub(super) method: String,
    pub(super) rows: Vec<(String, String)>,
}

impl Report {
    /// A row of the fastest, the middle and the slowest.
    pub(super) fn times(&mut self, what: &str, times: &Times) {
        let text = format!(
            "median {:.0} ms (fastest {:.0}, slowest {:.0}, {} times)",
            times.median() * 1e3,
            times.fastest() * 1e3,
            times.slowest() * 1e3,
            times.count()
        );
        self.row(what, text);
    }

    pub(super) fn row(&mut self, what: &str, text: impl Into<String>) {
        self.rows.push((what.to_owned(), text.into()));
    }

    pub(super) fn text(&self, machine: &str) -> String {
        let rows: Vec<String> = self.rows.iter().map(|(what, text)| format!("| {what} | {text} |")).collect();
        format!(
            "# {}\n\n{}\n\n| | |\n| --- | --- |\n{}\n\nMeasured with `cargo xtask bench {}` on {machine}.\n",
            self.title,
            self.method,
            rows.join("\n"),
            self.name
        )
    }
}
