//! Following a deploy from the terminal.

use std::pin::pin;

use futures::StreamExt;
use hops_api::Client;
use hops_model::{Deploy, DeployId, Event, Outcome};
use tokio::{signal, time};

use super::Result;
use crate::{
    connection::Answered,
    exit::Exit,
    failure::Failure,
    live::{TICK, View},
    printer::Printer,
};

/// Passes on what was begun. For programs, a deploy that does not even begin ends with an outcome like any other.
pub(crate) fn begun<T>(
    begun: std::result::Result<T, Failure>,
    printer: Printer,
) -> std::result::Result<T, Failure> {
    if let (Err(failure), true) = (&begun, printer.is_json()) {
        printer.json(&Event::Outcome(Outcome::failed(failure.cause())))?;
    }
    begun
}

/// Follows a deploy that was just started, or only says its number.
pub(crate) async fn start(client: &Client, deploy: &Deploy, detach: bool, printer: Printer) -> Result {
    if !detach {
        return follow(client, deploy.id, printer).await;
    }
    if printer.is_json() {
        printer.json(deploy)?;
    } else {
        printer.data(&format!("{}\n", deploy.id))?;
        printer.hint(&format!("`hops watch {}` follows it", deploy.id));
    }
    Ok(Exit::Done)
}

/// Shows a deploy's events from the first to the outcome. The client picks the stream up again when it breaks off.
pub(crate) async fn follow(client: &Client, deploy: DeployId, printer: Printer) -> Result {
    let mut view = View::new(printer);
    let mut events = pin!(client.events(deploy, 0));
    let mut interrupted = pin!(signal::ctrl_c());
    let mut ticks = time::interval(TICK);
    loop {
        let event = tokio::select! {
            event = events.next() => event,
            _ = ticks.tick() => {
                view.tick();
                continue;
            }
            _ = &mut interrupted => {
                view.close();
                printer.note(&format!("Deploy {deploy} goes on without being watched"));
                printer.hint(&format!("`hops watch {deploy}` follows it again, `hops cancel {deploy}` stops it"));
                return Ok(Exit::Interrupted);
            }
        };
        match event {
            Some(Ok((_, event))) => {
                view.show(&event)?;
                if let Event::Outcome(outcome) = &event {
                    view.finish(outcome)?;
                    return Ok(Exit::from(outcome));
                }
            }
            Some(Err(error)) => {
                view.close();
                return Err::<Exit, _>(error).answered().map_err(|failure| lost(failure, deploy));
            }
            None => {
                view.close();
                return Err(lost(
                    anyhow::anyhow!("the server ended the stream of events too early").into(),
                    deploy,
                ));
            }
        }
    }
}

/// The deploy itself may be well; what is lost is the sight of it. Not so where there is no such deploy.
fn lost(failure: Failure, deploy: DeployId) -> Failure {
    match failure.exit {
        Exit::Platforms => {
            failure.hint(format!("the deploy goes on; `hops watch {deploy}` follows it again"))
        }
        _ => failure,
    }
}
