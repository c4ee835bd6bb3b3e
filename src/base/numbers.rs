//! The numbers of a JSON text as they are written. A float keeps about 16 digits: what it would round is refused, so that
//! no number arrives as another one.

/// The numbers of a JSON text, one after the other, as a parser comes by them.
pub struct Numbers<'b> {
    rest: &'b [u8],
}

impl<'b> Numbers<'b> {
    /// Of this text. What it is worth when the text is not JSON is of no interest: the parser refuses it.
    pub const fn of(text: &'b [u8]) -> Self {
        Self { rest: text }
    }
}

impl<'b> Iterator for Numbers<'b> {
    type Item = &'b str;

    fn next(&mut self) -> Option<&'b str> {
        let mut at = 0;
        loop {
            match self.rest.get(at)? {
                b'"' => at = end_of_string(self.rest, at + 1)?,
                b'-' | b'0'..=b'9' => break,
                _ => at += 1,
            }
        }
        let from = &self.rest[at..];
        let length = from.iter().take_while(|b| matches!(b, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E')).count();
        let (number, rest) = from.split_at(length);
        self.rest = rest;
        std::str::from_utf8(number).ok()
    }
}

fn end_of_string(text: &[u8], mut at: usize) -> Option<usize> {
    loop {
        match text.get(at)? {
            b'"' => return Some(at + 1),
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
}

/// The float that is written as `text`; nothing when it stands for another number, if only in the last digit.
pub fn exact(text: &str) -> Option<f64> {
    let float = text.parse::<f64>().ok().filter(|float| float.is_finite())?;
    // The shortest text that leads to this float, in exponent form.
    (Decimal::of(text)? == Decimal::of(&format!("{float:e}"))?).then_some(float)
}

/// 0.DIGITS x 10^point; zero has no digits.
#[derive(PartialEq, Eq)]
struct Decimal {
    digits: String,
    point: i64,
}

impl Decimal {
    fn of(number: &str) -> Option<Self> {
        let (mantissa, exponent) = number.split_once(['e', 'E']).unwrap_or((number, "0"));
        let mantissa = mantissa.trim_start_matches('-');
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let all = format!("{whole}{fraction}");
        let digits = all.trim_start_matches('0');
        let zeros = i64::try_from(all.len() - digits.len()).ok()?;
        let digits = digits.trim_end_matches('0').to_owned();
        let point =
            if digits.is_empty() { 0 } else { exponent.parse::<i64>().ok()?.checked_add(i64::try_from(whole.len()).ok()? - zeros)? };
        Some(Self { digits, point })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn numbers_are_found_outside_of_strings() {
        let text = br#"{"a1":-1.5e+3,"b\"2\\":[0,"3\\",{"c":12}],"d":true,"e":"9","f":7}"#;
        assert_eq!(Numbers::of(text).collect::<Vec<_>>(), ["-1.5e+3", "0", "12", "7"]);
        for broken in [&b"\"never closed 1"[..], b"\"\\", b"", b"\"\\\""] {
            assert_eq!(Numbers::of(broken).next(), None);
        }
    }

    #[test]
    fn what_a_float_does_not_keep_is_found() {
        for text in [
            "0.1",
            "1e-7",
            "1E-6",
            "25.0000",
            "-0",
            "0e99999999999999999999",
            "1000000000.000000",
            "999999999.999999",
            "1e23",
            "0.30",
            "100000000000000000000",
            "1.7976931348623157e308",
            "0.10000000000000000000000000000000",
            "5e-324",
        ] {
            assert!(exact(text).is_some(), "{text}");
        }
        for text in [
            "25.0000000000000001",
            "0.1000000000000000055511151231257827",
            "99999999999999999999",
            "9007199254740993.0",
            "1e-400",
            "1e400",
            "1e-99999999999999999999",
            "1.79769313486231570001e308",
            "4e-324",
        ] {
            assert!(exact(text).is_none(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn fifteen_digits_always_arrive(digits in 1_u64..1_000_000_000_000_000, point in 0_u32..12) {
            let scale = 10_u64.pow(point);
            let text = format!("{}.{:0width$}", digits / scale, digits % scale, width = point.max(1) as usize);
            prop_assert!(exact(&text).is_some(), "{}", text);
            let longer = format!("{text}00000000000000000000000001");
            prop_assert!(exact(&longer).is_none(), "{}", longer);
        }
    }
}
