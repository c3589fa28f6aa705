//! A fixed number of requests a second, whether or not answers come: what users do.

use std::{
    io::{Read, Write as _},
    net::{SocketAddr, TcpStream},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};

use super::load::HOST;

/// Each has a connection of its own, and its share of the rate.
const THREADS: u32 = 16;

/// Seconds within which 99 of 100 requests were answered.
pub(super) fn p99(to: SocketAddr, rate: u32, length: Duration) -> Result<f64> {
    let step = Duration::from_secs(1) * THREADS / rate;
    let begin = Instant::now() + Duration::from_millis(50);
    let threads: Vec<_> = (0..THREADS)
        .map(|index| {
            let first = begin + step * index / THREADS;
            thread::spawn(move || paced(to, first, step, begin + length))
        })
        .collect();
    let mut all = Vec::new();
    for thread in threads {
        match thread.join() {
            Ok(times) => all.extend(times?),
            Err(_) => bail!("a thread of the load panicked"),
        }
    }
    all.sort_unstable();
    let index = all.len() * 99 / 100;
    all.get(index).map(Duration::as_secs_f64).context("nothing was answered")
}

fn paced(to: SocketAddr, first: Instant, step: Duration, end: Instant) -> Result<Vec<Duration>> {
    let mut connection = TcpStream::connect(to)?;
    connection.set_nodelay(true)?;
    connection.set_read_timeout(Some(Duration::from_secs(10)))?;
    let request = format!("GET /small HTTP/1.1\r\nHost: {HOST}\r\n\r\n");
    let mut times = Vec::new();
    let mut due = first;
    while due < end {
        let now = Instant::now();
        // One that could not be sent in time waited since then; one that was sent late because this thread slept too
        // long did not.
        let begin = if now < due {
            thread::sleep(due - now);
            Instant::now()
        } else {
            due
        };
        connection.write_all(request.as_bytes())?;
        answer(&mut connection)?;
        times.push(begin.elapsed());
        due += step;
    }
    Ok(times)
}

/// Reads one answer with a `Content-Length`.
fn answer(connection: &mut impl Read) -> Result<()> {
    let mut text = Vec::with_capacity(1024);
    let mut part = [0; 4096];
    loop {
        let length = connection.read(&mut part)?;
        if length == 0 {
            bail!("the connection was closed");
        }
        text.extend_from_slice(&part[..length]);
        let Some(head) = text.windows(4).position(|four| four == b"\r\n\r\n") else { continue };
        let head_text = String::from_utf8_lossy(&text[..head]).to_ascii_lowercase();
        if !head_text.starts_with("http/1.1 200") {
            bail!("answered {head_text}");
        }
        let body = head_text
            .lines()
            .find_map(|line| line.strip_prefix("content-length:"))
            .and_then(|value| value.trim().parse::<usize>().ok())
            .context("an answer without a length")?;
        if text.len() >= head + 4 + body {
            return Ok(());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_ends_with_its_body() {
        let text = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
        assert!(answer(&mut text.as_slice()).is_ok());
        assert!(answer(&mut &text[..text.len() - 1]).is_err());
    }
}
