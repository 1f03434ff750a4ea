//! Sums as decimals: exact in any order, which sums of floats are not.

use crate::domain::value::Value;

/// A sum in billionths: exact for numbers of up to nine decimal places.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Decimal(i128);

/// Numbers this large and larger are not summed.
const SUMMABLE_BELOW: f64 = 1e18;
/// Decimal places of a [`Decimal`].
const PLACES: usize = 9;

impl Decimal {
    /// A sum of this many billionths.
    pub const fn from_billionths(billionths: i128) -> Self {
        Self(billionths)
    }

    /// This sum in billionths.
    pub const fn billionths(self) -> i128 {
        self.0
    }

    /// The decimal that `value` is written as; `None` for other values than numbers below 10^18.
    ///
    /// Reads the shortest decimal that means the double, so that 11.77 is 11.77 and not 11.7699999999999995737.
    /// Digits past the ninth place are cut off.
    pub(super) fn of(value: &Value) -> Option<Self> {
        let Value::Number(number) = value else { return None };
        if !number.is_finite() || number.abs() >= SUMMABLE_BELOW {
            return None;
        }
        let text = number.abs().to_string();
        let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
        let fraction: String = fraction.chars().chain("0".repeat(PLACES).chars()).take(PLACES).collect();
        let billionths: i128 = format!("{whole}{fraction}").parse().ok()?;
        Some(Self(if number.is_sign_negative() { -billionths } else { billionths }))
    }

    pub(super) fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// The double nearest to this decimal.
    pub(super) fn to_f64(self) -> f64 {
        let sign = if self.0 < 0 { "-" } else { "" };
        let digits = self.0.unsigned_abs();
        let scale = 10_u128.pow(9);
        format!("{sign}{}.{:09}", digits / scale, digits % scale).parse().unwrap_or(f64::NAN)
    }
}
