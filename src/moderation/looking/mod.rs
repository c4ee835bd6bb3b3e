//! What admins look at: users, what other admins did, how the market does. Nothing here changes anything.

mod actions;
mod overview;
pub(crate) mod store;
mod users;

pub(super) use actions::list_actions;
pub(super) use overview::get_overview;
pub(super) use users::{get_user, list_users};
