//! Amounts: exact micro-USDT, never a float inside.

use std::borrow::Cow;
use std::fmt;
use std::iter::Sum;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use store::{Cell, Field, Kind, Mismatch, Value};

/// An amount in micro-USDT (1 USDT = 1,000,000). On the wire a JSON number with at most 6 decimals, or the same as a string.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Usdt(i64);

const MICRO: i64 = 1_000_000;
const DECIMALS: usize = 6;

/// Why a text is not an amount.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AmountError {
    /// Signs, letters, two points, nothing at all.
    #[error("an amount is a number such as 25 or 0.05")]
    NotANumber,
    /// More than six decimals that are not zero.
    #[error("an amount has at most 6 decimals")]
    TooFine,
    /// Above [`Usdt::MAX`].
    #[error("an amount is at most 1000000000")]
    TooLarge,
}

impl Usdt {
    /// Nothing.
    pub const ZERO: Self = Self(0);
    /// The largest amount taken from outside, 10^9 USDT: up to here a JSON number is exact to the micro.
    pub const MAX: Self = Self(1_000_000_000 * MICRO);

    /// From micro-USDT.
    pub const fn from_micro(micro: i64) -> Self {
        Self(micro)
    }

    /// In micro-USDT.
    pub const fn micro(self) -> i64 {
        self.0
    }

    /// The sum, or nothing when it does not fit.
    pub fn checked_add(self, other: Self) -> Option<Self> {
        self.0.checked_add(other.0).map(Self)
    }

    /// The difference, or nothing when it does not fit.
    pub fn checked_sub(self, other: Self) -> Option<Self> {
        self.0.checked_sub(other.0).map(Self)
    }

    /// So many times the amount, or nothing when it does not fit.
    pub fn times(self, n: i64) -> Option<Self> {
        self.0.checked_mul(n).map(Self)
    }

    /// So many basis points (hundredths of a percent, at most 10,000) of it, rounded down.
    #[must_use]
    pub fn basis_points(self, bp: i64) -> Self {
        let micro = i128::from(self.0) * i128::from(bp) / 10_000;
        Self(i64::try_from(micro).expect("a part is not larger than the whole"))
    }

    /// What a posting takes away.
    #[must_use]
    pub fn negated(self) -> Self {
        Self(self.0.checked_neg().expect("amounts stay far from the edge of i64"))
    }

    /// Reads an amount of at least zero from decimal text, also in exponent form, exactly.
    pub fn parse(text: &str) -> Result<Self, AmountError> {
        let (mantissa, exponent) = match text.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().map_err(|_| AmountError::NotANumber)?),
            None => (text, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        if whole.is_empty()
            || mantissa.ends_with('.')
            || mantissa.len() > 64
            || !whole.bytes().chain(fraction.bytes()).all(|b| b.is_ascii_digit())
        {
            return Err(AmountError::NotANumber);
        }
        let digits = format!("{whole}{fraction}");
        let digits = digits.trim_start_matches('0');
        if digits.is_empty() {
            return Ok(Self::ZERO);
        }
        // The value is 0.DIGITS x 10^point; in micro the decimal point moves six places on.
        let zeros = whole.len() + fraction.len() - digits.len();
        let places = |n: usize| i64::try_from(n).expect("the text has at most 64 characters");
        let point = i64::from(exponent) + places(whole.len()) - places(zeros) + places(DECIMALS);
        let significant = digits.trim_end_matches('0');
        let point = usize::try_from(point).map_err(|_| AmountError::TooFine)?;
        if significant.len() > point {
            return Err(AmountError::TooFine);
        }
        if point > 18 {
            return Err(AmountError::TooLarge);
        }
        let micro: i64 = format!("{significant:0<point$}").parse().map_err(|_| AmountError::TooLarge)?;
        if micro > Self::MAX.0 { Err(AmountError::TooLarge) } else { Ok(Self(micro)) }
    }

    /// The nearest JSON number. Exact up to [`Usdt::MAX`]: the shortest decimal form of the float has these digits.
    #[expect(
        clippy::float_arithmetic,
        clippy::cast_precision_loss,
        reason = "the one place where an amount leaves the integers, on its way out"
    )]
    fn as_json_number(self) -> f64 {
        self.0 as f64 / MICRO as f64
    }
}

impl fmt::Display for Usdt {
    /// As people write it: at least two decimals, up to six.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let micro = self.0.unsigned_abs();
        let (whole, fraction) = (micro / MICRO.unsigned_abs(), micro % MICRO.unsigned_abs());
        let fraction = format!("{fraction:06}");
        let shown = fraction.trim_end_matches('0');
        write!(f, "{sign}{whole}.{shown:0<2}")
    }
}

impl Sum for Usdt {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        amounts.fold(Self::ZERO, |a, b| a.checked_add(b).expect("sums of stored amounts stay far from the edge of i64"))
    }
}

