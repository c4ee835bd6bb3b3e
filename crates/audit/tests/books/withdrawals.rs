//! Withdrawals: a random way through their states, with everything that it leaves behind.

use uuid::Uuid;

use crate::chain::{Address, Hash, hex, number};
use crate::market::{Market, ONCHAIN, PLATFORM_FEES, USDT};

pub const FEE: i64 = 1_500_000;

pub struct Withdrawal {
    pub id: Uuid,
    pub user: Uuid,
    pub address: Address,
    pub amount: i64,
    pub steps: Vec<&'static str>,
    pub is_cleared: bool,
    pub txid: Option<Hash>,
    pub at: i64,
}

impl Market {
    /// Each way once.
    pub fn all_withdrawals(&mut self) {
        for (way, count) in [(0, 7), (1, 4), (2, 5)] {
            for how in 0..count {
                self.now += 1000;
                let user = self.users.iter().find(|user| self.accounts[&user.id].balance > 20 * USDT);
                self.take_out(user.expect("somebody has money").id, 12 * USDT, (way, how));
            }
        }
    }

    /// What a user takes out, how it ends, and after what.
    pub fn take_out(&mut self, user: Uuid, amount: i64, (way, how): (i64, i64)) {
        let (id, address) = (self.dice.id(), self.chain.address());
        self.open(id, user, "withdrawal_hold", id);
        self.record("withdraw", id, user, vec![(user, id, amount)]);
        let at = self.now;
        self.withdrawals.push(Withdrawal { id, user, address, amount, steps: Vec::new(), is_cleared: false, txid: None, at });
        self.go("queued");
        match way {
            0 => self.wait(how),
            1 => self.give_back(how),
            _ => self.pay_out(how),
        }
    }

    fn current(&mut self) -> &mut Withdrawal {
        self.withdrawals.last_mut().expect("just made")
    }

    fn go(&mut self, status: &'static str) {
        let withdrawal = self.current();
        withdrawal.steps.push(status);
        let kind = match (status, withdrawal.steps.len()) {
            ("queued", 1) => "withdrawal_queued",
            ("queued", _) => "withdrawal_approved",
            ("in_review", _) => "withdrawal_in_review",
            ("sending", _) => "withdrawal_sent",
            ("completed", _) => "withdrawal_completed",
            ("rejected", _) => "withdrawal_rejected",
            ("cancelled", _) => "withdrawal_cancelled",
            _ => "withdrawal_refunded",
        };
        let Withdrawal { id, user, amount, txid, .. } = *withdrawal;
        let txid = txid.map_or("null".to_owned(), |txid| format!("\"{}\"", hex(&txid)));
        let (all, fee, net) = (number(amount), number(FEE), number(amount - FEE));
        let data = format!(
            r#"{{"withdrawal_id":"{id}","amount":{all},"fee":{fee},"net_amount":{net},"status":"{status}","reason":"","txid":{txid}}}"#
        );
        self.tell_money(user, kind, data);
    }

    /// The rules let it out, at once or after a look.
    fn clear(&mut self) {
        if self.chain.dice.between(0, 1) == 0 {
            self.go("in_review");
            self.go("queued");
        }
        self.current().is_cleared = true;
    }

    fn order(&mut self) -> usize {
        let (hot, now) = (self.chain.hot_address, self.now);
        let Withdrawal { id, address, amount, .. } = *self.current();
        self.chain.order(id, "payout", hot, address, amount - FEE, now)
    }

    fn sign(&mut self, order: usize) {
        self.chain.sign(order);
        self.current().txid = self.chain.orders[order].attempts.last().map(|attempt| attempt.txid);
        if self.current().steps.last() != Some(&"sending") {
            self.go("sending");
        }
    }

    /// An attempt that leads nowhere.
    fn try_in_vain(&mut self, order: usize, state: &'static str) {
        self.sign(order);
        if self.chain.dice.between(0, 2) > 0 {
            self.chain.send(order);
        }
        self.chain.bury(order, state);
    }

    fn wait(&mut self, how: i64) {
        if how == 0 {
            return self.go("in_review");
        }
        self.clear();
        if how == 1 {
            return;
        }
        let order = self.order();
        match how {
            2 => {}
            3 => self.sign(order),
            4 => {
                self.sign(order);
                self.chain.send(order);
            }
            5 => self.try_in_vain(order, "approved"),
            _ => self.try_in_vain(order, "needs_operator"),
        }
    }

    fn give_back(&mut self, how: i64) {
        match how {
            0 => self.go_back("cancelled"),
            1 => {
                self.go("in_review");
                self.go_back("rejected");
            }
            2 => {
                self.clear();
                let order = self.order();
                self.chain.orders[order].steps.push("dropped");
                self.go_back("cancelled");
            }
            _ => {
                self.clear();
                let order = self.order();
                for _ in 0..2 {
                    self.sign(order);
                    self.chain.include(order, false);
                }
                self.go_back("refunded");
            }
        }
    }

    fn go_back(&mut self, status: &'static str) {
        let Withdrawal { id, user, amount, .. } = *self.current();
        self.record("release", id, Uuid::nil(), vec![(id, user, amount)]);
        self.go(status);
    }

    fn pay_out(&mut self, how: i64) {
        self.clear();
        let order = self.order();
        match how {
            0 => self.try_in_vain(order, "approved"),
            1 => {
                self.sign(order);
                self.chain.send(order);
                self.chain.include(order, false);
            }
            _ => {}
        }
        match how {
            2 => {
                self.try_in_vain(order, "needs_operator");
                self.current().txid = Some(self.chain.adopt(order));
            }
            3 => {
                // Its user is suspended, and an admin finds that it went out before a backup.
                self.go("in_review");
                self.current().is_cleared = false;
                self.current().txid = Some(self.chain.adopt(order));
                self.go("sending");
            }
            _ => {
                self.sign(order);
                self.chain.send(order);
                self.chain.include(order, true);
            }
        }
        let Withdrawal { id, amount, .. } = *self.current();
        self.record("payout", id, Uuid::nil(), vec![(id, ONCHAIN, amount - FEE), (id, PLATFORM_FEES, FEE)]);
        self.go("completed");
    }
}
