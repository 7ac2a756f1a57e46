//! Measurements, as ratios against a named peer or floor in the same run.

pub mod crypto;
pub mod host;
#[cfg(target_os = "linux")]
pub mod hotplug;
pub mod listing;
pub mod renewal;
#[cfg(target_os = "linux")]
pub mod unlock;
#[cfg(target_os = "linux")]
pub mod window;

use std::time::Duration;

use serde::Serialize;

/// A line of the table.
#[derive(Debug, Clone, Serialize)]
pub struct Row {
    pub name: String,
    /// Seconds, or operations a second where `unit` says so; a bare number without a unit.
    pub ours: f64,
    pub beside: f64,
    pub beside_name: String,
    /// Ours against the peer; more is slower.
    pub ratio: f64,
    /// The ratio wanted, where one is.
    pub wanted: Option<f64>,
    pub ok: bool,
    pub unit: &'static str,
}

impl Row {
    /// Two times; the ratio must not pass `wanted`.
    pub fn times(name: &str, ours: Duration, beside_name: &str, beside: Duration, wanted: f64) -> Self {
        let ratio = ours.as_secs_f64() / beside.as_secs_f64();
        Self {
            name: name.to_owned(),
            ours: ours.as_secs_f64(),
            beside: beside.as_secs_f64(),
            beside_name: beside_name.to_owned(),
            ratio,
            wanted: Some(wanted),
            ok: ratio <= wanted,
            unit: "s",
        }
    }

    /// Two rates, printed only.
    pub fn rates(name: &str, ours: f64, beside_name: &str, beside: f64) -> Self {
        Self {
            name: name.to_owned(),
            ours,
            beside,
            beside_name: beside_name.to_owned(),
            ratio: beside / ours,
            wanted: None,
            ok: true,
            unit: "1/s",
        }
    }
}

/// The middle of what was measured: a shared machine stalls now and then, and a mean would tell of that.
pub fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}
