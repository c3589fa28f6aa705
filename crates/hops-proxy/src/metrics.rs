//! What was counted, for Prometheus.

use std::{fmt, sync::Arc, time::Duration};

use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric, MetricEncoder, NoLabelSet, text::encode},
    metrics::{MetricType, counter::ConstCounter, gauge::ConstGauge},
    registry::Registry,
};

use crate::{
    admission::Admission,
    counters::{BOUNDS, Counters, Totals},
    routes::Routes,
};

const CLASSES: [&str; 6] = ["none", "1xx", "2xx", "3xx", "4xx", "5xx"];

/// Everything as text.
pub(crate) fn text(routes: &Routes, admission: &Admission, strays: &Counters) -> String {
    let mut registry = Registry::with_prefix("hops_proxy");
    registry.register_collector(Box::new(Snapshot::take(routes, admission, strays)));
    let mut text = String::new();
    // Writing to a string does not fail.
    let _ = encode(&mut text, &registry);
    text
}

/// The counters at one time.
#[derive(Debug)]
struct Snapshot {
    connections: usize,
    rows: Vec<Row>,
}

/// Those of one release of one upstream.
#[derive(Debug)]
struct Row {
    upstream: String,
    /// Empty for requests that reached no backend.
    release: String,
    in_flight: usize,
    totals: Totals,
}

impl Snapshot {
    fn take(routes: &Routes, admission: &Admission, strays: &Counters) -> Self {
        let row = |upstream: &str, release: &str, in_flight, counters: &Counters| Row {
            upstream: upstream.to_owned(),
            release: release.to_owned(),
            in_flight,
            totals: counters.totals(),
        };
        let mut rows = vec![row("", "", 0, strays)];
        for upstream in routes.table().load().upstreams() {
            rows.push(row(upstream.name(), "", 0, upstream.counters()));
            for (release, in_flight) in upstream.counted() {
                rows.push(row(upstream.name(), &release.name, in_flight, &Arc::clone(&release.counters)));
            }
        }
        Self { connections: admission.count(), rows }
    }
}

impl Collector for Snapshot {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let gauge = ConstGauge::new(i64::try_from(self.connections).unwrap_or(i64::MAX));
        gauge.encode(describe(
            &mut encoder,
            "connections",
            "Connections from clients",
            MetricType::Gauge,
        )?)?;

        let help = "Requests answered, by the class of their status";
        let mut metric = describe(&mut encoder, "requests", help, MetricType::Counter)?;
        for row in &self.rows {
            for (class, count) in CLASSES.iter().zip(row.totals.classes).filter(|(_, count)| *count > 0) {
                let labels = [("upstream", &*row.upstream), ("release", &*row.release), ("class", class)];
                ConstCounter::new(count).encode(metric.encode_family(&labels)?)?;
            }
        }

        let mut metric = describe(&mut encoder, "in_flight", "Requests being served", MetricType::Gauge)?;
        for row in &self.rows {
            let gauge = ConstGauge::new(i64::try_from(row.in_flight).unwrap_or(i64::MAX));
            gauge.encode(metric.encode_family(&row.labels())?)?;
        }

        for (name, help, is_received) in [
            ("received_bytes", "Bytes of requests' bodies", true),
            ("sent_bytes", "Bytes of answers' bodies", false),
        ] {
            let mut metric = describe(&mut encoder, name, help, MetricType::Counter)?;
            for row in &self.rows {
                let count = if is_received { row.totals.received } else { row.totals.sent };
                ConstCounter::new(count).encode(metric.encode_family(&row.labels())?)?;
            }
        }

        let help = "From a request's head to the end of its answer";
        let mut metric = describe(&mut encoder, "duration_seconds", help, MetricType::Histogram)?;
        for row in &self.rows {
            let count = row.totals.durations.iter().sum();
            let bounds = BOUNDS.into_iter().chain([f64::MAX]).zip(row.totals.durations).collect::<Vec<_>>();
            let sum = Duration::from_micros(row.totals.duration_us).as_secs_f64();
            let labels = row.labels();
            let mut metric = metric.encode_family(&labels)?;
            metric.encode_histogram::<NoLabelSet>(sum, count, &bounds, None)?;
        }
        Ok(())
    }
}

impl Row {
    fn labels(&self) -> impl EncodeLabelSet {
        [("upstream", self.upstream.clone()), ("release", self.release.clone())]
    }
}

fn describe<'e>(
    encoder: &'e mut DescriptorEncoder<'_>,
    name: &'e str,
    help: &str,
    kind: MetricType,
) -> Result<MetricEncoder<'e>, fmt::Error> {
    encoder.encode_descriptor(name, help, None, kind)
}
