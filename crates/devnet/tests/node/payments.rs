//! Money on the chain: what moves, what it costs, what the infos say.

use serde_json::json;
use tron::Contract;
use tron::node::{Block, BlockTransaction, Estimate, Outcome, Verdict};

use crate::support::{call, devnet, draft, fund, key, node, order, payment, usdt, word};

async fn mined(devnet: &devnet::Devnet) -> Block {
    let (head, _) = devnet.mine(1).unwrap();
    devnet.mine(2).unwrap();
    node(devnet, 0).solid_block(head).await.unwrap()
}

fn only(block: &Block) -> &BlockTransaction {
    let [transaction] = block.transactions.as_slice() else { panic!("{block:?}") };
    transaction
}

#[tokio::test]
async fn a_payment_arrives_and_costs_what_mainnet_takes() {
    let devnet = devnet();
    let node = node(&devnet, 0);
    fund(&devnet, &key(1));
    let to = key(2).address();
    for energy in [130_285, 64_285] {
        let signed = payment(&devnet, &key(1), to, 23_500_000).await;
        assert_eq!(node.estimate_transfer(usdt(&devnet), key(1).address(), to, 23_500_000).await.unwrap(), Estimate::Energy(energy));
        assert_eq!(node.broadcast(&signed).await.verdict, Verdict::Accepted);
        let block = mined(&devnet).await;
        let transaction = only(&block);
        assert_eq!((transaction.txid, transaction.energy), (signed.txid(), energy));
        // 345 bytes are free once a day, not twice.
        let bandwidth = if energy == 130_285 { 0 } else { 345_000 };
        assert_eq!(transaction.fee_sun, energy * 100 + bandwidth);
        let (at, transfer) = transaction.transfers().next().unwrap();
        assert_eq!((at, transfer.contract, transfer.to, transfer.units.to_i64()), (0, usdt(&devnet), to, Some(23_500_000)));
        assert_eq!(transaction.owner, Some(key(1).address()));
        let (number, found) = node.solid_transaction(signed.txid()).await.unwrap().unwrap();
        assert_eq!((number, found.outcome), (block.header.number(), Outcome::Success));
    }
    assert_eq!(node.token_balance(usdt(&devnet), to).await.unwrap().to_i64(), Some(47_000_000));
    assert_eq!(node.account(to).await.unwrap(), None, "tokens bring no account into being");
}

#[tokio::test]
async fn trx_bring_an_account_into_being() {
    let devnet = devnet();
    fund(&devnet, &key(1));
    let node = node(&devnet, 0);
    let to = key(2).address();
    let mut draft = draft(&devnet, &key(1), to, 1).await;
    draft.contract = Contract::TrxTransfer { owner: key(1).address(), to, sun: 5_000_000 };
    draft.fee_limit_sun = 0;
    assert_eq!(node.broadcast(&draft.sign(&key(1)).unwrap()).await.verdict, Verdict::Accepted);
    let block = mined(&devnet).await;
    assert_eq!((only(&block).fee_sun, &only(&block).outcome), (1_100_000, &Outcome::Success));
    assert_eq!(node.account(to).await.unwrap().unwrap().balance_sun, 5_000_000);
    assert_eq!(node.account(key(1).address()).await.unwrap().unwrap().balance_sun, 1_000_000_000 - 6_100_000);
}

#[tokio::test]
async fn an_address_without_trx_cannot_pay() {
    let devnet = devnet();
    devnet.faucet(&key(1).address().to_string(), Some("5"), None).unwrap();
    devnet.mine(3).unwrap();
    let reply = node(&devnet, 0).broadcast(&payment(&devnet, &key(1), key(2).address(), 1).await).await;
    assert_eq!((reply.verdict, reply.code.as_str()), (Verdict::Refused, "CONTRACT_VALIDATE_ERROR"));
    assert!(reply.message.contains("does not exist"), "{}", reply.message);
}

#[tokio::test]
async fn too_low_a_fee_limit_burns_the_fee_and_moves_nothing() {
    let devnet = devnet();
    fund(&devnet, &key(1));
    let node = node(&devnet, 0);
    let mut draft = draft(&devnet, &key(1), key(2).address(), 5_000_000).await;
    draft.fee_limit_sun = 6_000_000;
    let signed = draft.sign(&key(1)).unwrap();
    assert_eq!(node.broadcast(&signed).await.verdict, Verdict::Accepted);
    let block = mined(&devnet).await;
    let transaction = only(&block);
    assert_eq!(transaction.outcome, Outcome::Failed("OUT_OF_ENERGY".into()));
    assert_eq!((transaction.energy, transaction.fee_sun, transaction.logs.len()), (60_000, 6_000_000, 0));
    assert!(node.token_balance(usdt(&devnet), key(2).address()).await.unwrap().is_zero());
    // It is final: the same bytes are a duplicate for ever.
    assert_eq!(node.broadcast(&signed).await.verdict, Verdict::Known);
}

