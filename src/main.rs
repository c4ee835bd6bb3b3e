//! roborent.
fn main() {}
