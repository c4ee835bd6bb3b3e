//! What tests need from inside.
