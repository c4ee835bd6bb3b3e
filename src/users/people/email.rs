//! E-mail addresses: one form in which they are stored and compared.

use crate::base::Result;
use crate::users::UserRefusal;

/// Characters of the longest address.
pub const LENGTH_MAX: usize = 254;

/// The address in lower case. Whether it exists, only a mail to it can tell.
///
/// # Errors
/// `invalid_email`.
pub fn normalized(text: &str) -> Result<String> {
    let email = text.trim().to_lowercase();
    let clean = !email.contains(|c: char| c.is_whitespace() || c.is_control() || "<>()[]\\,;:\"".contains(c));
    let parts = email.split_once('@').is_some_and(|(name, host)| {
        !name.is_empty() && host.len() > 2 && !host.contains('@') && !host.starts_with('.') && !host.ends_with('.')
    });
    if clean && parts && email.len() <= LENGTH_MAX { Ok(email) } else { Err(UserRefusal::InvalidEmail.into()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_lowered_and_nonsense_is_refused() {
        assert_eq!(normalized(" Ann@Example.COM ").expect("an address"), "ann@example.com");
        for wrong in ["", "ann", "@example.com", "ann@", "ann@b@c.de", "a b@c.de", "<ann@example.com>", "ann@.de", "a\r\n@example.com"] {
            assert!(normalized(wrong).is_err(), "{wrong}");
        }
    }
}
