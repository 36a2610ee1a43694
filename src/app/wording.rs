//! Figures in the one form that all screens use.

use std::time::Duration;

use jiff::tz::TimeZone;

use crate::model::{Timestamp, Usd};

/// A running or measured time: `0:41`, `12:05`, `1:02:03`.
#[must_use]
pub fn clock(time: Duration) -> String {
    let seconds = time.as_secs();
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if hours > 0 {
        format!("{hours}:{minutes:02}:{seconds:02}")
    } else {
        format!("{minutes}:{seconds:02}")
    }
}

/// A length of video: `5.8 s`.
#[must_use]
pub fn seconds(length: Duration) -> String {
    format!("{:.1} s", length.as_secs_f64())
}

/// A size: `312 kB`, `4.6 MB`.
#[must_use]
pub fn bytes(size: u64) -> String {
    let (whole, unit) = match size {
        0..1_000 => return format!("{size} B"),
        1_000..1_000_000 => return format!("{} kB", size.div_ceil(1_000)),
        1_000_000..1_000_000_000 => (size / 100_000, "MB"),
        _ => (size / 100_000_000, "GB"),
    };
    format!("{}.{} {unit}", whole / 10, whole % 10)
}

/// The time of day where the user is: `09:14:03`.
#[must_use]
pub fn time_of_day(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned(zone.clone()).strftime("%H:%M:%S").to_string()
}

/// Day and time where the user is: `2026-11-22 09:14:03`.
#[must_use]
pub fn date_and_time(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned(zone.clone())
        .strftime("%Y-%m-%d %H:%M:%S")
        .to_string()
}

/// How long ago something was: `just now`, `12 min ago`, `3 h ago`, `5 days ago`.
#[must_use]
pub fn ago(at: Timestamp, now: Timestamp) -> String {
    // Clocks differ; what is of the future is of now.
    let minutes = now.duration_since(at).as_secs().max(0) / 60;
    match minutes {
        0 => "just now".to_owned(),
        1..60 => format!("{minutes} min ago"),
        60..2880 => format!("{} h ago", minutes / 60),
        _ => format!("{} days ago", minutes / 1440),
    }
}

/// What something will cost: `≈ $1.16`.
#[must_use]
pub fn estimate(cost: Option<Usd>) -> String {
    cost.map_or_else(|| "cost unknown".to_owned(), |cost| format!("≈ {cost}"))
}

/// `1 job`, `2 jobs`.
#[must_use]
pub fn count(number: usize, one: &str) -> String {
    if number == 1 {
        format!("1 {one}")
    } else {
        format!("{number} {one}s")
    }
}

/// How many of `sent` bytes of `total` are there, in percent.
#[must_use]
pub fn percent(sent: u64, total: u64) -> u8 {
    let part = u128::from(sent) * 100 / u128::from(total.max(1));
    u8::try_from(part.min(100)).expect("at most 100")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_sizes_have_one_form() {
        for (seconds, want) in [(0, "0:00"), (41, "0:41"), (725, "12:05"), (3723, "1:02:03")] {
            assert_eq!(clock(Duration::from_secs(seconds)), want);
        }
        assert_eq!(seconds(Duration::from_millis(5800)), "5.8 s");
        for (size, want) in [
            (999, "999 B"),
            (311_400, "312 kB"),
            (4_650_000, "4.6 MB"),
            (2_000_000_000, "2.0 GB"),
        ] {
            assert_eq!(bytes(size), want);
        }
        assert_eq!(count(1, "job"), "1 job");
        assert_eq!(count(0, "job"), "0 jobs");
        assert_eq!((percent(1, 3), percent(9, 0), percent(0, 5)), (33, 100, 0));
    }
}
