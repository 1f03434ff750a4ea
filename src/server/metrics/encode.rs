//! Writes the figures as Prometheus reads them. What was never counted is left out.

use std::fmt;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::Unit;
use tonic::Code;

use super::{ACTIONS, BOUNDS_MICROS, CODES, COLD_LOOKUPS, FACT_RESULTS, LOOKUP_RESULTS, Metrics};
use crate::server::methods::ENTRIES;

const MICROS_PER_SECOND: f64 = 1e6;

impl Collector for Metrics {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let help = "Calls that have ended, by method and gRPC code";
        let calls = encoder.encode_descriptor("kith_calls", help, None, MetricType::Counter)?;
        self.encode_calls(calls)?;

        let help = "Time from the headers of a call to the end of its answer, by method";
        let name = "kith_call_duration";
        let latencies = encoder.encode_descriptor(name, help, Some(&Unit::Seconds), MetricType::Histogram)?;
        self.encode_latencies(latencies)?;

        let help = "Customers looked up, by result";
        let mut lookups = encoder.encode_descriptor("kith_lookups", help, None, MetricType::Counter)?;
        for (at, label) in LOOKUP_RESULTS.iter().enumerate() {
            encode_count(&mut lookups, &[("result", *label)], self.sum(|counts| counts.lookups.get(at)))?;
        }

        let help = "Lookups answered with an answer that was kept and still stood";
        let mut kept = encoder.encode_descriptor("kith_kept_answers", help, None, MetricType::Counter)?;
        kept.encode_counter::<NoLabelSet, u64, f64>(&self.sum(|counts| Some(&counts.given_again)), None)?;

        let help = "Lookups by one key on the quick way that memory did not answer, by where they were read";
        let mut cold = encoder.encode_descriptor("kith_cold_lookups", help, None, MetricType::Counter)?;
        for (at, label) in COLD_LOOKUPS.iter().enumerate() {
            encode_count(&mut cold, &[("read", *label)], self.sum(|counts| counts.cold_lookups.get(at)))?;
        }

        let help = "Facts written, by result";
        let mut facts = encoder.encode_descriptor("kith_facts", help, None, MetricType::Counter)?;
        for (at, label) in FACT_RESULTS.iter().enumerate() {
            encode_count(&mut facts, &[("result", *label)], self.sum(|counts| counts.facts.get(at)))?;
        }

        let help = "What writes and corrections did to identities: lines of receipts, by action";
        let mut lines = encoder.encode_descriptor("kith_receipt_lines", help, None, MetricType::Counter)?;
        for (at, label) in ACTIONS.iter().enumerate() {
            encode_count(&mut lines, &[("action", *label)], self.sum(|counts| counts.lines.get(at)))?;
        }

        let help = "Calls in flight";
        let mut gauge = encoder.encode_descriptor("kith_in_flight_calls", help, None, MetricType::Gauge)?;
        gauge.encode_gauge(&gauge_value(self.in_flight.now()))?;

        let help = "Open connections";
        let mut gauge = encoder.encode_descriptor("kith_connections", help, None, MetricType::Gauge)?;
        gauge.encode_gauge(&gauge_value(self.connections.open()))?;

        let help = "Connections that came past the cap";
        let mut refused = encoder.encode_descriptor("kith_refused_connections", help, None, MetricType::Counter)?;
        refused.encode_counter::<NoLabelSet, u64, f64>(&self.connections.refused(), None)
    }
}

impl Metrics {
    fn encode_calls(&self, mut family: MetricEncoder<'_>) -> fmt::Result {
        for (method, entry) in ENTRIES.iter().enumerate() {
            for code in 0..CODES {
                let count = self.sum(|counts| counts.calls.get(method).and_then(|codes| codes.get(code)));
                if count > 0 {
                    let labels = [("method", entry.path.trim_start_matches('/')), ("code", code_name(code))];
                    encode_count(&mut family, &labels, count)?;
                }
            }
        }
        Ok(())
    }

