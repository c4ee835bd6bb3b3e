//! Signed transactions of the chain, as far as the auditor reads them: their id is the hash of what was signed.

use sha2::{Digest as _, Sha256};

/// The id of a transaction; none if these bytes are not one.
///
/// They are two fields of a protocol buffer: what was signed, then the signature.
pub(crate) fn txid_of(signed: &[u8]) -> Option<[u8; 32]> {
    let mut rest = signed.strip_prefix(&[0x0a])?;
    let mut length = 0usize;
    for shift in [0, 7, 14] {
        let (byte, after) = rest.split_first()?;
        rest = after;
        length |= usize::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            let (raw, signature) = rest.split_at_checked(length)?;
            let is_signed = matches!(signature, [0x12, 65, signature @ ..] if signature.len() == 65);
            return is_signed.then(|| Sha256::digest(raw).into());
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signed(raw: &[u8], length: &[u8]) -> Vec<u8> {
        [&[0x0a], length, raw, &[0x12, 65], &[7; 65]].concat()
    }

    #[test]
    fn the_id_is_the_hash_of_what_was_signed() {
        let short = [3; 100];
        assert_eq!(txid_of(&signed(&short, &[100])), Some(Sha256::digest(short).into()));
        let long = [3; 300];
        assert_eq!(txid_of(&signed(&long, &[0xac, 2])), Some(Sha256::digest(long).into()));
    }

    #[test]
    fn what_is_not_signed_has_none() {
        let whole = signed(&[3; 100], &[100]);
        for bytes in [&[][..], &[0x0a], &whole[1..], &whole[..whole.len() - 1], &[&whole[..], &[0]].concat(), &[0x0a, 0xff, 0xff, 0xff, 1]]
        {
            assert_eq!(txid_of(bytes), None, "{bytes:?}");
        }
    }
}
