//! One message, one reading.
