//! Bytes as hexadecimal text, the way java-tron writes them: lower case, no prefix.

/// Lower case, no prefix.
pub fn encode(bytes: &[u8]) -> String {
    bytes.iter().flat_map(|byte| [byte >> 4, byte & 0x0f]).filter_map(|digit| char::from_digit(u32::from(digit), 16)).collect()
}

/// Reads either case; `None` for an odd length, a prefix or anything that is no digit.
pub fn decode(text: &str) -> Option<Vec<u8>> {
    let mut bytes = vec![0; text.len() / 2];
    fill(text, &mut bytes).then_some(bytes)
}

/// Like [`decode`], for a length known beforehand.
pub fn decode_array<const N: usize>(text: &str) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    fill(text, &mut bytes).then_some(bytes)
}

/// A block has a hundred thousand digits of ids and logs, and catching up reads hundreds of blocks a second: so a table.
fn fill(text: &str, bytes: &mut [u8]) -> bool {
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    let mut seen = 0;
    for ([high, low], byte) in pairs.iter().zip(&mut *bytes) {
        let (high, low) = (DIGITS[usize::from(*high)], DIGITS[usize::from(*low)]);
        seen |= high | low;
        *byte = high << 4 | low & 0x0f;
    }
    rest.is_empty() && pairs.len() == bytes.len() && seen <= 0x0f
}

/// The value of each digit; 0xff for what is none.
const DIGITS: [u8; 256] = {
    let mut digits = [0xff; 256];
    let mut value = 0;
    while value < 16 {
        digits[b"0123456789abcdef"[value as usize] as usize] = value;
        digits[b"0123456789ABCDEF"[value as usize] as usize] = value;
        value += 1;
    }
    digits
};

/// Reads a text of hex digits out of a document, without a copy of it.
pub(crate) struct Visitor<T, F: Fn(&str) -> Option<T>> {
    pub(crate) expecting: &'static str,
    pub(crate) read: F,
}

impl<T, F: Fn(&str) -> Option<T>> serde::de::Visitor<'_> for Visitor<T, F> {
    type Value = T;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.expecting)
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<T, E> {
        (self.read)(text).ok_or_else(|| E::invalid_value(serde::de::Unexpected::Str(text), &self.expecting))
    }
}

#[cfg(test)]
mod tests {
    use super::{decode, decode_array, encode};

    #[test]
    fn bytes_come_back_and_nothing_else_is_read() {
        let all: Vec<u8> = (0..=255).collect();
        assert_eq!(decode(&encode(&all)), Some(all));
        assert_eq!(decode_array("00fF"), Some([0, 255]));
        for wrong in ["0", "0x00", "zz", "0 ", "é"] {
            assert_eq!(decode(wrong), None, "{wrong}");
        }
        assert_eq!(decode_array::<3>("00ff"), None);
    }
}
