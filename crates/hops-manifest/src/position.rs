//! Byte offsets → lines and columns.

/// Where the lines of a text begin.
#[derive(Debug, Clone)]
pub(crate) struct Lines {
    starts: Vec<usize>,
}

impl Lines {
    /// Finds the lines of a text; `\n` ends one, and `\r\n` with it.
    pub(crate) fn new(text: &str) -> Self {
        let after_newlines =
            text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at + 1);
        Self { starts: std::iter::once(0).chain(after_newlines).collect() }
    }

    /// Line and column of an offset, both from 1; the column counts characters.
    pub(crate) fn position(&self, text: &str, offset: usize) -> (u32, u32) {
        let line = self.line(offset);
        let start = self.starts[line];
        let before = text.get(start..offset).unwrap_or_default();
        (count(line + 1), count(before.chars().count() + 1))
    }

    /// Index of the line that holds an offset, from 0.
    pub(crate) fn line(&self, offset: usize) -> usize {
        self.starts.partition_point(|start| *start <= offset).saturating_sub(1)
    }

    /// How many lines there are.
    pub(crate) fn count(&self) -> usize {
        self.starts.len()
    }

    /// The text of a line, without its end.
    pub(crate) fn text<'t>(&self, text: &'t str, line: usize) -> &'t str {
        let start = self.starts.get(line).copied().unwrap_or(text.len());
        let end = self.starts.get(line + 1).copied().unwrap_or(text.len());
        text.get(start..end).unwrap_or_default().trim_end_matches(['\n', '\r'])
    }
}

/// Files have at most 1 MiB, so their lines and columns fit.
fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_count_characters_not_bytes() {
        let text = "a = 1\r\nemoji = \"🗿\" # é x\n";
        let lines = Lines::new(text);
        assert_eq!(lines.position(text, 0), (1, 1));
        assert_eq!(lines.position(text, text.find('e').unwrap()), (2, 1));
        assert_eq!(lines.position(text, text.find('x').unwrap()), (2, 17));
        assert_eq!(lines.position(text, text.len()), (3, 1));
        assert_eq!(lines.text(text, 0), "a = 1");
    }
}
