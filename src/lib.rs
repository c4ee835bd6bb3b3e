//! roborent.