impl Serialize for Usdt {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(self.as_json_number())
    }
}

impl<'de> Deserialize<'de> for Usdt {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AmountVisitor)
    }
}

struct AmountVisitor;

impl Visitor<'_> for AmountVisitor {
    type Value = Usdt;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an amount in USDT with at most 6 decimals")
    }
    fn visit_u64<E: de::Error>(self, n: u64) -> Result<Usdt, E> {
        Usdt::parse(&n.to_string()).map_err(E::custom)
    }
    fn visit_i64<E: de::Error>(self, n: i64) -> Result<Usdt, E> {
        Usdt::parse(&n.to_string()).map_err(E::custom)
    }
    fn visit_f64<E: de::Error>(self, n: f64) -> Result<Usdt, E> {
        // The number is the one that was written (see `numbers`); its text may be in exponent form. No arithmetic on the way in.
        serde_json::Number::from_f64(n).ok_or(AmountError::NotANumber).and_then(|n| Usdt::parse(&n.to_string())).map_err(E::custom)
    }
    fn visit_str<E: de::Error>(self, text: &str) -> Result<Usdt, E> {
        Usdt::parse(text).map_err(E::custom)
    }
}

impl JsonSchema for Usdt {
    fn schema_name() -> Cow<'static, str> {
        "Usdt".into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut schema = json_schema!({ "type": "number", "description": "USDT, at most 6 decimals; a decimal string is accepted too", "examples": [25.5] });
        if generator.contract().is_deserialize() {
            schema.insert("minimum".into(), 0.into());
            schema.insert("maximum".into(), (Self::MAX.0 / MICRO).into());
        }
        schema
    }
}

impl Field for Usdt {
    const KIND: Kind = Kind::Int;
    fn store(&self) -> Value<'_> {
        Value::Int(self.0)
    }
    fn load(cell: Cell<'_>) -> Result<Self, Mismatch> {
        i64::load(cell).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn amounts_are_read_exactly_or_refused() {
        for (text, micro) in [
            ("0", 0),
            ("25", 25_000_000),
            ("25.00", 25_000_000),
            ("0.000001", 1),
            ("1e-6", 1),
            ("2.5e1", 25_000_000),
            ("1000000000", 1_000_000_000_000_000),
            ("0.10000000", 100_000),
            ("1E3", 1_000_000_000),
        ] {
            assert_eq!(Usdt::parse(text), Ok(Usdt(micro)), "{text}");
        }
        for text in ["", "-1", "+1", "1.", ".5", "abc", "1,5", "NaN", "Infinity", "0x10", " 1", "1e", "--1", "1.2.3", "1e999999999999"] {
            assert_eq!(Usdt::parse(text), Err(AmountError::NotANumber), "{text}");
        }
        for text in ["0.0000001", "1e-7", "1.1234567", "1e-2147483648"] {
            assert_eq!(Usdt::parse(text), Err(AmountError::TooFine), "{text}");
        }
        for text in ["1000000000.000001", "1e308", "9223372036854775807", "1e2147483647"] {
            assert_eq!(Usdt::parse(text), Err(AmountError::TooLarge), "{text}");
        }
    }

    #[test]
    fn people_see_two_to_six_decimals() {
        for (micro, text) in [(0, "0.00"), (1, "0.000001"), (25_000_000, "25.00"), (-1_500_000, "-1.50"), (1_234_500, "1.2345")] {
            assert_eq!(Usdt(micro).to_string(), text);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20_000))]
        #[test]
        fn what_is_written_is_read_back(micro in 0..=Usdt::MAX.0) {
            let json = serde_json::to_string(&Usdt(micro)).expect("a number");
            prop_assert_eq!(serde_json::from_str::<Usdt>(&json).expect("our own number"), Usdt(micro));
            let text = format!("{}.{:06}", micro / MICRO, micro % MICRO);
            prop_assert_eq!(Usdt::parse(&text), Ok(Usdt(micro)));
            let through_value: serde_json::Value = serde_json::from_str(&json).expect("json");
            prop_assert_eq!(serde_json::from_value::<Usdt>(through_value).expect("our own number"), Usdt(micro));
        }

        #[test]
        fn reading_agrees_with_a_model_in_128_bits(whole in 0_u64..2_000_000_000, fraction in "[0-9]{0,9}") {
            let text = if fraction.is_empty() { whole.to_string() } else { format!("{whole}.{fraction}") };
            let nano = i128::from(whole) * 1_000_000_000 + format!("{fraction:0<9}").parse::<i128>().expect("digits");
            let model = if nano % 1_000 != 0 { Err(AmountError::TooFine) }
                else if nano / 1_000 > i128::from(Usdt::MAX.0) { Err(AmountError::TooLarge) }
                else { Ok(Usdt(i64::try_from(nano / 1_000).expect("in range"))) };
            prop_assert_eq!(Usdt::parse(&text), model);
        }
    }
}