    fn encode_latencies(&self, mut family: MetricEncoder<'_>) -> fmt::Result {
        for (method, entry) in ENTRIES.iter().enumerate() {
            let bucket = |at| self.sum(|counts| counts.latencies.get(method).and_then(|of| of.buckets.get(at)));
            let bounds = BOUNDS_MICROS.iter().map(|micros| *micros as f64 / MICROS_PER_SECOND).chain([f64::MAX]);
            let buckets: Vec<(f64, u64)> = bounds.enumerate().map(|(at, bound)| (bound, bucket(at))).collect();
            let count = buckets.iter().map(|(_, count)| count).sum();
            if count > 0 {
                let micros = self.sum(|counts| counts.latencies.get(method).map(|of| &of.micros));
                let labels = [("method", entry.path.trim_start_matches('/'))];
                let sum = micros as f64 / MICROS_PER_SECOND;
                family.encode_family(&labels)?.encode_histogram::<NoLabelSet>(sum, count, &buckets, None)?;
            }
        }
        Ok(())
    }
}

fn encode_count<const N: usize>(family: &mut MetricEncoder<'_>, labels: &[(&str, &str); N], count: u64) -> fmt::Result {
    family.encode_family(labels)?.encode_counter::<NoLabelSet, u64, f64>(&count, None)
}

fn gauge_value(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// The name of a code as gRPC writes it.
fn code_name(code: usize) -> &'static str {
    match Code::from(i32::try_from(code).unwrap_or(i32::MAX)) {
        Code::Ok => "OK",
        Code::Cancelled => "CANCELLED",
        Code::Unknown => "UNKNOWN",
        Code::InvalidArgument => "INVALID_ARGUMENT",
        Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
        Code::NotFound => "NOT_FOUND",
        Code::AlreadyExists => "ALREADY_EXISTS",
        Code::PermissionDenied => "PERMISSION_DENIED",
        Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
        Code::FailedPrecondition => "FAILED_PRECONDITION",
        Code::Aborted => "ABORTED",
        Code::OutOfRange => "OUT_OF_RANGE",
        Code::Unimplemented => "UNIMPLEMENTED",
        Code::Internal => "INTERNAL",
        Code::Unavailable => "UNAVAILABLE",
        Code::DataLoss => "DATA_LOSS",
        Code::Unauthenticated => "UNAUTHENTICATED",
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use prometheus_client::registry::Registry;

    use crate::domain::receipt::Action;
    use crate::server::cores::Connections;
    use crate::server::limits::InFlight;
    use crate::server::methods::Method;
    use crate::server::metrics::{FactResult, LookupResult};

    use super::*;

    #[test]
    fn the_counts_of_all_cores_are_added_up() {
        let metrics = Arc::new(Metrics::new(Arc::new(InFlight::new(9)), Arc::new(Connections::default())));
        for counts in [metrics.counts(), metrics.counts()] {
            counts.call(Method::of("/kith.v1.LookupService/Lookup"), Code::Ok, Duration::from_micros(30));
            counts.lookup(LookupResult::Found);
            counts.fact(FactResult::Duplicate);
            counts.line(Action::Unordered);
        }
        let mut registry = Registry::default();
        registry.register_collector(Box::new(metrics));
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &registry).unwrap();

        let lines = [
            r#"kith_calls_total{method="kith.v1.LookupService/Lookup",code="OK"} 2"#,
            r#"kith_call_duration_seconds_count{method="kith.v1.LookupService/Lookup"} 2"#,
            r#"kith_call_duration_seconds_bucket{le="0.000025",method="kith.v1.LookupService/Lookup"} 0"#,
            r#"kith_call_duration_seconds_bucket{le="0.00005",method="kith.v1.LookupService/Lookup"} 2"#,
            r#"kith_lookups_total{result="found"} 2"#,
            r#"kith_facts_total{result="duplicate"} 2"#,
            r#"kith_receipt_lines_total{action="unordered"} 2"#,
            r#"kith_receipt_lines_total{action="created"} 0"#,
            "kith_in_flight_calls 0",
            "kith_connections 0",
            "kith_refused_connections_total 0",
        ];
        for line in lines {
            assert!(text.lines().any(|written| written == line), "{line} is missing in\n{text}");
        }
    }
}
