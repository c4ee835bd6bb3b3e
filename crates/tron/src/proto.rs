//! As much of the protobuf wire format as a transaction needs: numbers (type 0) and bytes (type 2) in messages.
//!
//! Written by hand because the bytes are hashed: they must be those that every other client writes, field by field in
//! rising order, with zeros left out.

/// Writes the fields of one message.
#[derive(Default)]
pub(crate) struct Writer(Vec<u8>);

impl Writer {
    /// Bytes or an inner message. Nothing when empty, as proto3 has it.
    pub(crate) fn bytes(mut self, field: u32, bytes: &[u8]) -> Self {
        if !bytes.is_empty() {
            self.varint(u64::from(field) << 3 | 2);
            self.varint(u64::try_from(bytes.len()).expect("a length fits into 64 bits"));
            self.0.extend_from_slice(bytes);
        }
        self
    }

    /// An `int64` or an enum. Nothing when zero, as proto3 has it.
    pub(crate) fn number(mut self, field: u32, number: i64) -> Self {
        if number != 0 {
            self.varint(u64::from(field) << 3);
            self.varint(number.cast_unsigned());
        }
        self
    }

    pub(crate) fn finish(self) -> Vec<u8> {
        self.0
    }

    fn varint(&mut self, mut rest: u64) {
        while rest >= 0x80 {
            self.0.push(u8::try_from(rest & 0x7f).expect("seven bits") | 0x80);
            rest >>= 7;
        }
        self.0.push(u8::try_from(rest).expect("seven bits"));
    }
}

/// What a field holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Field<'a> {
    Number(i64),
    Bytes(&'a [u8]),
}

/// The fields of one message in the order in which they stand; `None` when the bytes are no message of numbers and bytes.
/// Lenient about how numbers are spelt: whoever cares encodes again and compares.
pub(crate) fn read(mut rest: &[u8]) -> Option<Vec<(u64, Field<'_>)>> {
    let mut fields = Vec::new();
    while !rest.is_empty() {
        let tag = varint(&mut rest)?;
        let field = match tag & 7 {
            0 => Field::Number(varint(&mut rest)?.cast_signed()),
            2 => {
                let length = usize::try_from(varint(&mut rest)?).ok()?;
                let (bytes, after) = rest.split_at_checked(length)?;
                rest = after;
                Field::Bytes(bytes)
            }
            _ => return None,
        };
        fields.push((tag >> 3, field));
    }
    Some(fields)
}

fn varint(rest: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let (&byte, after) = rest.split_first()?;
        *rest = after;
        number |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(number);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Field, Writer, read};

    #[test]
    fn zeros_and_empty_bytes_are_left_out() {
        assert!(Writer::default().number(1, 0).bytes(2, &[]).finish().is_empty());
        assert_eq!(Writer::default().number(18, 300).finish(), [0x90, 0x01, 0xac, 0x02]);
    }

    #[test]
    fn damaged_messages_are_refused() {
        for bytes in [&[0x08][..], &[0x08, 0x80], &[0x0a, 0x02, 0x01], &[0x0d, 0, 0, 0, 0], &[0x0b], &[0xff; 11]] {
            assert_eq!(read(bytes), None, "{bytes:?}");
        }
    }

    proptest! {
        #[test]
        fn fields_come_back(number in any::<i64>(), bytes: Vec<u8>, field in 1_u32..5_000) {
            prop_assume!(number != 0 && !bytes.is_empty());
            let message = Writer::default().number(field, number).bytes(field + 1, &bytes).finish();
            let (first, second) = (u64::from(field), u64::from(field) + 1);
            prop_assert_eq!(read(&message), Some(vec![(first, Field::Number(number)), (second, Field::Bytes(&bytes))]));
        }

        #[test]
        fn no_bytes_make_the_reader_panic(bytes: Vec<u8>) {
            let _ = read(&bytes);
        }
    }
}
