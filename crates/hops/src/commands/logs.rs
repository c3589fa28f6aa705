//! `hops logs`: the log lines of an app's instances.

use std::{collections::BTreeMap, pin::pin};

use anstyle::{AnsiColor, Style};
use futures::StreamExt;
use hops_engine::{LogLine, LogQuery};

use super::Result;
use crate::{
    args::LogsArgs,
    connection::{Answered, Connection},
    exit::Exit,
    printer::Printer,
    repository, runtime,
};

/// Enough to see where one follows; all of it could be days.
const TAIL_WHEN_FOLLOWING: u32 = 10;

/// Told apart easily on dark and light ground alike; red is left for errors.
const COLORS: [AnsiColor; 5] =
    [AnsiColor::Cyan, AnsiColor::Green, AnsiColor::Magenta, AnsiColor::Yellow, AnsiColor::Blue];

/// Prints the lines as they come.
pub(crate) fn run(arguments: &LogsArgs, printer: Printer) -> Result {
    let tail =
        arguments.tail.or((arguments.follow && arguments.since.is_none()).then_some(TAIL_WHEN_FOLLOWING));
    let query = LogQuery {
        target: repository::target(&arguments.target)?,
        appling: arguments.appling.clone(),
        follow: arguments.follow,
        previous: arguments.previous,
        tail,
        since: arguments.since,
    };
    let client = Connection::find(&arguments.connection)?.client;
    runtime::small()?.block_on(async {
        let mut lines = pin!(client.logs(query).await.answered()?);
        let mut prefixes = Prefixes::default();
        while let Some(line) = lines.next().await {
            let line = line.answered()?;
            if printer.is_json() {
                printer.json(&line)?;
            } else {
                printer.data(&prefixes.line(&line))?;
            }
        }
        Ok(Exit::Done)
    })
}

/// `appling/instance |`, in the instance's own colour, as wide as the widest so far.
#[derive(Debug, Default)]
struct Prefixes {
    styles: BTreeMap<String, Style>,
    width: usize,
}

impl Prefixes {
    fn line(&mut self, line: &LogLine) -> String {
        let count = self.styles.len();
        let style = self.styles.entry(line.instance.clone());
        let style = style.or_insert_with(|| COLORS[count % COLORS.len()].on_default());
        let prefix = format!("{}/{}", line.appling, line.instance);
        self.width = self.width.max(prefix.len());
        format!("{style}{prefix:width$} |{style:#} {text}\n", width = self.width, text = line.text)
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;
    use hops_model::ApplingName;

    use super::*;

    #[test]
    fn lines_are_told_apart_by_their_instance() {
        let mut prefixes = Prefixes::default();
        let mut text = String::new();
        for (instance, line) in [("api-1", "ready"), ("api-backup-2", "GET /"), ("api-1", "GET /")] {
            text.push_str(&prefixes.line(&LogLine {
                appling: ApplingName::parse("api").unwrap(),
                instance: instance.into(),
                at: None,
                text: line.into(),
            }));
        }
        assert_eq!(prefixes.styles.values().filter(|style| **style == COLORS[0].on_default()).count(), 1);
        expect![[r"
            api/api-1 | ready
            api/api-backup-2 | GET /
            api/api-1        | GET /
        "]]
        .assert_eq(&anstream::adapter::strip_str(&text).to_string());
    }
}
