//! When to try again: capped exponential waits with full jitter, and what the server asks for.

use std::time::Duration;

use jiff::Timestamp;
use reqwest::header::HeaderMap;

/// No server makes us wait longer at a time, whatever it asks for.
pub const LONGEST_WAIT: Duration = Duration::from_mins(10);

/// A series of waits that grow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    /// Bound of the first wait.
    pub base: Duration,
    /// Bound of every wait.
    pub cap: Duration,
}

impl Backoff {
    /// The wait before try number `attempt` + 1, where `random` in 0..1 picks from the whole range ("full jitter"),
    /// so that many clients never come back together.
    #[must_use]
    pub fn wait(&self, attempt: u32, random: f64) -> Duration {
        let doubled = 2_u32.checked_pow(attempt).unwrap_or(u32::MAX);
        let bound = self.base.saturating_mul(doubled).min(self.cap);
        bound.mul_f64(random.clamp(0.0, 1.0))
    }

    /// As [`Backoff::wait`] with a random pick.
    #[must_use]
    pub fn random_wait(&self, attempt: u32) -> Duration {
        self.wait(attempt, fastrand::f64())
    }
}

/// What `Retry-After` (seconds or an HTTP date) or `x-ratelimit-reset` (seconds) asks for, at most [`LONGEST_WAIT`].
///
/// `None` when neither is there or readable; a date that has passed is no wait.
#[must_use]
pub fn asked_for(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let text = |name: &str| headers.get(name)?.to_str().ok().map(str::trim);
    text("retry-after")
        .and_then(|value| seconds(value).or_else(|| until(value, now)))
        .or_else(|| text("x-ratelimit-reset").and_then(seconds))
        .map(|wait| wait.min(LONGEST_WAIT))
}

fn seconds(text: &str) -> Option<Duration> {
    let number: f64 = text.parse().ok().filter(|number: &f64| *number >= 0.0)?;
    // An infinite or absurd number is a wait all the same; the cap makes it a sane one.
    Some(Duration::try_from_secs_f64(number).unwrap_or(Duration::MAX))
}

fn until(date: &str, now: Timestamp) -> Option<Duration> {
    // HTTP dates end in GMT; RFC 2822 knows that zone as an obsolete one.
    let at = jiff::fmt::rfc2822::DateTimeParser::new()
        .parse_timestamp(date)
        .ok()?;
    Some(at.duration_since(now).try_into().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use reqwest::header::HeaderValue;

    use super::*;

    const BACKOFF: Backoff = Backoff {
        base: Duration::from_millis(500),
        cap: Duration::from_secs(8),
    };

    #[test]
    fn waits_double_up_to_the_cap_and_jitter_takes_any_part_of_them() {
        let longest: Vec<_> = (0..7).map(|n| BACKOFF.wait(n, 1.0).as_millis()).collect();
        assert_eq!(longest, [500, 1000, 2000, 4000, 8000, 8000, 8000]);
        assert_eq!(BACKOFF.wait(u32::MAX, 1.0), BACKOFF.cap);
        assert_eq!(BACKOFF.wait(3, 0.0), Duration::ZERO);
        assert_eq!(BACKOFF.wait(3, 0.25), Duration::from_secs(1));
        assert!((0..100).all(|_| BACKOFF.random_wait(2) <= Duration::from_secs(2)));
    }

    #[test]
    fn a_server_is_waited_for_as_it_asks_but_not_for_ever() {
        let now: Timestamp = "1994-11-06T08:49:00Z".parse().unwrap();
        let asked = |name: &'static str, value: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(name, HeaderValue::from_static(value));
            asked_for(&headers, now)
        };
        let cases = [
            ("retry-after", "7", Some(Duration::from_secs(7))),
            ("retry-after", " 1.5 ", Some(Duration::from_millis(1500))),
            (
                "retry-after",
                "Sun, 06 Nov 1994 08:49:37 GMT",
                Some(Duration::from_secs(37)),
            ),
            (
                "retry-after",
                "Sun, 06 Nov 1994 08:00:00 GMT",
                Some(Duration::ZERO),
            ),
            ("retry-after", "1000000000", Some(LONGEST_WAIT)),
            ("retry-after", "inf", Some(LONGEST_WAIT)),
            (
                "retry-after",
                "Thu, 31 Dec 2099 23:59:59 GMT",
                Some(LONGEST_WAIT),
            ),
            ("retry-after", "-5", None),
            ("retry-after", "NaN", None),
            ("retry-after", "soon", None),
            ("x-ratelimit-reset", "12", Some(Duration::from_secs(12))),
            ("x-other", "12", None),
        ];
        for (name, value, want) in cases {
            assert_eq!(asked(name, value), want, "{name}: {value}");
        }
    }
}
