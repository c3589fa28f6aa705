//! Programs that end with the test.

use std::{
    io::{BufRead as _, BufReader},
    net::SocketAddr,
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::Duration,
};

use anyhow::{Context, Result};
use tokio::{net::TcpStream, time};

/// Longer than anything here takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(90);

/// A program, and what it says.
pub(super) struct Program {
    child: Child,
    output: Arc<Mutex<Vec<String>>>,
}

impl Program {
    pub(super) fn start(command: &mut Command) -> Result<Self> {
        let name = command.get_program().to_string_lossy().into_owned();
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .with_context(|| format!("cannot start `{name}`; it is in the Debian package `pebble`"))?;
        let output = Arc::new(Mutex::new(Vec::new()));
        let (stdout, lines) = (child.stdout.take().context("it is piped")?, Arc::clone(&output));
        thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                lines.lock().unwrap_or_else(PoisonError::into_inner).push(line);
            }
        });
        Ok(Self { child, output })
    }

    /// Waits until it listens.
    pub(super) async fn listens(&self, address: SocketAddr) -> Result<()> {
        let connect = async {
            while TcpStream::connect(address).await.is_err() {
                time::sleep(Duration::from_millis(10)).await;
            }
        };
        let said = || self.output.lock().unwrap_or_else(PoisonError::into_inner).join("\n");
        time::timeout(PATIENCE, connect)
            .await
            .with_context(|| format!("nothing listens at {address}: {}", said()))
    }

    /// How many lines it has said that hold this.
    pub(super) fn lines(&self, with: &str) -> usize {
        let output = self.output.lock().unwrap_or_else(PoisonError::into_inner);
        output.iter().filter(|line| line.contains(with)).count()
    }

    pub(super) fn stop(&mut self) {
        // Errors where it is gone already, which is just as well.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.stop();
    }
}
