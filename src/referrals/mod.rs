//! Who brought whom here, and what that earns.

pub mod commission;
mod get_referrals;
pub(crate) mod store;

use crate::base::context::Scope;
use crate::base::operation::{Access, Method, Operation, query};
use crate::base::tool::tool;

/// What this room offers.
pub fn operations() -> Vec<Operation> {
    vec![
        query("get_referrals", Method::Get, "/api/v1/agent/referrals", Access::User(Scope::Read), get_referrals::get_referrals)
            .about("Your referral code and link, and what the users who came with it have earned you.")
            .tool(tool("List your referrals", "Return your referral code and link, what they have earned you, and the users who joined with them: name, joining date, end of earning, commission. Share the link to earn 20 % of the platform fee of those users for 12 months. Single payments are in get_transactions.")),
    ]
}
