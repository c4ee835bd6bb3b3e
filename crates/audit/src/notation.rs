//! How amounts, times and hashes are written: integers only, no float ever sees an amount.

use std::fmt::Write as _;

use crate::calendar::date;

const MICRO: u128 = 1_000_000;

/// Micro-USDT as decimal USDT with six digits.
pub(crate) fn usdt(micro: i128) -> String {
    let sign = if micro < 0 { "-" } else { "" };
    let size = micro.unsigned_abs();
    format!("{sign}{}.{:06}", size / MICRO, size % MICRO)
}

/// The other way round, from a number as JSON writes it: `12.5`, `3e-6`. None if it is finer than a micro.
pub(crate) fn micro(number: &str) -> Option<i128> {
    let (mantissa, exponent) = number.split_once(['e', 'E']).unwrap_or((number, "0"));
    let exponent: i32 = exponent.strip_prefix('+').unwrap_or(exponent).parse().ok()?;
    let (whole, part) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let part = part.trim_end_matches('0');
    let places = exponent.checked_add(6)?.checked_sub(i32::try_from(part.len()).ok()?)?;
    let digits: i128 = format!("{whole}{part}").parse().ok()?;
    if digits == 0 { Some(0) } else { digits.checked_mul(10i128.checked_pow(u32::try_from(places).ok()?)?) }
}

/// Lower-case hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        write!(text, "{byte:02x}").expect("writing to a String does not fail");
        text
    })
}

/// Milliseconds since 1970 as `2026-05-23T10:00:00Z`.
pub(crate) fn instant(millis: i64) -> String {
    let seconds = millis.div_euclid(1000);
    let (year, month, day) = date(seconds.div_euclid(86_400));
    let of_day = seconds.rem_euclid(86_400);
    format!("{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z", of_day / 3600, of_day / 60 % 60, of_day % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_have_six_digits_and_keep_their_sign() {
        assert_eq!(usdt(0), "0.000000");
        assert_eq!(usdt(91_233_104_000), "91233.104000");
        assert_eq!(usdt(-1), "-0.000001");
        assert_eq!(usdt(i128::from(i64::MIN)), "-9223372036854.775808");
    }

    #[test]
    fn amounts_are_read_as_json_writes_them() {
        let texts = [("25.0", 25_000_000), ("12.345678", 12_345_678), ("1e-6", 1), ("1.5e-5", 15), ("0.0", 0), ("-3", -3_000_000)];
        for (text, micros) in texts.into_iter().chain([("1e3", 1_000_000_000), ("9223372036854.775", 9_223_372_036_854_775_000)]) {
            assert_eq!(micro(text), Some(micros), "{text}");
        }
        for text in ["", "1e-7", "0.0000001", "x", "1e", "1e99"] {
            assert_eq!(micro(text), None, "{text}");
        }
    }

    #[test]
    fn instants_are_utc() {
        assert_eq!(instant(0), "1970-01-01T00:00:00Z");
        assert_eq!(instant(951_782_400_000), "2000-02-29T00:00:00Z");
        assert_eq!(instant(1_779_530_400_999), "2026-05-23T10:00:00Z");
        assert_eq!(instant(-1), "1969-12-31T23:59:59Z");
    }

    #[test]
    fn hashes_are_lower_case_hex() {
        assert_eq!(hex(&[0, 10, 255]), "000aff");
    }
}
