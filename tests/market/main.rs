//! The market under attack: races, every state, random lives against a model, everything that must be refused, the clock.
#![expect(clippy::unwrap_used, reason = "a test may stop where it stands")]

mod bad_input;
mod clock;
mod deeds;
mod life;
mod life_steps;
mod lives;
mod model;
mod model_rules;
mod races;
mod referrals;
mod states;
