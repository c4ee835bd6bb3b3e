//! What operators decide about users and what they write.

pub(crate) mod store;
mod suspend_user;

use serde_json::json;

use crate::base::operation::{Access, Method, Operation, command};

crate::refusals! {
    /// What this room refuses.
    pub enum ModerationRefusal {
        OwnAccount = 409 "own_account": "Nobody decides about himself." => "Ask another admin.";
        NotActive = 409 "not_active": "This user is not active." => "There is nothing to suspend.";
        NotSuspended = 409 "not_suspended": "This user is not suspended." => "There is nothing to restore.";
    }
}

/// What this room offers.
pub fn operations() -> Vec<Operation> {
    vec![
        command("admin_suspend_user", Method::Post, "/api/v1/admin/users/{user_id}/suspend", Access::Admin, suspend_user::suspend_user)
            .example(json!({ "reason": "Sells accounts." }))
            .about("End all sessions of a user and let him only read."),
        command("admin_restore_user", Method::Post, "/api/v1/admin/users/{user_id}/restore", Access::Admin, suspend_user::restore_user)
            .example(json!({ "reason": "It was a mistake." }))
            .about("Let a suspended user act again."),
    ]
}