#[tokio::test]
async fn a_blacklisted_or_poor_sender_and_a_pause_revert() {
    let devnet = devnet();
    fund(&devnet, &key(1));
    fund(&devnet, &key(3));
    let node = node(&devnet, 0);
    order(&devnet, "blacklist", &json!({ "address": key(1).address().to_string() }));
    devnet.mine(3).unwrap();
    assert!(node.token_blocks(usdt(&devnet), key(1).address()).await.unwrap());
    let reverts = |from: u8, units| {
        let (devnet, node) = (devnet.clone(), node.clone());
        async move {
            let estimate = node.estimate_transfer(usdt(&devnet), key(from).address(), key(2).address(), units).await.unwrap();
            assert_eq!(estimate, Estimate::Reverts("REVERT opcode executed".into()));
            let signed = payment(&devnet, &key(from), key(2).address(), units).await;
            assert_eq!(node.broadcast(&signed).await.verdict, Verdict::Accepted, "a node takes what will revert");
            let block = mined(&devnet).await;
            assert_eq!(only(&block).outcome, Outcome::Failed("REVERT".into()));
        }
    };
    reverts(1, 1).await;
    reverts(3, 1_000_000_001).await;
    order(&devnet, "token", &json!({ "paused": true }));
    devnet.mine(3).unwrap();
    reverts(3, 1).await;
    order(&devnet, "token", &json!({ "paused": false }));
    devnet.mine(3).unwrap();
    let signed = payment(&devnet, &key(3), key(2).address(), 1).await;
    node.broadcast(&signed).await;
    assert_eq!(only(&mined(&devnet).await).outcome, Outcome::Success);
}

#[tokio::test]
async fn a_fee_on_transfers_is_a_transfer_of_its_own() {
    let devnet = devnet();
    fund(&devnet, &key(1));
    order(&devnet, "token", &json!({ "fee_bps": 10 }));
    devnet.mine(3).unwrap();
    node(&devnet, 0).broadcast(&payment(&devnet, &key(1), key(2).address(), 10_000_000).await).await;
    let block = mined(&devnet).await;
    let moved: Vec<_> = only(&block).transfers().map(|(at, transfer)| (at, transfer.units.to_i64().unwrap())).collect();
    assert_eq!(moved, [(0, 10_000), (1, 9_990_000)]);
}

#[tokio::test]
async fn what_only_looks_like_usdt_has_another_contract_or_four_topics() {
    let devnet = devnet();
    fund(&devnet, &key(1));
    let places = order(&devnet, "", &json!({}));
    let place = |name: &str| places[name].as_str().unwrap().to_owned();
    let address = |of: u8| format!("{:0>64}", tron::hex::encode(&key(of).address().to_evm()));

    let picture = [address(1), address(2), word(77)].concat();
    call(&devnet, &key(1), &place("nft_contract"), "transferFrom(address,address,uint256)", &picture);
    let block = mined(&devnet).await;
    assert_eq!((only(&block).logs[0].topics.len(), only(&block).transfers().count()), (4, 0));

    let splitter: tron::Address = place("splitter_contract").parse().unwrap();
    node(&devnet, 0).broadcast(&payment(&devnet, &key(1), splitter, 9_000_000).await).await;
    mined(&devnet).await;
    let shares = [address(2), word(4_000_000), address(2), word(5_000_000)].concat();
    call(&devnet, &key(1), &place("splitter_contract"), "pay(address,uint256,address,uint256)", &shares);
    let block = mined(&devnet).await;
    let moved: Vec<_> = only(&block).transfers().map(|(at, t)| (at, t.from, t.to, t.units.to_i64().unwrap())).collect();
    assert_eq!(moved, [(0, splitter, key(2).address(), 4_000_000), (1, splitter, key(2).address(), 5_000_000)]);

    // Twice the same in one transaction is too much for what is left: neither happens.
    let too_much = [address(2), word(1), address(2), word(1)].concat();
    call(&devnet, &key(1), &place("splitter_contract"), "pay(address,uint256,address,uint256)", &too_much);
    assert_eq!(only(&mined(&devnet).await).outcome, Outcome::Failed("REVERT".into()));
}

#[tokio::test]
async fn deposits_of_an_odd_kind_are_what_they_are_called() {
    let devnet = devnet();
    let to = key(2).address();
    let odd = |kind: &str| {
        order(&devnet, "odd", &json!({ "kind": kind, "address": to.to_string(), "usdt": "2.5", "other": key(3).address().to_string() }));
        mined(&devnet)
    };
    let all = |block: &Block| -> Vec<_> {
        let transfers = block.transactions.iter().flat_map(BlockTransaction::transfers);
        transfers.map(|(at, transfer)| (at, transfer.contract == usdt(&devnet), transfer.to, transfer.units.to_i64())).collect()
    };
    assert_eq!(all(&odd("fake").await), [(0, false, to, Some(2_500_000))]);
    assert_eq!(all(&odd("zero").await), [(0, true, to, Some(0))]);
    let block = odd("four_topics").await;
    assert_eq!((only(&block).logs[0].topics.len(), all(&block).len()), (4, 0));
    let block = odd("failed").await;
    assert_eq!((&only(&block).outcome, all(&block).len()), (&Outcome::Failed("OUT_OF_ENERGY".into()), 0));
    let block = odd("above_i64").await;
    assert_eq!(all(&block), [(0, true, to, None)]);
    let (_, transfer) = block.transactions[1].transfers().next().unwrap();
    assert_eq!(transfer.units.to_hex(), format!("{:064x}", 1_u128 << 64));
    let block = odd("two_in_one").await;
    let last = block.transactions.last().unwrap();
    let moved: Vec<_> = last.transfers().map(|(at, transfer)| (at, transfer.to)).collect();
    assert_eq!(moved, [(0, to), (1, key(3).address())]);
}

#[tokio::test]
async fn prices_are_read_from_the_chain() {
    let devnet = devnet();
    order(&devnet, "energy_price", &json!({ "sun": 210 }));
    let prices = node(&devnet, 0).chain_parameters().await.unwrap();
    assert_eq!((prices.energy_price_sun, prices.bandwidth_price_sun, prices.fee_limit_max_sun), (210, 1_000, 15_000_000_000));
    assert_eq!(node(&devnet, 0).token_decimals(usdt(&devnet)).await.unwrap().to_i64(), Some(6));
    assert_eq!(node(&devnet, 0).token_symbol(usdt(&devnet)).await.unwrap(), "USDT");
}
