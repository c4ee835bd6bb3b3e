//! What names may be made of.

/// A name that people can see.
pub(super) fn not_blank(name: &str, _: &()) -> garde::Result {
    let visible = name.chars().any(|c| !c.is_whitespace() && !c.is_control());
    let clean = !name.chars().any(char::is_control);
    if visible && clean { Ok(()) } else { Err(garde::Error::new("must have a visible character and no control characters")) }
}

/// Text on one line.
pub(super) fn no_controls(text: &str, _: &()) -> garde::Result {
    if text.chars().any(char::is_control) { Err(garde::Error::new("must not hold control characters")) } else { Ok(()) }
}

/// A name for addresses.
pub(super) fn username_form(text: &str, _: &()) -> garde::Result {
    let fits = text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
    if fits { Ok(()) } else { Err(garde::Error::new("must be made of a-z, 0-9 and _")) }
}
