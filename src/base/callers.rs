//! Who is behind credentials, for doors that go on talking to somebody after his call was answered.

use std::sync::Arc;

use crate::base::call::{Credentials, Dispatcher};
use crate::base::context::{Caller, Context, Member};
use crate::base::error::{Refusal, Result};
use crate::base::operation::{Access, Effect};
use crate::base::permission::may_read;

impl Dispatcher {
    /// Reads for a caller who was answered already and goes on being told: who he is, and what he may, is looked up anew.
    pub async fn look_as<T: Send + 'static>(
        self: &Arc<Self>,
        credentials: Credentials,
        access: Access,
        work: impl Fn(&mut Context<'_, '_>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let resolve = self.resolve;
        let look = move |cx: &mut Context<'_, '_>| {
            cx.caller = Caller::Anonymous;
            cx.caller = resolve(cx, &credentials, Effect::Query)?;
            may_read(access, &cx.caller)?;
            work(cx)
        };
        self.look(look).await
    }

    /// Who is behind these credentials at this moment.
    ///
    /// # Errors
    /// As the operations refuse them; `authentication_required` when there are none.
    pub async fn who(self: &Arc<Self>, credentials: &Credentials) -> Result<Member> {
        let (resolve, shown) = (self.resolve, credentials.clone());
        match self.look(move |cx| resolve(cx, &shown, Effect::Query)).await {
            Ok(Caller::Member(member)) => {
                self.known.learn(credentials, &member, self.clock.now());
                Ok(member)
            }
            Ok(Caller::Anonymous | Caller::System) => Err(Refusal::AuthenticationRequired.into()),
            Err(error) => {
                self.known.forget(credentials);
                Err(error)
            }
        }
    }

    /// Who was behind these credentials a moment ago; enough to count a call, not to let one through.
    pub fn last_known(&self, credentials: &Credentials) -> Option<Member> {
        self.known.find(credentials)
    }
}
