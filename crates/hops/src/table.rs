//! Tables that fit the terminal.

use std::io;

use comfy_table::{ContentArrangement, Table, presets::NOTHING};
use jiff::{SignedDuration, Timestamp};

/// Lays out rows below a heading: as wide as the terminal, or as wide as they are where there is none.
pub(crate) fn table(heading: &[&str], rows: Vec<Vec<String>>) -> String {
    render(heading, rows, terminal_width())
}

fn render(heading: &[&str], rows: Vec<Vec<String>>, width: Option<u16>) -> String {
    let mut table = Table::new();
    table.load_style(NOTHING).set_header(heading.to_vec()).add_rows(rows);
    match width {
        Some(width) => {
            table.set_content_arrangement(ContentArrangement::Dynamic).set_width(width);
        }
        None => {
            table.set_content_arrangement(ContentArrangement::Disabled);
        }
    }
    let lines = table.lines().map(|line| {
        // The border's place is kept even where there is none.
        let line = line.strip_prefix(' ').unwrap_or(&line);
        format!("{}\n", line.trim_end())
    });
    lines.collect()
}

fn terminal_width() -> Option<u16> {
    let size = rustix::termios::tcgetwinsize(io::stdout()).ok()?;
    // Some terminals, such as serial ones, do not know.
    Some(size.ws_col).filter(|columns| *columns > 0)
}

/// How long ago something was, roughly: `3 min ago`.
pub(crate) fn ago(then: Timestamp, now: Timestamp) -> String {
    let seconds = now.duration_since(then).max(SignedDuration::ZERO).as_secs();
    match seconds {
        0..60 => format!("{seconds} s ago"),
        60..3600 => format!("{} min ago", seconds / 60),
        3600..86_400 => format!("{} h ago", seconds / 3600),
        _ => format!("{} d ago", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell_or_fit_the_terminal() {
        let rows = || {
            vec![
                vec!["api".to_owned(), "https://api.shop.example.com".to_owned()],
                vec!["backend".to_owned(), String::new()],
            ]
        };
        expect![[r"
            Appling  URL
            api      https://api.shop.example.com
            backend
        "]]
        .assert_eq(&render(&["Appling", "URL"], rows(), None));
        expect![[r"
            Appling  URL
            api      https://api.s
                     hop.example.c
                     om
            backend
        "]]
        .assert_eq(&render(&["Appling", "URL"], rows(), Some(24)));
    }

    #[test]
    fn ages_are_rough() {
        let then = Timestamp::UNIX_EPOCH;
        let age = |seconds| ago(then, then + SignedDuration::from_secs(seconds));
        assert_eq!(
            [age(5), age(61), age(7300), age(200_000)],
            ["5 s ago", "1 min ago", "2 h ago", "2 d ago"]
        );
        assert_eq!(ago(then + SignedDuration::from_secs(9), then), "0 s ago");
    }
}
